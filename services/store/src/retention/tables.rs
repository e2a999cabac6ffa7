//! Tables of which each row stands for itself.

use sea_orm::{ConnectionTrait, QueryResult, TryGetable, Value};

use super::{BATCH, DEDUPE_MS, Forgotten, Retention, may_forget};
use crate::db::{PROBE_CURSOR, all, db_now, exec, get, now_ms, one};
use crate::error::Error;
use crate::feed::FORGOTTEN_CURSOR;
use crate::inbox::id_list;

/// States of the inbox that are ends.
const INBOX_SETTLED: &str = "state IN ('done', 'quarantined', 'parked') AND received_at_ms < $1";
/// States of the outbox that are ends. The due time of a settled message is that of its last
/// attempt, and has an index.
const OUTBOX_SETTLED: &str = "state IN ('sent', 'failed') AND due_at_ms < $1";
/// A request that still runs is younger than any time for which answers can be kept.
const IDEMPOTENCY_OLD: &str = "created_at_ms < $1";
/// Wrong proofs count for an hour (`proofs.rs`); what is kept for longer than that means nothing.
const WRONG_PROOF_OLD: &str = "at_ms < $1";
/// A node that is not alive and that no partition names.
const NODE_DEAD: &str = "expires_at_ms < $1 AND NOT EXISTS \
     (SELECT 1 FROM partition WHERE partition.owner = node.boot_id)";
/// Snapshots of conversations that have not moved on.
const SNAPSHOT_OLD: &str = "EXISTS (SELECT 1 FROM conversation c \
     WHERE c.id = snapshot.conversation AND c.last_at_ms < $1)";

/// Deliveries of notices that ended.
const DELIVERY_SETTLED: &str = "state IN ('delivered', 'dead') AND settled_at_ms < $1";
/// Notices of which every target has its delivery, and no delivery is left.
const NOTICE_TOLD: &str = "addressed = TRUE AND created_at_ms < $1 AND NOT EXISTS \
     (SELECT 1 FROM notice_delivery d WHERE d.notice = notice.id)";

impl Retention {
    pub(super) async fn inbox(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let before_ms = before_ms.min(now_ms() - DEDUPE_MS);
        let sql = format!("SELECT id FROM inbox WHERE {INBOX_SETTLED} LIMIT {BATCH}");
        let ids: Vec<i64> = self.candidates(sql, before_ms, column("id")).await?;
        let list = id_list(&ids);
        let sql = format!("DELETE FROM inbox WHERE id IN ({list}) AND {INBOX_SETTLED}");
        self.delete(ids.len(), sql, vec![before_ms.into()]).await
    }

    pub(super) async fn outbox(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let sql = format!("SELECT message FROM outbox WHERE {OUTBOX_SETTLED} LIMIT {BATCH}");
        let messages: Vec<String> = self.candidates(sql, before_ms, column("message")).await?;
        let sql = format!(
            "DELETE FROM outbox WHERE message IN ({}) AND {OUTBOX_SETTLED}",
            placeholders(2, messages.len())
        );
        self.delete(messages.len(), sql, values(before_ms, messages))
            .await
    }

    pub(super) async fn idempotency(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let key = ["shop", "key", "route"];
        self.by_three("idempotency", key, IDEMPOTENCY_OLD, before_ms)
            .await
    }

    pub(super) async fn wrong_proofs(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let key = ["shop", "scope", "attempt"];
        self.by_three("wrong_proof", key, WRONG_PROOF_OLD, before_ms)
            .await
    }

    /// Deletes one batch of a table whose key has three columns.
    async fn by_three(
        &self,
        table: &str,
        key: [&'static str; 3],
        old: &str,
        before_ms: i64,
    ) -> Result<Forgotten, Error> {
        let columns = key.join(", ");
        let sql = format!("SELECT {columns} FROM {table} WHERE {old} LIMIT {BATCH}");
        let [first, second, third] = key;
        let read =
            move |row: &QueryResult| Ok([get(row, first)?, get(row, second)?, get(row, third)?]);
        let keys: Vec<[String; 3]> = self.candidates(sql, before_ms, read).await?;
        let rows: Vec<String> = (0..keys.len())
            .map(|row| format!("({})", placeholders(2 + 3 * row, 3)))
            .collect();
        let sql = format!(
            "DELETE FROM {table} WHERE ({columns}) IN (VALUES {}) AND {old}",
            rows.join(", ")
        );
        let count = keys.len();
        self.delete(count, sql, values(before_ms, keys.into_iter().flatten()))
            .await
    }

    /// Deletes the oldest changes, never past one that is young or still needed, so that what is
    /// gone is a whole beginning of the feed.
    pub(super) async fn changes(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let sql = format!("SELECT seq, at_ms FROM change ORDER BY seq LIMIT {BATCH}");
        let rows = self
            .db
            .read(move |c| async move { Ok(all(&c, sql, []).await?) });
        let (mut end, mut count) = (0, 0_usize);
        for row in rows.await? {
            if get::<i64>(&row, "at_ms")? >= before_ms {
                break;
            }
            end = get(&row, "seq")?;
            count += 1;
        }
        if count == 0 {
            return Ok(Forgotten::default());
        }
        let forgotten = self
            .db
            .write(move |tx| Box::pin(async move { forget_changes(tx, end).await }));
        Ok(Forgotten::batch(forgotten.await?, count))
    }

    /// By the database's clock, as leases are.
    pub(super) async fn nodes(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let age_ms = (now_ms() - before_ms).max(0);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if !may_forget(tx).await? {
                        return Ok(Forgotten::default());
                    }
                    let dead = NODE_DEAD
                        .replace("$1", &format!("{} - $1", db_now(tx.get_database_backend())));
                    // A handful a day: nodes need no batches.
                    let rows = exec(
                        tx,
                        format!("DELETE FROM node WHERE {dead}"),
                        [age_ms.into()],
                    );
                    Ok::<_, Error>(Forgotten {
                        rows: rows.await?,
                        more: false,
                    })
                })
            })
            .await
    }

    pub(super) async fn snapshots(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let sql = format!("SELECT conversation FROM snapshot WHERE {SNAPSHOT_OLD} LIMIT {BATCH}");
        let ids: Vec<String> = self
            .candidates(sql, before_ms, column("conversation"))
            .await?;
        let sql = format!(
            "DELETE FROM snapshot WHERE conversation IN ({}) AND {SNAPSHOT_OLD}",
            placeholders(2, ids.len())
        );
        self.delete(ids.len(), sql, values(before_ms, ids)).await
    }

    /// Deletes deliveries first, and notices when nothing of them is left.
    pub(super) async fn notices(&self, before_ms: i64) -> Result<Forgotten, Error> {
        let sql = format!("SELECT id FROM notice_delivery WHERE {DELIVERY_SETTLED} LIMIT {BATCH}");
        let ids: Vec<String> = self.candidates(sql, before_ms, column("id")).await?;
        if !ids.is_empty() {
            let sql = format!(
                "DELETE FROM notice_delivery WHERE id IN ({}) AND {DELIVERY_SETTLED}",
                placeholders(2, ids.len())
            );
            let count = ids.len();
            let deleted = self.delete(count, sql, values(before_ms, ids)).await?;
            // Their notices are looked at next.
            return Ok(Forgotten {
                more: deleted.rows > 0,
                ..deleted
            });
        }
        let sql = format!("SELECT id FROM notice WHERE {NOTICE_TOLD} LIMIT {BATCH}");
        let ids: Vec<String> = self.candidates(sql, before_ms, column("id")).await?;
        let sql = format!(
            "DELETE FROM notice WHERE id IN ({}) AND {NOTICE_TOLD}",
            placeholders(2, ids.len())
        );
        self.delete(ids.len(), sql, values(before_ms, ids)).await
    }

    /// Finds keys of rows to delete; `$1` is the moment.
    async fn candidates<T: Send + 'static>(
        &self,
        sql: String,
        before_ms: i64,
        key: impl Fn(&QueryResult) -> Result<T, Error> + Send + 'static,
    ) -> Result<Vec<T>, Error> {
        self.db
            .read(move |c| async move {
                let rows = all(&c, sql, [before_ms.into()]).await?;
                rows.iter().map(key).collect()
            })
            .await
    }

    async fn delete(
        &self,
        candidates: usize,
        sql: String,
        values: Vec<Value>,
    ) -> Result<Forgotten, Error> {
        if candidates == 0 {
            return Ok(Forgotten::default());
        }
        let deleted = self.db.write(move |tx| {
            Box::pin(async move {
                if !may_forget(tx).await? {
                    return Ok(0);
                }
                let backend = tx.get_database_backend();
                let statement = sea_orm::Statement::from_sql_and_values(backend, sql, values);
                Ok::<_, Error>(tx.execute_raw(statement).await?.rows_affected())
            })
        });
        Ok(Forgotten::batch(deleted.await?, candidates))
    }
}

impl Forgotten {
    /// What became of some candidates. A batch that deleted none of them found only what has
    /// changed meanwhile, or another process at work: whoever repeats batches ends there.
    fn batch(rows: u64, candidates: usize) -> Self {
        Self {
            rows,
            more: rows > 0 && candidates as u64 == BATCH,
        }
    }
}

/// Deletes changes up to one, as far as every reader that the store knows has read them, and notes
/// how far the feed's beginning is gone.
async fn forget_changes<C: ConnectionTrait>(tx: &C, end: i64) -> Result<u64, Error> {
    if !may_forget(tx).await? {
        return Ok(0);
    }
    // The newest change stays: its number is the feed's head.
    let sql = "SELECT MAX(seq) - 1 AS head, \
               (SELECT MIN(seq) FROM cursor WHERE name NOT IN ($1, $2)) AS read FROM change";
    let values = [PROBE_CURSOR.into(), FORGOTTEN_CURSOR.into()];
    let Some(row) = one(tx, sql, values).await? else {
        return Ok(0);
    };
    let head: i64 = get::<Option<i64>>(&row, "head")?.unwrap_or(0);
    let end = end
        .min(head)
        .min(get::<Option<i64>>(&row, "read")?.unwrap_or(i64::MAX));
    let deleted = exec(tx, "DELETE FROM change WHERE seq <= $1", [end.into()]).await?;
    if deleted > 0 {
        let sql = "INSERT INTO cursor (name, seq) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
        exec(tx, sql, [FORGOTTEN_CURSOR.into(), end.into()]).await?;
    }
    Ok(deleted)
}

fn column<T: TryGetable>(name: &'static str) -> impl Fn(&QueryResult) -> Result<T, Error> {
    move |row| get(row, name)
}

/// Writes `$first`, `$first+1`, … for some values.
fn placeholders(first: usize, count: usize) -> String {
    let texts: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    texts.join(", ")
}

/// The values of a statement whose `$1` is the moment.
fn values(before_ms: i64, keys: impl IntoIterator<Item = String>) -> Vec<Value> {
    std::iter::once(before_ms.into())
        .chain(keys.into_iter().map(Value::from))
        .collect()
}
