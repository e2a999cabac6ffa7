//! Writes an import's records where no reader sees them, those that differ from what is there.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use mercer_schemas::{Customer, Document, Order, Product};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::ledger::{self, Phase};
use super::moving::use_indexes;
use super::pace::{Pace, units};
use super::{Batch, ImportError, Task};
use crate::catalog::{self, kind_of_change};
use crate::db::{exec_in, now_ms};
use crate::entity::{RecordTable, customer, document, insert_into, order, variant};
use crate::error::Error;
use crate::feed::ChangeKind;
use crate::records::{CHUNK, lock_records};
use crate::writer::BoxFuture;
use crate::{customers, documents, orders};

/// Records that keep the store's rules, as far as they can be checked one import alone.
pub(super) struct Prepared {
    customers: Vec<Customer>,
    products: Vec<Product>,
    documents: Vec<Document>,
    /// By key, with their times in milliseconds.
    orders: Vec<(String, i64, Order)>,
}

impl Prepared {
    pub(super) fn new(batch: Batch) -> Result<Self, Error> {
        catalog::validate(&batch.products)?;
        documents::validate(&batch.documents)?;
        // Of customers and orders that come twice the last one counts.
        let customers: BTreeMap<_, _> = batch
            .customers
            .into_iter()
            .map(|value| (value.id.clone(), value))
            .collect();
        let mut by_key = BTreeMap::new();
        for value in batch.orders {
            by_key.insert(
                orders::number_key(&value.number),
                (orders::placed_at_ms(&value)?, value),
            );
        }
        Ok(Self {
            customers: customers.into_values().collect(),
            products: batch.products,
            documents: batch.documents,
            orders: by_key
                .into_iter()
                .map(|(key, (at, value))| (key, at, value))
                .collect(),
        })
    }
}

impl Task {
    /// Stages everything; returns how many records changed.
    pub(super) async fn stage(&self, run: i64, prepared: Prepared) -> Result<usize, ImportError> {
        let mut changed = prepared.customers.len();
        let mut pace = Pace::default();
        let mut rest = Chunks::new(prepared.customers, |_| 1);
        while let Some(chunk) = rest.next(&pace) {
            self.stage_customers(run, chunk, &mut pace).await?;
        }
        let mut rest = Chunks::new(prepared.products, |value: &Product| {
            let attributes = value.attributes.iter();
            let bytes: usize = attributes.map(|(name, text)| name.len() + text.len()).sum();
            units(1 + value.variants.len(), bytes + value.description.len())
        });
        while let Some(chunk) = rest.next(&pace) {
            changed += self.stage_products(run, chunk, &mut pace).await?;
        }
        let mut rest = Chunks::new(prepared.documents, |value: &Document| {
            units(1, value.body.len())
        });
        while let Some(chunk) = rest.next(&pace) {
            changed += self.stage_documents(run, chunk, &mut pace).await?;
        }
        let mut rest = Chunks::new(prepared.orders, |(.., value): &(String, i64, Order)| {
            units(1 + value.lines.len() / 10, 0)
        });
        while let Some(chunk) = rest.next(&pace) {
            changed += self.stage_orders(run, chunk, &mut pace).await?;
        }
        Ok(changed)
    }

    async fn stage_customers(
        &self,
        run: i64,
        chunk: Vec<Customer>,
        pace: &mut Pace,
    ) -> Result<(), ImportError> {
        let all = chunk.len();
        let encode = |value| customers::encode(&self.shop, value);
        let rows: Vec<customer::ActiveModel> = chunk.iter().map(encode).collect();
        let write = Write { all, changed: all };
        self.write(run, write, pace, move |tx| {
            Box::pin(async move {
                insert_into(RecordTable::Staged, rows)
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn stage_products(
        &self,
        run: i64,
        chunk: Vec<Product>,
        pace: &mut Pace,
    ) -> Result<usize, ImportError> {
        let all = chunk.len();
        let ids: Vec<String> = chunk.iter().map(|value| value.id.to_string()).collect();
        let shop = self.shop.to_string();
        let found = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                use_indexes(c).await?;
                catalog::load(c, &shop, &ids).await
            })
        });
        let current: HashMap<_, _> = found
            .await?
            .into_iter()
            .map(|found| (found.value.id.clone(), found))
            .collect();
        let at_ms = now_ms();
        let (mut products, mut variants, mut live) = (Vec::new(), Vec::new(), Vec::new());
        for value in chunk {
            let version = match current.get(&value.id) {
                Some(found) if found.value == value => continue,
                Some(found) => {
                    if kind_of_change(&found.value, &value) == ChangeKind::Live {
                        live.push(value.id.to_string());
                    }
                    found.version
                }
                None => 0,
            };
            variants.extend(catalog::variant_rows(&self.shop, &value)?);
            products.push(catalog::product_row(&self.shop, &value, version, at_ms)?);
        }
        let changed = products.len();
        let shop = self.shop.clone();
        self.write(run, Write { all, changed }, pace, move |tx| {
            Box::pin(async move {
                insert_rows(tx, products).await?;
                insert_rows::<variant::ActiveModel>(tx, variants).await?;
                let set = format!(
                    "UPDATE staged_product SET change = '{}'",
                    ChangeKind::Live.as_str()
                );
                exec_in(tx, &set, "id", shop.as_str(), &live).await
            })
        })
        .await?;
        Ok(changed)
    }

    async fn stage_documents(
        &self,
        run: i64,
        chunk: Vec<Document>,
        pace: &mut Pace,
    ) -> Result<usize, ImportError> {
        let all = chunk.len();
        let ids: Vec<String> = chunk.iter().map(|value| value.id.to_string()).collect();
        let shop = self.shop.to_string();
        let found = self
            .db
            .read(move |c| async move { documents::load(&c, &shop, &ids).await });
        let current: HashMap<_, _> = found
            .await?
            .into_iter()
            .map(|found| (found.value.id.clone(), found))
            .collect();
        let at_ms = now_ms();
        let mut rows: Vec<document::ActiveModel> = Vec::new();
        for value in chunk {
            let version = match current.get(&value.id) {
                Some(found) if found.value == value => continue,
                Some(found) => found.version,
                None => 0,
            };
            rows.push(documents::encode(&self.shop, value, version, at_ms));
        }
        let changed = rows.len();
        self.write(run, Write { all, changed }, pace, move |tx| {
            Box::pin(insert_rows(tx, rows))
        })
        .await?;
        Ok(changed)
    }

    async fn stage_orders(
        &self,
        run: i64,
        chunk: Vec<(String, i64, Order)>,
        pace: &mut Pace,
    ) -> Result<usize, ImportError> {
        let all = chunk.len();
        let keys: Vec<String> = chunk.iter().map(|(key, ..)| key.clone()).collect();
        let shop = self.shop.to_string();
        let found = self.db.read(move |c| async move {
            let mut found = Vec::new();
            for keys in keys.chunks(CHUNK) {
                let rows = order::Entity::find()
                    .filter(order::Column::Shop.eq(shop.as_str()))
                    .filter(order::Column::NumberKey.is_in(keys))
                    .all(&c);
                found.extend(rows.await?);
            }
            Ok(found)
        });
        let current: HashMap<String, order::Model> = found
            .await?
            .into_iter()
            .map(|row| (row.number_key.clone(), row))
            .collect();
        let at_ms = now_ms();
        let mut rows: Vec<order::ActiveModel> = Vec::new();
        for (key, placed_at_ms, value) in &chunk {
            let stored = current.get(key);
            let version = stored.map_or(0, |row| row.version);
            let row = orders::encode(&self.shop, value, *placed_at_ms, version, at_ms)?;
            if stored.is_none_or(|stored| stored.body != *row.body.as_ref()) {
                rows.push(row);
            }
        }
        let changed = rows.len();
        self.write(run, Write { all, changed }, pace, move |tx| {
            Box::pin(insert_rows(tx, rows))
        })
        .await?;
        Ok(changed)
    }

    /// Writes a chunk, if the run is not given up and something changed.
    async fn write<F>(
        &self,
        run: i64,
        of: Write,
        pace: &mut Pace,
        insert: F,
    ) -> Result<(), ImportError>
    where
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<(), Error>>
            + Send
            + 'static,
    {
        if of.changed > 0 {
            let shop = self.shop.clone();
            let written = self.db.write(move |tx| {
                Box::pin(async move {
                    lock_records(tx, &shop).await?;
                    let began = Instant::now();
                    ledger::step(tx, &shop, run, Phase::Staging, Phase::Staging).await?;
                    insert(tx).await?;
                    Ok::<Duration, ImportError>(began.elapsed())
                })
            });
            let took = written.await?;
            crate::crash_point("import_chunk_staged");
            pace.rest(took).await;
        } else if pace.reads() {
            // Others must not take a run for dead that finds nothing to change.
            let shop = self.shop.clone();
            let told = self.db.write(move |tx| {
                Box::pin(async move {
                    ledger::step(tx, &shop, run, Phase::Staging, Phase::Staging).await
                })
            });
            told.await?;
        }
        // What did not change has nothing to move: it counts twice at once.
        (self.progress)((2 * of.all - of.changed) as u64);
        Ok(())
    }
}

/// Records of a chunk, and those of them that are written.
#[derive(Clone, Copy)]
struct Write {
    all: usize,
    changed: usize,
}

async fn insert_rows<A>(tx: &DatabaseTransaction, rows: Vec<A>) -> Result<(), Error>
where
    A: sea_orm::ActiveModelTrait + Send,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<A> = rows.by_ref().take(CHUNK).collect();
        insert_into(RecordTable::Staged, some)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Cuts records into chunks of as many units as the pace admits, with one record at least.
struct Chunks<T, U> {
    rest: std::iter::Peekable<std::vec::IntoIter<T>>,
    units: U,
}

impl<T, U: Fn(&T) -> u64> Chunks<T, U> {
    fn new(all: Vec<T>, units: U) -> Self {
        Self {
            rest: all.into_iter().peekable(),
            units,
        }
    }

    fn next(&mut self, pace: &Pace) -> Option<Vec<T>> {
        let mut chunk: Vec<T> = vec![self.rest.next()?];
        let mut sum = (self.units)(&chunk[0]);
        while let Some(next) = self.rest.peek() {
            sum += (self.units)(next);
            if sum > pace.units() || chunk.len() == CHUNK {
                break;
            }
            chunk.extend(self.rest.next());
        }
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_keep_the_order_and_the_size_of_the_pace() {
        let sizes = vec![20, 40, 60, 500, 1, 2];
        let mut chunks = Chunks::new(sizes, |size: &u64| *size);
        let pace = Pace::default();
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next(&pace) {
            all.push(chunk);
        }
        assert_eq!(all, [vec![20, 40], vec![60], vec![500], vec![1, 2]]);
    }
}
