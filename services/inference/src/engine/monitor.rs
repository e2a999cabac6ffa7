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

/// Written by the engine's thread once a step, read by anyone.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    load: Mutex<Load>,
    starts: Mutex<BTreeSet<u64>>,
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
