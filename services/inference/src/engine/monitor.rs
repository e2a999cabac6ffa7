//! What the engine's thread tells about itself: load for routing, and which conversations its cache holds.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mercer_schemas::worker::Load;

/// Weight of the newest request in the average service time: about the last ten count.
const NEWEST: f64 = 0.2;

/// What an engine has done since it was started.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct EngineCounts {
    /// Output tokens that the grammar left no choice about; they were computed like a prompt.
    pub forced: u64,
    /// Tokens drafted from the prompt.
    pub drafted: u64,
    /// Drafted tokens that were right.
    pub drafts_right: u64,
    /// Parked caches moved to main memory.
    pub spilled: u64,
    /// Caches fetched from there.
    pub fetched: u64,
    /// Parked caches written to files.
    pub written: u64,
    /// Caches read from there.
    pub read: u64,
    /// Running requests that had to leave a full context.
    pub suspended: u64,
    /// Those that came back.
    pub resumed: u64,
}

/// Written by the engine's thread once a step, read by anyone.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    load: Mutex<Load>,
    starts: Mutex<BTreeSet<u64>>,
    counts: Mutex<EngineCounts>,
}

impl Monitor {
    /// Returns the load. The longest stall counts from the call before.
    pub(super) fn take_load(&self) -> Load {
        let mut load = lock(&self.load);
        Load {
            stall_ms_max: mem::take(&mut load.stall_ms_max),
            ..*load
        }
    }

    /// Changes the load.
    pub(super) fn update(&self, change: impl FnOnce(&mut Load)) {
        change(&mut lock(&self.load));
    }

    /// Returns what was counted since the start.
    pub(super) fn counts(&self) -> EngineCounts {
        *lock(&self.counts)
    }

    /// Changes the counts.
    pub(super) fn count(&self, change: impl FnOnce(&mut EngineCounts)) {
        change(&mut lock(&self.counts));
    }

    /// Notes the pause between two tokens of one generation.
    pub(super) fn note_stall(&self, pause: Duration) {
        self.update(|load| {
            load.stall_ms_max = load.stall_ms_max.max(pause.as_secs_f64() * 1_000.0);
        });
    }

    /// Notes that a request had a slot for this long.
    pub(super) fn note_served(&self, took: Duration) {
        let took_ms = took.as_secs_f64() * 1_000.0;
        self.update(|load| {
            load.requests += 1;
            load.service_ms = if load.service_ms == 0.0 {
                took_ms
            } else {
                load.service_ms + NEWEST * (took_ms - load.service_ms)
            };
        });
    }

    /// Returns the starts of conversations that the cache holds.
    pub(super) fn starts(&self) -> BTreeSet<u64> {
        lock(&self.starts).clone()
    }

    /// Replaces the starts of conversations that the cache holds.
    pub(super) fn set_starts(&self, starts: BTreeSet<u64>) {
        *lock(&self.starts) = starts;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain numbers stay sound whatever panicked beside them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
