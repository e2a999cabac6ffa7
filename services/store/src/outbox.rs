//! The outbox: messages on their way to customers, in order per conversation.
//!
//! `pending → sending → sent`; `failed` when it will not be sent; `unknown` when a send may or may
//! not have happened. An unknown message is never sent again by itself: its caller decides with
//! [`Outbox::resolve_unknown`], or the platform's report settles it.
//!
//! Each claim is an attempt of one owner, and only that attempt can say how it ended: what a node
//! that was frozen meanwhile has to say of an older one changes nothing.

mod claim;
mod parts;
mod settle;
mod unknown;
mod unreadable;

use std::collections::BTreeSet;

use mercer_schemas::{
    Channel, DeliveryStatus, MessageId, OutboundMessage, Personal, ShopId, Stream, TurnId,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::conversations::parse_channel;
use crate::db::Db;
use crate::entity::outbox;
use crate::error::Error;

pub use self::parts::{PARTS_MAX, Part, PartState};

/// For how long an unknown message holds back the ones after it, waiting for the platform's
/// report, milliseconds (reliability notes, c1.5).
pub const UNKNOWN_WAIT_MS: i64 = 30_000;

/// Longest wait before a message is tried again, milliseconds: a chat reply that is later has lost
/// its use, and a due time further away shows that the clock has stepped back since it was written.
pub const RETRY_WAIT_MAX_MS: i64 = 600_000;

/// Cause of a message that was claimed and that nobody began to send.
const CLAIM_UNANSWERED: &str = "claim_unanswered";

/// The outbox of all shops.
#[derive(Clone)]
pub struct Outbox {
    db: Db,
}

impl Outbox {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns the messages of a conversation in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list_for(&self, stream: &Stream) -> Result<Vec<OutboxRow>, Error> {
        let (shop, conversation) = (stream.shop.to_string(), stream.conversation.to_string());
        let rows = self.db.read(move |c| async move {
            let found = outbox::Entity::find()
                .filter(outbox::Column::Shop.eq(shop))
                .filter(outbox::Column::Conversation.eq(conversation))
                .order_by_asc(outbox::Column::OrderNo)
                .order_by_asc(outbox::Column::Message)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }
}

/// How far the sending of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// To be sent when due.
    Pending,
    /// A dispatcher sends it now.
    Sending,
    /// The platform took it.
    Sent,
    /// It will not be sent.
    Failed,
    /// The platform may or may not have taken it.
    Unknown,
}

impl OutboxState {
    /// Returns the word as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Sending,
            Self::Sent,
            Self::Failed,
            Self::Unknown,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

/// What a process knows of its attempts to send, each a message and the attempt's number.
#[derive(Clone, Debug, Default)]
pub struct KnownAttempts {
    /// Those that are being made.
    pub made: BTreeSet<(MessageId, u32)>,
    /// Those that were begun, and ended without a record of how.
    pub lost: BTreeSet<(MessageId, u32)>,
}

/// What becomes of an unknown message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was sent after all, under this id of the platform.
    Sent {
        /// The platform's id.
        provider_id: String,
    },
    /// It is sent again, although it may arrive twice.
    Resend,
    /// It is given up.
    GiveUp {
        /// Stable word for the reason.
        cause: String,
    },
}

/// What a platform's report changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub stream: Stream,
    /// How far it is known to have got, this report included; none while parts of it are missing.
    pub status: Option<DeliveryStatus>,
    /// False for a late or repeated report, which changes nothing.
    pub changed: bool,
}

/// A message and how far it is.
#[derive(Clone)]
pub struct OutboxRow {
    /// Its id.
    pub message: MessageId,
    /// Its conversation.
    pub stream: Stream,
    /// The conversation's partition.
    pub partition: u16,
    /// Where it is sent.
    pub channel: Channel,
    /// To whom.
    pub address: Personal<String>,
    /// The turn that it answers.
    pub turn: Option<TurnId>,
    /// What is sent.
    pub content: OutboundMessage,
    /// Its place among the conversation's messages.
    pub order_no: i64,
    /// How far the sending is.
    pub state: OutboxState,
    /// What the platform reported.
    pub delivery: Option<DeliveryStatus>,
    /// Tries so far, this one included.
    pub attempt: u32,
    /// Of these, tries that repeated one whose outcome was unknown and which may have been sent.
    pub resends: u32,
    /// The node that claimed it last, by boot id, and the epoch of its lease.
    pub claimed_by: Option<(String, i64)>,
    /// When it may be sent; for an unknown message, until when it holds back the next ones. UTC
    /// milliseconds.
    pub due_at_ms: i64,
    /// The platform's id.
    pub provider_id: Option<String>,
    /// What is known of its parts, where the platform takes it in several; empty before the first
    /// is out.
    pub parts: Vec<PartState>,
    /// Stable word for the last failure.
    pub cause: Option<String>,
    /// When it was queued, UTC milliseconds.
    pub created_at_ms: i64,
}

impl OutboxRow {
    /// Says whether its last attempt was never begun: the claim's answer got lost, so that nothing was
    /// sent.
    pub fn was_unanswered(&self) -> bool {
        self.cause.as_deref() == Some(CLAIM_UNANSWERED)
    }
}

pub(crate) fn delivery_name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Read => "read",
        DeliveryStatus::Failed => "failed",
    }
}

fn parse_delivery(text: &str) -> Option<DeliveryStatus> {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    [Sent, Delivered, Read, Failed]
        .into_iter()
        .find(|status| delivery_name(*status) == text)
}

fn decode(row: outbox::Model) -> Result<OutboxRow, Error> {
    let corrupt = |what| Error::corrupt(what, &row.message);
    let stream = Stream {
        shop: ShopId::new(row.shop.clone()).map_err(|_| corrupt("outbox.shop"))?,
        conversation: row
            .conversation
            .parse()
            .map_err(|_| corrupt("outbox.conversation"))?,
    };
    let turn = row.turn.as_deref().map(str::parse).transpose();
    let delivery = match row.delivery.as_deref() {
        Some(text) => Some(parse_delivery(text).ok_or_else(|| corrupt("outbox.delivery"))?),
        None => None,
    };
    let parts = match row.parts.as_deref() {
        Some(text) => serde_json::from_str(text).map_err(|_| corrupt("outbox.parts"))?,
        None => Vec::new(),
    };
    Ok(OutboxRow {
        message: row.message.parse().map_err(|_| corrupt("outbox.message"))?,
        stream,
        partition: u16::try_from(row.partition).map_err(|_| corrupt("outbox.partition"))?,
        channel: parse_channel(&row.channel).ok_or_else(|| corrupt("outbox.channel"))?,
        turn: turn.map_err(|_| corrupt("outbox.turn"))?,
        content: serde_json::from_slice(&row.content).map_err(|_| corrupt("outbox.content"))?,
        order_no: row.order_no,
        state: OutboxState::parse(&row.state).ok_or_else(|| corrupt("outbox.state"))?,
        delivery,
        attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
        resends: u32::try_from(row.resends).unwrap_or(u32::MAX),
        claimed_by: row.owner.clone().zip(row.epoch),
        due_at_ms: row.due_at_ms,
        provider_id: row.provider_id.clone(),
        parts,
        cause: row.cause.clone(),
        created_at_ms: row.created_at_ms,
        address: row.address.into(),
    })
}
