//! The caller's side of the worker pool: a chat model that many workers serve over NATS.
//!
//! `directory` knows the workers from their heartbeats, `route` chooses one, `failover` takes a request through
//! failures to its end; those three know neither NATS nor a clock. `inbox` and `driver` connect them to both.
//!
//! `texts` asks the same workers for vectors of texts, and for scores of documents.
//!
//! Not here: a central router. Every caller decides for itself, from heartbeats a quarter of a second old and from
//! what it sent since.

mod breaker;
mod directory;
mod driver;
mod drops;
mod failover;
mod inbox;
mod lane;
mod last_model;
mod route;
mod series;
mod start;
mod state;
mod texts;
mod watch;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::{Message, Subscriber};
use async_trait::async_trait;
use futures::StreamExt;
use mercer_schemas::worker::{
    Control, Heartbeat, control_subject, heartbeat_subject, heartbeats_of, is_name, streams_of,
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use self::{
    directory::Heard,
    driver::{Driver, work_request},
    drops::Drops,
    failover::{PATIENCE, Workers},
    inbox::Inbox,
    last_model::LastModel,
    route::Choice,
    series::{Figures, WorkerSeries},
    state::{State, View, first_wish},
};
use crate::{BusyReason, ChatModel, Error, GenerateRequest, Generation, ModelInfo, bus::Bus};

pub(crate) use self::directory::STARTS_MAX;
pub use self::{
    texts::{PoolEmbedder, PoolReranker},
    watch::{PoolWatch, WorkerRow, WorkerState},
};

#[cfg(test)]
pub(crate) use self::directory::tests::heartbeat_for_testing;

/// Room that resumed tokens and numbers take in a request beside its messages.
const ENVELOPE_BYTES: usize = 128 * 1024;

/// How often it is looked for workers that have left.
const FORGET_EVERY: Duration = Duration::from_secs(5);

/// Where the workers are.
#[derive(Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// URL of NATS.
    pub url: String,
    /// Name of the pool.
    pub pool: String,
    /// How long a start waits for the first worker.
    pub start_patience: Duration,
    /// File that keeps what is known of the pool's model, so that a start need not wait while NATS is away.
    pub memory: Option<PathBuf>,
}

impl PoolConfig {
    /// Returns the defaults: a start waits for a minute, and nothing is kept.
    pub fn new(url: impl Into<String>, pool: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool: pool.into(),
            start_patience: Duration::from_secs(60),
            memory: None,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if is_name(&self.pool) {
            return Ok(());
        }
        Err(Error::Config {
            key: "pool.name",
            problem: "must be 1 to 64 letters, digits, - and _".to_owned(),
        })
    }
}

/// Returns a name under which nobody else receives frames.
fn made_up_caller() -> String {
    format!("caller-{:016x}", rand::random::<u64>())
}

impl fmt::Debug for PoolConfig {
    /// Tells no URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolConfig")
            .field("pool", &self.pool)
            .field("start_patience", &self.start_patience)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
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
    memory: LastModel<ModelInfo>,
    heard: Notify,
}

/// Reads a heartbeat of a pool; none where it is not one, or speaks of another worker than it comes from.
fn heartbeat_of(pool: &str, message: &Message) -> Option<Heartbeat> {
    let read = serde_json::from_slice::<Heartbeat>(&message.payload).ok();
    read.filter(|heartbeat| {
        is_name(&heartbeat.worker)
            && heartbeat_subject(pool, &heartbeat.worker) == message.subject.as_str()
    })
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
        let mut connections = self.bus.connections();
        let mut series = WorkerSeries::default();
        let mut look = interval(FORGET_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                biased;
                Ok(()) = connections.changed() => {
                    self.state().directory.doubt();
                    continue;
                }
                _ = look.tick() => {
                    let gone = self.state().directory.forget(Instant::now());
                    gone.iter().for_each(|worker| series.end(worker));
                    continue;
                }
                message = heartbeats.next() => match message {
                    Some(message) => message,
                    None => return,
                },
            };
            let Some(heartbeat) = heartbeat_of(&self.pool, &message) else {
                self.drops.count("heartbeat");
                continue;
            };
            let (worker, figures) = (heartbeat.worker.clone(), Figures::of(&heartbeat));
            let now = Instant::now();
            let (heard, model) = {
                let mut state = self.state();
                let heard = state.directory.hear(now, heartbeat);
                state.warn_of_another_style(now, &worker);
                let model = state.directory.newest_model(now, state.style.as_deref());
                if model.is_some() {
                    state.model.clone_from(&model);
                }
                (heard, model)
            };
            if let Some(model) = model {
                self.memory.keep(&model).await;
            }
            if matches!(heard, Heard::Known | Heard::Incomplete) {
                series.tell(&worker, figures);
            }
            match heard {
                Heard::Known => {}
                Heard::Incomplete => {
                    let ask = serde_json::to_vec(&Control::Snapshot).unwrap_or_default();
                    self.bus.publish(control_subject(&worker), None, ask).await;
                }
                Heard::Wrong => self.drops.count("heartbeat"),
                Heard::Twin => self.drops.count("twin"),
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
    /// Connects and waits until a worker is heard, because a model must be known before conversations can start. Where
    /// an earlier run knew one it is taken after a short wait; requests then wait for workers instead.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL or the name cannot be used, or when no worker is heard in time.
    pub async fn connect(config: PoolConfig) -> Result<Self, Error> {
        config.check()?;
        let caller = made_up_caller();
        let bus = Bus::connect(&config.url, &format!("mercer pool {}", config.pool)).await?;
        let drops = Arc::new(Drops::default());
        let shared = Arc::new(Shared {
            pool: config.pool.clone(),
            inbox: Inbox::new(drops.clone()),
            drops,
            state: Mutex::default(),
            memory: LastModel::new(config.memory.clone()),
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
        start::settle(&pool.shared, &config).await?;
        Ok(pool)
    }

    /// Returns how long readers waited at each resume on another worker since the last call, oldest first.
    pub fn take_gaps(&self) -> Vec<Duration> {
        self.shared.state().take_gaps()
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
            .filter(|(_, known)| known.takes_requests(now));
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
