//! Mercer in several processes around one PostgreSQL: doors (gateway, admin) and conversation nodes.
//!
//! They meet in the database. NATS only makes it quick: a door says that there is something to do, a node says what
//! happens in a conversation for the chat pages that a door serves. Without NATS, or when it loses a message, nodes look
//! every second and pages every few. All of it is sealed with a key that the database holds, so that nobody else who
//! reaches NATS can put words on a page.

use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures::StreamExt;
use mercer_admin::Admin;
use mercer_commerce::Tools;
use mercer_gateway::{Channels, Gateway, LiveEvent, LiveFeed};
use mercer_inference::{Bus, ChatModel};
use mercer_runtime::{RuntimeHealth, Services, Sharing, SystemClock};
use mercer_schemas::Stream;
use mercer_schemas::nodes::{Live, live_subject, wake_subject};
use mercer_store::{Hints, LocalHints, NoHints, SECRET_BYTES, Store};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::adapters::{Health, Pool, Replay};
use crate::compose::{Base, Conversations, check_shops, open_store};
use crate::config::Config;
use crate::http::{self, Limits};
use crate::pool::LivePool;
use crate::seal::{Opener, Sealer};

/// Name of the secret that seals what processes tell one another.
const SECRET: &str = "nodes";

/// What a door serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Door {
    /// Webhooks and chat pages.
    pub(crate) gateway: bool,
    /// The admin API.
    pub(crate) admin: bool,
}

/// Serves webhooks and chat pages, the admin API, or both, until the process is asked to stop.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn serve_door(
    config: &Config,
    door: Door,
    listener: TcpListener,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let store = open_shared_store(config).await?;
    let gateway_config = config.gateway()?;
    check_shops(&gateway_config, &store).await?;
    let live = LiveFeed::new();
    let hints: Arc<dyn Hints> = match Link::connect(config, &store).await? {
        Some(link) => {
            let feed = live.clone();
            link.receive(live_subject(&link.pool), move |told: Live<LiveEvent>| {
                feed.publish(&told.conversation, told.event)
            })
            .await?;
            let (hints, wakes) = LocalHints::new();
            link.send(wake_subject(&link.pool), wakes);
            hints
        }
        None => Arc::new(NoHints),
    };
    let mut router = Router::new();
    if door.gateway {
        let channels = Channels::new(&gateway_config, &live).context("channels")?;
        let gateway = Gateway {
            store: store.clone(),
            hints: hints.clone(),
            live: live.clone(),
        };
        router = router.merge(mercer_gateway::router(gateway, &channels));
    }
    router = router.merge(if door.admin {
        let (admin, _) = mercer_admin::router(Admin {
            store: store.clone(),
            hints,
            replay: Arc::new(Replay {
                store: store.clone(),
            }),
            health: Arc::new(Health {
                store,
                answers: None,
            }),
            pool: Arc::new(Pool(LivePool::of(config).await?)),
        });
        admin
    } else {
        health(store, None)
    });
    let router = with_metrics(router, metrics);
    tracing::info!(address = %listener.local_addr()?, "serving");
    let stopped = async move {
        stop.cancelled().await;
        live.close();
    };
    http::serve(listener, router, Limits::default(), stopped).await;
    Ok(())
}

/// Runs a fair share of the conversations until the process is asked to stop. HTTP serves health and metrics only.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn serve_conversations(
    config: &Config,
    base: Base,
    chat: Arc<dyn ChatModel>,
    listener: TcpListener,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let gateway_config = config.gateway()?;
    check_shops(&gateway_config, &base.store).await?;
    let (hints, wakes) = LocalHints::new();
    let live = match Link::connect(config, &base.store).await? {
        Some(link) => {
            // Hints go to all nodes: each knows which conversations are its own.
            link.receive(wake_subject(&link.pool), move |stream: Stream| {
                hints.wake(&stream);
            })
            .await?;
            let (live, tap) = LiveFeed::tapped();
            link.send(live_subject(&link.pool), tap);
            live
        }
        None => LiveFeed::new(),
    };
    let services = Services {
        store: base.store.clone(),
        tools: Tools::new(base.store.clone(), base.knowledge.clone()),
        chat,
        intents: base.intents.clone(),
        channels: Channels::new(&gateway_config, &live).context("channels")?,
        live,
        clock: Arc::new(SystemClock),
    };
    let conversations = Conversations::start(config, Sharing::Fair, &base, services, wakes).await?;
    let runtime = conversations.health();
    let router = with_metrics(health(base.store.clone(), Some(runtime)), metrics);
    conversations.stop_when_given_up(stop.clone());
    tracing::info!(address = %listener.local_addr()?, "serving");
    http::serve(listener, router, Limits::default(), stop.cancelled_owned()).await;
    conversations.stop().await
}

/// Opens stores that other processes use too, and a search index of this one's own.
///
/// # Errors
/// Says which part could not be opened.
pub(crate) async fn open_base(config: &Config) -> anyhow::Result<Base> {
    check_shared(config)?;
    Base::open(config).await
}

/// Opens a store that other processes use too.
async fn open_shared_store(config: &Config) -> anyhow::Result<Store> {
    check_shared(config)?;
    open_store(config).await
}

/// Fails where the database is one that belongs to a single process.
fn check_shared(config: &Config) -> anyhow::Result<()> {
    ensure!(
        config.store.url.starts_with("postgres"),
        "--roles: processes with some of the roles share a PostgreSQL; set store.url, or leave --roles out"
    );
    Ok(())
}

fn health(store: Store, runtime: Option<RuntimeHealth>) -> Router {
    let ready = move || {
        let (store, runtime) = (store.clone(), runtime.clone());
        async move {
            let failing = runtime.map_or_else(Vec::new, |runtime| runtime.failing());
            readiness(store.ready().await, &failing)
        }
    };
    Router::new()
        .route("/health/live", get(|| std::future::ready("alive")))
        .route("/health/ready", get(ready))
}

fn readiness(
    database: Result<(), mercer_store::Error>,
    failing: &[&str],
) -> (StatusCode, &'static str) {
    if let Err(error) = database {
        tracing::warn!(%error, "database is not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, "database cannot be used");
    }
    if !failing.is_empty() {
        tracing::warn!(?failing, "tasks keep ending");
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "conversations cannot go on",
        );
    }
    (StatusCode::OK, "ready")
}

fn with_metrics(router: Router, metrics: PrometheusHandle) -> Router {
    router.route(
        "/metrics",
        get(move || std::future::ready(metrics.render())),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_whose_tasks_keep_ending_is_not_ready() {
        assert_eq!(readiness(Ok(()), &[]).0, StatusCode::OK);
        let (status, reason) = readiness(Ok(()), &["dispatcher"]);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(reason.contains("conversations"), "{reason}");
        let gone = Err(mercer_store::Error::Unavailable("gone".to_owned()));
        assert_eq!(readiness(gone, &[]).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
