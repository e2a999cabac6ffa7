//! The inbox: what came in and is not yet part of a conversation.
//!
//! A row is `open` until the transaction that appends it to the conversation's log makes it
//! `done` or `quarantined`. What cannot be processed is `parked` with its reason.

mod insert;
mod read;

use mercer_schemas::{
    ActionBy, Channel, DeliveryStatus, InboundMessage, MessageId, Personal, Stream,
};
use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::outbox::Part;

pub(crate) use insert::reopen_waiting;
pub(crate) use read::{id_list, partition_filter};

/// The inbox of all shops.
#[derive(Clone)]
pub struct Inbox {
    db: Db,
}

impl Inbox {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }
}

/// What kind of thing came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxKind {
    /// A customer's message.
    Message,
    /// A platform's report on a message of ours.
    Status,
    /// A wish of a person of the shop.
    Command,
    /// Rightly signed, but not to be understood. See [`parked_payload`].
    Parked,
}

impl InboxKind {
    /// Returns the word as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Status => "status",
            Self::Command => "command",
            Self::Parked => "parked",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Message, Self::Status, Self::Command, Self::Parked]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// The content of an inbox row; its JSON is the row's payload.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum InboxItem {
    /// A customer's message.
    Message(InboundMessage),
    /// A platform's report on a message of ours.
    Status {
        /// Our id, where the platform gives it back.
        message: Option<MessageId>,
        /// Which part of it, where it went out in several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// The platform's id of our message.
        provider_message_id: String,
        /// How far it got.
        status: DeliveryStatus,
        /// The platform's word for what went wrong.
        error: Option<String>,
    },
    /// A wish of a person of the shop.
    Command(Command),
}

impl InboxItem {
    /// Returns the item's JSON, as [`NewInbox::payload`] wants it.
    pub fn to_payload(&self) -> Vec<u8> {
        // Strings, numbers and unit variants: there is no value that JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn kind(&self) -> InboxKind {
        match self {
            Self::Message(_) => InboxKind::Message,
            Self::Status { .. } => InboxKind::Status,
            Self::Command(_) => InboxKind::Command,
        }
    }
}

/// A wish of a person of the shop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Mercer shall be silent; a person answers from now on.
    TakeOver {
        /// Who.
        by: ActionBy,
    },
    /// A person's answer.
    Answer {
        /// Who.
        by: ActionBy,
        /// Their words.
        text: Personal<String>,
    },
    /// Mercer answers again.
    HandBack {
        /// Who.
        by: ActionBy,
    },
}

/// Something that came in.
#[derive(Clone)]
pub struct NewInbox {
    /// Where it came from.
    pub channel: Channel,
    /// The platform's id of it, unique per shop and channel. For a status an id of the report
    /// itself, so that a repeated one is recognised.
    pub provider_id: String,
    /// The customer's address on the channel; it names the conversation. Unused for a status.
    pub address: Personal<String>,
    /// What it is.
    pub kind: InboxKind,
    /// JSON of an [`InboxItem`] of that kind, or [`parked_payload`]. A payload that does not fit
    /// its kind is parked.
    pub payload: Vec<u8>,
    /// When it was received, UTC milliseconds.
    pub received_at_ms: i64,
    /// When it was sent as the platform says, UTC milliseconds.
    pub sent_at_ms: i64,
}

/// What became of a [`NewInbox`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// False where the same provider id was there already.
    pub new: bool,
    /// The row.
    pub inbox_id: i64,
    /// The conversation that it belongs to; none for parked rows.
    pub stream: Option<Stream>,
}

/// What is open of a conversation.
#[derive(Clone, Default)]
pub struct OpenRows {
    /// Rows in the order they were sent.
    pub rows: Vec<InboxRow>,
    /// Rows that cannot be read back.
    pub unreadable: Vec<UnreadableRow>,
}

/// An open row that cannot be read back: a newer program wrote it, or somebody changed it by hand.
#[derive(Clone)]
pub struct UnreadableRow {
    /// The row.
    pub id: i64,
    /// The table and column that cannot be read.
    pub what: &'static str,
    /// Where it came from, if that can be read.
    pub channel: Option<Channel>,
    /// The customer's address on the channel.
    pub address: Personal<String>,
    /// What it is, if that can be read.
    pub kind: Option<InboxKind>,
}

/// An open row.
#[derive(Clone)]
pub struct InboxRow {
    /// The row.
    pub id: i64,
    /// The conversation that it belongs to.
    pub stream: Stream,
    /// Where it came from.
    pub channel: Channel,
    /// The platform's id.
    pub provider_id: String,
    /// The customer's address on the channel.
    pub address: Personal<String>,
    /// What it is.
    pub kind: InboxKind,
    /// Its content.
    pub item: InboxItem,
    /// When it was received, UTC milliseconds.
    pub received_at_ms: i64,
    /// When it was sent as the platform says, UTC milliseconds.
    pub sent_at_ms: i64,
    /// How often its processing was begun.
    pub attempts: u32,
}

/// Builds the payload of a parked row: why it cannot be processed, and what came in.
pub fn parked_payload(reason: &str, raw: &[u8]) -> Vec<u8> {
    let parked = match std::str::from_utf8(raw) {
        Ok(text) => serde_json::json!({ "reason": reason, "text": text }),
        Err(_) => serde_json::json!({ "reason": reason, "hex": hex::encode(raw) }),
    };
    parked.to_string().into_bytes()
}
