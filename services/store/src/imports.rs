//! Imports: many records of a shop that readers see all at once or not at all, and that keep no
//! other write waiting.
//!
//! 1. **Staging.** The records are written in chunks, each a short transaction, into tables that
//!    no reader looks at.
//! 2. **The switch.** One row changes. From this commit on the views that readers use show the
//!    staged records in place of the stored ones, under the versions that follow theirs.
//! 3. **Moving.** The staged records are moved into their tables, again in chunks, and the change
//!    feed learns of each. Readers see the same before and after. Who changes a record meanwhile
//!    moves it first ([`settle`]).
//!
//! A process that dies before the switch leaves the old records in force, after it the new ones.
//! What it left half done is deleted or moved by [`Imports::sweep`] or the shop's next import.

mod kind;
mod ledger;
mod moving;
mod pace;
mod skus;
mod staging;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mercer_schemas::{Customer, Document, Order, Product, Shop, ShopId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Select};

pub(crate) use self::kind::Kind;
use self::ledger::{Entry, Phase};
pub(crate) use self::moving::settle;
use self::pace::Pace;
pub(crate) use self::skus::refuse_taken;
use self::staging::Prepared;
use crate::db::{Db, one};
use crate::entity::{RecordTable, select_from};
use crate::error::Error;
use crate::records::lock_records;

/// How often [`Imports::keep`] looks for imports that ended half way.
const SWEEP: Duration = Duration::from_secs(15);

/// Moved records after which PostgreSQL looks at the tables again; then whenever twice as many are.
const MOVED_LOOK_FIRST: usize = 500;

/// Records to import into a shop.
#[derive(Clone, Default)]
pub struct Batch {
    /// The shop's settings, where they are part of the import.
    pub shop: Option<Shop>,
    /// Products.
    pub products: Vec<Product>,
    /// Policies, FAQ entries and promotions.
    pub documents: Vec<Document>,
    /// Customers.
    pub customers: Vec<Customer>,
    /// Orders.
    pub orders: Vec<Order>,
}

impl Batch {
    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.products.len() + self.documents.len() + self.customers.len() + self.orders.len()
    }

    /// Says whether there is nothing to import.
    pub fn is_empty(&self) -> bool {
        self.shop.is_none() && self.len() == 0
    }
}

/// Why nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The shop's records are being imported already.
    #[error("another import into this shop runs; import again when it has ended")]
    Busy,
    /// It was silent for so long that it counted as dead, or another process ended it.
    #[error("the import was given up, because nothing was heard of it for a while; import again")]
    GivenUp,
    /// The store failed or refused a record.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error,
            ImportError::Busy | ImportError::GivenUp => Self::Unavailable(error.to_string()),
        }
    }
}

/// Imports into all shops; at most one runs in a shop at a time.
#[derive(Clone)]
pub struct Imports {
    db: Db,
}

impl Imports {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Imports records: those that exist are replaced, others stay. Returns how many changed; of
    /// customers, who have no versions, how many there are. Runs to its end even if the caller
    /// goes away.
    ///
    /// `progress` is called with numbers of records that were staged or moved; each record counts
    /// twice.
    ///
    /// # Errors
    /// See [`ImportError`]; then nothing is imported. [`Error::Invalid`] for a product without
    /// variants, a negative price, a SKU that another product has, a document whose validity ends
    /// before it begins, an order without an RFC 3339 time, and records that come twice. An error
    /// of the database after the switch leaves the import in force; [`Imports::sweep`] ends it.
    pub async fn run(
        &self,
        shop: &ShopId,
        batch: Batch,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<usize, ImportError> {
        let task = Task {
            db: self.db.clone(),
            shop: shop.clone(),
            progress: Arc::new(progress),
        };
        let running = tokio::spawn(task.run(batch));
        match running.await {
            Ok(result) => result,
            Err(_) => Err(Error::Unavailable("import ended early".to_owned()).into()),
        }
    }

    /// Ends imports of which nothing is heard any more: one that is in force is moved, another is
    /// deleted.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn sweep(&self) -> Result<(), ImportError> {
        let found = self
            .db
            .read(move |c| async move { ledger::list(&c).await })
            .await?;
        for entry in found {
            if entry.silent || entry.phase == Phase::Dropped {
                let task = Task {
                    db: self.db.clone(),
                    shop: entry.shop.clone(),
                    progress: Arc::new(|_| {}),
                };
                task.end(&entry).await?;
            }
        }
        Ok(())
    }

    /// Sweeps again and again; to be run as a task by whoever serves. Never returns.
    pub async fn keep(&self) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(cause = %error, "an import that ended half way could not be ended");
            }
            tokio::time::sleep(SWEEP).await;
        }
    }
}

/// Selects what readers see of a shop, for lists and counts: without the view where no import is in
/// force, as the view has no order. The caller reads in a snapshot.
pub(crate) async fn select_now<E: EntityTrait, C: ConnectionTrait>(
    c: &C,
    shop: &str,
) -> Result<Select<E>, Error> {
    let sql = "SELECT run FROM shop_import WHERE shop = $1 AND state = $2";
    let values = [shop.into(), Phase::InForce.as_str().into()];
    match one(c, sql, values).await? {
        Some(_) => Ok(E::find()),
        None => Ok(select_from(RecordTable::Stored)),
    }
}

/// One import into one shop.
struct Task {
    db: Db,
    shop: ShopId,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Task {
    async fn run(self, mut batch: Batch) -> Result<usize, ImportError> {
        let settings = batch.shop.take();
        let prepared = Prepared::new(batch)?;
        let run = self.begin().await?;
        let staged = async {
            let changed = self.stage(run, prepared).await?;
            self.refuse_doubled_skus().await?;
            crate::crash_point("import_staged");
            self.switch(run, settings).await?;
            Ok::<usize, ImportError>(changed)
        };
        match staged.await {
            Ok(changed) => {
                crate::crash_point("import_in_force");
                match self.sort_out(run, Phase::InForce).await {
                    // Another process moved the rest.
                    Ok(()) | Err(ImportError::GivenUp) => Ok(changed),
                    Err(error) => Err(error),
                }
            }
            Err(error) => {
                if let Err(cause) = self.give_up(run).await {
                    tracing::warn!(%cause, shop.id = %self.shop, "staged records stay until the next sweep");
                }
                Err(error)
            }
        }
    }

    /// Opens a run, after what an earlier one left is out of the way.
    async fn begin(&self) -> Result<i64, ImportError> {
        loop {
            let run = i64::from(rand::random::<u32>());
            let shop = self.shop.clone();
            let left = self.db.write(move |tx| {
                Box::pin(async move {
                    lock_records(tx, &shop).await?;
                    let left = ledger::of(tx, &shop).await?;
                    if left.is_none() {
                        ledger::open(tx, &shop, run).await?;
                    }
                    Ok::<_, Error>(left)
                })
            });
            match left.await? {
                None => return Ok(run),
                Some(left) if left.silent || left.phase == Phase::Dropped => {
                    self.end(&left).await?;
                }
                Some(_) => return Err(ImportError::Busy),
            }
        }
    }

    /// Puts the import in force.
    async fn switch(&self, run: i64, settings: Option<Shop>) -> Result<(), ImportError> {
        let shop = self.shop.clone();
        let switched = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                ledger::step(tx, &shop, run, Phase::Staging, Phase::InForce).await?;
                if let Some(settings) = settings {
                    crate::shops::put(tx, &settings).await?;
                }
                Ok::<(), ImportError>(())
            })
        });
        switched.await
    }

    /// Ends a run that somebody else left, unless it is ended meanwhile.
    async fn end(&self, left: &Entry) -> Result<(), ImportError> {
        let task = Self {
            db: self.db.clone(),
            shop: left.shop.clone(),
            progress: Arc::new(|_| {}),
        };
        let ended = match left.phase {
            Phase::InForce | Phase::Dropped => task.sort_out(left.run, left.phase).await,
            Phase::Staging => task.give_up(left.run).await,
        };
        match ended {
            Err(ImportError::GivenUp) => Ok(()),
            other => other,
        }
    }

    /// Deletes what was staged.
    async fn give_up(&self, run: i64) -> Result<(), ImportError> {
        let shop = self.shop.clone();
        let dropped = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                ledger::step(tx, &shop, run, Phase::Staging, Phase::Dropped).await
            })
        });
        dropped.await?;
        self.sort_out(run, Phase::Dropped).await
    }

    /// Lets PostgreSQL learn how large the tables are. It takes a table that was just filled for empty,
    /// where any index finds a row as quickly as any other; its own look comes a minute later at best.
    /// Nobody waits for this one: no lock that it takes stands in the way of a write.
    async fn look_at_tables(&self) -> Result<(), Error> {
        if self.db.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let tables = Kind::ALL.iter().map(|kind| kind.table());
        let tables: Vec<String> = tables
            .chain(["variant"])
            .flat_map(|table| [table.to_owned(), format!("staged_{table}")])
            .collect();
        let sql = format!("ANALYZE {}, change", tables.join(", "));
        let looked = self
            .db
            .read(move |c| async move { Ok(c.execute_unprepared(&sql).await?) });
        looked.await.map(|_| ())
    }

    /// Moves or deletes everything that is staged, in chunks, and ends the run.
    async fn sort_out(&self, run: i64, phase: Phase) -> Result<(), ImportError> {
        let mut pace = Pace::default();
        let (mut moved, mut looked_at) = (0, 0);
        for kind in Kind::ALL {
            let mut after = String::new();
            loop {
                if moved >= 2 * looked_at {
                    looked_at = moved.max(MOVED_LOOK_FIRST);
                    self.look_at_tables().await?;
                }
                let (shop, from, units) = (self.shop.clone(), after, pace.units());
                let chunk = self.db.write(move |tx| {
                    Box::pin(async move {
                        lock_records(tx, &shop).await?;
                        let began = Instant::now();
                        ledger::step(tx, &shop, run, phase, phase).await?;
                        let keys = moving::next_keys(tx, &shop, kind, &from, units).await?;
                        if phase == Phase::InForce {
                            moving::move_records(tx, &shop, kind, &keys).await?;
                        } else {
                            moving::delete_staged(tx, &shop, kind, &keys).await?;
                        }
                        Ok::<_, ImportError>((keys, began.elapsed()))
                    })
                });
                let (keys, took) = chunk.await?;
                let Some(last) = keys.last() else { break };
                crate::crash_point("import_chunk_moved");
                self.db.announce_change();
                if phase == Phase::InForce {
                    (self.progress)(keys.len() as u64);
                }
                after = last.clone();
                moved += keys.len();
                pace.rest(took).await;
            }
        }
        let shop = self.shop.clone();
        let closed = self
            .db
            .write(move |tx| Box::pin(async move { ledger::close(tx, &shop, run).await }));
        Ok(closed.await?)
    }
}
