//! Messages of which nobody knows whether they were sent.

use std::collections::BTreeSet;

use mercer_schemas::MessageId;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect,
};

use super::unreadable::{Loaded, load};
use super::{CLAIM_UNANSWERED, KnownAttempts, Outbox, OutboxRow, OutboxState, UNKNOWN_WAIT_MS};
use crate::db::{all, exec, get, now_ms};
use crate::entity::outbox;
use crate::error::Error;
use crate::inbox::partition_filter;
use crate::leases::{Lease, guard};

impl Outbox {
    /// Finds messages that an owner before these leases left `sending`: whether they were sent is
    /// unknown now, and they are marked so. What this process still sends under a lease that it lost
    /// and has again is left to it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sending_left_over(
        &self,
        leases: &[Lease],
        known: KnownAttempts,
    ) -> Result<Vec<OutboxRow>, Error> {
        let leases = leases.to_vec();
        let marked = self.db.write(move |tx| {
            Box::pin(async move {
                let mut left = sending(tx, &leases).await?;
                left.retain(|of| {
                    !(of.is_of_this_lease() || of.is_of_this_node() && of.is_among(&known.made))
                });
                mark(tx, &left, |_| "owner_died").await
            })
        });
        Ok(marked.await?.readable())
    }

    /// Finds messages that this node claimed and does not send: the claim was committed after its
    /// caller had been told that it failed, or the attempt ended without a record. They are marked
    /// unknown, the former as [`OutboxRow::was_unanswered`].
    ///
    /// Whoever claims calls this between two claims, so that each claim that was answered is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sending_unattended(
        &self,
        leases: &[Lease],
        known: KnownAttempts,
    ) -> Result<Vec<OutboxRow>, Error> {
        let leases = leases.to_vec();
        // Most looks find nothing: a read settles those without a commit.
        let KnownAttempts { made, lost } = known;
        let found = self.db.read(move |c| async move {
            let mut found = sending(&c, &leases).await?;
            found.retain(|of| of.is_of_this_node() && !of.is_among(&made));
            Ok(found)
        });
        let unattended = found.await?;
        if unattended.is_empty() {
            return Ok(Vec::new());
        }
        let marked = self.db.write(move |tx| {
            Box::pin(async move {
                let cause = |of: &Sending| match of.is_among(&lost) {
                    true => "attempt_lost",
                    false => CLAIM_UNANSWERED,
                };
                mark(tx, &unattended, cause).await
            })
        });
        Ok(marked.await?.readable())
    }

    /// Returns unknown messages of these partitions whose wait for the platform's report is over.
    /// One that cannot be read back has failed when this returns.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
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
        let due = self.db.read(move |c| async move {
            let query = outbox::Entity::find()
                .filter(outbox::Column::State.eq(OutboxState::Unknown.as_str()))
                .filter(outbox::Column::Partition.is_in(partitions))
                .filter(over)
                .order_by_asc(outbox::Column::DueAtMs)
                .limit(limit);
            let mut due = Loaded::default();
            due.add_found(&c, query).await?;
            Ok(due)
        });
        let mut due = due.await?;
        if due.unreadable.is_empty() {
            return Ok(due.readable());
        }
        let leases = leases.to_vec();
        let given_up = self.db.write(move |tx| {
            Box::pin(async move {
                for lease in &leases {
                    let partition = i64::from(lease.partition);
                    let is_theirs = due.unreadable.iter().any(|of| of.partition == partition);
                    if is_theirs && !guard(tx, lease).await? {
                        due.unreadable.retain(|of| of.partition != partition);
                    }
                }
                due.give_up(tx).await?;
                Ok::<_, Error>(due)
            })
        });
        Ok(given_up.await?.readable())
    }
}

/// A message that is `sending`, and the lease under which this node may settle it.
struct Sending {
    message: String,
    attempt: i64,
    claimed_by: Option<(String, i64)>,
    lease: Lease,
}

impl Sending {
    /// Reads a row; none where its partition is of none of these leases.
    fn of(row: &QueryResult, leases: &[Lease]) -> Result<Option<Self>, Error> {
        let partition: i64 = get(row, "partition")?;
        let held = leases
            .iter()
            .find(|lease| i64::from(lease.partition) == partition);
        let Some(lease) = held.cloned() else {
            return Ok(None);
        };
        let owner: Option<String> = get(row, "owner")?;
        Ok(Some(Self {
            message: get(row, "message")?,
            attempt: get(row, "attempt")?,
            claimed_by: owner.zip(get(row, "epoch")?),
            lease,
        }))
    }

    /// Says whether it was claimed by this node, under whichever lease.
    fn is_of_this_node(&self) -> bool {
        let claimed = self.claimed_by.as_ref();
        claimed.is_some_and(|(owner, _)| *owner == self.lease.owner)
    }

    /// Says whether it was claimed under this very lease.
    fn is_of_this_lease(&self) -> bool {
        let claimed = self.claimed_by.as_ref();
        self.is_of_this_node() && claimed.is_some_and(|(_, epoch)| *epoch == self.lease.epoch)
    }

    fn is_among(&self, attempts: &BTreeSet<(MessageId, u32)>) -> bool {
        let number = u32::try_from(self.attempt).unwrap_or(u32::MAX);
        let message: Result<MessageId, _> = self.message.parse();
        message.is_ok_and(|message| attempts.contains(&(message, number)))
    }
}

/// Finds what is `sending` in the partitions of these leases.
async fn sending<C: ConnectionTrait>(c: &C, leases: &[Lease]) -> Result<Vec<Sending>, Error> {
    let partitions: Vec<u16> = leases.iter().map(|lease| lease.partition).collect();
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let filter = partition_filter("partition", &partitions);
    let sql = format!(
        "SELECT message, partition, attempt, owner, epoch FROM outbox WHERE state = 'sending'{filter}"
    );
    let mut found = Vec::new();
    for row in all(c, sql, []).await? {
        match Sending::of(&row, leases) {
            Ok(sending) => found.extend(sending),
            // It stays as it is and keeps nobody from the others.
            Err(error) => tracing::error!(%error, "a message on its way cannot be read"),
        }
    }
    Ok(found)
}

/// Marks those unknown that are still in the same attempt and whose lease holds.
async fn mark<C: ConnectionTrait>(
    tx: &C,
    found: &[Sending],
    cause: impl Fn(&Sending) -> &'static str,
) -> Result<Loaded, Error> {
    let due_at_ms = now_ms() + UNKNOWN_WAIT_MS;
    let mut marked = Vec::new();
    for of in found {
        if !guard(tx, &of.lease).await? {
            continue;
        }
        let sql = "UPDATE outbox SET state = 'unknown', cause = $1, due_at_ms = $2 \
                   WHERE message = $3 AND attempt = $4 AND state = 'sending'";
        let values = [
            cause(of).into(),
            due_at_ms.into(),
            of.message.as_str().into(),
            of.attempt.into(),
        ];
        if exec(tx, sql, values).await? == 1 {
            marked.push(of.message.clone());
        }
    }
    load(tx, &marked).await
}
