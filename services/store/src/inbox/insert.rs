//! Taking things in: the way of every acknowledged webhook.

use mercer_schemas::{ConversationId, ShopId, Stream, partition_of};
use sea_orm::ConnectionTrait;

use super::{Inbox, InboxItem, InboxKind, Inserted, NewInbox};
use crate::conversations::{ensure_conversation, hold};
use crate::db::{all, exec, get, one};
use crate::error::Error;

/// Where a row goes: to a conversation, or aside, with the reason.
enum Destination {
    Conversation(Stream),
    Parked {
        reason: String,
        /// The platform's id of our message that a status waits for.
        waits_for: Option<String>,
    },
}

impl Inbox {
    /// Takes things in and answers after the commit, in the order given. What is there already by
    /// shop, channel and provider id is left alone, so a call may be repeated at will. The
    /// conversation of the address is created with its first message.
    ///
    /// Things that several callers bring at the same time share a commit.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be written: nothing may be acknowledged.
    pub async fn insert(
        &self,
        shop: &ShopId,
        items: Vec<NewInbox>,
    ) -> Result<Vec<Inserted>, Error> {
        let shop = shop.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut inserted = Vec::with_capacity(items.len());
                    for item in &items {
                        inserted.push(insert_one(tx, &shop, item).await?);
                    }
                    Ok::<_, Error>(inserted)
                })
            })
            .await
    }
}

async fn insert_one<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    item: &NewInbox,
) -> Result<Inserted, Error> {
    // A repeated webhook is the common case: look first, so that it writes nothing.
    if let Some(known) = known_row(tx, shop, item).await? {
        return Ok(known);
    }
    let destination = destination(tx, shop, item).await?;
    let (stream, reason, waits_for) = match destination {
        Destination::Conversation(stream) => (Some(stream), None, None),
        Destination::Parked { reason, waits_for } => (None, Some(reason), waits_for),
    };
    let partition = stream
        .as_ref()
        .map(|stream| i64::from(partition_of(&stream.shop, &stream.conversation)));
    let state = if stream.is_some() { "open" } else { "parked" };
    let sql = "INSERT INTO inbox (shop, channel, provider_id, address, conversation, partition, kind, \
               payload, received_at_ms, sent_at_ms, attempts, state, reason, waits_for) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13) \
               ON CONFLICT (shop, channel, provider_id) DO NOTHING RETURNING id";
    let values = [
        shop.as_str().into(),
        item.channel.as_str().into(),
        item.provider_id.as_str().into(),
        item.address.expose().as_str().into(),
        stream
            .as_ref()
            .map(|stream| stream.conversation.to_string())
            .into(),
        partition.into(),
        item.kind.as_str().into(),
        item.payload.clone().into(),
        item.received_at_ms.into(),
        item.sent_at_ms.into(),
        state.into(),
        reason.into(),
        waits_for.into(),
    ];
    match one(tx, sql, values).await? {
        Some(row) => Ok(Inserted {
            new: true,
            inbox_id: get(&row, "id")?,
            stream,
        }),
        // Somebody else's transaction was first.
        None => known_row(tx, shop, item)
            .await?
            .ok_or_else(|| Error::Unavailable("inbox row vanished".to_owned())),
    }
}

async fn known_row<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    item: &NewInbox,
) -> Result<Option<Inserted>, Error> {
    let sql =
        "SELECT id, conversation FROM inbox WHERE shop = $1 AND channel = $2 AND provider_id = $3";
    let values = [
        shop.as_str().into(),
        item.channel.as_str().into(),
        item.provider_id.as_str().into(),
    ];
    let Some(row) = one(tx, sql, values).await? else {
        return Ok(None);
    };
    let inbox_id = get(&row, "id")?;
    let stream = get::<Option<String>>(&row, "conversation")?
        .map(|text| stream(shop, &text, inbox_id))
        .transpose()?;
    Ok(Some(Inserted {
        new: false,
        inbox_id,
        stream,
    }))
}

/// Finds where a thing belongs. For a status that is the conversation of the message it reports.
async fn destination<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    item: &NewInbox,
) -> Result<Destination, Error> {
    let parked = |reason: &str| Destination::Parked {
        reason: reason.to_owned(),
        waits_for: None,
    };
    if item.kind == InboxKind::Parked {
        return Ok(parked(&parked_reason(&item.payload)));
    }
    let content = match serde_json::from_slice::<InboxItem>(&item.payload) {
        Ok(content) if content.kind() == item.kind => content,
        _ => return Ok(parked("payload does not fit its kind")),
    };
    if let InboxItem::Status {
        message,
        provider_message_id,
        ..
    } = content
    {
        let message = message.map(|id| id.to_string()).unwrap_or_default();
        let sql = "SELECT conversation FROM outbox WHERE shop = $1 AND (message = $2 OR provider_id = $3) \
                   LIMIT 1";
        let values = [
            shop.as_str().into(),
            message.into(),
            provider_message_id.as_str().into(),
        ];
        if let Some(row) = one(tx, sql, values).await? {
            let id: String = get(&row, "conversation")?;
            if hold(tx, shop, &id).await? {
                return Ok(Destination::Conversation(stream(shop, &id, 0)?));
            }
        }
        // The report may be faster than our note of the platform's id.
        return Ok(Destination::Parked {
            reason: "status of a message that is not known".to_owned(),
            waits_for: Some(provider_message_id),
        });
    }
    let row =
        ensure_conversation(tx, shop, item.channel, &item.address, item.received_at_ms).await?;
    Ok(Destination::Conversation(Stream {
        shop: shop.clone(),
        conversation: row.id,
    }))
}

fn parked_reason(payload: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(payload)
        .ok()
        .and_then(|value| Some(value.get("reason")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "not understood".to_owned())
}

fn stream(shop: &ShopId, conversation: &str, at: i64) -> Result<Stream, Error> {
    let conversation: ConversationId = conversation
        .parse()
        .map_err(|_| Error::corrupt("inbox.conversation", at))?;
    Ok(Stream {
        shop: shop.clone(),
        conversation,
    })
}

/// Opens the reports that were parked because they came before the platform's id of the message
/// was noted.
pub(crate) async fn reopen_waiting<C: ConnectionTrait>(
    tx: &C,
    stream: &Stream,
    provider_id: &str,
) -> Result<(), Error> {
    let sql = "SELECT id FROM inbox WHERE shop = $1 AND waits_for = $2 AND state = 'parked'";
    let waiting = all(tx, sql, [stream.shop.as_str().into(), provider_id.into()]).await?;
    for row in waiting {
        let id: i64 = get(&row, "id")?;
        let sql = "UPDATE inbox SET state = 'open', reason = NULL, waits_for = NULL, \
                   conversation = $1, partition = $2 WHERE id = $3";
        let partition = partition_of(&stream.shop, &stream.conversation);
        let values = [
            stream.conversation.as_str().into(),
            i64::from(partition).into(),
            id.into(),
        ];
        exec(tx, sql, values).await?;
    }
    Ok(())
}
