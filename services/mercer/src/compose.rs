//! The composition root: builds every part from the settings and ties them together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::routing::get;
use futures::FutureExt;
use mercer_admin::Admin;
use mercer_commerce::Tools;
use mercer_conversation::intent::FEATURES;
use mercer_gateway::{Channels, Gateway, GatewayConfig, LiveFeed};
use mercer_inference::{
    ChatModel, Embedder, IntentClassifier, LlamaEmbedder, LlamaEngine, LlamaReranker, Reranker,
    TextModels,
};
use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_notify::Notifier;
use mercer_runtime::{Clock, Runtime, RuntimeHealth, Services, Sharing, SystemClock};
use mercer_schemas::Stream;
use mercer_store::{LocalHints, Store};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::adapters::{Answers, Health, Pool, Replay};
use crate::beside::keep;
use crate::config::{Config, ModelPlace};
use crate::http::{self, Limits};
use crate::pool::{self, LivePool};

/// Stores and search, without models for chat or running conversations.
pub(crate) struct Base {
    /// The stores.
    pub(crate) store: Store,
    /// The indexes.
    pub(crate) knowledge: Knowledge,
    /// The intent classifier, if there is one for the embedder.
    pub(crate) intents: Option<Arc<IntentClassifier>>,
    /// The text models that compute in this process.
    pub(crate) own: OwnModels,
}

impl Base {
    /// Opens the stores and the indexes.
    ///
    /// # Errors
    /// Says which part could not be opened.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let store = open_store(config).await?;
        let own = OwnModels::load(config).await?;
        let models = own.for_search(config).await?;
        let intents = match &models.embedder {
            Some(embedder) => load_intents(&config.models.intents, embedder)?,
            None => None,
        };
        let knowledge = Knowledge::open(
            &config.data.join("index"),
            store.clone(),
            models,
            SearchConfig::default(),
        )
        .await
        .context("indexes could not be opened")?;
        Ok(Self {
            store,
            knowledge,
            intents,
            own,
        })
    }
}

/// Opens the store, making the data folder where it is missing, for its owner alone.
///
/// # Errors
/// Names the folder or the database.
pub(crate) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    mercer_store::create_private_folder(&config.data)
        .with_context(|| format!("data: folder {}", config.data.display()))?;
    Store::open(&config.store())
        .await
        .context("database could not be opened")
}

/// The text models that compute in this process.
#[derive(Clone, Default)]
pub struct OwnModels {
    /// The embedder, where a file is configured.
    pub(crate) embedder: Option<Arc<LlamaEmbedder>>,
    /// The reranker, where a file is configured.
    pub(crate) reranker: Option<Arc<LlamaReranker>>,
}

impl OwnModels {
    /// Loads those that are configured.
    ///
    /// # Errors
    /// Names the file.
    pub async fn load(config: &Config) -> anyhow::Result<Self> {
        let models = config.models.clone();
        let load = move || {
            let embedder = match models.embedder() {
                ModelPlace::Here(file) => {
                    let loaded = LlamaEmbedder::load(file, models.embedder_threads);
                    Some(Arc::new(loaded.context("models.embedder")?))
                }
                ModelPlace::None | ModelPlace::Pool => None,
            };
            let reranker = match models.reranker() {
                ModelPlace::Here(file) => {
                    let loaded = LlamaReranker::load(file, models.reranker_threads);
                    Some(Arc::new(loaded.context("models.reranker")?))
                }
                ModelPlace::None | ModelPlace::Pool => None,
            };
            Ok(Self { embedder, reranker })
        };
        tokio::task::spawn_blocking(load).await?
    }

    /// Returns how many threads they compute with.
    pub fn threads(&self) -> u32 {
        let embedder = self.embedder.as_deref().map_or(0, LlamaEmbedder::threads);
        let reranker = self.reranker.as_deref().map_or(0, LlamaReranker::threads);
        embedder + reranker
    }

    /// Returns them as a worker serves them.
    pub(crate) fn served(&self) -> TextModels {
        TextModels {
            embedder: self.embedder.clone().map(|own| own as Arc<dyn Embedder>),
            reranker: self.reranker.clone().map(|own| own as Arc<dyn Reranker>),
        }
    }

    /// Returns what searches use: these, and the pool's where that is configured.
    ///
    /// # Errors
    /// Says what to start.
    pub async fn for_search(&self, config: &Config) -> anyhow::Result<SearchModels> {
        let TextModels {
            mut embedder,
            mut reranker,
        } = self.served();
        if config.models.embedder() == ModelPlace::Pool {
            embedder = Some(pool::connect_embedder(config).await?);
        }
        if config.models.reranker() == ModelPlace::Pool {
            reranker = Some(pool::connect_reranker(config).await?);
        }
        Ok(SearchModels { embedder, reranker })
    }
}

/// Loads the intent classifier, if one is configured and belongs to the embedder.
///
/// # Errors
/// Names the file.
fn load_intents(
    path: &Path,
    embedder: &Arc<dyn Embedder>,
) -> anyhow::Result<Option<Arc<IntentClassifier>>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let classifier =
        IntentClassifier::load(path, embedder.clone(), FEATURES).context("models.intents")?;
    Ok(classifier.map(Arc::new))
}

/// Loads the chat model, which leaves some cores to the text models of this process.
///
/// # Errors
/// Names the file.
pub async fn load_chat(config: &Config, own: &OwnModels) -> anyhow::Result<Arc<LlamaEngine>> {
    let mut engine = config.engine();
    engine.cores_taken = own.threads();
    let engine = tokio::task::spawn_blocking(move || LlamaEngine::load(engine))
        .await?
        .context("models.chat")?;
    Ok(Arc::new(engine))
}

/// Conversations and the index that they search.
pub(crate) struct Conversations {
    runtime: Runtime,
    indexer: JoinHandle<()>,
    notifier: JoinHandle<()>,
    /// Ends imports that a dead process left half way.
    imports: JoinHandle<()>,
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
        let stop_tasks = CancellationToken::new();
        let indexer = {
            let (knowledge, stop) = (base.knowledge.clone(), stop_tasks.clone());
            keep("indexer", stop_tasks.clone(), move || {
                let (knowledge, stop) = (knowledge.clone(), stop.clone());
                async move { knowledge.run_indexer(stop).await }
            })
        };
        let notifier = {
            let (notifier, stop) = (notifier(config, &base.store).await?, stop_tasks.clone());
            keep("notifier", stop_tasks.clone(), move || {
                let (notifier, stop) = (notifier.clone(), stop.clone());
                async move { notifier.run(stop).await }
            })
        };
        let imports = base.store.imports();
        let imports = keep("imports", stop_tasks.clone(), move || {
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
            stop_tasks,
        })
    }

    /// Returns what tells whether conversations can go on.
    pub(crate) fn health(&self) -> RuntimeHealth {
        self.runtime.health()
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

/// Fails when a channel is configured for a shop that is not there.
///
/// # Errors
/// Names the shop.
pub(crate) async fn check_shops(gateway: &GatewayConfig, store: &Store) -> anyhow::Result<()> {
    for shop in gateway.shops() {
        if store.shops().get(shop).await?.is_none() {
            bail!(
                "shop `{shop}` is configured for a channel but not in the store; run `mercer import FOLDER` first"
            );
        }
    }
    Ok(())
}

/// A running Mercer: all roles in one process.
pub(crate) struct App {
    conversations: Conversations,
    live: LiveFeed,
    router: Router,
}

/// What differs between serving, the demo and evaluations.
pub(crate) struct Options {
    /// Clock of the decisions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Recorder behind `/metrics`, if metrics are wanted.
    pub(crate) metrics: Option<PrometheusHandle>,
    /// Channels instead of the configured ones.
    pub(crate) channels: Option<Channels>,
    /// A chat model that is loaded already.
    pub(crate) chat: Option<Arc<dyn ChatModel>>,
    /// The pool that serves the chat model, where one does.
    pub(crate) pool: Option<LivePool>,
    /// Claim partitions although another process seems to hold them.
    pub(crate) take_over: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            metrics: None,
            channels: None,
            chat: None,
            pool: None,
            take_over: false,
        }
    }
}

impl App {
    /// Starts everything but the HTTP server.
    ///
    /// # Errors
    /// Says which part did not start.
    pub(crate) async fn start(
        config: &Config,
        base: Base,
        options: Options,
    ) -> anyhow::Result<Self> {
        let gateway_config = config.gateway()?;
        check_shops(&gateway_config, &base.store).await?;
        let chat: Arc<dyn ChatModel> = match options.chat {
            Some(chat) => chat,
            None => load_chat(config, &base.own).await?,
        };
        let (hints, wakes): (Arc<LocalHints>, mpsc::Receiver<Stream>) = LocalHints::new();
        let live = LiveFeed::new();
        let channels = match options.channels {
            Some(channels) => channels,
            None => Channels::new(&gateway_config, &live).context("channels")?,
        };
        let services = Services {
            store: base.store.clone(),
            tools: Tools::new(base.store.clone(), base.knowledge.clone()),
            chat: Arc::clone(&chat),
            intents: base.intents.clone(),
            channels: channels.clone(),
            live: live.clone(),
            clock: options.clock,
        };
        let sharing = Sharing::Alone {
            take_over: options.take_over,
        };
        let conversations = Conversations::start(config, sharing, &base, services, wakes).await?;
        let admin = Admin {
            store: base.store.clone(),
            hints: hints.clone(),
            replay: Arc::new(Replay {
                store: base.store.clone(),
            }),
            health: Arc::new(Health {
                store: base.store.clone(),
                answers: Some(Answers {
                    knowledge: base.knowledge.clone(),
                    chat,
                    runtime: conversations.health(),
                }),
            }),
            pool: Arc::new(Pool(options.pool)),
        };
        let (admin, _) = mercer_admin::router(admin);
        let gateway = Gateway {
            store: base.store.clone(),
            hints: hints.clone(),
            live: live.clone(),
        };
        let mut router = mercer_gateway::router(gateway, &channels).merge(admin);
        if let Some(handle) = options.metrics {
            router = router.route("/metrics", get(move || std::future::ready(handle.render())));
        }
        Ok(Self {
            conversations,
            live,
            router,
        })
    }

    /// Serves HTTP until `stop` is cancelled, then stops everything in order.
    ///
    /// # Errors
    /// When conversations could not go on.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        self.conversations.stop_when_given_up(stop.clone());
        let live = self.live;
        let stopped = async move {
            stop.cancelled().await;
            live.close();
        };
        http::serve(listener, self.router, Limits::default(), stopped).await;
        self.conversations.stop().await
    }
}
