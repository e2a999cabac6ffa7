//! Taking messages for sending.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend};

use super::unreadable::{Loaded, load};
use super::{Outbox, OutboxRow, RETRY_WAIT_MAX_MS};
use crate::db::{all, exec, get, one};
use crate::error::Error;
use crate::inbox::partition_filter;
use crate::leases::{Lease, guard};

/// True for a message that no earlier one of its conversation holds back. An unknown one holds back
/// until it is resolved, however many of them wait for that.
const IS_HEAD: &str = "NOT EXISTS (SELECT 1 FROM outbox e WHERE e.conversation = o.conversation \
     AND (e.order_no < o.order_no OR (e.order_no = o.order_no AND e.message < o.message)) \
     AND e.state IN ('pending', 'sending', 'unknown'))";

/// True for a message whose wait is over by the clock `$1`, where `$2` is the latest end that any
/// wait can have now. A message that was never tried waits for nothing, and an end beyond `$2` was
/// written before the clock stepped back: neither may hold a reply.
const IS_DUE: &str = "(o.attempt = 0 OR o.due_at_ms <= $1 OR o.due_at_ms > $2)";

impl Outbox {
    /// Takes due messages for sending: of each conversation the first that is not settled. They
    /// are `sending` with one more attempt when this returns. Partitions whose lease does not
    /// hold any more are left out. A message that cannot be read back has failed when this returns.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn claim(
        &self,
        leases: &[Lease],
        limit: u64,
        now_ms: i64,
    ) -> Result<Vec<OutboxRow>, Error> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let leases = leases.to_vec();
        // Most looks find nothing: a read settles those without a commit.
        if !self.anything_due(now_ms).await? {
            return Ok(Vec::new());
        }
        let claimed = self
            .db
            .write(move |tx| Box::pin(async move { claim(tx, &leases, limit, now_ms).await }));
        Ok(claimed.await?.readable())
    }

    async fn anything_due(&self, now_ms: i64) -> Result<bool, Error> {
        let found = self.db.read(move |c| async move {
            let sql = format!(
                "SELECT o.message FROM outbox o WHERE o.state = 'pending' AND {IS_DUE} LIMIT 1"
            );
            Ok(one(&c, sql, [now_ms.into(), latest_due(now_ms).into()]).await?)
        });
        Ok(found.await?.is_some())
    }
}

/// The latest moment for which a message can be waiting now.
fn latest_due(now_ms: i64) -> i64 {
    now_ms.saturating_add(RETRY_WAIT_MAX_MS)
}

async fn claim<C: ConnectionTrait>(
    tx: &C,
    leases: &[Lease],
    limit: u64,
    now_ms: i64,
) -> Result<Loaded, Error> {
    let partitions: Vec<u16> = leases.iter().map(|lease| lease.partition).collect();
    let filter = partition_filter("o.partition", &partitions);
    // Two dispatchers must not wait for each other's rows. SQLite has one writer.
    let skip = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE OF o SKIP LOCKED",
    };
    let sql = format!(
        "SELECT o.message, o.partition FROM outbox o WHERE o.state = 'pending' AND {IS_DUE}\
         {filter} AND {IS_HEAD} ORDER BY o.due_at_ms, o.message LIMIT {limit}{skip}"
    );
    let mut candidates: Vec<(String, i64)> = Vec::new();
    for row in all(tx, sql, [now_ms.into(), latest_due(now_ms).into()]).await? {
        candidates.push((get(&row, "message")?, get(&row, "partition")?));
    }
    let wanted: BTreeSet<i64> = candidates.iter().map(|(_, partition)| *partition).collect();
    let mut claimed = Vec::new();
    for lease in leases
        .iter()
        .filter(|lease| wanted.contains(&i64::from(lease.partition)))
    {
        if !guard(tx, lease).await? {
            continue;
        }
        let partition = i64::from(lease.partition);
        for (message, _) in candidates.iter().filter(|(_, of)| *of == partition) {
            let sql = "UPDATE outbox SET state = 'sending', attempt = attempt + 1, owner = $1, epoch = $2 \
                       WHERE message = $3 AND state = 'pending'";
            let values = [
                lease.owner.as_str().into(),
                lease.epoch.into(),
                message.as_str().into(),
            ];
            if exec(tx, sql, values).await? == 1 {
                claimed.push(message.clone());
            }
        }
    }
    load(tx, &claimed).await
}
