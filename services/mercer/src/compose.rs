//! The composition root: settings and roles become [`Parts`], and these serve until they are told to stop. Nothing else
//! puts the program together.

mod adapters;
mod base;
mod beside;
mod conversations;
mod link;
mod models;
mod replay;
mod roles;
mod router;
mod seal;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use mercer_gateway::LiveFeed;
use mercer_inference::{ChatModel, Worker};
use mercer_runtime::{Clock, Sharing, SystemClock};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::conversations::start_bare;
pub use self::models::{OwnModels, load_chat};

pub(crate) use self::base::{Base, open_store};
pub(crate) use self::conversations::notifier;
pub(crate) use self::roles::{Chat, Door, Role, Roles};

use self::adapters::Answers;
use self::base::{check_shared, open_channels};
use self::conversations::Conversations;
use self::link::Lines;
use self::router::Served;
use crate::config::Config;
use crate::http::{self, Limits};
use crate::pool::{self, LivePool};

/// What differs between serving, the demo and evaluations.
pub(crate) struct Options {
    /// Clock of the decisions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Recorder behind `/metrics`, if metrics are wanted.
    pub(crate) metrics: Option<PrometheusHandle>,
    /// Claim partitions although another process seems to hold them. Of no effect where processes share them.
    pub(crate) take_over: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            metrics: None,
            take_over: false,
        }
    }
}

/// The running parts of a process, all but its HTTP server.
pub(crate) struct Parts {
    router: Router,
    live: LiveFeed,
    conversations: Option<Conversations>,
    /// The model that conversations ask.
    chat: Option<Arc<dyn ChatModel>>,
    worker: Option<Worker>,
    /// How long the worker may take to end what it writes.
    drain: Duration,
}

impl Parts {
    /// Opens the stores that the roles need, and starts their parts.
    ///
    /// # Errors
    /// Says which part did not start.
    pub(crate) async fn start(
        config: &Config,
        roles: Roles,
        options: Options,
    ) -> anyhow::Result<Self> {
        match roles {
            Roles::Whole(chat) => {
                Self::whole(config, chat, Base::open(config).await?, options).await
            }
            Roles::Conversations(chat) => {
                check_shared(config)?;
                let base = Base::open(config).await?;
                Self::with_conversations(config, Door::default(), chat, base, options).await
            }
            Roles::Door(door) => Self::door(config, door, options).await,
            Roles::Worker => Self::worker(config, options).await,
        }
    }

    /// Starts everything in one process, on stores that are open already.
    ///
    /// # Errors
    /// Says which part did not start.
    pub(crate) async fn whole(
        config: &Config,
        chat: Chat,
        base: Base,
        options: Options,
    ) -> anyhow::Result<Self> {
        Self::with_conversations(config, Door::WHOLE, chat, base, options).await
    }

    /// Starts conversations: all of them behind a door of their own, or a share of them behind the doors of others.
    async fn with_conversations(
        config: &Config,
        door: Door,
        chat: Chat,
        base: Base,
        options: Options,
    ) -> anyhow::Result<Self> {
        let is_whole = door == Door::WHOLE;
        let (lines, wakes) = match is_whole {
            true => Lines::within(),
            false => Lines::of_conversations(config, &base.store).await?,
        };
        let sharing = match is_whole {
            true => Sharing::Alone {
                take_over: options.take_over,
            },
            false => Sharing::Fair,
        };
        let channels = open_channels(config, &base.store, &lines.live).await?;
        let worker = match chat {
            Chat::Pool { worker: true } => Some(pool::start_worker(config, &base.own).await?),
            Chat::Pool { worker: false } | Chat::Here => None,
        };
        let model: Arc<dyn ChatModel> = match chat {
            Chat::Pool { .. } => pool::connect(config).await?,
            Chat::Here => load_chat(config, &base.own).await?,
        };
        let pool = match chat {
            Chat::Pool { .. } if door.admin => LivePool::of(config).await?,
            Chat::Pool { .. } | Chat::Here => None,
        };
        let (live, clock) = (lines.live.clone(), options.clock);
        let services = base.services(model.clone(), channels.clone(), live.clone(), clock);
        let conversations = Conversations::start(config, sharing, &base, services, wakes).await?;
        let answers = Answers {
            knowledge: base.knowledge,
            chat: model.clone(),
            runtime: conversations.health(),
            beside: conversations.beside(),
        };
        let served = Served {
            store: base.store,
            lines,
            channels,
            answers: Some(answers),
            pool,
        };
        Ok(Self {
            router: router::with_metrics(router::of_door(door, served), options.metrics),
            live,
            conversations: Some(conversations),
            chat: Some(model),
            worker,
            drain: Duration::from_secs(config.worker.drain_s),
        })
    }

    /// Starts a door to conversations that other processes run.
    async fn door(config: &Config, door: Door, options: Options) -> anyhow::Result<Self> {
        check_shared(config)?;
        let store = open_store(config).await?;
        let lines = Lines::of_door(config, &store).await?;
        let live = lines.live.clone();
        let channels = open_channels(config, &store, &live).await?;
        let pool = match door.admin {
            true => LivePool::of(config).await?,
            false => None,
        };
        let served = Served {
            store,
            lines,
            channels,
            answers: None,
            pool,
        };
        Ok(Self {
            router: router::with_metrics(router::of_door(door, served), options.metrics),
            live,
            conversations: None,
            chat: None,
            worker: None,
            drain: Duration::ZERO,
        })
    }

    /// Starts a worker, with text models of its own where files are configured.
    async fn worker(config: &Config, options: Options) -> anyhow::Result<Self> {
        let worker = pool::start_worker(config, &OwnModels::load(config).await?).await?;
        Ok(Self {
            router: router::with_metrics(router::of_worker(worker.watch()), options.metrics),
            live: LiveFeed::new(),
            conversations: None,
            chat: None,
            worker: Some(worker),
            drain: Duration::from_secs(config.worker.drain_s),
        })
    }

    /// Returns the model that conversations ask, where this process has conversations.
    pub(crate) fn chat(&self) -> Option<&Arc<dyn ChatModel>> {
        self.chat.as_ref()
    }

    /// Serves HTTP until `stop` is cancelled, then stops everything in order: what comes in, conversations, the model.
    /// A worker alone is seen over HTTP until it has left the pool, and ends too when it is told to leave it.
    ///
    /// # Errors
    /// When conversations could not go on, or a worker alone ended by itself.
    pub(crate) async fn run(
        mut self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        tracing::info!(address = %listener.local_addr()?, "serving");
        let (limits, live) = (Limits::default(), self.live);
        let Some(conversations) = self.conversations else {
            let mut left = Ok(());
            let ended = async {
                match &mut self.worker {
                    Some(worker) => left = stay(worker, &stop, self.drain).await,
                    None => stop.cancelled().await,
                }
                live.close();
            };
            http::serve(listener, self.router, limits, ended).await;
            return left;
        };
        conversations.stop_when_given_up(stop.clone());
        let stopped = async {
            stop.cancelled().await;
            live.close();
        };
        http::serve(listener, self.router, limits, stopped).await;
        let stopped = conversations.stop().await;
        if let Some(worker) = &mut self.worker {
            pool::drain(worker, self.drain).await;
        }
        stopped
    }
}

/// Lets a worker write until it is asked to stop, or leaves by itself.
async fn stay(
    worker: &mut Worker,
    stop: &CancellationToken,
    drain: Duration,
) -> anyhow::Result<()> {
    tokio::select! {
        () = stop.cancelled() => {}
        left = worker.left() => return left.context("worker"),
    }
    pool::drain(worker, drain).await;
    Ok(())
}
