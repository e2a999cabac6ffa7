//! Whole conversations: the row, the log, the snapshot, what came in and went out, and what the
//! retailer was told of it.
//!
//! A conversation is first sealed: its row loses the customer's address and gets a phase of its
//! own, and all but the log goes. From then on nothing can reach it, and a customer who writes
//! again begins a new one. The log goes newest record first, a batch at a time, so that what is
//! left of it at any moment is a whole beginning; the row goes with the last of it.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

use super::{BATCH, DEDUPE_MS, Forgotten, Retention, may_forget};
use crate::conversations::{PHASE_NEW, PHASE_SEALED};
use crate::db::{all, exec, get, now_ms, one};
use crate::error::Error;

/// Conversations that are looked at for one batch.
const CANDIDATES_MAX: u64 = 50;

/// True for a conversation `c` that nothing waits for: no input that is open or whose id may come
/// again, no message on its way, and nothing that the retailer is yet to be told. `$1` is the moment.
const NOTHING_WAITS: &str = "NOT EXISTS (SELECT 1 FROM inbox i WHERE i.conversation = c.id \
     AND (i.state = 'open' OR i.received_at_ms >= $1)) \
     AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = c.id \
     AND o.state NOT IN ('sent', 'failed')) \
     AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.conversation = c.id AND n.addressed = FALSE) \
     AND NOT EXISTS (SELECT 1 FROM notice_delivery d WHERE d.conversation = c.id \
     AND d.state NOT IN ('delivered', 'dead'))";

impl Retention {
    pub(super) async fn conversations(
        &self,
        before_ms: i64,
        resting: &[&str],
    ) -> Result<Forgotten, Error> {
        let before_ms = before_ms.min(now_ms() - DEDUPE_MS);
        let due = due(resting);
        let sql = format!(
            "SELECT c.id FROM conversation c WHERE {due} ORDER BY c.id LIMIT {CANDIDATES_MAX}"
        );
        let found = self.db.read(move |c| async move {
            let rows = all(&c, sql, [before_ms.into()]).await?;
            rows.iter().map(id_of).collect()
        });
        let ids: Vec<String> = found.await?;
        if ids.is_empty() {
            return Ok(Forgotten::default());
        }
        let forgotten = self.db.write(move |tx| {
            Box::pin(async move {
                if !may_forget(tx).await? {
                    return Ok(Forgotten::default());
                }
                forget(tx, ids, &due, before_ms).await
            })
        });
        forgotten.await
    }
}

/// True for a conversation `c` that may go, or is sealed already.
fn due(resting: &[&str]) -> String {
    let phases: Vec<String> = resting
        .iter()
        .chain([&PHASE_NEW])
        .map(|phase| format!("'{}'", phase.replace('\'', "''")))
        .collect();
    format!(
        "(c.phase = '{PHASE_SEALED}' OR (c.last_at_ms < $1 AND c.phase IN ({}) AND {NOTHING_WAITS}))",
        phases.join(", ")
    )
}

fn id_of(row: &QueryResult) -> Result<String, Error> {
    get(row, "id")
}

async fn forget<C: ConnectionTrait>(
    tx: &C,
    ids: Vec<String>,
    due: &str,
    before_ms: i64,
) -> Result<Forgotten, Error> {
    // Whoever takes a message in holds the row too (`find_by_address`), and is not waited for.
    let lock = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE SKIP LOCKED",
    };
    let (mut forgotten, mut room) = (Forgotten::default(), BATCH);
    for id in ids {
        if room == 0 {
            forgotten.more = true;
            break;
        }
        let by_id: [Value; 1] = [id.as_str().into()];
        let sql = format!("SELECT c.id FROM conversation c WHERE c.id = $1{lock}");
        if one(tx, sql, by_id.clone()).await?.is_none() {
            continue;
        }
        // Only now, as the row is held, does the look count.
        let sql = format!("SELECT c.id FROM conversation c WHERE c.id = $2 AND {due}");
        let values = [before_ms.into(), id.as_str().into()];
        if one(tx, sql, values).await?.is_none() {
            continue;
        }
        let sql =
            format!("UPDATE conversation SET phase = '{PHASE_SEALED}', address = id WHERE id = $1");
        exec(tx, sql, by_id.clone()).await?;
        for table in ["inbox", "outbox", "snapshot", "notice_delivery", "notice"] {
            let sql = format!("DELETE FROM {table} WHERE conversation = $1");
            exec(tx, sql, by_id.clone()).await?;
        }
        let sql = "DELETE FROM log WHERE conversation = $1 AND seq IN (SELECT seq FROM log \
                   WHERE conversation = $1 ORDER BY seq DESC LIMIT $2)";
        let values = [id.as_str().into(), i64::try_from(room).unwrap_or(0).into()];
        let deleted = exec(tx, sql, values).await?;
        if deleted == room {
            // There may be more of it; the seal brings it back.
            (forgotten.more, room) = (true, 0);
            continue;
        }
        room -= deleted;
        forgotten.rows += exec(tx, "DELETE FROM conversation WHERE id = $1", by_id).await?;
        forgotten.more = true;
    }
    Ok(forgotten)
}
