//! The caller's side of text models in the pool: an embedder or a reranker that many workers serve over NATS.
//!
//! Which model it is gets settled once, at the start (`identify`): the caller's index holds vectors of it, so that from then
//! on only workers with the very same one are asked. `choose` finds the least loaded of them, and `call` takes one
//! request through failures to its end.

mod call;
mod choose;
mod identify;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use async_nats::Subscriber;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use mercer_schemas::worker::{
    EMBED_TEXTS_MAX, RERANK_DOCUMENTS_MAX, Residency, TextModelState, embed_subject, heartbeats_of,
    rerank_subject, rows_max, streams_of,
};
use tokio::{sync::Notify, task::JoinSet};

use self::call::Ask;
use super::{
    PoolConfig,
    directory::{Directory, Known},
    drops::Drops,
    failover::PATIENCE,
    heartbeat_of,
    inbox::Inbox,
    last_model::LastModel,
    made_up_caller,
};
use crate::{
    Embedder, EmbedderInfo, Error, Reranker,
    bus::Bus,
    text_model::{TEXT_BYTES_MAX, TEXTS_MAX},
};

// A request holds what a worker computes in one pass: a search does not wait for more than a few of those.
const _: () = assert!(TEXTS_MAX <= EMBED_TEXTS_MAX && TEXTS_MAX <= RERANK_DOCUMENTS_MAX);
/// How long a search waits for a worker to appear or to have room: by words alone it answers at once. Who embeds more
/// texts has nothing better to do, and waits as long as a generation.
const PATIENCE_SEARCH: Duration = Duration::from_secs(1);
/// Requests of one call that are under way at once, so that an import has more than one worker.
const REQUESTS_MAX: usize = 4;

/// What is asked of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Vectors of texts.
    Embedder,
    /// Scores of documents.
    Reranker,
}

impl Kind {
    /// Returns the word for it in settings.
    fn word(self) -> &'static str {
        match self {
            Self::Embedder => "embedder",
            Self::Reranker => "reranker",
        }
    }

    /// Returns what a worker tells of its model, where it has one.
    fn told(self, known: &Known) -> Option<&TextModelState> {
        match self {
            Self::Embedder => known.embedder.as_ref(),
            Self::Reranker => known.reranker.as_ref(),
        }
    }

    fn subject(self, worker: &str) -> String {
        match self {
            Self::Embedder => embed_subject(worker),
            Self::Reranker => rerank_subject(worker),
        }
    }

    fn count(self, outcome: &'static str, took: Duration) {
        match self {
            Self::Embedder => {
                metrics::counter!("mercer_pool_embeds_total", "outcome" => outcome).increment(1);
                metrics::histogram!("mercer_pool_embed_seconds").record(took.as_secs_f64());
            }
            Self::Reranker => {
                metrics::counter!("mercer_pool_reranks_total", "outcome" => outcome).increment(1);
                metrics::histogram!("mercer_pool_rerank_seconds").record(took.as_secs_f64());
            }
        }
    }
}

/// What all requests of a caller share.
struct Shared {
    kind: Kind,
    bus: Bus,
    pool: String,
    caller: String,
    inbox: Inbox,
    drops: Arc<Drops>,
    directory: Mutex<Directory>,
    memory: LastModel<EmbedderInfo>,
    /// The model, once it is settled.
    chosen: OnceLock<EmbedderInfo>,
    heard: Notify,
}

impl Shared {
    fn directory(&self) -> MutexGuard<'_, Directory> {
        // Every change is whole after each method, whatever panicked beside it.
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes heartbeats in until the client ends. Wrong ones are counted by the chat model's caller, which hears the
    /// same.
    async fn listen(self: Arc<Self>, mut heartbeats: Subscriber) {
        let mut connections = self.bus.connections();
        loop {
            let message = tokio::select! {
                biased;
                Ok(()) = connections.changed() => {
                    self.directory().doubt();
                    continue;
                }
                message = heartbeats.next() => match message {
                    Some(message) => message,
                    None => return,
                },
            };
            let Some(mut heartbeat) = heartbeat_of(&self.pool, &message) else {
                continue;
            };
            // What caches hold is of no use here.
            heartbeat.residency = Residency::Snapshot { starts: Vec::new() };
            let worker = heartbeat.worker.clone();
            let now = Instant::now();
            {
                let mut directory = self.directory();
                directory.forget(now);
                directory.hear(now, heartbeat);
                self.warn_of_another(now, &worker, &directory);
            }
            self.heard.notify_waiters();
        }
    }

    /// Says so when a worker appears that embeds with another model.
    fn warn_of_another(&self, now: Instant, worker: &str, directory: &Directory) {
        let (Some(chosen), Some(known)) = (self.chosen.get(), directory.get(worker)) else {
            return;
        };
        let told = self.kind.told(known);
        let other = told.filter(|told| told.id != chosen.id);
        if let Some(other) = other.filter(|_| known.since == now) {
            tracing::warn!(
                worker.id = worker,
                worker.model = other.id,
                model.id = chosen.id,
                "worker gets no texts from here: its {} is another one; after a change of models start this process again",
                self.kind.word()
            );
        }
    }
}

/// A text model that a pool of workers serves.
struct Texts {
    info: EmbedderInfo,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Texts {
    async fn connect(config: PoolConfig, kind: Kind) -> Result<Self, Error> {
        config.check()?;
        let caller = made_up_caller();
        let name = format!("mercer {} {}", kind.word(), config.pool);
        let bus = Bus::connect(&config.url, &name).await?;
        let drops = Arc::new(Drops::default());
        let shared = Arc::new(Shared {
            kind,
            pool: config.pool.clone(),
            inbox: Inbox::new(drops.clone()),
            drops,
            directory: Mutex::default(),
            memory: LastModel::new(config.memory.clone()),
            chosen: OnceLock::new(),
            heard: Notify::new(),
            bus,
            caller,
        });
        let frames = shared.bus.subscribe(streams_of(&shared.caller)).await?;
        let heartbeats = shared.bus.subscribe(heartbeats_of(&shared.pool)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.inbox.clone().run(frames));
        tasks.spawn(shared.clone().listen(heartbeats));
        let info = identify::identify(&shared, &config).await?;
        shared.memory.keep(&Arc::new(info.clone())).await;
        let info = shared.chosen.get_or_init(|| info).clone();
        tracing::info!(
            model.id = info.id,
            pool = config.pool,
            "the pool has the {}",
            kind.word()
        );
        Ok(Self {
            info,
            shared,
            _tasks: tasks,
        })
    }

    fn ready(&self) -> Vec<String> {
        let directory = self.shared.directory();
        choose::able(&directory, Instant::now(), self.shared.kind, &self.info)
            .map(|(name, ..)| name.to_owned())
            .collect()
    }

    /// Returns a row for each text of some requests, in order.
    async fn rows(&self, asks: Vec<Ask>, patience: Duration) -> Result<Vec<Vec<f32>>, Error> {
        let began = Instant::now();
        let calls = asks
            .into_iter()
            .map(|ask| call::rows(&self.shared, &self.info, ask, patience));
        let done = stream::iter(calls)
            .buffered(REQUESTS_MAX)
            .try_concat()
            .await;
        let outcome = match &done {
            Ok(_) => "done",
            Err(Error::Busy(_)) => "busy",
            Err(Error::Deadline) => "deadline",
            Err(_) => "failed",
        };
        self.shared.kind.count(outcome, began.elapsed());
        done
    }
}

/// An embedder that a pool of workers serves.
pub struct PoolEmbedder(Texts);

impl PoolEmbedder {
    /// Connects and settles which model it is: the one that was used last, where a worker serves it or none is heard, or
    /// else the one of the worker that joined last. `config.memory` is where the model is kept.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL or the name cannot be used, or when no model was used before and no worker with one
    /// is heard in time.
    pub async fn connect(config: PoolConfig) -> Result<Self, Error> {
        Texts::connect(config, Kind::Embedder).await.map(Self)
    }

    /// Returns how many frames came and were not used, by reason.
    pub fn dropped(&self) -> BTreeMap<&'static str, u64> {
        self.0.shared.drops.counts()
    }

    /// Returns the names of the workers that take texts now.
    pub fn ready(&self) -> Vec<String> {
        self.0.ready()
    }
}

#[async_trait]
impl Embedder for PoolEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.0.info
    }

    /// # Errors
    /// [`Error::Busy`] when no worker with this model is there or all are full, [`Error::Deadline`] when one did not
    /// answer in time, [`Error::Decode`] when two failed.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        let patience = match texts.len() > TEXTS_MAX {
            true => PATIENCE,
            false => PATIENCE_SEARCH,
        };
        let parts = parts(texts, rows_max(self.0.info.dim as u32));
        let asks = parts.into_iter().map(Ask::Vectors).collect();
        self.0.rows(asks, patience).await
    }
}

/// A reranker that a pool of workers serves.
pub struct PoolReranker(Texts);

impl PoolReranker {
    /// Connects and settles which model it is, as [`PoolEmbedder::connect`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn connect(config: PoolConfig) -> Result<Self, Error> {
        Texts::connect(config, Kind::Reranker).await.map(Self)
    }

    /// Returns the names of the workers that take documents now.
    pub fn ready(&self) -> Vec<String> {
        self.0.ready()
    }
}

#[async_trait]
impl Reranker for PoolReranker {
    fn id(&self) -> &str {
        &self.0.info.id
    }

    /// # Errors
    /// As [`PoolEmbedder::embed`].
    async fn scores(&self, query: &str, documents: Vec<String>) -> Result<Vec<f32>, Error> {
        let query = &query[..query.floor_char_boundary(TEXT_BYTES_MAX)];
        let asks = parts(documents, TEXTS_MAX).into_iter().map(|documents| {
            let query = query.to_owned();
            Ask::Scores { query, documents }
        });
        let rows = self.0.rows(asks.collect(), PATIENCE_SEARCH).await?;
        Ok(rows.concat())
    }
}

/// Divides texts into requests, in order. A text is cut as the model would cut it.
fn parts(texts: Vec<String>, rows_max: usize) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    for mut text in texts {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        match parts.last_mut() {
            Some(last) if last.len() < TEXTS_MAX.min(rows_max) => last.push(text),
            _ => parts.push(vec![text]),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_divided_in_order_and_cut_between_characters() {
        let texts: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let divided = parts(texts.clone(), 100);
        assert_eq!(divided.concat(), texts);
        let sizes: Vec<usize> = divided.iter().map(Vec::len).collect();
        assert_eq!(sizes, [16, 4]);
        assert_eq!(parts(texts, 1).len(), 20, "one vector fits into a frame");
        assert!(parts(Vec::new(), 100).is_empty());
        let long = parts(vec!["é".repeat(TEXT_BYTES_MAX)], 100);
        assert_eq!(long[0][0].len(), TEXT_BYTES_MAX);
        let odd = parts(vec![format!("a{}", "é".repeat(TEXT_BYTES_MAX))], 100);
        assert_eq!(odd[0][0].len(), TEXT_BYTES_MAX - 1);
    }
}
