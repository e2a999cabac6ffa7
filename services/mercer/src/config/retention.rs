//! For how long rows are kept that nobody needs any more.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use mercer_store::retention::{DEDUPE_MS, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;

/// For how long rows are kept; 0 keeps them for ever.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// What came in and was settled, days.
    pub(crate) inbox_days: u64,
    /// Messages that were sent or given up, days.
    pub(crate) outbox_days: u64,
    /// Answers for repeated requests, hours.
    pub(crate) idempotency_hours: u64,
    /// The change feed, days.
    pub(crate) changes_days: u64,
    /// Nodes that have died, hours.
    pub(crate) nodes_hours: u64,
    /// Snapshots of conversations that are quiet, days.
    pub(crate) snapshots_days: u64,
    /// What the retailer was told, days.
    pub(crate) notices_days: u64,
    /// Wrong proofs of identity, hours.
    pub(crate) wrong_proofs_hours: u64,
    /// Whole conversations that are quiet, days.
    pub(crate) conversations_days: u64,
}

impl Retention {
    /// Checks what would break a promise.
    ///
    /// # Errors
    /// Names the key.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let days_min = DEDUPE_MS.unsigned_abs() / 1_000 / DAY_S;
        for (key, days) in [
            ("inbox_days", self.inbox_days),
            ("conversations_days", self.conversations_days),
        ] {
            if (1..days_min).contains(&days) {
                bail!(
                    "retention.{key}: must be 0 (for ever) or at least {days_min}; Meta posts a webhook again for 7 \
                     days, and it must be recognised"
                );
            }
        }
        Ok(())
    }

    /// Returns the time of each table that is not kept for ever.
    pub(super) fn periods(&self) -> BTreeMap<Table, Duration> {
        let of = |table| match table {
            Table::Inbox => self.inbox_days.saturating_mul(DAY_S),
            Table::Outbox => self.outbox_days.saturating_mul(DAY_S),
            Table::Idempotency => self.idempotency_hours.saturating_mul(HOUR_S),
            Table::Changes => self.changes_days.saturating_mul(DAY_S),
            Table::Nodes => self.nodes_hours.saturating_mul(HOUR_S),
            Table::Snapshots => self.snapshots_days.saturating_mul(DAY_S),
            Table::Notices => self.notices_days.saturating_mul(DAY_S),
            Table::WrongProofs => self.wrong_proofs_hours.saturating_mul(HOUR_S),
            Table::Conversations => self.conversations_days.saturating_mul(DAY_S),
        };
        Table::ALL
            .into_iter()
            .map(|table| (table, Duration::from_secs(of(table))))
            .filter(|(_, period)| !period.is_zero())
            .collect()
    }
}
