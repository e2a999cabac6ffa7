//! The pool as a person sees it: a row for each worker, from heartbeats alone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::Subscriber;
use futures::StreamExt;
use mercer_schemas::worker::{Heartbeat, heartbeats_of};
use serde::Serialize;

use super::{
    directory::{FORGET, SILENCE_MAX, WORKERS_MAX},
    heartbeat_of,
};
use crate::{Error, bus::Bus};

/// Two workers of one name are told for this long after they were heard in turns.
const TWIN_SHOWN: Duration = Duration::from_secs(5);

/// One worker.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerRow {
    /// What it told last.
    pub heartbeat: Heartbeat,
    /// Output tokens in a second while it was watched.
    pub tokens_per_s: f64,
    /// Share of prompt tokens that were in its cache since it started, 0 to 1.
    pub hit_rate: f64,
    /// What it does with requests.
    pub state: WorkerState,
}

/// What a worker does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It takes them.
    Ready,
    /// It takes no more and leaves when those that run have ended.
    Draining,
    /// Its engine hangs in a step: it gets no requests until that ends.
    Stalled,
    /// Nothing is heard of it.
    Silent,
    /// Another worker tells heartbeats under the same name.
    Twin,
}

impl WorkerState {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stalled => "stalled",
            Self::Silent => "silent",
            Self::Twin => "twin",
        }
    }
}

#[derive(Debug)]
struct Watched {
    first: (Instant, u64),
    last: Heartbeat,
    seen: Instant,
    tokens_per_s: f64,
    /// When another run was heard while this one lived.
    twin: Option<Instant>,
}

impl Watched {
    fn state(&self) -> WorkerState {
        if self.seen.elapsed() > SILENCE_MAX {
            WorkerState::Silent
        } else if self.twin.is_some_and(|at| at.elapsed() < TWIN_SHOWN) {
            WorkerState::Twin
        } else if self.last.load.stalled {
            WorkerState::Stalled
        } else if self.last.draining {
            WorkerState::Draining
        } else {
            WorkerState::Ready
        }
    }
}

/// Listens to a pool's heartbeats.
#[derive(Debug)]
pub struct PoolWatch {
    pool: String,
    heartbeats: Subscriber,
    workers: BTreeMap<String, Watched>,
    bus: Bus,
}

impl PoolWatch {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be used.
    pub async fn connect(url: &str, pool: &str) -> Result<Self, Error> {
        let bus = Bus::connect(url, "mercer workers").await?;
        let heartbeats = bus.subscribe(heartbeats_of(pool)).await?;
        Ok(Self {
            pool: pool.to_owned(),
            heartbeats,
            workers: BTreeMap::new(),
            bus,
        })
    }

    /// Says why NATS cannot be used, as it follows on `nats.url`; nothing while it can.
    pub fn problem(&self) -> Option<&'static str> {
        self.bus.problem()
    }

    /// Listens for a while and returns the workers by name, speeds measured over that while.
    pub async fn rows(&mut self, listen: Duration) -> Vec<WorkerRow> {
        self.workers
            .retain(|_, watched| watched.seen.elapsed() < FORGET);
        for watched in self.workers.values_mut() {
            watched.first = (watched.seen, watched.last.load.output_tokens);
        }
        let until = tokio::time::Instant::now() + listen;
        while let Ok(Some(message)) = tokio::time::timeout_at(until, self.heartbeats.next()).await {
            if let Some(heartbeat) = heartbeat_of(&self.pool, &message) {
                self.take_in(heartbeat);
            }
        }
        let rows = self.workers.values().map(|watched| {
            let load = &watched.last.load;
            WorkerRow {
                heartbeat: watched.last.clone(),
                tokens_per_s: watched.tokens_per_s,
                hit_rate: load.cached_tokens as f64 / load.prompt_tokens.max(1) as f64,
                state: watched.state(),
            }
        });
        rows.collect()
    }

    fn take_in(&mut self, heartbeat: Heartbeat) {
        let is_new = !self.workers.contains_key(&heartbeat.worker);
        if is_new && self.workers.len() >= WORKERS_MAX {
            return;
        }
        let now = Instant::now();
        let tokens = heartbeat.load.output_tokens;
        let (mut first, mut twin) = ((now, tokens), None);
        if let Some(known) = self.workers.get_mut(&heartbeat.worker) {
            let lives = now.saturating_duration_since(known.seen) <= SILENCE_MAX;
            if known.last.incarnation == heartbeat.incarnation {
                (first, twin) = (known.first, known.twin);
            } else if lives {
                known.twin = Some(now);
                if heartbeat.up_ms <= known.last.up_ms {
                    return;
                }
                twin = known.twin;
            }
        }
        let took = now.saturating_duration_since(first.0).as_secs_f64();
        let tokens_per_s = if took > 0.0 {
            tokens.saturating_sub(first.1) as f64 / took
        } else {
            0.0
        };
        let watched = Watched {
            first,
            seen: now,
            tokens_per_s,
            twin,
            last: heartbeat.clone(),
        };
        self.workers.insert(heartbeat.worker, watched);
    }
}
