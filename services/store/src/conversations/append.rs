//! The one transaction that moves a conversation on.

use mercer_schemas::{LogBody, OutboundMessage, partition_of};
use sea_orm::{ActiveValue, DatabaseTransaction, DbErr, EntityTrait, Set};

use super::{Append, AppendError, Conversations, NewOutbox};
use crate::db::{exec, now_ms};
use crate::entity::{Sealed, log, outbox};
use crate::error::{Error, is_unique_violation};
use crate::inbox::id_list;
use crate::leases::guard;
use crate::records::{share_records, version_of};

impl Conversations {
    /// Appends to a conversation's log and everything that follows from it, in one transaction:
    /// the lease's check comes first, then versions, log, inbox, outbox, the conversation's row
    /// and the snapshot.
    ///
    /// # Errors
    /// See [`AppendError`]; then nothing is stored. After [`Error::Unavailable`] the outcome is
    /// unknown: read the log again before anything else.
    pub async fn append(&self, append: Append) -> Result<(), AppendError> {
        self.db
            .write(move |tx| Box::pin(async move { run(tx, append).await }))
            .await
    }
}

async fn run(tx: &DatabaseTransaction, append: Append) -> Result<(), AppendError> {
    let partition = partition_of(&append.stream.shop, &append.stream.conversation);
    if append.lease.partition != partition {
        let message = format!("the conversation is in partition {partition}");
        return Err(Error::invalid("lease", message).into());
    }
    if !guard(tx, &append.lease).await? {
        return Err(AppendError::LostLease);
    }
    if !append.expect_versions.is_empty() {
        share_records(tx, &append.stream.shop).await?;
    }
    let mut stale = Vec::new();
    for (record, version) in &append.expect_versions {
        let current = version_of(tx, &append.stream.shop, record).await?;
        if current != Some(*version) {
            stale.push(record.clone());
        }
    }
    if !stale.is_empty() {
        return Err(AppendError::Stale(stale));
    }
    write_log(tx, &append).await?;
    settle_inbox(tx, &append).await?;
    queue_messages(tx, &append, partition).await?;
    for notice in &append.notices {
        crate::notices::add(tx, notice).await?;
    }
    update_row(tx, &append).await?;
    write_snapshot(tx, &append).await
}

async fn write_log(tx: &DatabaseTransaction, append: &Append) -> Result<(), AppendError> {
    if append.records.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(append.records.len());
    for record in &append.records {
        let payload = serde_json::to_vec(&record.body)
            .map_err(|error| Error::invalid("records", error.to_string()))?;
        let kind = match &record.body {
            LogBody::Input { input, .. } => input.type_name(),
            LogBody::Event { event } => event.type_name(),
        };
        rows.push(log::ActiveModel {
            conversation: Set(append.stream.conversation.to_string()),
            seq: Set(record.seq as i64),
            shop: Set(append.stream.shop.to_string()),
            at_ms: Set(record.at_ms),
            epoch: Set(record.epoch),
            logic_version: Set(i64::from(record.logic_version)),
            kind: Set(kind.to_owned()),
            payload: Set(payload),
        });
    }
    let stored = log::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await;
    stored.map(|_| ()).map_err(conflict)
}

/// Settles inbox rows. Each must be an open row of this conversation: whoever settled it before
/// has answered it, and answering twice is what this prevents.
async fn settle_inbox(tx: &DatabaseTransaction, append: &Append) -> Result<(), AppendError> {
    let conversation = append.stream.conversation.as_str();
    if !append.inbox_done.is_empty() {
        let sql = format!(
            "UPDATE inbox SET state = 'done' WHERE id IN ({}) AND conversation = $1 AND state = 'open'",
            id_list(&append.inbox_done)
        );
        let changed = exec(tx, sql, [conversation.into()])
            .await
            .map_err(Error::from)?;
        if changed != append.inbox_done.len() as u64 {
            return Err(AppendError::Conflict);
        }
    }
    for (id, reason) in &append.inbox_quarantined {
        let sql = "UPDATE inbox SET state = 'quarantined', reason = $1 \
                   WHERE id = $2 AND conversation = $3 AND state = 'open'";
        let values = [reason.as_str().into(), (*id).into(), conversation.into()];
        if exec(tx, sql, values).await.map_err(Error::from)? != 1 {
            return Err(AppendError::Conflict);
        }
    }
    Ok(())
}

async fn queue_messages(
    tx: &DatabaseTransaction,
    append: &Append,
    partition: u16,
) -> Result<(), AppendError> {
    let now_ms = now_ms();
    for message in &append.outbox {
        let row = outbox_row(append, message, partition, now_ms)?;
        let stored = outbox::Entity::insert(row).exec_without_returning(tx).await;
        stored.map_err(conflict)?;
    }
    Ok(())
}

fn outbox_row(
    append: &Append,
    new: &NewOutbox,
    partition: u16,
    now_ms: i64,
) -> Result<outbox::ActiveModel, Error> {
    Ok(outbox::ActiveModel {
        message: Set(new.message.to_string()),
        shop: Set(append.stream.shop.to_string()),
        conversation: Set(append.stream.conversation.to_string()),
        partition: Set(i64::from(partition)),
        channel: Set(new.channel.as_str().to_owned()),
        address: Set(Sealed::from(&new.address)),
        turn: Set(new.turn.as_ref().map(ToString::to_string)),
        content: Set(encode_content(&new.content)?),
        order_no: Set(new.order_no),
        state: Set("pending".to_owned()),
        delivery: Set(None),
        attempt: Set(0),
        due_at_ms: Set(now_ms),
        provider_id: Set(None),
        cause: Set(None),
        owner: Set(None),
        epoch: ActiveValue::Set(None),
        created_at_ms: Set(now_ms),
        resends: Set(0),
        parts: Set(None),
    })
}

fn encode_content(content: &OutboundMessage) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(content).map_err(|error| Error::invalid("outbox", error.to_string()))
}

async fn update_row(tx: &DatabaseTransaction, append: &Append) -> Result<(), AppendError> {
    let last_at_ms = append
        .records
        .iter()
        .map(|record| record.at_ms)
        .max()
        .unwrap_or(0);
    let sql = "UPDATE conversation SET phase = $1, handed_over = $2, turns = $3, \
               last_at_ms = CASE WHEN last_at_ms < $4 THEN $4 ELSE last_at_ms END \
               WHERE shop = $5 AND id = $6";
    let values = [
        append.phase.as_str().into(),
        append.handed_over.into(),
        append.turns.into(),
        last_at_ms.into(),
        append.stream.shop.as_str().into(),
        append.stream.conversation.as_str().into(),
    ];
    if exec(tx, sql, values).await.map_err(Error::from)? == 1 {
        return Ok(());
    }
    Err(Error::invalid("stream", "there is no such conversation in this shop").into())
}

async fn write_snapshot(tx: &DatabaseTransaction, append: &Append) -> Result<(), AppendError> {
    let Some(snapshot) = &append.snapshot else {
        return Ok(());
    };
    let sql = "INSERT INTO snapshot (conversation, shop, seq, state, hash) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (conversation) DO UPDATE SET seq = excluded.seq, state = excluded.state, \
               hash = excluded.hash";
    let values = [
        append.stream.conversation.as_str().into(),
        append.stream.shop.as_str().into(),
        (snapshot.seq as i64).into(),
        snapshot.state.clone().into(),
        snapshot.hash.as_str().into(),
    ];
    exec(tx, sql, values).await.map_err(Error::from)?;
    Ok(())
}

fn conflict(error: DbErr) -> AppendError {
    if is_unique_violation(&error) {
        AppendError::Conflict
    } else {
        AppendError::Store(error.into())
    }
}
