//! Who owns the partitions.

use mercer_store::{ClaimError, Error, HeldBy, LEASE_TTL_MS, Lease, Leases, Want};
use sea_orm::{ConnectionTrait, Database};

use crate::support::Env;

pub async fn a_living_node_keeps_its_partitions(env: Env) {
    let leases = env.store.leases();
    let stranger = leases.claim_all("never-registered", false).await;
    assert!(matches!(
        stranger,
        Err(ClaimError::Store(Error::Invalid { .. }))
    ));
    leases.register("node-1", "a").await.expect("register");
    let own = leases.claim_all("node-1", false).await.expect("claim");
    assert_eq!(own.len(), 256);
    leases.register("node-2", "b").await.expect("register");
    match leases.claim_all("node-2", false).await {
        Err(ClaimError::HeldBy(HeldBy {
            boot_id,
            expires_in_ms,
        })) => {
            assert_eq!(boot_id, "node-1");
            assert!(
                (1..=LEASE_TTL_MS).contains(&expires_in_ms),
                "{expires_in_ms}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(leases.holds(&own[7]).await, Ok(true));
    let forced = leases.claim_all("node-2", true).await.expect("take over");
    assert_eq!(leases.holds(&own[7]).await, Ok(false));
    assert_eq!(leases.holds(&forced[7]).await, Ok(true));
}

pub async fn an_expired_node_loses_its_partitions(env: Env) {
    let leases = env.store.leases();
    leases.register("node-1", "a").await.expect("register");
    leases.claim_all("node-1", false).await.expect("claim");
    leases.register("node-2", "b").await.expect("register");
    // The database's clock decides; instead of waiting for it, the heartbeat is made old.
    let raw = Database::connect(&env.url).await.expect("connect");
    let sql = format!(
        "UPDATE node SET expires_at_ms = expires_at_ms - {LEASE_TTL_MS} - 1 WHERE boot_id = 'node-1'"
    );
    raw.execute_unprepared(&sql).await.expect("update");
    raw.close().await.expect("close");
    let taken = leases.claim_all("node-2", false).await.expect("claim");
    assert_eq!(taken.len(), 256);

    // A heartbeat brings a node back to life, but not its partitions.
    assert_eq!(leases.heartbeat("node-1").await, Ok(true));
    assert_eq!(leases.holds(&taken[0]).await, Ok(true));
    assert!(matches!(
        leases.claim_all("node-1", false).await,
        Err(ClaimError::HeldBy(_))
    ));
    assert_eq!(leases.heartbeat("node-3").await, Ok(false));
}

pub async fn epochs_rise_with_every_claim(env: Env) {
    let leases = env.store.leases();
    let mut last = 0;
    for round in 0..3 {
        let boot_id = format!("node-{round}");
        leases.register(&boot_id, "a").await.expect("register");
        let own = leases.claim_all(&boot_id, false).await.expect("claim");
        assert!(
            own.iter()
                .enumerate()
                .all(|(p, lease)| usize::from(lease.partition) == p)
        );
        assert!(
            own.iter()
                .all(|lease| lease.epoch > last && lease.owner == boot_id)
        );
        last = own[0].epoch;
        leases.release(&boot_id).await.expect("release");
        assert_eq!(leases.holds(&own[0]).await, Ok(false));
        assert_eq!(leases.heartbeat(&boot_id).await, Ok(false));
    }
}

pub async fn living_nodes_share_the_partitions(env: Env) {
    let leases = env.store.leases();
    let stranger = leases.share("never-registered", &[], Want::FairShare).await;
    assert!(matches!(stranger, Err(Error::Invalid { .. })));
    let mut nodes = Nodes::new(leases);
    nodes.join("node-1").await;
    assert_eq!(nodes.counts().await, [256]);
    nodes.join("node-2").await;
    // The first gives half of them up, and then the second finds them.
    assert_eq!(nodes.counts().await, [128, 128]);
    nodes.join("node-3").await;
    assert_eq!(nodes.counts().await, [86, 86, 84]);
    let mut all: Vec<u16> = nodes
        .holding
        .iter()
        .flatten()
        .map(|l| l.partition)
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..256).collect::<Vec<u16>>());
    for lease in nodes.holding.iter().flatten() {
        assert_eq!(nodes.leases.holds(lease).await, Ok(true), "{lease:?}");
    }
}

pub async fn what_a_dead_node_held_is_claimed_under_new_epochs(env: Env) {
    let mut nodes = Nodes::new(env.store.leases());
    nodes.join("node-1").await;
    nodes.join("node-2").await;
    assert_eq!(nodes.counts().await, [128, 128]);
    let dead = nodes.holding.remove(1);
    nodes.names.remove(1);
    assert_eq!(nodes.counts().await, [128], "its lease still counts");
    let raw = Database::connect(&env.url).await.expect("connect");
    let sql = format!(
        "UPDATE node SET expires_at_ms = expires_at_ms - {LEASE_TTL_MS} - 1 WHERE boot_id = 'node-2'"
    );
    raw.execute_unprepared(&sql).await.expect("update");
    raw.close().await.expect("close");
    assert_eq!(nodes.counts().await, [256]);
    for lease in &dead {
        assert_eq!(nodes.leases.holds(lease).await, Ok(false));
    }
    // It was only stopped for a while: it is told what it lost, and gets its share again.
    nodes.leases.heartbeat("node-2").await.expect("heartbeat");
    let told = nodes.leases.share("node-2", &dead, Want::FairShare).await;
    let told = told.expect("share");
    assert_eq!((told.lost.len(), told.gained.len()), (128, 0));
    nodes.names.push("node-2".to_owned());
    nodes.holding.push(Vec::new());
    assert_eq!(nodes.counts().await, [128, 128]);
    let regained = &nodes.holding[1];
    assert!(regained.iter().all(|lease| {
        let before = dead.iter().find(|old| old.partition == lease.partition);
        before.is_none_or(|old| lease.epoch > old.epoch)
    }));
}

pub async fn what_nobody_works_on_is_claimed_anew(env: Env) {
    let leases = env.store.leases();
    leases.register("node-1", "a").await.expect("register");
    let first = leases.share("node-1", &[], Want::All).await.expect("share");
    assert_eq!(first.gained.len(), 256);
    let rest = &first.gained[..200];
    let again = leases
        .share("node-1", rest, Want::All)
        .await
        .expect("share");
    assert_eq!((again.gained.len(), again.lost.len()), (56, 0));
    assert!(again.gained.iter().all(|lease| {
        let old = &first.gained[usize::from(lease.partition)];
        lease.epoch == old.epoch + 1
    }));
    // A node that wants all takes nothing from one that lives.
    leases.register("node-2", "b").await.expect("register");
    let second = leases.share("node-2", &[], Want::All).await.expect("share");
    assert!(second.gained.is_empty());
    // What a node stopped working on beyond its share does not stay with it.
    let half = &first.gained[..128];
    let kept = leases.share("node-1", half, Want::FairShare).await;
    let kept = kept.expect("share");
    assert_eq!((kept.gained.len(), kept.surplus.len()), (0, 0));
    let second = leases.share("node-2", &[], Want::FairShare).await;
    assert_eq!(second.expect("share").gained.len(), 128);
}

/// Nodes that ask for their share in turn, as their heartbeats do.
struct Nodes {
    leases: Leases,
    names: Vec<String>,
    holding: Vec<Vec<Lease>>,
}

impl Nodes {
    fn new(leases: Leases) -> Self {
        Self {
            leases,
            names: Vec::new(),
            holding: Vec::new(),
        }
    }

    async fn join(&mut self, name: &str) {
        self.leases.register(name, "addr").await.expect("register");
        self.names.push(name.to_owned());
        self.holding.push(Vec::new());
    }

    /// Returns how many each holds after two rounds, and that no third would change anything.
    async fn counts(&mut self) -> Vec<usize> {
        for round in 0..3 {
            for (name, holding) in self.names.iter().zip(&mut self.holding) {
                let share = self.leases.share(name, holding, Want::FairShare).await;
                let share = share.expect("share");
                let moved = share.gained.len() + share.lost.len() + share.surplus.len();
                assert!(round < 2 || moved == 0, "{name} is not settled: {share:?}");
                self.leases.give_up(&share.surplus).await.expect("give up");
                holding
                    .retain(|lease| !share.lost.contains(lease) && !share.surplus.contains(lease));
                holding.extend(share.gained);
            }
        }
        self.holding.iter().map(Vec::len).collect()
    }
}
