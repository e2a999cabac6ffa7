//! The truth: SQL tables of shops, conversations and their delivery, on SQLite or PostgreSQL.
//!
//! [`Store`] is a cheap handle. Every statement runs in a task that the store owns, so a caller
//! that goes away cancels nothing. Every finder names the shop that it searches in. Search indexes
//! are projections that live elsewhere and follow [`Feed`].
//!
//! Not here: decisions about conversations, rendering, and sending.

mod catalog;
mod compared;
mod conversations;
mod crash;
mod customers;
mod db;
mod documents;
mod entity;
mod error;
mod feed;
mod hints;
mod idempotency;
mod imports;
pub mod inbox;
mod keys;
mod leases;
mod migration;
mod notices;
mod orders;
mod outbox;
mod page;
mod private;
mod proofs;
mod records;
pub mod retention;
mod secrets;
mod shops;
pub mod text;
mod writer;

pub use catalog::{Catalog, ProductFilter, normalise_code};
pub use compared::{code_key, email_key, plain};
pub use conversations::{
    Append, AppendError, ConversationFilter, ConversationRow, Conversations, LogPart, NewOutbox,
    Snapshot,
};
pub use crash::{CRASH_AT, crash_point};
pub use customers::Customers;
pub use documents::Documents;
pub use error::Error;
pub use feed::{Change, ChangeKind, Feed};
pub use hints::{Hints, LocalHints, NoHints};
pub use idempotency::{Begin, Idempotency};
pub use imports::{Batch, ImportError, Imports};
pub use inbox::{
    Command, Inbox, InboxItem, InboxKind, InboxRow, Inserted, NewInbox, OpenRows, UnreadableRow,
};
pub use keys::{KeyRow, Keys, Role};
pub use leases::{ClaimError, HeldBy, LEASE_TTL_MS, Lease, Leases, Share, Want};
pub use notices::{Claimed, DeliveryFilter, DeliveryState, Notices, Outcome, TargetName, ToldRow};
pub use orders::Orders;
pub use outbox::{
    KnownAttempts, Outbox, OutboxRow, OutboxState, PARTS_MAX, Part, PartState, RETRY_WAIT_MAX_MS,
    Reported, Resolution, UNKNOWN_WAIT_MS,
};
pub use page::{PAGE_MAX, Page};
pub use private::create_folder as create_private_folder;
pub use proofs::{ProofOutcome, ProofTry, Proofs};
pub use retention::Retention;
pub use secrets::{SECRET_BYTES, Secrets};
pub use shops::Shops;

use sea_orm_migration::MigratorTrait;

use crate::db::Db;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// `sqlite:///path/to/mercer.db` or `postgres://user:password@host/database`.
    pub url: String,
    /// SQLite: connections that read. PostgreSQL: connections in all, beside one for leases.
    pub read_connections: u32,
    /// Most commands that share a commit on SQLite.
    pub group_commit_max: usize,
    /// Longest wait for more commands before a group is committed, milliseconds.
    pub group_commit_ms: u64,
}

impl StoreConfig {
    /// Returns the defaults for a URL: 4 readers on SQLite, 10 connections on PostgreSQL, groups of
    /// up to 64 commands collected for at most 2 ms.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let read_connections = if url.starts_with("sqlite:") { 4 } else { 10 };
        Self {
            url,
            read_connections,
            group_commit_max: 64,
            group_commit_ms: 2,
        }
    }
}

/// A record with what is needed to change it safely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub value: T,
    /// Rises with every change, also across a delete and a new record under the same key.
    pub version: i64,
    /// Time of the last change, UTC milliseconds.
    pub updated_at_ms: i64,
}

/// The store: a handle that is cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// Opens the database, creating it where it is a SQLite file, and brings its tables up to
    /// date. Must be called within a tokio runtime, whose tasks the store uses.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be opened, or when the SQLite library is older
    /// than 3.51.3; any when it cannot be migrated.
    pub async fn open(config: &StoreConfig) -> Result<Self, Error> {
        let (db, connection) = Db::open(config).await?;
        // A task of its own, as for every statement: a start that is given up must not leave half
        // a migration in a pooled connection.
        let migrated = tokio::spawn(async move {
            let first = migration::Migrator::up(&connection, None).await;
            if first.is_ok() {
                return first;
            }
            // Another node may have migrated at the same moment; the second look settles it.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            migration::Migrator::up(&connection, None).await
        });
        migrated
            .await
            .map_err(|_| Error::Unavailable("migration ended early".to_owned()))??;
        Ok(Self { db })
    }

    /// Returns the shops.
    pub fn shops(&self) -> Shops {
        Shops::new(self.db.clone())
    }
    /// Returns products and variants.
    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.db.clone())
    }
    /// Returns policies, FAQ entries and promotions.
    pub fn documents(&self) -> Documents {
        Documents::new(self.db.clone())
    }
    /// Returns the shops' customers.
    pub fn customers(&self) -> Customers {
        Customers::new(self.db.clone())
    }
    /// Returns orders.
    pub fn orders(&self) -> Orders {
        Orders::new(self.db.clone())
    }
    /// Returns imports of many records that take effect at once.
    pub fn imports(&self) -> Imports {
        Imports::new(self.db.clone())
    }
    /// Returns proofs of identity.
    pub fn proofs(&self) -> Proofs {
        Proofs::new(self.db.clone())
    }
    /// Returns what came in and is not yet part of a conversation.
    pub fn inbox(&self) -> Inbox {
        Inbox::new(self.db.clone())
    }
    /// Returns what the retailer's people and systems are told.
    pub fn notices(&self) -> Notices {
        Notices::new(self.db.clone())
    }
    /// Returns conversations, their logs and snapshots.
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.db.clone())
    }
    /// Returns messages on their way to customers.
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.db.clone())
    }
    /// Returns who owns which partition.
    pub fn leases(&self) -> Leases {
        Leases::new(self.db.clone())
    }
    /// Returns the change feed that indexes follow.
    pub fn feed(&self) -> Feed {
        Feed::new(self.db.clone())
    }
    /// Returns the keys of the admin API.
    pub fn keys(&self) -> Keys {
        Keys::new(self.db.clone())
    }
    /// Returns the answers kept for repeated requests.
    pub fn idempotency(&self) -> Idempotency {
        Idempotency::new(self.db.clone())
    }

    /// Returns the secrets that processes around this database share.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.db.clone())
    }

    /// Returns what forgets rows that nobody needs any more.
    pub fn retention(&self) -> Retention {
        Retention::new(self.db.clone())
    }

    /// Says whether the store could be written and read within the last second: more often than
    /// that it is not tried, however many ask.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it could not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.db.probe().await
    }
}
