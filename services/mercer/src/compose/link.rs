//! How parts tell one another that there is something to do, and what happens in a conversation.
//!
//! They meet in the database. This only makes it quick: a door says that there is something to do, conversations say what
//! happens in them for the chat pages that a door serves. Within a process that is a queue; between processes it goes over
//! NATS. Without NATS, or when it loses a message, conversations look every second and pages every few. All that goes over
//! NATS is sealed with a key that the database holds, so that nobody else who reaches it can put words on a page.

use std::sync::Arc;

use anyhow::Context;
use futures::StreamExt;
use mercer_gateway::{LiveEvent, LiveFeed};
use mercer_inference::Bus;
use mercer_schemas::Stream;
use mercer_schemas::nodes::{Live, live_subject, wake_subject};
use mercer_store::{Hints, LocalHints, NoHints, SECRET_BYTES, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::seal::{Opener, Sealer};
use crate::config::Config;

/// Name of the secret that seals what processes tell one another.
const SECRET: &str = "nodes";

/// What the parts of a process tell one another by.
#[derive(Clone)]
pub(super) struct Lines {
    /// Tells that there is something to do.
    pub(super) hints: Arc<dyn Hints>,
    /// Tells what happens.
    pub(super) live: LiveFeed,
}

impl Lines {
    /// Connects the parts of this process, and nobody else. Conversations read the queue.
    pub(super) fn within() -> (Self, mpsc::Receiver<Stream>) {
        let (hints, wakes) = LocalHints::new();
        let live = LiveFeed::new();
        (Self { hints, live }, wakes)
    }

    /// Connects conversations to the doors of other processes. Conversations read the queue.
    ///
    /// # Errors
    /// When the URL of NATS cannot be used, or the shared secret cannot be read.
    pub(super) async fn of_conversations(
        config: &Config,
        store: &Store,
    ) -> anyhow::Result<(Self, mpsc::Receiver<Stream>)> {
        let Some(link) = Link::connect(config, store).await? else {
            return Ok(Self::within());
        };
        let (hints, wakes) = LocalHints::new();
        let woken = hints.clone();
        // Hints go to all nodes: each knows which conversations are its own.
        link.receive(wake_subject(&link.pool), move |stream: Stream| {
            woken.wake(&stream);
        })
        .await?;
        let (live, tap) = LiveFeed::tapped();
        link.send(live_subject(&link.pool), tap);
        Ok((Self { hints, live }, wakes))
    }

    /// Connects a door to the conversations of other processes.
    ///
    /// # Errors
    /// When the URL of NATS cannot be used, or the shared secret cannot be read.
    pub(super) async fn of_door(config: &Config, store: &Store) -> anyhow::Result<Self> {
        let live = LiveFeed::new();
        let Some(link) = Link::connect(config, store).await? else {
            let hints = Arc::new(NoHints);
            return Ok(Self { hints, live });
        };
        let feed = live.clone();
        link.receive(live_subject(&link.pool), move |told: Live<LiveEvent>| {
            feed.publish(&told.conversation, told.event)
        })
        .await?;
        let (hints, wakes) = LocalHints::new();
        link.send(wake_subject(&link.pool), wakes);
        Ok(Self { hints, live })
    }
}

/// The connection to the other processes.
struct Link {
    bus: Bus,
    pool: String,
    key: [u8; SECRET_BYTES],
}

impl Link {
    /// Begins to connect; none where NATS is not configured.
    async fn connect(config: &Config, store: &Store) -> anyhow::Result<Option<Self>> {
        if config.nats.url.is_empty() {
            return Ok(None);
        }
        let bus = Bus::connect(&config.nats.url, "mercer nodes").await?;
        let key = store.secrets().shared(SECRET).await;
        Ok(Some(Self {
            bus,
            key: key.context("secret that nodes share")?,
            pool: config.pool.name.clone(),
        }))
    }

    /// Passes messages on as long as they come. What cannot be sent is lost.
    fn send<T: Serialize + Send + 'static>(
        &self,
        subject: String,
        mut messages: mpsc::Receiver<T>,
    ) {
        let bus = self.bus.clone();
        let mut sealer = Sealer::new(&self.key, &subject);
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if let Ok(bytes) = serde_json::to_vec(&message) {
                    let sealed = sealer.seal(&bytes);
                    let _ = bus.publish(subject.clone(), None, sealed).await;
                }
            }
        });
    }

    /// Hands over what arrives. What cannot be opened or read comes from a stranger or another version, and is skipped.
    async fn receive<T: DeserializeOwned>(
        &self,
        subject: String,
        take: impl Fn(T) + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut opener = Opener::new(&self.key, &subject);
        let mut messages = self.bus.subscribe(subject).await?;
        tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                let Some(payload) = opener.open(&message.payload) else {
                    tracing::debug!("a message without a seal is skipped");
                    continue;
                };
                if let Ok(message) = serde_json::from_slice(payload) {
                    take(message);
                }
            }
        });
        Ok(())
    }
}
