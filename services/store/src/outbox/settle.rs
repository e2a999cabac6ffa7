//! Noting what became of a message.

use mercer_schemas::{DeliveryStatus, MessageId, Notice, ShopId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Value};

use super::{
    CLAIM_UNANSWERED, Outbox, OutboxRow, OutboxState, Part, RETRY_WAIT_MAX_MS, Reported,
    Resolution, UNKNOWN_WAIT_MS, decode, delivery_name, parts,
};
use crate::db::{exec, get, now_ms, one};
use crate::entity::outbox;
use crate::error::Error;
use crate::inbox::reopen_waiting;
use crate::leases::{Lease, guard};

impl Outbox {
    /// Notes that the platform took a claimed message, also when it had been marked unknown
    /// meanwhile. Returns false where it was settled already, or claimed again since.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sent(&self, claimed: &OutboxRow, provider_id: &str) -> Result<bool, Error> {
        let (attempt, provider_id) = (Attempt::of(claimed), provider_id.to_owned());
        self.db
            .write(move |tx| Box::pin(async move { note_sent(tx, attempt, &provider_id).await }))
            .await
    }

    /// Puts a claimed message back to be sent at a moment (UTC milliseconds), with the cause; not
    /// later than [`RETRY_WAIT_MAX_MS`] from now. Returns false where it is not being sent under
    /// this claim.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn retry(
        &self,
        claimed: &OutboxRow,
        due_at_ms: i64,
        cause: &str,
    ) -> Result<bool, Error> {
        let due_at_ms = due_at_ms.min(now_ms() + RETRY_WAIT_MAX_MS);
        self.end_attempt(claimed, OutboxState::Pending, due_at_ms, cause)
            .await
    }

    /// Notes that a claimed message will not be sent. Returns false where it is not being sent
    /// under this claim.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn failed(&self, claimed: &OutboxRow, cause: &str) -> Result<bool, Error> {
        self.end_attempt(claimed, OutboxState::Failed, now_ms(), cause)
            .await
    }

    /// Notes that a claimed message may or may not have been taken. It holds back the ones after
    /// it until it is resolved, for which it waits [`UNKNOWN_WAIT_MS`]. Returns false where it is
    /// not being sent under this claim.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn unknown(&self, claimed: &OutboxRow, cause: &str) -> Result<bool, Error> {
        let until_ms = now_ms() + UNKNOWN_WAIT_MS;
        self.end_attempt(claimed, OutboxState::Unknown, until_ms, cause)
            .await
    }

    /// Settles an unknown message for the owner of its partition. Returns false where it is not
    /// unknown (any more), was claimed again since, or the lease does not hold.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn resolve_unknown(
        &self,
        lease: &Lease,
        unknown: &OutboxRow,
        resolution: Resolution,
    ) -> Result<bool, Error> {
        let (lease, attempt) = (lease.clone(), Attempt::of(unknown));
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if lease.partition != attempt.partition || !guard(tx, &lease).await? {
                        return Ok(false);
                    }
                    resolve(tx, attempt, resolution).await
                })
            })
            .await
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

    async fn end_attempt(
        &self,
        claimed: &OutboxRow,
        to: OutboxState,
        due_at_ms: i64,
        cause: &str,
    ) -> Result<bool, Error> {
        let (attempt, cause) = (Attempt::of(claimed), cause.to_owned());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = format!(
                        "UPDATE outbox SET state = $5, due_at_ms = $6, cause = $7 \
                         WHERE {THIS_ATTEMPT} AND state = 'sending'"
                    );
                    let [message, number, owner, epoch] = attempt.values();
                    let values = [
                        message,
                        number,
                        owner,
                        epoch,
                        to.as_str().into(),
                        due_at_ms.into(),
                        cause.into(),
                    ];
                    let changed = exec(tx, sql, values).await? == 1;
                    if changed && to == OutboxState::Failed {
                        tell_failed(tx, &attempt.message).await?;
                    }
                    Ok::<bool, Error>(changed)
                })
            })
            .await
    }
}

/// True for the row of a message while nobody has claimed it again: `$1` to `$4` are
/// [`Attempt::values`].
const THIS_ATTEMPT: &str = "message = $1 AND attempt = $2 AND owner = $3 AND epoch = $4";

/// One attempt to send a message, and whose it is.
struct Attempt {
    message: String,
    partition: u16,
    number: i64,
    owner: String,
    epoch: i64,
}

impl Attempt {
    fn of(row: &OutboxRow) -> Self {
        // A row that nobody claimed has no attempt that could be settled, and matches nothing.
        let (owner, epoch) = row.claimed_by.clone().unwrap_or_default();
        Self {
            message: row.message.to_string(),
            partition: row.partition,
            number: i64::from(row.attempt),
            owner,
            epoch,
        }
    }

    fn values(&self) -> [Value; 4] {
        [
            self.message.as_str().into(),
            self.number.into(),
            self.owner.as_str().into(),
            self.epoch.into(),
        ]
    }
}

async fn resolve<C: ConnectionTrait>(
    tx: &C,
    attempt: Attempt,
    resolution: Resolution,
) -> Result<bool, Error> {
    let (state, cause) = match resolution {
        Resolution::Sent { provider_id } => return note_sent(tx, attempt, &provider_id).await,
        Resolution::Resend => (OutboxState::Pending, "resend".to_owned()),
        Resolution::GiveUp { cause } => (OutboxState::Failed, cause),
    };
    // A claim that nobody heard of sent nothing, so that this is no second time.
    let repeats = match state {
        OutboxState::Pending => format!("CASE WHEN cause = '{CLAIM_UNANSWERED}' THEN 0 ELSE 1 END"),
        _ => "0".to_owned(),
    };
    let sql = format!(
        "UPDATE outbox SET state = $5, due_at_ms = $6, cause = $7, resends = resends + {repeats} \
         WHERE {THIS_ATTEMPT} AND state = 'unknown'"
    );
    let [message, number, owner, epoch] = attempt.values();
    let values = [
        message,
        number,
        owner,
        epoch,
        state.as_str().into(),
        now_ms().into(),
        cause.into(),
    ];
    let changed = exec(tx, sql, values).await? == 1;
    if changed && state == OutboxState::Failed {
        tell_failed(tx, &attempt.message).await?;
    }
    Ok(changed)
}

async fn note_sent<C: ConnectionTrait>(
    tx: &C,
    attempt: Attempt,
    provider_id: &str,
) -> Result<bool, Error> {
    let sql = format!(
        "UPDATE outbox SET state = 'sent', provider_id = $5, cause = NULL \
         WHERE {THIS_ATTEMPT} AND state IN ('sending', 'unknown')"
    );
    let [message, number, owner, epoch] = attempt.values();
    let values = [message, number, owner, epoch, provider_id.into()];
    if exec(tx, sql, values).await? == 0 {
        return Ok(false);
    }
    if let Some(row) = outbox::Entity::find_by_id(attempt.message).one(tx).await? {
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
        // One that was given up has been told of already.
        let was_failed =
            row.state == OutboxState::Failed || row.delivery == Some(DeliveryStatus::Failed);
        if joined == Some(DeliveryStatus::Failed) && !was_failed {
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

/// Notes that the retailer is told of a message that will not reach the customer. Of its row only
/// what names it is read: the rest may be what cannot be read back.
pub(super) async fn tell_failed<C: ConnectionTrait>(tx: &C, message: &str) -> Result<(), Error> {
    let sql = "SELECT shop, conversation, cause FROM outbox WHERE message = $1";
    let Some(row) = one(tx, sql, [message.into()]).await? else {
        return Ok(());
    };
    let (shop, conversation, cause): (String, String, Option<String>) = (
        get(&row, "shop")?,
        get(&row, "conversation")?,
        get(&row, "cause")?,
    );
    let named = (ShopId::new(shop), conversation.parse(), message.parse());
    let (Ok(shop), Ok(conversation), Ok(message)) = named else {
        return Ok(());
    };
    let notice = Notice::DeliveryFailed {
        shop,
        conversation,
        message,
        cause: cause.unwrap_or_else(|| "reported_by_platform".to_owned()),
    };
    crate::notices::add(tx, &notice).await
}
