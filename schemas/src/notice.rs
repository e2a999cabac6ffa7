//! What the retailer's people and systems are told of a conversation.
//!
//! A notice is stored in the transaction that makes it true and delivered later, as a signed
//! webhook or as an e-mail. Its JSON follows Standard Webhooks (standardwebhooks.com): `type`,
//! `timestamp`, `data`; the id travels in the header `webhook-id` and stays the same over retries.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::Channel;
use crate::conversation::{ActionBy, HandoffReason};
use crate::evidence::RecordKey;
use crate::ids::{ConversationId, CustomerId, MessageId, ShopId};
use crate::personal::Personal;

/// Most characters of a customer's words in a notice. Standard Webhooks asks for payloads below
/// 20 kB; whoever needs all of them reads the conversation.
pub const NOTICE_WORDS_MAX: usize = 2_000;

/// Most records that a summary names.
pub const NOTICE_RECORDS_MAX: usize = 8;

/// The kinds of notices.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
pub enum NoticeKind {
    /// A person is called; Mercer is silent from now on.
    #[serde(rename = "conversation.handed_over")]
    HandedOver,
    /// A person took the conversation.
    #[serde(rename = "conversation.taken_over")]
    TakenOver,
    /// The customer wrote while a person has the conversation.
    #[serde(rename = "message.received")]
    MessageReceived,
    /// A message will not reach the customer.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed,
    /// A trial, sent by `mercer webhooks test` alone.
    #[serde(rename = "mercer.test")]
    Test,
}

impl NoticeKind {
    /// All kinds that conversations give rise to.
    pub const ALL: [Self; 4] = [
        Self::HandedOver,
        Self::TakenOver,
        Self::MessageReceived,
        Self::DeliveryFailed,
    ];

    /// Returns the name as sent and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HandedOver => "conversation.handed_over",
            Self::TakenOver => "conversation.taken_over",
            Self::MessageReceived => "message.received",
            Self::DeliveryFailed => "delivery.failed",
            Self::Test => "mercer.test",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says that a text names no kind of notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected conversation.handed_over, conversation.taken_over, message.received or delivery.failed"
)]
pub struct NoticeKindError;

impl FromStr for NoticeKind {
    type Err = NoticeKindError;
    fn from_str(text: &str) -> Result<Self, NoticeKindError> {
        Self::ALL
            .into_iter()
            .chain([Self::Test])
            .find(|kind| kind.as_str() == text)
            .ok_or(NoticeKindError)
    }
}

/// What is told, by kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum Notice {
    /// A person is called.
    #[serde(rename = "conversation.handed_over")]
    HandedOver {
        /// Whose conversation.
        shop: ShopId,
        /// The conversation.
        conversation: ConversationId,
        /// Why.
        reason: HandoffReason,
        /// What the person needs to begin.
        summary: Summary,
    },
    /// A person took the conversation.
    #[serde(rename = "conversation.taken_over")]
    TakenOver {
        /// Whose conversation.
        shop: ShopId,
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        by: ActionBy,
    },
    /// The customer wrote while a person has the conversation.
    #[serde(rename = "message.received")]
    MessageReceived {
        /// Whose conversation.
        shop: ShopId,
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        message: MessageId,
        /// Its words, cut to [`NOTICE_WORDS_MAX`] characters; none for a picture and the like.
        text: Option<Personal<String>>,
    },
    /// A message will not reach the customer.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed {
        /// Whose conversation.
        shop: ShopId,
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        message: MessageId,
        /// Stable word for the reason.
        cause: String,
    },
    /// A trial.
    #[serde(rename = "mercer.test")]
    Test {
        /// The shop whose target is tried.
        shop: ShopId,
    },
}

impl Notice {
    /// Returns the kind.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Self::HandedOver { .. } => NoticeKind::HandedOver,
            Self::TakenOver { .. } => NoticeKind::TakenOver,
            Self::MessageReceived { .. } => NoticeKind::MessageReceived,
            Self::DeliveryFailed { .. } => NoticeKind::DeliveryFailed,
            Self::Test { .. } => NoticeKind::Test,
        }
    }
}

/// What a person needs to know who takes a conversation over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Who writes.
    pub who: Who,
    /// What the customer asked last, cut to [`NOTICE_WORDS_MAX`] characters.
    pub asked: Personal<String>,
    /// What the shop's records said to it, at most [`NOTICE_RECORDS_MAX`].
    pub found: Vec<FoundRecord>,
    /// What is still to be done.
    pub open: Open,
}

/// Who writes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    /// Where.
    pub channel: Channel,
    /// The customer's address there.
    pub address: Personal<String>,
    /// The customer's record, where identity is proven.
    pub customer: Option<CustomerId>,
}

/// A record that a tool found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundRecord {
    /// Which one.
    pub record: RecordKey,
    /// Its name or title, where it has one.
    pub name: Option<Personal<String>>,
}

/// What is still to be done in a conversation that is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    /// The customer has an answer and wishes to speak to a person.
    SpeakToPerson,
    /// The last question has no answer yet.
    AnswerQuestion,
    /// A message could not be processed; the customer was told that a person looks at it.
    ReadConversation,
}

impl Open {
    /// Returns a sentence for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SpeakToPerson => "The customer waits for a person to write.",
            Self::AnswerQuestion => "The last question has no answer yet.",
            Self::ReadConversation => {
                "A message could not be processed. Please read the conversation and answer."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in NoticeKind::ALL.into_iter().chain([NoticeKind::Test]) {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = serde_json::to_value(kind).expect("JSON");
            assert_eq!(json, kind.as_str());
        }
        assert_eq!("x".parse::<NoticeKind>(), Err(NoticeKindError));
    }

    #[test]
    fn a_notice_names_its_kind_as_type() {
        let shop = ShopId::new("highbarn").expect("key");
        let notice = Notice::Test { shop };
        let json = serde_json::to_string(&notice).expect("JSON");
        assert_eq!(json, r#"{"type":"mercer.test","data":{"shop":"highbarn"}}"#);
    }
}
