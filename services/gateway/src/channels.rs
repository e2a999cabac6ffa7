//! The channels, a folder each, and the only list of them.

pub mod webchat;
pub mod whatsapp;

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_schemas::Channel;
use mercer_store::OutboxRow;

use crate::adapter::Adapter;
use crate::config::GatewayConfig;
use crate::live::LiveFeed;
use crate::sender::{Progress, SendOutcome, Working, rejected, send_parts};

/// The adapters of all channels that this process knows. A cheap handle.
#[derive(Clone, Default)]
pub struct Channels {
    adapters: BTreeMap<Channel, Arc<dyn Adapter>>,
}

impl Channels {
    /// Builds the adapters of all channels: a new channel is a line here.
    ///
    /// # Errors
    /// When an HTTP client cannot be set up.
    pub fn new(config: &GatewayConfig, live: &LiveFeed) -> Result<Self, reqwest::Error> {
        let mut channels = Self::default();
        channels.register(Arc::new(whatsapp::WhatsApp::new(config)?));
        channels.register(Arc::new(webchat::WebChat::new(config, live.clone())));
        Ok(channels)
    }

    /// Adds an adapter, in place of one for the same channel.
    pub fn register(&mut self, adapter: Arc<dyn Adapter>) {
        self.adapters.insert(adapter.channel(), adapter);
    }

    /// Returns the adapters.
    pub fn adapters(&self) -> impl Iterator<Item = &Arc<dyn Adapter>> {
        self.adapters.values()
    }

    /// Makes one attempt on the row's channel and counts how it ended.
    pub async fn send(&self, row: &OutboxRow, progress: &dyn Progress) -> SendOutcome {
        let outcome = match self.adapters.get(&row.channel) {
            Some(adapter) => send_parts(adapter.as_ref(), row, progress).await,
            None => rejected("no adapter for this channel"),
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
        if let Some(adapter) = self.adapters.get(&work.channel) {
            adapter.working(work).await;
        }
    }
}
