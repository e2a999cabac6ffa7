//! Serves an engine, and an embedder and a reranker where there are any, to the callers of a pool, over NATS.
//!
//! A worker takes requests on its own subject, tells four times a second how busy it is and what its cache holds, and
//! when it is to leave, ends what it has and takes nothing new. It holds no state that a caller could miss: who loses
//! a worker goes on elsewhere.

mod attempt;
mod namesake;
mod outbox;
mod residency;
mod server;
mod text_requests;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mercer_schemas::worker::{
    Body, Frame, Load, Refusal, Refused, StreamId, heartbeat_subject, is_name,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::server::Server;
use crate::{ChatModel, Error, LlamaEngine, bus::Bus};

pub use self::text_requests::TextModels;

/// How often a worker tells how it is.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// A model that a worker can serve: one that also tells how busy it is and what its cache holds.
pub trait WorkerEngine: ChatModel {
    /// Returns how busy it is. The longest stall counts from the call before.
    fn take_load(&self) -> Load;

    /// Returns hashes of the starts of conversations whose cache is held.
    fn starts(&self) -> BTreeSet<u64>;
}

impl WorkerEngine for LlamaEngine {
    fn take_load(&self) -> Load {
        self.take_load()
    }

    fn starts(&self) -> BTreeSet<u64> {
        self.starts()
    }
}

/// Where a worker serves.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// URL of NATS.
    pub url: String,
    /// Name of the pool.
    pub pool: String,
    /// Name of the worker; no other worker may have it.
    pub name: String,
}

impl fmt::Debug for WorkerConfig {
    /// Tells no URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerConfig")
            .field("pool", &self.pool)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A worker that serves. Dropping it ends it at once, without a word to anyone.
#[derive(Debug)]
pub struct Worker {
    watch: WorkerWatch,
    task: JoinHandle<Result<(), Error>>,
}

/// Tells how a worker is.
#[derive(Debug, Clone)]
pub struct WorkerWatch {
    bus: Bus,
    drain: CancellationToken,
    state: Arc<WatchState>,
}

/// What a worker's task tells of itself.
#[derive(Debug, Default)]
struct WatchState {
    /// Its name is its own, and it takes requests.
    speaks: AtomicBool,
    /// Its engine hangs in a step.
    stalled: AtomicBool,
}

impl WorkerWatch {
    /// Returns nothing while the worker takes requests, and otherwise why it does not.
    pub fn problem(&self) -> Option<String> {
        if self.drain.is_cancelled() {
            return Some("it drains".to_owned());
        }
        match self.bus.problem() {
            Some(problem) => Some(format!("nats.url {problem}")),
            None if !self.state.speaks.load(Ordering::Relaxed) => {
                Some("it looks whether its name is free".to_owned())
            }
            None if self.state.stalled.load(Ordering::Relaxed) => {
                Some("its engine hangs in a step".to_owned())
            }
            None => None,
        }
    }
}

/// What the attempts of a worker share.
struct Serving {
    bus: Bus,
    name: String,
    incarnation: u64,
    engine: Arc<dyn WorkerEngine>,
    /// The last load that was told.
    load: Mutex<Load>,
}

impl Serving {
    fn load(&self) -> Load {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// Begins to serve. NATS may come later.
    ///
    /// # Errors
    /// [`Error::Config`] names the setting that is wrong.
    pub async fn start(
        config: WorkerConfig,
        engine: Arc<dyn WorkerEngine>,
        texts: TextModels,
    ) -> Result<Self, Error> {
        for (key, name) in [("pool.name", &config.pool), ("worker.name", &config.name)] {
            if !is_name(name) {
                return Err(Error::Config {
                    key,
                    problem: "must be 1 to 64 letters, digits, - and _".to_owned(),
                });
            }
        }
        let bus = Bus::connect(&config.url, &format!("mercer worker {}", config.name)).await?;
        let heartbeats = heartbeat_subject(&config.pool, &config.name);
        let namesakes = bus.subscribe(heartbeats.clone()).await?;
        let incarnation = rand::random();
        let watch = WorkerWatch {
            bus: bus.clone(),
            drain: CancellationToken::new(),
            state: Arc::default(),
        };
        let serving = Serving {
            bus,
            name: config.name,
            incarnation,
            engine,
            load: Mutex::default(),
        };
        let server = Server::new(serving, heartbeats, watch.state.clone(), texts);
        let drain = watch.drain.clone();
        let task = tokio::spawn(async move {
            let ended = server.run(namesakes, drain).await;
            if let Err(error) = &ended {
                tracing::error!(%error, "worker ends");
            }
            ended
        });
        Ok(Self { watch, task })
    }

    /// Returns what tells how the worker is.
    pub fn watch(&self) -> WorkerWatch {
        self.watch.clone()
    }

    /// Takes no more requests, ends those that run, then leaves.
    pub fn drain(&self) {
        self.watch.drain.cancel();
    }

    /// Waits until the worker has left.
    ///
    /// # Errors
    /// [`Error::Config`] when its name is another worker's, [`Error::Stopped`] when a fault of its own ended it.
    pub async fn left(&mut self) -> Result<(), Error> {
        (&mut self.task).await.unwrap_or(Err(Error::Stopped))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The stream and the attempt of a request.
type Key = (StreamId, u16);

/// Counts a message that is not read.
fn dropped(reason: &'static str) {
    metrics::counter!("mercer_worker_dropped_total", "reason" => reason).increment(1);
}

/// Returns the only frame of an attempt that is not taken.
fn refusal((stream, attempt): Key, resumed: usize, refusal: Refusal) -> Vec<u8> {
    let body = Body::Refused(Refused {
        refusal,
        tokens: 0,
        retry_after_ms: 0,
    });
    let frame = Frame {
        stream,
        attempt,
        seq: 0,
        first_token: resumed as u32,
        body,
    };
    frame.encode()
}
