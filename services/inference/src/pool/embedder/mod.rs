//! The caller's side of embedding in the pool: an embedder that many workers serve over NATS.
//!
//! Which model it is gets settled once, at the start (`start`): the caller's index holds vectors of it, so that from then
//! on only workers with the very same one are asked. `choose` finds the least loaded of them, and `call` takes one
//! request through failures to its end.

mod call;
mod choose;
mod start;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use async_nats::Subscriber;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use mercer_schemas::worker::{EMBED_TEXTS_MAX, Residency, heartbeats_of, rows_max, streams_of};
use tokio::{sync::Notify, task::JoinSet};

use super::{
    PoolConfig, directory::Directory, drops::Drops, generation::PATIENCE, heartbeat_of,
    inbox::Inbox, made_up_caller, memory::Memory,
};
use crate::{
    Embedder, EmbedderInfo, Error,
    bus::Bus,
    embed::{TEXT_BYTES_MAX, TEXTS_MAX},
};

// A request holds what a worker computes in one pass: a search does not wait for more than a few of those.
const _: () = assert!(TEXTS_MAX <= EMBED_TEXTS_MAX);
/// How long a search waits for a worker to appear or to have room: by words alone it answers at once. Who embeds more
/// texts has nothing better to do, and waits as long as a generation.
const PATIENCE_SEARCH: Duration = Duration::from_secs(1);
/// Requests of one call that are under way at once, so that an import has more than one worker.
const REQUESTS_MAX: usize = 4;

/// What all requests of a caller share.
struct Shared {
    bus: Bus,
    pool: String,
    caller: String,
    inbox: Inbox,
    drops: Arc<Drops>,
    directory: Mutex<Directory>,
    memory: Memory<EmbedderInfo>,
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
        let other = known.embedder.as_ref().filter(|told| told.id != chosen.id);
        if let Some(other) = other.filter(|_| known.since == now) {
            tracing::warn!(
                worker.id = worker,
                worker.embedder = other.id,
                embedder.id = chosen.id,
                "worker gets no texts from here: it embeds with another model; after a change of models start this \
                 process again"
            );
        }
    }
}

/// An embedder that a pool of workers serves.
pub struct PoolEmbedder {
    info: EmbedderInfo,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl PoolEmbedder {
    /// Connects and settles which model it is: the one that was used last, where a worker serves it or none is heard, or
    /// else the one of the worker that joined last. `config.memory` is where the model is kept.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL or the name cannot be used, or when no model was used before and no worker with one
    /// is heard in time.
    pub async fn connect(config: PoolConfig) -> Result<Self, Error> {
        config.check()?;
        let caller = made_up_caller();
        let bus = Bus::connect(&config.url, &format!("mercer embedder {}", config.pool)).await?;
        let drops = Arc::new(Drops::default());
        let shared = Arc::new(Shared {
            pool: config.pool.clone(),
            inbox: Inbox::new(drops.clone()),
            drops,
            directory: Mutex::default(),
            memory: Memory::new(config.memory.clone()),
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
        let info = start::settle(&shared, &config).await?;
        shared.memory.keep(&Arc::new(info.clone())).await;
        let info = shared.chosen.get_or_init(|| info).clone();
        tracing::info!(
            embedder.id = info.id,
            dimensions = info.dim,
            pool = config.pool,
            "texts are embedded by the pool"
        );
        Ok(Self {
            info,
            shared,
            _tasks: tasks,
        })
    }

    /// Returns how many frames came and were not used, by reason.
    pub fn dropped(&self) -> BTreeMap<&'static str, u64> {
        self.shared.drops.counts()
    }

    /// Returns the names of the workers that take texts now.
    pub fn ready(&self) -> Vec<String> {
        let directory = self.shared.directory();
        choose::able(&directory, Instant::now(), &self.info)
            .map(|(name, ..)| name.to_owned())
            .collect()
    }
}

#[async_trait]
impl Embedder for PoolEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    /// # Errors
    /// [`Error::Busy`] when no worker with this model is there or all are full, [`Error::Deadline`] when one did not
    /// answer in time, [`Error::Decode`] when two failed.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        let began = Instant::now();
        let patience = match texts.len() > TEXTS_MAX {
            true => PATIENCE,
            false => PATIENCE_SEARCH,
        };
        let calls = parts(texts, rows_max(self.info.dim as u32))
            .into_iter()
            .map(|texts| call::vectors(&self.shared, &self.info, texts, patience));
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
        metrics::counter!("mercer_pool_embeds_total", "outcome" => outcome).increment(1);
        metrics::histogram!("mercer_pool_embed_seconds").record(began.elapsed().as_secs_f64());
        done
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
