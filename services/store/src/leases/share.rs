//! Sharing partitions between nodes that are alive: each holds a fair share, and what a dead one held is claimed by the
//! others.
//!
//! A node asks again and again. It claims what nobody holds while it has less than its share, and is told what to give up
//! while it has more, so that a new node gets its part within two rounds.

use std::collections::HashMap;

use mercer_schemas::ids::PARTITIONS;
use sea_orm::ConnectionTrait;

use super::{Lease, Leases, decode, is_registered, lock_claims};
use crate::db::{all, db_now, exec, get, one};
use crate::error::Error;
use crate::inbox::partition_filter;

/// How many partitions a node is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// All that no other living node holds.
    All,
    /// As many as any other living node.
    FairShare,
}

/// What changed for a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Claimed just now, each under a new epoch.
    pub gained: Vec<Lease>,
    /// Held no more: another node claimed them.
    pub lost: Vec<Lease>,
    /// More than the share: stop working on them, then [`Leases::give_up`].
    pub surplus: Vec<Lease>,
}

impl Leases {
    /// Claims what a registered node lacks of its share. `holding` is what it works on; what the database says is its
    /// own beyond that is claimed anew, because nobody works on it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a node that is not registered; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn share(
        &self,
        boot_id: &str,
        holding: &[Lease],
        want: Want,
    ) -> Result<Share, Error> {
        let (boot_id, holding) = (boot_id.to_owned(), holding.to_vec());
        self.db
            .write_lease(move |tx| {
                Box::pin(async move { share(tx, &boot_id, holding, want).await })
            })
            .await
    }

    /// Gives partitions up after all writes that wait, so that others may claim them. Those whose lease does not hold any
    /// more are left alone.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn give_up(&self, leases: &[Lease]) -> Result<(), Error> {
        let leases = leases.to_vec();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    for lease in leases {
                        let sql = "UPDATE partition SET owner = NULL WHERE p = $1 AND owner = $2 AND epoch = $3";
                        let values = [
                            i64::from(lease.partition).into(),
                            lease.owner.into(),
                            lease.epoch.into(),
                        ];
                        exec(tx, sql, values).await?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .await
    }
}

async fn share<C: ConnectionTrait>(
    tx: &C,
    boot_id: &str,
    holding: Vec<Lease>,
    want: Want,
) -> Result<Share, Error> {
    lock_claims(tx).await?;
    if !is_registered(tx, boot_id).await? {
        return Err(Error::invalid("boot_id", "the node is not registered"));
    }
    let now = db_now(tx.get_database_backend());
    let sql = format!(
        "SELECT p.p, p.epoch, p.owner, n.boot_id AS alive FROM partition p \
         LEFT JOIN node n ON n.boot_id = p.owner AND n.expires_at_ms > {now} ORDER BY p.p"
    );
    let mut held: HashMap<u16, Lease> = holding
        .into_iter()
        .map(|lease| (lease.partition, lease))
        .collect();
    let (mut kept, mut free) = (Vec::new(), Vec::new());
    for row in all(tx, sql, []).await? {
        // The row under this node's name: what it would hold.
        let Lease {
            partition, epoch, ..
        } = decode(&row, boot_id)?;
        let owner: Option<String> = get(&row, "owner")?;
        let alive: Option<String> = get(&row, "alive")?;
        let ours = owner.as_deref() == Some(boot_id);
        match held.remove(&partition) {
            Some(lease) if ours && lease.epoch == epoch => kept.push(lease),
            other => {
                // What stays in `held` is lost.
                held.extend(other.map(|lease| (partition, lease)));
                if ours || alive.is_none() {
                    free.push((partition, ours));
                }
            }
        }
    }
    let fair = match want {
        Want::All => usize::from(PARTITIONS),
        Want::FairShare => usize::from(PARTITIONS).div_ceil(living_nodes(tx, now).await?),
    };
    let mut share = Share {
        lost: held.into_values().collect(),
        ..Share::default()
    };
    if kept.len() > fair {
        share.surplus = kept.split_off(fair);
    }
    // What bears this node's name comes first: it costs others nothing.
    free.sort_by_key(|(partition, ours)| (!ours, *partition));
    let rest = free.split_off((fair - kept.len()).min(free.len()));
    let chosen: Vec<u16> = free.iter().map(|(partition, _)| *partition).collect();
    share.gained = claim(tx, boot_id, &chosen).await?;
    // A node that could not give up what it stopped working on does it here.
    let unworked: Vec<u16> = rest
        .iter()
        .filter(|(_, ours)| *ours)
        .map(|(partition, _)| *partition)
        .collect();
    if !unworked.is_empty() {
        let chosen = partition_filter("p", &unworked);
        let sql = format!("UPDATE partition SET owner = NULL WHERE owner = $1{chosen}");
        exec(tx, sql, [boot_id.into()]).await?;
    }
    Ok(share)
}

/// Claims partitions under new epochs.
async fn claim<C: ConnectionTrait>(
    tx: &C,
    boot_id: &str,
    partitions: &[u16],
) -> Result<Vec<Lease>, Error> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = partition_filter("p", partitions);
    let sql = format!("UPDATE partition SET owner = $1, epoch = epoch + 1 WHERE 1 = 1{chosen}");
    exec(tx, sql, [boot_id.into()]).await?;
    let sql = format!("SELECT p, epoch FROM partition WHERE 1 = 1{chosen} ORDER BY p");
    let mut leases = Vec::with_capacity(partitions.len());
    for row in all(tx, sql, []).await? {
        leases.push(decode(&row, boot_id)?);
    }
    Ok(leases)
}

/// Counts the nodes that are alive; at least one, the node that asks.
async fn living_nodes<C: ConnectionTrait>(tx: &C, now: &str) -> Result<usize, Error> {
    let sql = format!("SELECT COUNT(*) AS nodes FROM node WHERE expires_at_ms > {now}");
    let nodes: i64 = match one(tx, sql, []).await? {
        Some(row) => get(&row, "nodes")?,
        None => 1,
    };
    Ok(usize::try_from(nodes).unwrap_or(1).max(1))
}
