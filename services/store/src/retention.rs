//! Forgetting what nobody needs any more, a small batch at a time.
//!
//! Each call deletes one batch of a table in one short transaction, and says whether more is to be
//! had. Candidates are found by a reader and looked at again in the transaction, so the writer is
//! held for a few keyed deletes only, and what has changed meanwhile stays. On PostgreSQL one
//! process at a time forgets; the others find nothing to do.
//!
//! Never deleted, whatever is asked: rows that are not settled, ids of what came in as long as a
//! platform may post it again, the newest change, changes that a reader known to the store still
//! needs, and tombstones, without which versions of a record could repeat.

mod conversations;
mod tables;

use sea_orm::{ConnectionTrait, DbBackend};

use crate::db::{Db, get, one};
use crate::error::Error;

/// For how long the ids of what came in are kept at least, milliseconds: Meta posts a webhook again
/// for seven days, and a day more covers a clock that is wrong.
pub const DEDUPE_MS: i64 = 8 * 24 * 3_600_000;

/// Rows that one transaction deletes at most: a few milliseconds of the writer.
pub const BATCH: u64 = 500;

/// Key of the advisory lock under which PostgreSQL lets one process at a time forget.
const RETENTION_LOCK: i64 = 0x4d45_5243_4b45_4550;

/// A table that can be kept short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// What came in and was settled, by its arrival.
    Inbox,
    /// Messages that were sent or given up, by when that was.
    Outbox,
    /// Answers kept for repeated requests, by when they began.
    Idempotency,
    /// The change feed, by when the changes were made.
    Changes,
    /// Nodes that have died, by their last lease.
    Nodes,
    /// Snapshots, by when their conversation last moved on. The log is folded instead.
    Snapshots,
    /// What the retailer was told, by when each delivery ended.
    Notices,
    /// Wrong proofs of identity, by when they were tried.
    WrongProofs,
    /// Conversations in which nothing runs, with all that belongs to them, by when they last moved
    /// on.
    Conversations,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Inbox,
        Self::Outbox,
        Self::Idempotency,
        Self::Changes,
        Self::Nodes,
        Self::Snapshots,
        Self::Notices,
        Self::WrongProofs,
        Self::Conversations,
    ];

    /// Returns the word that settings and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Idempotency => "idempotency",
            Self::Changes => "changes",
            Self::Nodes => "nodes",
            Self::Snapshots => "snapshots",
            Self::Notices => "notices",
            Self::WrongProofs => "wrong_proofs",
            Self::Conversations => "conversations",
        }
    }
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows that are gone.
    pub rows: u64,
    /// Whether another batch would find more.
    pub more: bool,
}

/// Forgets rows of all shops.
#[derive(Clone)]
pub struct Retention {
    db: Db,
}

impl Retention {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Deletes one batch of what is older than a moment (UTC milliseconds) and not needed.
    /// `resting` names the phases of conversations in which nothing runs.
    ///
    /// # Errors
    /// [`Error::Unavailable`]. A repeated call does no harm.
    pub async fn forget(
        &self,
        table: Table,
        before_ms: i64,
        resting: &[&str],
    ) -> Result<Forgotten, Error> {
        match table {
            Table::Inbox => self.inbox(before_ms).await,
            Table::Outbox => self.outbox(before_ms).await,
            Table::Idempotency => self.idempotency(before_ms).await,
            Table::Changes => self.changes(before_ms).await,
            Table::Nodes => self.nodes(before_ms).await,
            Table::Snapshots => self.snapshots(before_ms).await,
            Table::Notices => self.notices(before_ms).await,
            Table::WrongProofs => self.wrong_proofs(before_ms).await,
            Table::Conversations => self.conversations(before_ms, resting).await,
        }
    }
}

/// Says whether this transaction may forget now. SQLite has one writer anyway.
async fn may_forget<C: ConnectionTrait>(tx: &C) -> Result<bool, Error> {
    if tx.get_database_backend() == DbBackend::Sqlite {
        return Ok(true);
    }
    let sql = "SELECT pg_try_advisory_xact_lock($1) AS got";
    match one(tx, sql, [RETENTION_LOCK.into()]).await? {
        Some(row) => get(&row, "got"),
        None => Ok(false),
    }
}
