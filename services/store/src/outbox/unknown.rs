//! Messages of which nobody knows whether they were sent.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::claim::load;
use super::{Outbox, OutboxRow, OutboxState, UNKNOWN_WAIT_MS, decode};
use crate::db::{all, exec, get, now_ms};
use crate::entity::outbox;
use crate::error::Error;
use crate::inbox::partition_filter;
use crate::leases::{Lease, guard};

impl Outbox {
    /// Finds messages that an owner before these leases left `sending`: whether they were sent is
    /// unknown now, and they are marked so.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn sending_left_over(&self, leases: &[Lease]) -> Result<Vec<OutboxRow>, Error> {
        let leases = leases.to_vec();
        self.db
            .write(move |tx| Box::pin(async move { left_over(tx, &leases).await }))
            .await
    }

    /// Returns unknown messages of these partitions whose wait for the platform's report is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn unknown_due(
        &self,
        leases: &[Lease],
        now_ms: i64,
        limit: u64,
    ) -> Result<Vec<OutboxRow>, Error> {
        let partitions: Vec<i64> = leases.iter().map(|of| i64::from(of.partition)).collect();
        // A wait that ends later than any can was begun before the clock stepped back.
        let over = Condition::any()
            .add(outbox::Column::DueAtMs.lte(now_ms))
            .add(outbox::Column::DueAtMs.gt(now_ms.saturating_add(UNKNOWN_WAIT_MS)));
        let rows = self.db.read(move |c| async move {
            let found = outbox::Entity::find()
                .filter(outbox::Column::State.eq(OutboxState::Unknown.as_str()))
                .filter(outbox::Column::Partition.is_in(partitions))
                .filter(over)
                .order_by_asc(outbox::Column::DueAtMs)
                .limit(limit)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }
}

async fn left_over<C: ConnectionTrait>(tx: &C, leases: &[Lease]) -> Result<Vec<OutboxRow>, Error> {
    let partitions: Vec<u16> = leases.iter().map(|lease| lease.partition).collect();
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let filter = partition_filter("partition", &partitions);
    let sql = format!(
        "SELECT message, partition, owner, epoch FROM outbox WHERE state = 'sending'{filter}"
    );
    let mut found = Vec::new();
    for row in all(tx, sql, []).await? {
        let partition: i64 = get(&row, "partition")?;
        let owner: Option<String> = get(&row, "owner")?;
        let epoch: Option<i64> = get(&row, "epoch")?;
        let Some(lease) = leases
            .iter()
            .find(|lease| i64::from(lease.partition) == partition)
        else {
            continue;
        };
        let ours = owner.as_deref() == Some(lease.owner.as_str()) && epoch == Some(lease.epoch);
        if ours || !guard(tx, lease).await? {
            continue;
        }
        let message: String = get(&row, "message")?;
        let sql = "UPDATE outbox SET state = 'unknown', cause = 'owner_died', due_at_ms = $1 \
                   WHERE message = $2 AND state = 'sending'";
        let due_at_ms = now_ms() + UNKNOWN_WAIT_MS;
        if exec(tx, sql, [due_at_ms.into(), message.as_str().into()]).await? == 1 {
            found.push(message);
        }
    }
    load(tx, &found).await
}
