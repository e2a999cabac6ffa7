//! Conversations: what they are, their logs and snapshots, and the one transaction that moves them
//! on.

mod append;
mod read;

use mercer_schemas::{
    Channel, ConversationId, LogRecord, MessageId, Notice, OutboundMessage, Personal, RecordKey,
    ShopId, Stream, TurnId, partition_of,
};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::db::{Db, exec};
use crate::entity::conversation;
use crate::error::Error;
use crate::leases::Lease;

/// Phase of a conversation that nothing was decided in yet.
pub(crate) const PHASE_NEW: &str = "new";
/// Phase of a conversation that is being forgotten; see [`crate::Retention`].
pub(crate) const PHASE_SEALED: &str = "sealed";

/// Conversations of all shops; each method names the shop it works in.
#[derive(Clone)]
pub struct Conversations {
    db: Db,
}

impl Conversations {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }
}

/// A conversation as lists show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// The conversation.
    pub id: ConversationId,
    /// Whose it is.
    pub shop: ShopId,
    /// Where it takes place.
    pub channel: Channel,
    /// The customer's address on that channel.
    pub address: Personal<String>,
    /// Its partition.
    pub partition: u16,
    /// The phase's name, as the core gives it; `new` before the first decision.
    pub phase: String,
    /// Whether a person of the shop answers.
    pub handed_over: bool,
    /// When it began, UTC milliseconds.
    pub created_at_ms: i64,
    /// When its log last grew, UTC milliseconds.
    pub last_at_ms: i64,
    /// Turns that ended.
    pub turns: i64,
}

impl ConversationRow {
    /// Names the conversation within its shop.
    pub fn stream(&self) -> Stream {
        Stream {
            shop: self.shop.clone(),
            conversation: self.id.clone(),
        }
    }
}

/// Which conversations a list shows. Empty = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// Only of this channel.
    pub channel: Option<Channel>,
    /// Only in this phase.
    pub phase: Option<String>,
    /// Only those that a person answers, or only those that Mercer answers.
    pub handed_over: Option<bool>,
    /// Only those whose log grew at or after this moment, UTC milliseconds.
    pub since_ms: Option<i64>,
}

/// A conversation's state at a position of its log.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is part of the state.
    pub seq: u64,
    /// The state, in the core's own form.
    pub state: Vec<u8>,
    /// Hash of the state, hexadecimal.
    pub hash: String,
}

/// A piece of a conversation's log.
pub struct LogPart {
    /// The records, in order.
    pub records: Vec<LogRecord>,
    /// Whether no record followed them.
    pub is_end: bool,
}

/// A message for the customer.
#[derive(Clone)]
pub struct NewOutbox {
    /// Its id; a second one with the same id is a conflict.
    pub message: MessageId,
    /// Where it is sent.
    pub channel: Channel,
    /// To whom.
    pub address: Personal<String>,
    /// The turn that it answers.
    pub turn: Option<TurnId>,
    /// What is sent.
    pub content: OutboundMessage,
    /// Its place among the conversation's messages: the position of its event in the log.
    pub order_no: i64,
}

/// What moves a conversation on: all of it, or nothing.
pub struct Append {
    /// The conversation.
    pub stream: Stream,
    /// The writer's claim to the partition; checked in the transaction.
    pub lease: Lease,
    /// The log's next records.
    pub records: Vec<LogRecord>,
    /// Open inbox rows that are part of the log now.
    pub inbox_done: Vec<i64>,
    /// Open inbox rows that are set aside, each with the reason.
    pub inbox_quarantined: Vec<(i64, String)>,
    /// Messages to send.
    pub outbox: Vec<NewOutbox>,
    /// What the retailer's people and systems are told.
    pub notices: Vec<Notice>,
    /// The phase after the records.
    pub phase: String,
    /// Whether a person of the shop answers after the records.
    pub handed_over: bool,
    /// Turns that ended, with the records.
    pub turns: i64,
    /// The state after the records, where one is to be kept.
    pub snapshot: Option<Snapshot>,
    /// Versions that rendered facts were read at; they must still be the ones in the store.
    pub expect_versions: Vec<(RecordKey, i64)>,
}

/// Says why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another owner has the partition. The actor ends.
    #[error("partition belongs to another owner")]
    LostLease,
    /// Somebody else wrote these positions, settled these inbox rows or queued this message. The
    /// actor ends and its partition is dropped; never read again and retry.
    #[error("log was written by somebody else")]
    Conflict,
    /// These records changed since they were rendered. Render again.
    #[error("{} records changed since they were rendered", .0.len())]
    Stale(Vec<RecordKey>),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Returns the conversation of an address, creating it where there is none.
pub(crate) async fn ensure_conversation<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    channel: Channel,
    address: &Personal<String>,
    at_ms: i64,
) -> Result<ConversationRow, Error> {
    if let Some(row) = hold_by_address(tx, shop, channel, address.expose()).await? {
        return Ok(row);
    }
    let id = ConversationId::from_parts(at_ms, rand::random());
    let sql = "INSERT INTO conversation (id, shop, channel, address, partition, phase, handed_over, \
               created_at_ms, last_at_ms, turns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0) \
               ON CONFLICT (shop, channel, address) DO NOTHING";
    let values = [
        id.as_str().into(),
        shop.as_str().into(),
        channel.as_str().into(),
        address.expose().as_str().into(),
        i64::from(partition_of(shop, &id)).into(),
        PHASE_NEW.into(),
        false.into(),
        at_ms.into(),
    ];
    exec(tx, sql, values).await?;
    // Ours, or that of a transaction that was faster.
    hold_by_address(tx, shop, channel, address.expose())
        .await?
        .ok_or_else(|| Error::Unavailable("conversation row vanished".to_owned()))
}

async fn find_by_address<C: ConnectionTrait>(
    connection: &C,
    shop: &ShopId,
    channel: Channel,
    address: &str,
) -> Result<Option<ConversationRow>, Error> {
    let row = by_address(shop, channel, address).one(connection).await?;
    row.map(decode).transpose()
}

/// As [`find_by_address`], and on PostgreSQL keeps the conversation from being forgotten until the
/// transaction ends. Appends do not wait for this.
async fn hold_by_address<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    channel: Channel,
    address: &str,
) -> Result<Option<ConversationRow>, Error> {
    let row = by_address(shop, channel, address)
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    row.map(decode).transpose()
}

fn by_address(
    shop: &ShopId,
    channel: Channel,
    address: &str,
) -> sea_orm::Select<conversation::Entity> {
    conversation::Entity::find()
        .filter(conversation::Column::Shop.eq(shop.as_str()))
        .filter(conversation::Column::Channel.eq(channel.as_str()))
        .filter(conversation::Column::Address.eq(address))
}

/// Says whether a conversation is there and, on PostgreSQL, keeps it from being forgotten until the
/// transaction ends.
pub(crate) async fn hold<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    id: &str,
) -> Result<bool, Error> {
    let row = conversation::Entity::find_by_id(id)
        .filter(conversation::Column::Shop.eq(shop.as_str()))
        .filter(conversation::Column::Phase.ne(PHASE_SEALED))
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    Ok(row.is_some())
}

fn decode(row: conversation::Model) -> Result<ConversationRow, Error> {
    let corrupt = |what| Error::corrupt(what, &row.id);
    Ok(ConversationRow {
        id: row.id.parse().map_err(|_| corrupt("conversation.id"))?,
        shop: ShopId::new(row.shop.clone()).map_err(|_| corrupt("conversation.shop"))?,
        channel: parse_channel(&row.channel).ok_or_else(|| corrupt("conversation.channel"))?,
        partition: u16::try_from(row.partition).map_err(|_| corrupt("conversation.partition"))?,
        phase: row.phase.clone(),
        handed_over: row.handed_over,
        created_at_ms: row.created_at_ms,
        last_at_ms: row.last_at_ms,
        turns: row.turns,
        address: row.address.into(),
    })
}

/// Reads a channel's name back.
pub(crate) fn parse_channel(text: &str) -> Option<Channel> {
    text.parse().ok()
}
