//! Messages as they come from and go to a channel.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{MessageId, ProductId};
use crate::personal::Personal;

/// Where a conversation takes place.
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
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// WhatsApp Cloud API.
    Whatsapp,
    /// The chat page.
    Webchat,
}

/// What a channel can do and what it takes. All that others than its own folder need to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Most characters of a customer's message that are kept; the gateway cuts what is longer and
    /// notes it on the message. About a printed page: more would crowd the rest of the conversation
    /// out of a prompt, and cost memory and time in every step after it.
    pub text_chars_max: usize,
    /// For how long after the customer's last message the shop may write freely, milliseconds; none
    /// where it always may.
    pub answer_window_ms: Option<i64>,
    /// Whether sentences of an answer are shown while it is still being written.
    pub shows_sentences: bool,
    /// Whether the customer's address is a phone number, by which a known customer is recognised.
    pub address_is_phone: bool,
}

/// Says that a text is no channel's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a channel")]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        let named = Self::ALL.into_iter().find(|one| one.as_str() == text);
        named.ok_or(UnknownChannel)
    }
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 2] = [Self::Whatsapp, Self::Webchat];

    /// Returns what the channel can do and what it takes.
    pub fn capabilities(self) -> Capabilities {
        match self {
            // Source: Meta, Cloud API: a customer service window is open for 24 hours after the
            // customer's last message.
            Self::Whatsapp => Capabilities {
                // What a business may send in one message. Customers' apps take sixteen times as much.
                text_chars_max: 4_096,
                answer_window_ms: Some(24 * 60 * 60 * 1_000),
                shows_sentences: false,
                address_is_phone: true,
            },
            Self::Webchat => Capabilities {
                // The page says so before it sends.
                text_chars_max: 4_000,
                answer_window_ms: None,
                shows_sentences: true,
                address_is_phone: false,
            },
        }
    }

    /// Returns the name used in paths, tables and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Webchat => "webchat",
        }
    }
}

/// One message of a customer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboundMessage {
    /// Our id.
    pub id: MessageId,
    /// The platform's id (WhatsApp `wamid…`), unique per shop and channel.
    pub provider_id: String,
    /// Time that the platform gives, UTC milliseconds.
    pub sent_at_ms: i64,
    /// What was sent.
    pub content: Content,
    /// Characters that its text had before the gateway cut it; none where it was not cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_from_chars: Option<u32>,
}

impl InboundMessage {
    /// Cuts the text to what its channel takes, and notes how long it was.
    pub fn cut_to(mut self, channel: Channel) -> Self {
        let (Content::Text { text } | Content::Choice { title: text, .. }) = &mut self.content
        else {
            return self;
        };
        let chars = text.expose().chars().count();
        if chars > channel.capabilities().text_chars_max {
            let kept: String = text
                .expose()
                .chars()
                .take(channel.capabilities().text_chars_max)
                .collect();
            *text = Personal::new(kept);
            self.cut_from_chars = Some(u32::try_from(chars).unwrap_or(u32::MAX));
        }
        self
    }
}

/// What a message holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Words.
    Text {
        /// The customer's words.
        text: Personal<String>,
    },
    /// A tap on a button or a list row that we offered.
    Choice {
        /// Id that we gave the button.
        id: String,
        /// Its title.
        title: Personal<String>,
    },
    /// A kind that Mercer does not read yet (image, audio, location …).
    Unsupported {
        /// The platform's word for the kind.
        kind_name: String,
        /// Whether nobody expects an answer to it: a reaction, a sticker, a system message.
        #[serde(default, skip_serializing_if = "is_false")]
        quiet: bool,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Content {
    /// Returns the words that the message says, if any.
    pub fn words(&self) -> Option<&Personal<String>> {
        match self {
            Self::Text { text } => Some(text),
            Self::Choice { title, .. } => Some(title),
            Self::Unsupported { .. } => None,
        }
    }

    /// Says whether the customer waits for an answer that Mercer cannot give, as it cannot read
    /// what they sent.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unsupported { quiet: false, .. })
    }
}

/// One message to a customer, rendered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboundMessage {
    /// Text as the customer reads it.
    pub text: Personal<String>,
    /// Cards that the channel may show beside the text.
    #[serde(default)]
    pub cards: Vec<ProductCard>,
}

/// A product with its price and stock at the time of rendering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ProductCard {
    /// The product.
    #[schema(value_type = String)]
    pub product_id: ProductId,
    /// Name of the product or variant.
    pub name: String,
    /// Price as shown, `£45.99` or `from £45.99`.
    pub price: String,
    /// Stock as shown.
    pub stock: String,
    /// Options that can be chosen, for instance `colour: red, blue`.
    pub options: Vec<String>,
}

/// How far a sent message got. Later is greater; a repeated or late report changes nothing.
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
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The platform took it.
    Sent,
    /// It reached the device.
    Delivered,
    /// The customer opened it.
    Read,
    /// It will not arrive.
    Failed,
}

impl DeliveryStatus {
    /// Joins two reports: the greater of `sent < delivered < read`; `failed` is final, unless the
    /// message is known to have arrived.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed, Self::Delivered | Self::Read) => other,
            (Self::Delivered | Self::Read, Self::Failed) => self,
            _ => self.max(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Channel;
    use super::DeliveryStatus::{self, Delivered, Failed, Read, Sent};

    #[test]
    fn a_channels_name_is_the_stored_one_and_read_back() {
        for channel in Channel::ALL {
            let stored = serde_json::to_string(&channel).expect("JSON");
            assert_eq!(stored, format!("\"{}\"", channel.as_str()));
            assert_eq!(channel.as_str().parse(), Ok(channel));
        }
        assert!("fax".parse::<Channel>().is_err());
    }

    #[test]
    fn joining_reports_forgets_their_order_and_repetition() {
        let all = [Sent, Delivered, Read, Failed];
        for a in all {
            assert_eq!(a.join(a), a);
            for b in all {
                assert_eq!(a.join(b), b.join(a));
                for c in all {
                    assert_eq!(a.join(b).join(c), a.join(b.join(c)), "{a:?} {b:?} {c:?}");
                }
            }
        }
        assert_eq!(
            [Read, Sent, Delivered]
                .into_iter()
                .reduce(DeliveryStatus::join),
            Some(Read)
        );
    }
}
