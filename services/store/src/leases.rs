//! Who owns which partition, by rows with epochs on the database's clock.
//!
//! A node lives as long as its heartbeat is younger than [`LEASE_TTL_MS`]. Every transaction of an
//! owner begins with [`guard`]: it fails once another node claimed the partition, whatever the old
//! owner believes about time.

mod share;

use mercer_schemas::ids::PARTITIONS;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

pub use self::share::{Share, Want};
use crate::db::{Db, all, db_now, exec, for_share, get, one};
use crate::error::Error;

/// For how long a heartbeat counts, milliseconds. Heartbeats are due every quarter of it.
pub const LEASE_TTL_MS: i64 = 6_000;

/// Key of the advisory lock under which PostgreSQL lets one node claim at a time.
const CLAIM_LOCK: i64 = 0x4d45_5243_4c45_4153;

/// A node's claim to a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: u16,
    /// Rises with every claim.
    pub epoch: i64,
    /// The node's boot id.
    pub owner: String,
}

/// Says who holds the partitions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partitions are held by node {boot_id} for {expires_in_ms} ms more")]
pub struct HeldBy {
    /// The other node.
    pub boot_id: String,
    /// When its lease ends unless it is renewed, milliseconds from now.
    pub expires_in_ms: i64,
}

/// Says why partitions were not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another node that is alive holds them.
    #[error(transparent)]
    HeldBy(#[from] HeldBy),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Ownership of partitions.
#[derive(Clone)]
pub struct Leases {
    db: Db,
}

impl Leases {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Makes a node known and alive. A boot id is used by one run of one process only.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn register(&self, boot_id: &str, addr: &str) -> Result<(), Error> {
        let (boot_id, addr) = (boot_id.to_owned(), addr.to_owned());
        let now = db_now(self.db.backend());
        let sql = format!(
            "INSERT INTO node (boot_id, addr, expires_at_ms) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (boot_id) DO UPDATE SET addr = excluded.addr, \
             expires_at_ms = excluded.expires_at_ms"
        );
        self.db
            .write_lease(move |tx| {
                Box::pin(async move {
                    exec(tx, sql, [boot_id.into(), addr.into(), LEASE_TTL_MS.into()]).await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Renews a node's life; returns false where the node is not known any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn heartbeat(&self, boot_id: &str) -> Result<bool, Error> {
        let boot_id = boot_id.to_owned();
        let now = db_now(self.db.backend());
        let sql = format!("UPDATE node SET expires_at_ms = {now} + $1 WHERE boot_id = $2");
        self.db
            .write_lease(move |tx| {
                Box::pin(async move {
                    let changed = exec(tx, sql, [LEASE_TTL_MS.into(), boot_id.into()]).await?;
                    Ok::<bool, Error>(changed == 1)
                })
            })
            .await
    }

    /// Claims all partitions for a registered node and returns them with their new epochs.
    /// With `take_over` also from a node that is alive.
    ///
    /// # Errors
    /// [`ClaimError::HeldBy`] when another node that is alive owns a partition and `take_over` is
    /// off; [`Error::Invalid`] for a node that is not registered; [`Error::Unavailable`].
    pub async fn claim_all(
        &self,
        boot_id: &str,
        take_over: bool,
    ) -> Result<Vec<Lease>, ClaimError> {
        let owner = boot_id.to_owned();
        self.db
            .write_lease(move |tx| Box::pin(async move { claim_all(tx, owner, take_over).await }))
            .await
    }

    /// Gives a node's partitions up and forgets the node, after all writes that wait: they are of these partitions too.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn release(&self, boot_id: &str) -> Result<(), Error> {
        let boot_id = boot_id.to_owned();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE partition SET owner = NULL WHERE owner = $1";
                    exec(tx, sql, [boot_id.as_str().into()]).await?;
                    let sql = "DELETE FROM node WHERE boot_id = $1";
                    exec(tx, sql, [boot_id.into()]).await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Says whether a lease still holds. Transactions check for themselves; this is for status
    /// pages and self-fencing.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn holds(&self, lease: &Lease) -> Result<bool, Error> {
        let lease = lease.clone();
        let found = self.db.read(move |c| async move {
            let sql = "SELECT p FROM partition WHERE p = $1 AND owner = $2 AND epoch = $3";
            let values = [
                i64::from(lease.partition).into(),
                lease.owner.into(),
                lease.epoch.into(),
            ];
            Ok(one(&c, sql, values).await?)
        });
        Ok(found.await?.is_some())
    }
}

async fn claim_all<C: ConnectionTrait>(
    tx: &C,
    owner: String,
    take_over: bool,
) -> Result<Vec<Lease>, ClaimError> {
    let store = |error: sea_orm::DbErr| ClaimError::Store(error.into());
    lock_claims(tx).await?;
    let now = db_now(tx.get_database_backend());
    if !is_registered(tx, &owner).await? {
        return Err(Error::invalid("boot_id", "the node is not registered").into());
    }
    if !take_over {
        let sql = format!(
            "SELECT boot_id, expires_at_ms - {now} AS rest FROM node WHERE boot_id <> $1 \
             AND expires_at_ms > {now} AND boot_id IN (SELECT owner FROM partition) LIMIT 1"
        );
        if let Some(row) = one(tx, sql, [owner.as_str().into()]).await.map_err(store)? {
            let held = HeldBy {
                boot_id: get(&row, "boot_id")?,
                expires_in_ms: get(&row, "rest")?,
            };
            return Err(held.into());
        }
    }
    let sql = "UPDATE partition SET owner = $1, epoch = epoch + 1";
    exec(tx, sql, [owner.as_str().into()])
        .await
        .map_err(store)?;
    let rows = all(tx, "SELECT p, epoch FROM partition ORDER BY p", [])
        .await
        .map_err(store)?;
    let mut leases = Vec::with_capacity(usize::from(PARTITIONS));
    for row in rows {
        leases.push(decode(&row, &owner)?);
    }
    Ok(leases)
}

/// Reads `p` and `epoch` of a row that a node owns.
fn decode(row: &QueryResult, owner: &str) -> Result<Lease, Error> {
    let partition: i64 = get(row, "p")?;
    Ok(Lease {
        partition: u16::try_from(partition)
            .map_err(|_| Error::corrupt("partition.p", partition))?,
        epoch: get(row, "epoch")?,
        owner: owner.to_owned(),
    })
}

/// Lets one node claim at a time. SQLite has one writer anyway.
async fn lock_claims<C: ConnectionTrait>(tx: &C) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = "SELECT pg_advisory_xact_lock($1)";
        exec(tx, lock, [CLAIM_LOCK.into()]).await?;
    }
    Ok(())
}

async fn is_registered<C: ConnectionTrait>(tx: &C, boot_id: &str) -> Result<bool, Error> {
    let sql = "SELECT boot_id FROM node WHERE boot_id = $1";
    Ok(one(tx, sql, [boot_id.into()]).await?.is_some())
}

/// Says whether the lease holds and, on PostgreSQL, keeps the partition from being claimed until
/// the transaction ends. Not `FOR KEY SHARE`: a claim changes no key and would not wait for it.
pub(crate) async fn guard<C: ConnectionTrait>(tx: &C, lease: &Lease) -> Result<bool, Error> {
    let lock = for_share(tx.get_database_backend());
    let sql = format!("SELECT p FROM partition WHERE p = $1 AND owner = $2 AND epoch = $3{lock}");
    let values = [
        i64::from(lease.partition).into(),
        lease.owner.as_str().into(),
        lease.epoch.into(),
    ];
    Ok(one(tx, sql, values).await?.is_some())
}
