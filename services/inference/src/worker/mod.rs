//! Serves an engine, and an embedder and a reranker where there are any, to the callers of a pool, over NATS.
//!
//! A worker takes requests on its own subject, tells four times a second how busy it is and what its cache holds, and
//! when it is to leave, ends what it has and takes nothing new. It holds no state that a caller could miss: who loses
//! a worker goes on elsewhere.

mod attempt;
mod namesake;
mod outbox;
mod residency;
mod texts;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::{Message, Subscriber};
use futures::StreamExt;
use mercer_schemas::worker::{
    Body, Control, Frame, Heartbeat, Load, Refusal, Refused, StreamId, WorkRequest,
    control_subject, embed_subject, heartbeat_subject, is_name, request_subject, rerank_subject,
    stream_of,
};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use self::{
    attempt::{Attempt, Steer},
    namesake::Namesake,
    residency::Told,
    texts::Texts,
};
use crate::{ChatModel, Error, LlamaEngine, bus::Bus};

pub use self::texts::TextModels;

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
    speaks: Arc<AtomicBool>,
}

impl WorkerWatch {
    /// Returns nothing while the worker takes requests, and otherwise why it does not.
    pub fn problem(&self) -> Option<String> {
        if self.drain.is_cancelled() {
            return Some("it drains".to_owned());
        }
        match self.bus.problem() {
            Some(problem) => Some(format!("nats.url {problem}")),
            None if self.speaks.load(Ordering::Relaxed) => None,
            None => Some("it looks whether its name is free".to_owned()),
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
            speaks: Arc::default(),
        };
        let server = Server {
            heartbeats,
            namesake: Namesake::new(&config.name, incarnation),
            speaks: watch.speaks.clone(),
            texts: Texts::new(bus.clone(), texts),
            serving: Arc::new(Serving {
                bus,
                name: config.name,
                incarnation,
                engine,
                load: Mutex::default(),
            }),
            steers: HashMap::new(),
            attempts: JoinSet::new(),
            working: Arc::new(()),
            told: Told::default(),
            seq: 0,
            draining: false,
        };
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

type Key = (StreamId, u16);

struct Server {
    serving: Arc<Serving>,
    heartbeats: String,
    namesake: Namesake,
    speaks: Arc<AtomicBool>,
    steers: HashMap<Key, mpsc::UnboundedSender<Steer>>,
    attempts: JoinSet<Key>,
    texts: Texts,
    /// One clone for each attempt that the engine works on.
    working: Arc<()>,
    told: Told,
    seq: u64,
    draining: bool,
}

impl Server {
    async fn run(
        mut self,
        mut namesakes: Subscriber,
        drain: CancellationToken,
    ) -> Result<(), Error> {
        tokio::select! {
            free = self.namesake.listen_first(&self.serving.bus, &mut namesakes) => free?,
            () = drain.cancelled() => return Ok(()),
        }
        // Not before: whoever asks what ran here before must learn at once that it is gone.
        let bus = self.serving.bus.clone();
        let mut requests = bus.subscribe(request_subject(&self.serving.name)).await?;
        let mut embeds = bus.subscribe(embed_subject(&self.serving.name)).await?;
        let mut reranks = bus.subscribe(rerank_subject(&self.serving.name)).await?;
        let mut controls = bus.subscribe(control_subject(&self.serving.name)).await?;
        self.speaks.store(true, Ordering::Relaxed);
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tracing::info!(
            worker.id = self.serving.name,
            model = self.serving.engine.info().label(),
            "worker serves"
        );
        loop {
            tokio::select! {
                Some(message) = requests.next() => self.take(message).await,
                Some(message) = embeds.next() => self.texts.embed(message, self.draining).await,
                Some(message) = reranks.next() => self.texts.rerank(message, self.draining).await,
                Some(()) = self.texts.ended() => {}
                Some(message) = controls.next() => self.steer(&message, &drain).await,
                Some(message) = namesakes.next() => self.namesake.meet(&message.payload)?,
                Some(ended) = self.attempts.join_next() => {
                    if let Ok(key) = ended {
                        self.steers.remove(&key);
                    }
                }
                () = drain.cancelled(), if !self.draining => {
                    self.draining = true;
                    tracing::info!(worker.id = self.serving.name, running = self.running(), "worker drains");
                    self.beat().await;
                }
                _ = beat.tick() => {
                    self.beat().await;
                    if self.serving.engine.has_ended() {
                        // Callers go elsewhere; whoever started this process may start it again.
                        drain.cancel();
                    }
                }
            }
            if self.draining && self.running() == 0 {
                break;
            }
        }
        self.beat().await;
        self.serving.bus.flush().await;
        tracing::info!(worker.id = self.serving.name, "worker has left");
        if self.serving.engine.has_ended() {
            return Err(Error::Stopped);
        }
        Ok(())
    }

    fn running(&self) -> usize {
        Arc::strong_count(&self.working) - 1 + self.texts.running()
    }

    async fn beat(&mut self) {
        let engine = &self.serving.engine;
        let load = engine.take_load();
        *self
            .serving
            .load
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = load;
        if !self.serving.bus.is_connected() {
            // What is told now reaches nobody.
            return self.told.forget();
        }
        self.seq += 1;
        let heartbeat = Heartbeat {
            worker: self.serving.name.clone(),
            incarnation: self.serving.incarnation,
            up_ms: self.namesake.up_ms(),
            seq: self.seq,
            model: engine.info().as_ref().clone(),
            draining: self.draining,
            load,
            residency: self.told.tell(Instant::now(), engine.starts()),
            embedder: self.texts.embedder(),
            reranker: self.texts.reranker(),
        };
        let payload = serde_json::to_vec(&heartbeat).unwrap_or_default();
        let subject = self.heartbeats.clone();
        self.serving.bus.publish(subject, None, payload).await;
    }

    /// Takes a request. One that makes no sense is dropped: there is nobody to tell.
    async fn take(&mut self, message: Message) {
        let Some(reply) = message.reply else {
            return dropped("no_reply");
        };
        let Ok(request) = serde_json::from_slice::<WorkRequest>(&message.payload) else {
            return dropped("request");
        };
        let key = (request.stream, request.attempt);
        // Frames go to no other subject, whoever asks.
        if stream_of(reply.as_str()) != Some(key) {
            return dropped("reply");
        }
        if self.steers.contains_key(&key) {
            return dropped("repeated");
        }
        if self.draining {
            let frame = refusal(key, request.resume.len(), Refusal::Draining);
            self.serving
                .bus
                .publish(reply.to_string(), None, frame)
                .await;
            return;
        }
        let (sender, steers) = mpsc::unbounded_channel();
        self.steers.insert(key, sender);
        let attempt = Attempt::new(self.serving.clone(), &request, reply.to_string(), steers);
        let working = self.working.clone();
        self.attempts.spawn(async move {
            attempt.run(request, working).await;
            key
        });
    }

    async fn steer(&mut self, message: &Message, drain: &CancellationToken) {
        let Ok(control) = serde_json::from_slice::<Control>(&message.payload) else {
            return dropped("control");
        };
        let (key, steer) = match control {
            Control::Cancel { stream, attempt } => {
                self.texts.cancel((stream, attempt));
                ((stream, attempt), Steer::Cancel)
            }
            Control::Credit {
                stream,
                attempt,
                upto,
            } => ((stream, attempt), Steer::Credit(upto)),
            Control::Resend {
                stream,
                attempt,
                from,
            } => ((stream, attempt), Steer::Resend(from)),
            Control::Drain => return drain.cancel(),
            Control::Snapshot => return self.told.forget(),
        };
        if let Some(steers) = self.steers.get(&key) {
            // An attempt that has just ended needs no steering.
            let _ = steers.send(steer);
        }
    }
}

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
