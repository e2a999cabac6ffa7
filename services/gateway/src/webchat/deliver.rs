//! Delivery to the chat page: tell whoever is watching.
//!
//! The message is in the store already; a page that is away reads it there when it comes back.
//! So delivery cannot fail.

use async_trait::async_trait;
use mercer_schemas::OutboundMessage;
use mercer_store::{OutboxRow, Part};

use crate::live::{LiveEvent, LiveFeed};
use crate::sender::{ChannelSender, SendOutcome, Working};

/// Delivers to chat pages.
pub struct WebChatSender {
    live: LiveFeed,
}

impl WebChatSender {
    /// Builds a sender that tells the watchers of this feed.
    pub fn new(live: LiveFeed) -> Self {
        Self { live }
    }
}

#[async_trait]
impl ChannelSender for WebChatSender {
    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage> {
        vec![content.clone()]
    }

    async fn send(&self, row: &OutboxRow, content: &OutboundMessage, _: Part) -> SendOutcome {
        let event = LiveEvent::Message {
            message: row.message.clone(),
            turn: row.turn.clone(),
            content: content.clone(),
        };
        self.live.publish(&row.stream.conversation, event);
        SendOutcome::Sent {
            provider_id: row.message.as_str().to_owned(),
        }
    }

    async fn working(&self, work: &Working) {
        self.live
            .publish(&work.stream.conversation, LiveEvent::Typing);
    }
}
