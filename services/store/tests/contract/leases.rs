//! Who owns the partitions.

use mercer_store::{ClaimError, Error, HeldBy, LEASE_TTL_MS};
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
