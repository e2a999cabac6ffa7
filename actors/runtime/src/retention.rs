//! Forgetting what is older than the settings say, in the background.
//!
//! Every node does it; the store lets one at a time. Small batches with pauses between them leave
//! the store to everybody else. What may go at all is the store's to know (`mercer_store::retention`).

use std::collections::BTreeMap;
use std::time::Duration;

use mercer_conversation::Phase;
use mercer_store::retention::{Retention, Table};
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::{Clock, SystemClock};
use crate::context::Context;

/// How often old rows are looked for.
const EVERY: Duration = Duration::from_secs(600);
/// The first look waits until a start is over.
const FIRST: Duration = Duration::from_secs(60);
/// Pause between two batches: the store is theirs who answer customers.
const PAUSE: Duration = Duration::from_millis(50);

/// Forgets until cancelled.
pub(crate) async fn forget(context: Context) {
    let retention = context.services.store.retention();
    let periods = &context.config.retention;
    for table in periods.keys() {
        count(*table, 0);
        count_failure(*table, 0);
    }
    let mut ticks = tokio::time::interval_at(Instant::now() + FIRST, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep(&retention, periods, SystemClock.now_ms()).await;
    }
}

/// Looks through all tables once.
async fn sweep(retention: &Retention, periods: &BTreeMap<Table, Duration>, now_ms: i64) {
    for (table, period) in periods {
        let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
        let before_ms = now_ms.saturating_sub(period_ms);
        if let Err(error) = sweep_table(retention, *table, before_ms).await {
            count_failure(*table, 1);
            tracing::warn!(table = table.as_str(), %error, "old rows could not be deleted; trying again later");
        }
    }
    metrics::gauge!("mercer_retention_last_run_timestamp_seconds").set(now_ms as f64 / 1_000.0);
}

async fn sweep_table(
    retention: &Retention,
    table: Table,
    before_ms: i64,
) -> Result<(), mercer_store::Error> {
    loop {
        let batch = retention
            .forget(table, before_ms, &Phase::RESTING_NAMES)
            .await?;
        count(table, batch.rows);
        if !batch.more {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn count(table: Table, rows: u64) {
    metrics::counter!("mercer_retention_deleted_rows_total", "table" => table.as_str())
        .increment(rows);
}

fn count_failure(table: Table, failures: u64) {
    metrics::counter!("mercer_retention_failures_total", "table" => table.as_str())
        .increment(failures);
}

#[cfg(test)]
mod tests {
    use mercer_schemas::ShopId;
    use mercer_store::{Begin, Store, StoreConfig};
    use mercer_testing::sqlite_url;

    use super::*;

    #[tokio::test]
    async fn tables_are_kept_for_their_own_time_and_others_for_ever() {
        let folder = tempfile::tempdir().expect("folder");
        let config = StoreConfig::new(sqlite_url(folder.path()));
        let store = Store::open(&config).await.expect("store");
        let shop = ShopId::new("highbarn").expect("key");
        let requests = store.idempotency();
        let is_new = async || {
            let begun = requests.begin(&shop, "k", "PUT /a", "h").await;
            begun.expect("begin") == Begin::Fresh
        };
        assert!(is_new().await);
        store
            .leases()
            .register("node", "a")
            .await
            .expect("register");
        let hour = Duration::from_secs(3_600);
        let after = |hours: i64| SystemClock.now_ms() + 3_600_000 * hours;
        let retention = store.retention();
        let none = BTreeMap::new();
        sweep(&retention, &none, after(1_000)).await;
        assert!(!is_new().await, "without a period nothing goes");
        let day = BTreeMap::from([(Table::Idempotency, 24 * hour)]);
        sweep(&retention, &day, after(23)).await;
        assert!(!is_new().await, "younger than a day");
        sweep(&retention, &day, after(25)).await;
        assert!(is_new().await);
        let known = store.leases().heartbeat("node").await;
        assert_eq!(known, Ok(true), "nodes have no period here");
    }
}
