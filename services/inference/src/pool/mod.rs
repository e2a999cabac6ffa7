//! The caller's side of the worker pool: a chat model that many workers serve over NATS.
//!
//! `directory` knows the workers from their heartbeats, `route` chooses one, `generation` takes a request through
//! failures to its end; those three know neither NATS nor a clock. `inbox` and `driver` connect them to both.
//!
//! Not here: a central router. Every caller decides for itself, from heartbeats a quarter of a second old and from
//! what it sent since.

mod breaker;
mod directory;
mod driver;
mod drops;
mod generation;
mod inbox;
mod lane;
mod route;
mod state;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::Subscriber;
use async_trait::async_trait;
use futures::StreamExt;
use mercer_schemas::worker::{
    Control, Heartbeat, control_subject, heartbeat_subject, heartbeats_of, is_name, streams_of,
};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use self::{
    directory::Heard,
    driver::{Driver, work_request},
    drops::Drops,
    generation::{PATIENCE, Workers},
    inbox::Inbox,
    route::Choice,
    state::{State, View, first_wish},
};
use crate::{BusyReason, ChatModel, Error, GenerateRequest, Generation, ModelInfo, bus::Bus};

pub use self::watch::{PoolWatch, WorkerRow};

/// Room that resumed tokens and numbers take in a request beside its messages.
const ENVELOPE_BYTES: usize = 128 * 1024;

/// Where the workers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// URL of NATS.
    pub url: String,
    /// Name of the pool.
    pub pool: String,
    /// How long a start waits for the first worker.
    pub start_patience: Duration,
}

impl PoolConfig {
    /// Returns the defaults: a start waits for a minute.
    pub fn new(url: impl Into<String>, pool: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool: pool.into(),
            start_patience: Duration::from_secs(60),
        }
    }
}

/// What all generations of a caller share.
struct Shared {
    bus: Bus,
    pool: String,
    caller: String,
    inbox: Inbox,
    drops: Arc<Drops>,
    state: Mutex<State>,
    heard: Notify,
}

impl Shared {
    /// Does something with the state as a request sees it.
    fn with<T>(&self, request: &GenerateRequest, act: impl FnOnce(&mut View<'_>) -> T) -> T {
        let mut state = self.state();
        act(&mut View {
            state: &mut state,
            request,
            drops: &self.drops,
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Every change of the state is whole after each method, whatever panicked beside it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes heartbeats in until the client ends.
    async fn listen(self: Arc<Self>, mut heartbeats: Subscriber) {
        while let Some(message) = heartbeats.next().await {
            let read = serde_json::from_slice::<Heartbeat>(&message.payload);
            let Some(heartbeat) = read.ok().filter(|heartbeat| {
                heartbeat_subject(&self.pool, &heartbeat.worker) == message.subject.as_str()
            }) else {
                self.drops.count("heartbeat");
                continue;
            };
            let worker = heartbeat.worker.clone();
            watch::tell_metrics(&heartbeat);
            let now = Instant::now();
            let heard = {
                let mut state = self.state();
                let heard = state.directory.hear(now, heartbeat);
                if let Some(model) = state.directory.newest_model(now) {
                    state.model = Some(model);
                }
                heard
            };
            match heard {
                Heard::Known => {}
                Heard::Incomplete => {
                    let ask = serde_json::to_vec(&Control::Snapshot).unwrap_or_default();
                    self.bus.publish(control_subject(&worker), None, ask).await;
                }
                Heard::Wrong => self.drops.count("heartbeat"),
            }
            self.heard.notify_waiters();
        }
    }

    /// Finds a worker for a new request, waiting a little for one to appear.
    async fn place(&self, request: &GenerateRequest, began: Instant) -> Result<Choice, Error> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let patience = request.deadline.min(PATIENCE);
        loop {
            let heard = self.heard.notified();
            let now = Instant::now();
            let waited = now.saturating_duration_since(began);
            let wish = first_wish(request.deadline.saturating_sub(waited));
            let chosen = if self.bus.is_connected() {
                self.with(request, |view| view.choose(now, &wish))
            } else {
                Err(BusyReason::NoWorker)
            };
            match chosen {
                Ok(choice) => return Ok(choice),
                Err(BusyReason::NoWorker) if waited < patience => {
                    let _ = timeout(LOOK_EVERY, heard).await;
                }
                Err(reason) => return Err(Error::Busy(reason)),
            }
        }
    }
}

/// A chat model that a pool of workers serves.
pub struct WorkerPool {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl WorkerPool {
    /// Connects and waits until a worker is heard, because a model must be known before conversations can start.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL or the name cannot be used, or when no worker is heard in time.
    pub async fn connect(config: PoolConfig) -> Result<Self, Error> {
        if !is_name(&config.pool) {
            return Err(Error::Config {
                key: "pool.name",
                problem: "must be 1 to 64 letters, digits, - and _".to_owned(),
            });
        }
        let caller = format!("caller-{:016x}", rand::random::<u64>());
        let bus = Bus::connect(&config.url, &format!("mercer pool {}", config.pool)).await?;
        let drops = Arc::new(Drops::default());
        let shared = Arc::new(Shared {
            pool: config.pool.clone(),
            inbox: Inbox::new(drops.clone()),
            drops,
            state: Mutex::default(),
            heard: Notify::new(),
            bus,
            caller,
        });
        let frames = shared.bus.subscribe(streams_of(&shared.caller)).await?;
        let heartbeats = shared.bus.subscribe(heartbeats_of(&shared.pool)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.inbox.clone().run(frames));
        tasks.spawn(shared.clone().listen(heartbeats));
        let pool = Self {
            shared,
            _tasks: tasks,
        };
        pool.wait_for_a_worker(&config).await?;
        Ok(pool)
    }

    async fn wait_for_a_worker(&self, config: &PoolConfig) -> Result<(), Error> {
        const SAY_EVERY: Duration = Duration::from_secs(5);
        let began = Instant::now();
        while self.shared.state().model.is_none() {
            let heard = self.shared.heard.notified();
            if timeout(SAY_EVERY.min(config.start_patience), heard)
                .await
                .is_err()
            {
                tracing::info!(
                    pool = config.pool,
                    connected = self.shared.bus.is_connected(),
                    "waiting for a worker"
                );
            }
            if began.elapsed() >= config.start_patience && self.shared.state().model.is_none() {
                let problem = if self.shared.bus.is_connected() {
                    format!(
                        "has no worker in pool `{}`; start one with `mercer serve --roles worker`",
                        config.pool
                    )
                } else {
                    "cannot be reached; is nats-server running there?".to_owned()
                };
                return Err(Error::Config {
                    key: "nats.url",
                    problem,
                });
            }
        }
        Ok(())
    }

    /// Returns how many frames and heartbeats came and were not used, by reason.
    pub fn dropped(&self) -> BTreeMap<&'static str, u64> {
        self.shared.drops.counts()
    }

    /// Returns the names of the workers that take requests now.
    pub fn ready(&self) -> Vec<String> {
        let now = Instant::now();
        let state = self.shared.state();
        let ready = state
            .directory
            .all()
            .filter(|(_, known)| known.is_fresh(now) && !known.draining);
        ready.map(|(name, _)| name.clone()).collect()
    }
}

#[async_trait]
impl ChatModel for WorkerPool {
    fn info(&self) -> Arc<ModelInfo> {
        let model = self.shared.state().model.clone();
        // `connect` returns a pool only when a model is known, and none is ever forgotten.
        model.unwrap_or_else(|| {
            Arc::new(ModelInfo {
                name: "unknown".to_owned(),
                sha256: String::new(),
                n_ctx: 0,
                n_vocab: 0,
                n_params: 0,
                prompt_style: "full".to_owned(),
                template_sha256: String::new(),
                adapters: Vec::new(),
            })
        })
    }

    /// Returns when a worker is asked: what only a worker finds wrong with a request comes out of the stream.
    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error> {
        let began = Instant::now();
        request.check()?;
        let deadline = began
            .checked_add(request.deadline)
            .ok_or(Error::Request("its deadline is out of range"))?;
        if !request.resume.is_empty() {
            return Err(Error::Request("a pool resumes by itself"));
        }
        let open = self.shared.inbox.open();
        let measured = work_request(&request, open.stream, 1, Vec::new(), request.deadline);
        let bytes = serde_json::to_vec(&measured).map_or(usize::MAX, |bytes| bytes.len());
        if bytes.saturating_add(ENVELOPE_BYTES) > self.shared.bus.payload_max() {
            return Err(Error::Request("it is larger than a message may be"));
        }
        self.shared.state().earn();
        let choice = self.shared.place(&request, began).await.inspect_err(|_| {
            metrics::counter!("mercer_pool_requests_total", "outcome" => "busy").increment(1);
        })?;
        let (sink, generation) = Generation::channel();
        let driver = Driver {
            shared: self.shared.clone(),
            request,
            open,
            sink,
            began,
            deadline,
        };
        tokio::spawn(driver.run(choice));
        Ok(generation)
    }
}
