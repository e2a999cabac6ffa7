//! The LanceDB table: one row for each entry, searched by a flat scan.
//!
//! A flat scan is exact and fast enough to about 100,000 rows of 384 numbers (LanceDB's own
//! advice). No scalar index lies on `key`: with one, lance's merge has been seen to match nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use lancedb::DistanceType;
use lancedb::Table;
use lancedb::arrow::arrow_array::{RecordBatch, RecordBatchIterator};
use lancedb::expr::{DfExpr, col, is_in, lit};
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::table::OptimizeAction;
use mercer_inference::Embedder;
use mercer_schemas::ShopId;
use sha2::{Digest, Sha256};

use super::cursor::{self, Cursor, FORMAT};
use super::entry::{Entry, Kind, Owner, scope};
use super::rows::{self, Row};
use crate::error::{Error, Result};

const TABLE: &str = "entries";

/// Keys in one condition.
const KEYS_MAX: usize = 500;

/// Texts in one call of the embedder.
const EMBED_MAX: usize = 64;

/// Writes after which small files are joined and old versions removed.
const WRITES_BEFORE_OPTIMIZE: u32 = 100;

/// A hit of the vector leg.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VectorHit {
    /// The retailer's key.
    pub(crate) record: String,
    /// Number of the passage, 0 for a product.
    pub(crate) part: u32,
    /// Cosine similarity, -1 to 1.
    pub(crate) similarity: f32,
}

/// The vector table with the embedder that fills it.
pub(crate) struct VectorIndex {
    folder: PathBuf,
    table: Table,
    embedder: Arc<dyn Embedder>,
    writes: AtomicU32,
}

impl VectorIndex {
    /// Opens the table in a folder, or makes an empty one where there is none, a damaged one or one
    /// of another embedder. The second value is the position in the feed, or why it is empty.
    pub(crate) async fn open(
        folder: &Path,
        embedder: Arc<dyn Embedder>,
    ) -> Result<(Self, Result<i64, String>)> {
        let (table, position) = match Self::open_existing(folder, embedder.as_ref()).await {
            Ok((table, seq)) => (table, Ok(seq)),
            Err(why) => (Self::create(folder, embedder.info().dim).await?, Err(why)),
        };
        let folder = folder.to_owned();
        let writes = AtomicU32::new(0);
        Ok((
            Self {
                folder,
                table,
                embedder,
                writes,
            },
            position,
        ))
    }

    async fn open_existing(folder: &Path, embedder: &dyn Embedder) -> Result<(Table, i64), String> {
        let info = embedder.info();
        let cursor = cursor::read(folder).ok_or("there is no vector table")?;
        if cursor.embedder != info.id || cursor.dim != info.dim {
            return Err(format!(
                "the vector table was made with the embedder {}",
                cursor.embedder
            ));
        }
        if cursor.format != FORMAT {
            return Err("the vector table has another form".to_owned());
        }
        let unreadable = |error: Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!(
                "the vector table cannot be read: {}",
                cause.unwrap_or_default()
            )
        };
        let table = connect(folder).await.map_err(unreadable)?;
        let table = table
            .open_table(TABLE)
            .execute()
            .await
            .map_err(|e| unreadable(e.into()))?;
        // Reads every vector once, so that a damaged file shows now and not in a customer's turn.
        let probe = vec![1.0; info.dim];
        nearest(&table, &probe, lit(true), 1)
            .await
            .map_err(unreadable)?;
        Ok((table, cursor.seq))
    }

    async fn create(folder: &Path, dim: usize) -> Result<Table> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(Error::folder(folder))?;
        }
        std::fs::create_dir_all(folder).map_err(Error::folder(folder))?;
        let database = connect(folder).await?;
        Ok(database
            .create_empty_table(TABLE, rows::schema(dim))
            .execute()
            .await?)
    }

    /// Replaces all rows of some records. Only entries whose text changed are embedded.
    pub(crate) async fn replace(
        &self,
        owners: &BTreeSet<Owner>,
        entries: &[Entry],
        seq: i64,
    ) -> Result<()> {
        let entries: BTreeMap<String, &Entry> = entries.iter().map(|e| (e.key(), e)).collect();
        let owners: Vec<String> = owners.iter().map(Owner::key).collect();
        let mut known = HashMap::new();
        for some in owners.chunks(KEYS_MAX) {
            known.extend(self.hashes(one_of("owner", some)).await?);
        }
        self.write(&entries, &known, seq).await?;
        let gone: Vec<String> = known
            .into_keys()
            .filter(|key| !entries.contains_key(key))
            .collect();
        self.delete(&gone).await
    }

    /// Adds or updates entries while the table is filled anew.
    pub(crate) async fn add(&self, entries: &[Entry], seq: i64) -> Result<()> {
        let entries: BTreeMap<String, &Entry> = entries.iter().map(|e| (e.key(), e)).collect();
        let keys: Vec<String> = entries.keys().cloned().collect();
        let mut known = HashMap::new();
        for some in keys.chunks(KEYS_MAX) {
            known.extend(self.hashes(one_of("key", some)).await?);
        }
        self.write(&entries, &known, seq).await
    }

    /// Deletes the rows whose key is not in `keep`: the end of filling anew.
    pub(crate) async fn retain(&self, keep: &BTreeSet<String>) -> Result<()> {
        let known = self.hashes(lit(true)).await?;
        let gone: Vec<String> = known
            .into_keys()
            .filter(|key| !keep.contains(key))
            .collect();
        self.delete(&gone).await
    }

    /// Records that the table holds everything up to a position of the feed.
    pub(crate) fn set_position(&self, seq: i64) -> Result<()> {
        let info = self.embedder.info();
        let cursor = Cursor {
            format: FORMAT,
            embedder: info.id.clone(),
            dim: info.dim,
            seq,
        };
        cursor::write(&self.folder, &cursor)
    }

    /// Returns the entries nearest to a vector, nearest first.
    pub(crate) async fn search(
        &self,
        shop: &ShopId,
        kind: Kind,
        vector: &[f32],
        top: usize,
    ) -> Result<Vec<VectorHit>> {
        let within = col("scope").eq(lit(scope(shop, kind)));
        let mut hits = Vec::new();
        for batch in nearest(&self.table, vector, within, top).await? {
            let (records, parts) = (rows::texts(&batch, "record")?, rows::parts(&batch)?);
            let distances = rows::distances(&batch)?;
            for row in 0..batch.num_rows() {
                hits.push(VectorHit {
                    record: records.value(row).to_owned(),
                    part: parts.value(row),
                    similarity: 1.0 - distances.value(row),
                });
            }
        }
        hits.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        Ok(hits)
    }

    /// Embeds texts and checks what comes back.
    pub(crate) async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>> {
        let expected = texts.len();
        let vectors = self.embedder.embed(texts).await?;
        let dim = self.embedder.info().dim;
        let sound = |vector: &Vec<f32>| vector.len() == dim && vector.iter().all(|x| x.is_finite());
        if vectors.len() != expected || !vectors.iter().all(sound) {
            return Err(Error::EmbedShape { expected });
        }
        Ok(vectors)
    }

    async fn write(
        &self,
        entries: &BTreeMap<String, &Entry>,
        known: &HashMap<String, String>,
        seq: i64,
    ) -> Result<()> {
        let mut changed: Vec<(&Entry, String)> = Vec::new();
        for (key, entry) in entries {
            let hash = hex::encode(Sha256::digest(entry.embedded.as_bytes()));
            if known.get(key) != Some(&hash) {
                changed.push((entry, hash));
            }
        }
        for some in changed.chunks(EMBED_MAX) {
            let texts = some
                .iter()
                .map(|(entry, _)| entry.embedded.clone())
                .collect();
            let vectors = self.embed(texts).await?;
            let rows: Vec<Row<'_>> = some
                .iter()
                .zip(vectors)
                .map(|((entry, hash), vector)| Row {
                    entry,
                    text_hash: hash.clone(),
                    vector,
                })
                .collect();
            self.merge(rows::batch(&rows, seq, self.embedder.info().dim)?)
                .await?;
        }
        Ok(())
    }

    async fn merge(&self, batch: RecordBatch) -> Result<()> {
        let sent = batch.num_rows() as u64;
        let mut written = 0;
        // Without its indexes the merge compares keys itself, which cannot miss one.
        for use_index in [true, false] {
            let mut merge = self.table.merge_insert(&["key"]);
            merge
                .when_matched_update_all(Some("target.seq <= source.seq".to_owned()))
                .when_not_matched_insert_all()
                .use_index(use_index);
            let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
            let result = merge.execute(Box::new(reader)).await?;
            written = result.num_inserted_rows + result.num_updated_rows;
            if written == sent {
                return self.wrote().await;
            }
        }
        Err(Error::RowsLost { sent, written })
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        for some in keys.chunks(KEYS_MAX) {
            self.table.delete(&one_of("key", some)).await?;
            self.wrote().await?;
        }
        Ok(())
    }

    async fn wrote(&self) -> Result<()> {
        if self.writes.fetch_add(1, Ordering::Relaxed) + 1 >= WRITES_BEFORE_OPTIMIZE {
            self.writes.store(0, Ordering::Relaxed);
            self.table.optimize(OptimizeAction::All).await?;
        }
        Ok(())
    }

    async fn hashes(&self, condition: DfExpr) -> Result<HashMap<String, String>> {
        let stream = self
            .table
            .query()
            .only_if_expr(condition)
            .select(Select::columns(&["key", "text_hash"]))
            .execute()
            .await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        let mut out = HashMap::new();
        for batch in &batches {
            let (keys, hashes) = (rows::texts(batch, "key")?, rows::texts(batch, "text_hash")?);
            for row in 0..batch.num_rows() {
                out.insert(keys.value(row).to_owned(), hashes.value(row).to_owned());
            }
        }
        Ok(out)
    }

    /// Returns the table's version, which every write raises.
    #[cfg(test)]
    pub(crate) async fn version(&self) -> Result<u64> {
        Ok(self.table.version().await?)
    }

    /// Returns all rows' keys, sorted, repeated ones included.
    #[cfg(test)]
    pub(crate) async fn keys(&self) -> Result<Vec<String>> {
        let stream = self
            .table
            .query()
            .select(Select::columns(&["key"]))
            .execute()
            .await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        let mut out = Vec::new();
        for batch in &batches {
            let keys = rows::texts(batch, "key")?;
            out.extend((0..batch.num_rows()).map(|row| keys.value(row).to_owned()));
        }
        out.sort();
        Ok(out)
    }
}

async fn connect(folder: &Path) -> Result<lancedb::Connection> {
    let path = folder.to_string_lossy();
    Ok(lancedb::connect(&path)
        .read_consistency_interval(Duration::ZERO)
        .execute()
        .await?)
}

async fn nearest(
    table: &Table,
    vector: &[f32],
    within: DfExpr,
    top: usize,
) -> Result<Vec<RecordBatch>> {
    let stream = table
        .query()
        .nearest_to(vector)?
        .column("vector")
        .distance_type(DistanceType::Cosine)
        .only_if_expr(within)
        .select(Select::columns(&["record", "part", "_distance"]))
        .limit(top)
        .execute()
        .await?;
    Ok(stream.try_collect().await?)
}

fn one_of(column: &str, values: &[String]) -> DfExpr {
    is_in(
        col(column),
        values.iter().map(|value| lit(value.clone())).collect(),
    )
}
