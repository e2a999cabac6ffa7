//! How messages leave: an attempt on a channel, and how it ended.
//!
//! An adapter makes one attempt and says how it ended. When to try again, in which order, and what
//! an unknown end means is decided by the dispatcher that calls it. A message that a platform
//! takes in several parts goes on, at the next attempt, after those that are out.

use async_trait::async_trait;
use mercer_schemas::{Channel, Personal, Stream};
use mercer_store::{OutboxRow, PARTS_MAX, Part, PartState};

use crate::adapter::Adapter;

/// How an attempt to send ended. Causes are stable words and codes; they hold nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The platform took it.
    Sent {
        /// The platform's id of the message.
        provider_id: String,
    },
    /// It certainly did not arrive; another attempt may succeed.
    Retry {
        /// Least wait before the next attempt, as the platform asks for it; 0 where it asks for none.
        /// The dispatcher's own back-off comes on top where it is longer.
        after_ms: u64,
        /// What went wrong.
        cause: String,
    },
    /// It certainly did not arrive and never will.
    Rejected {
        /// What went wrong.
        cause: String,
    },
    /// It may or may not have arrived.
    Unknown {
        /// What went wrong.
        cause: String,
    },
}

impl SendOutcome {
    /// Returns the word for metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Retry { .. } => "retry",
            Self::Rejected { .. } => "rejected",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// A conversation in which an answer is being worked on.
#[derive(Clone)]
pub struct Working {
    /// The conversation.
    pub stream: Stream,
    /// Its channel.
    pub channel: Channel,
    /// The customer's address on that channel.
    pub address: Personal<String>,
    /// The platform's id of the customer's latest message.
    pub provider_message_id: Option<String>,
}

/// Keeps which parts of a message are out.
#[async_trait]
pub trait Progress: Send + Sync {
    /// Notes that the platform took a part, and returns when that will not be forgotten.
    async fn part_sent(&self, row: &OutboxRow, part: Part, provider_id: &str);
}

/// Sends the parts that are not out yet, in order.
pub(crate) async fn send_parts(
    adapter: &dyn Adapter,
    row: &OutboxRow,
    progress: &dyn Progress,
) -> SendOutcome {
    let parts = adapter.render(&row.content);
    let of = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    if of > PARTS_MAX {
        return rejected("too many parts");
    }
    // Another division of the same words says nothing about these parts.
    let known = if row.parts.len() == parts.len() {
        row.parts.as_slice()
    } else {
        &[]
    };
    let mut first = known.first().and_then(|part| part.provider_id.clone());
    for (number, content) in (1..).zip(&parts) {
        let Some(part) = Part::new(number, of) else {
            break;
        };
        let known = known.get(number as usize - 1);
        if known.is_some_and(PartState::is_out) {
            continue;
        }
        match adapter.send(row, content, part).await {
            SendOutcome::Sent { provider_id } => {
                if !part.is_whole() {
                    progress.part_sent(row, part, &provider_id).await;
                }
                first.get_or_insert(provider_id);
            }
            SendOutcome::Rejected { cause } if number > 1 => {
                return rejected(format!("part {number} of {of}: {cause}"));
            }
            other => return other,
        }
    }
    match first.or_else(|| row.provider_id.clone()) {
        Some(provider_id) => SendOutcome::Sent { provider_id },
        None => rejected("empty message"),
    }
}

pub(crate) fn rejected(cause: impl Into<String>) -> SendOutcome {
    SendOutcome::Rejected {
        cause: cause.into(),
    }
}
