//! Conversations, and the tasks beside them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::FutureExt;
use mercer_gateway::{Channels, GatewayConfig, LiveFeed};
use mercer_knowledge::Knowledge;
use mercer_notify::Notifier;
use mercer_runtime::{
    Clock, Runtime, RuntimeConfig, RuntimeHealth, Services, Sharing, SystemClock,
};
use mercer_schemas::Stream;
use mercer_store::{LocalHints, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::base::Base;
use super::beside::{BesideHealth, keep};
use super::models::{OwnModels, load_chat};
use crate::config::Config;

/// Conversations and the index that they search.
pub(crate) struct Conversations {
    runtime: Runtime,
    indexer: JoinHandle<()>,
    notifier: JoinHandle<()>,
    /// Ends imports that a dead process left half way.
    imports: JoinHandle<()>,
    beside: BesideHealth,
    stop_tasks: CancellationToken,
}

impl Conversations {
    /// Starts them.
    ///
    /// # Errors
    /// Says which part did not start.
    pub(crate) async fn start(
        config: &Config,
        sharing: Sharing,
        base: &Base,
        services: Services,
        wakes: mpsc::Receiver<Stream>,
    ) -> anyhow::Result<Self> {
        let (beside, stop_tasks) = (BesideHealth::default(), CancellationToken::new());
        let indexer = {
            let (knowledge, stop) = (base.knowledge.clone(), stop_tasks.clone());
            keep("indexer", &beside, stop_tasks.clone(), move || {
                let (knowledge, stop) = (knowledge.clone(), stop.clone());
                async move { knowledge.run_indexer(stop).await }
            })
        };
        let notifier = {
            let (notifier, stop) = (notifier(config, &base.store).await?, stop_tasks.clone());
            keep("notifier", &beside, stop_tasks.clone(), move || {
                let (notifier, stop) = (notifier.clone(), stop.clone());
                async move { notifier.run(stop).await }
            })
        };
        let imports = base.store.imports();
        let imports = keep("imports", &beside, stop_tasks.clone(), move || {
            let imports = imports.clone();
            async move { imports.keep().await }
        });
        let mut runtime = config.runtime();
        runtime.sharing = sharing;
        let runtime = Runtime::start(runtime, services, wakes)
            .await
            .context("conversations could not be started")?;
        Ok(Self {
            runtime,
            indexer,
            notifier,
            imports,
            beside,
            stop_tasks,
        })
    }

    /// Returns what tells whether conversations can go on.
    pub(crate) fn health(&self) -> RuntimeHealth {
        self.runtime.health()
    }

    /// Returns what tells whether the tasks beside them do their work.
    pub(crate) fn beside(&self) -> BesideHealth {
        self.beside.clone()
    }

    /// Asks the process to stop where this node is given up: nothing in it can mend it.
    pub(crate) fn stop_when_given_up(&self, stop: CancellationToken) {
        let health = self.health();
        tokio::spawn(async move {
            tokio::select! {
                _ = health.given_up() => stop.cancel(),
                () = stop.cancelled() => {}
            }
        });
    }

    /// Stops conversations, then the indexer and the notifier.
    ///
    /// # Errors
    /// When this was not asked for: the node was given up.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let given_up = self.health().given_up().now_or_never();
        self.runtime.stop().await;
        self.imports.abort();
        self.stop_tasks.cancel();
        let both = futures::future::join(self.indexer, self.notifier);
        let _ = tokio::time::timeout(Duration::from_secs(5), both).await;
        match given_up {
            Some(task) => bail!("conversations cannot go on: the task `{task}` keeps ending"),
            None => Ok(()),
        }
    }
}

/// Starts conversations alone, with the configured chat model and neither channels nor tasks beside them: for measuring
/// how they live.
///
/// # Errors
/// Says which part did not start.
pub async fn start_bare(
    config: &Config,
    runtime: RuntimeConfig,
    store: Store,
    knowledge: Knowledge,
) -> anyhow::Result<Runtime> {
    let base = Base {
        store,
        knowledge,
        intents: None,
        own: OwnModels::default(),
    };
    let live = LiveFeed::new();
    let channels = Channels::new(&GatewayConfig::default(), &live).context("channels")?;
    let chat = load_chat(config, &base.own).await?;
    let services = base.services(chat, channels, live, Arc::new(SystemClock));
    // Without hints the poller finds what there is to do.
    let (_, wakes) = LocalHints::new();
    Runtime::start(runtime, services, wakes)
        .await
        .context("conversations could not be started")
}

/// Builds what tells the retailer's people and systems.
///
/// # Errors
/// Names the setting that is wrong, or the shop that is not in the store.
pub(crate) async fn notifier(config: &Config, store: &Store) -> anyhow::Result<Notifier> {
    let notify = config.notify()?;
    for shop in notify.shops() {
        if store.shops().get(shop).await?.is_none() {
            bail!("notify: shop `{shop}` is not in the store; run `mercer import FOLDER` first");
        }
    }
    let now = Arc::new(|| SystemClock.now_ms());
    Ok(Notifier::new(store, &notify, now)?)
}
