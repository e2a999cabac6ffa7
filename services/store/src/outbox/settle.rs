//! Noting what became of a message.

use mercer_schemas::{DeliveryStatus, MessageId, Notice, ShopId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Value};

use super::{
    Outbox, OutboxState, Part, Reported, Resolution, UNKNOWN_WAIT_MS, decode, delivery_name, parts,
};
use crate::db::{exec, get, now_ms, one};
use crate::entity::outbox;
use crate::error::Error;
use crate::inbox::reopen_waiting;

impl Outbox {
    /// Notes that the platform took a message that was being sent, also when it had been marked
    /// unknown meanwhile. Returns false where it was settled already.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sent(&self, message: &MessageId, provider_id: &str) -> Result<bool, Error> {
        let (message, provider_id) = (message.to_string(), provider_id.to_owned());
        self.db
            .write(move |tx| Box::pin(async move { note_sent(tx, &message, &provider_id).await }))
            .await
    }

    /// Puts a message back to be sent at a moment (UTC milliseconds), with the cause. Returns
    /// false where it is not being sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn retry(
        &self,
        message: &MessageId,
        due_at_ms: i64,
        cause: &str,
    ) -> Result<bool, Error> {
        self.leave_sending(message, OutboxState::Pending, due_at_ms, cause)
            .await
    }

    /// Notes that a message being sent will not be sent. Returns false where it is not being sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn failed(&self, message: &MessageId, cause: &str) -> Result<bool, Error> {
        self.leave_sending(message, OutboxState::Failed, now_ms(), cause)
            .await
    }

    /// Notes that a message being sent may or may not have been taken. It holds back the ones
    /// after it for [`UNKNOWN_WAIT_MS`]. Returns false where it is not being sent.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn unknown(&self, message: &MessageId, cause: &str) -> Result<bool, Error> {
        let until_ms = now_ms() + UNKNOWN_WAIT_MS;
        self.leave_sending(message, OutboxState::Unknown, until_ms, cause)
            .await
    }

    /// Settles an unknown message. Returns false where it is not unknown (any more).
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn resolve_unknown(
        &self,
        message: &MessageId,
        resolution: Resolution,
    ) -> Result<bool, Error> {
        match resolution {
            Resolution::Sent { provider_id } => self.sent(message, &provider_id).await,
            Resolution::Resend => {
                let values: [Value; 2] = [now_ms().into(), message.as_str().into()];
                let sql = "UPDATE outbox SET state = 'pending', due_at_ms = $1, cause = 'resend', \
                           resends = resends + 1 WHERE message = $2 AND state = 'unknown'";
                self.update_one(sql, values).await
            }
            Resolution::GiveUp { cause } => {
                self.settle(
                    message,
                    OutboxState::Unknown,
                    OutboxState::Failed,
                    now_ms(),
                    &cause,
                )
                .await
            }
        }
    }

    /// Joins a platform's report into what is known of a message, found by our id or the
    /// platform's. Order and repetition of reports do not matter. A report also settles a message
    /// of which it was unknown whether it was sent. A report on one part of several settles it
    /// when all are known to be out. `None` for a message that this shop does not have.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn report(
        &self,
        shop: &ShopId,
        message: Option<&MessageId>,
        part: Option<Part>,
        provider_message_id: &str,
        status: DeliveryStatus,
    ) -> Result<Option<Reported>, Error> {
        let shop = shop.to_string();
        let message = message.map(ToString::to_string).unwrap_or_default();
        let provider_id = provider_message_id.to_owned();
        self.db
            .write(move |tx| {
                Box::pin(
                    async move { report(tx, &shop, &message, part, &provider_id, status).await },
                )
            })
            .await
    }

    async fn leave_sending(
        &self,
        message: &MessageId,
        to: OutboxState,
        due_at_ms: i64,
        cause: &str,
    ) -> Result<bool, Error> {
        self.settle(message, OutboxState::Sending, to, due_at_ms, cause)
            .await
    }

    async fn settle(
        &self,
        message: &MessageId,
        from: OutboxState,
        to: OutboxState,
        due_at_ms: i64,
        cause: &str,
    ) -> Result<bool, Error> {
        let values: [Value; 5] = [
            to.as_str().into(),
            due_at_ms.into(),
            cause.into(),
            message.as_str().into(),
            from.as_str().into(),
        ];
        let sql = "UPDATE outbox SET state = $1, due_at_ms = $2, cause = $3 \
                   WHERE message = $4 AND state = $5";
        if to != OutboxState::Failed {
            return self.update_one(sql, values).await;
        }
        let message = message.to_string();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let changed = exec(tx, sql, values).await? == 1;
                    if changed {
                        tell_failed(tx, &message).await?;
                    }
                    Ok::<bool, Error>(changed)
                })
            })
            .await
    }

    async fn update_one<const N: usize>(
        &self,
        sql: &'static str,
        values: [Value; N],
    ) -> Result<bool, Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok::<bool, Error>(exec(tx, sql, values).await? == 1) })
            })
            .await
    }
}

async fn note_sent<C: ConnectionTrait>(
    tx: &C,
    message: &str,
    provider_id: &str,
) -> Result<bool, Error> {
    let sql = "UPDATE outbox SET state = 'sent', provider_id = $1, cause = NULL \
               WHERE message = $2 AND state IN ('sending', 'unknown')";
    if exec(tx, sql, [provider_id.into(), message.into()]).await? == 0 {
        return Ok(false);
    }
    if let Some(row) = outbox::Entity::find_by_id(message.to_owned())
        .one(tx)
        .await?
    {
        reopen_waiting(tx, &decode(row)?.stream, provider_id).await?;
    }
    Ok(true)
}

async fn report<C: ConnectionTrait>(
    tx: &C,
    shop: &str,
    message: &str,
    part: Option<Part>,
    provider_id: &str,
    status: DeliveryStatus,
) -> Result<Option<Reported>, Error> {
    // Reports of one message may come at the same time; each must see the one before it.
    let lock = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE",
    };
    let sql = format!(
        "SELECT message FROM outbox WHERE shop = $1 AND (message = $2 OR provider_id = $3) LIMIT 1{lock}"
    );
    let values = [shop.into(), message.into(), provider_id.into()];
    let Some(row) = one(tx, sql, values).await? else {
        return Ok(None);
    };
    let id: String = get(&row, "message")?;
    let Some(model) = outbox::Entity::find_by_id(id.clone()).one(tx).await? else {
        return Ok(None);
    };
    let row = decode(model)?;
    let mut parts = row.parts.clone();
    let joined = match part.filter(|part| !part.is_whole()) {
        None => Some(row.delivery.map_or(status, |known| known.join(status))),
        Some(part) if parts::join(&mut parts, part, provider_id, status) => {
            parts::delivery_of(&parts)
        }
        Some(_) => row.delivery,
    };
    let state = match (row.state, joined) {
        // A report proves that the platform has it, whatever we know of the send.
        (OutboxState::Unknown | OutboxState::Sending, Some(DeliveryStatus::Failed)) => {
            OutboxState::Failed
        }
        (OutboxState::Unknown | OutboxState::Sending, Some(_)) => OutboxState::Sent,
        (state, _) => state,
    };
    let changed = row.delivery != joined || row.state != state;
    if changed || parts != row.parts {
        let sql = "UPDATE outbox SET delivery = $1, state = $2, parts = $3, \
                   provider_id = COALESCE(provider_id, $4) WHERE message = $5";
        let values = [
            joined.map(delivery_name).into(),
            state.as_str().into(),
            (!parts.is_empty()).then(|| parts::encode(&parts)).into(),
            provider_id.into(),
            id.into(),
        ];
        exec(tx, sql, values).await?;
        if joined == DeliveryStatus::Failed {
            tell_failed(tx, row.message.as_str()).await?;
        }
    }
    Ok(Some(Reported {
        message: row.message,
        stream: row.stream,
        status: joined,
        changed,
    }))
}

/// Notes that the retailer is told of a message that will not reach the customer.
async fn tell_failed<C: ConnectionTrait>(tx: &C, message: &str) -> Result<(), Error> {
    let found = outbox::Entity::find_by_id(message.to_owned())
        .one(tx)
        .await?;
    let Some(row) = found.map(decode).transpose()? else {
        return Ok(());
    };
    let notice = Notice::DeliveryFailed {
        shop: row.stream.shop,
        conversation: row.stream.conversation,
        message: row.message,
        cause: row
            .cause
            .unwrap_or_else(|| "reported_by_platform".to_owned()),
    };
    crate::notices::add(tx, &notice).await
}
