//! How messages leave: one sender a channel, behind one trait.
//!
//! A sender makes one attempt and says how it ended. When to try again, in which order, and what
//! an unknown end means is decided by the dispatcher that calls it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use mercer_schemas::{Channel, Personal, Stream};
use mercer_store::OutboxRow;

use crate::config::GatewayConfig;
use crate::live::LiveFeed;
use crate::webchat::WebChatSender;
use crate::whatsapp::WhatsAppSender;

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

/// Sends on one channel.
#[async_trait]
pub trait ChannelSender: Send + Sync {
    /// Makes one attempt to send a message.
    async fn send(&self, row: &OutboxRow) -> SendOutcome;

    /// Shows the customer that their message was read and an answer is coming. Best effort.
    async fn working(&self, work: &Working);
}

/// The senders of all channels.
#[derive(Clone, Default)]
pub struct Senders {
    by_channel: HashMap<Channel, Arc<dyn ChannelSender>>,
}

impl Senders {
    /// Builds the senders that the configuration asks for.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: &GatewayConfig, live: &LiveFeed) -> Result<Self, reqwest::Error> {
        let mut senders = Self::default();
        senders.register(
            Channel::Whatsapp,
            Arc::new(WhatsAppSender::new(&config.whatsapp)?),
        );
        senders.register(Channel::Webchat, Arc::new(WebChatSender::new(live.clone())));
        Ok(senders)
    }

    /// Sets the sender of a channel.
    pub fn register(&mut self, channel: Channel, sender: Arc<dyn ChannelSender>) {
        self.by_channel.insert(channel, sender);
    }

    /// Returns the sender of a channel.
    pub fn get(&self, channel: Channel) -> Option<&Arc<dyn ChannelSender>> {
        self.by_channel.get(&channel)
    }

    /// Makes one attempt on the row's channel and counts how it ended.
    pub async fn send(&self, row: &OutboxRow) -> SendOutcome {
        let outcome = match self.get(row.channel) {
            Some(sender) => sender.send(row).await,
            None => SendOutcome::Rejected {
                cause: "no sender for this channel".to_owned(),
            },
        };
        metrics::counter!(
            "mercer_delivery_total",
            "channel" => row.channel.as_str(),
            "outcome" => outcome.as_str(),
        )
        .increment(1);
        outcome
    }

    /// Shows that an answer is coming, where the channel can.
    pub async fn working(&self, work: &Working) {
        if let Some(sender) = self.get(work.channel) {
            sender.working(work).await;
        }
    }
}
