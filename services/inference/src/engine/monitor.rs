//! What the engine's thread tells about itself: load for routing, and which conversations its cache holds.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
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

/// What the thread is at.
#[derive(Debug, Clone, Copy)]
struct Busy {
    since: Instant,
    /// Longer than this it cannot take: then the thread hangs.
    patience: Duration,
}

/// Written by the engine's thread once a step, read by anyone.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    /// None while the thread waits for something to do.
    busy: Mutex<Option<Busy>>,
    load: Mutex<Load>,
    starts: Mutex<BTreeSet<u64>>,
    counts: Mutex<EngineCounts>,
}

impl Monitor {
    /// Notes that the thread begins something, and how long that may take.
    pub(super) fn begin(&self, patience: Duration) {
        *lock(&self.busy) = Some(Busy {
            since: Instant::now(),
            patience,
        });
    }

    /// Notes that the thread has come to the end of what it had begun.
    pub(super) fn rest(&self) {
        *lock(&self.busy) = None;
    }

    /// Tells whether the thread has been at one thing for longer than that can take.
    pub(super) fn is_stalled(&self) -> bool {
        lock(&self.busy).is_some_and(|busy| busy.since.elapsed() > busy.patience)
    }

    /// Returns the load. The longest stall counts from the call before.
    pub(super) fn take_load(&self) -> Load {
        let stalled = self.is_stalled();
        let mut load = lock(&self.load);
        Load {
            stalled,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_hangs_when_it_is_longer_at_one_thing_than_that_can_take() {
        let monitor = Monitor::default();
        assert!(!monitor.take_load().stalled, "it waits");
        monitor.begin(Duration::from_secs(3_600));
        assert!(!monitor.take_load().stalled);
        monitor.begin(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
        assert!(monitor.is_stalled() && monitor.take_load().stalled);
        monitor.rest();
        assert!(!monitor.take_load().stalled, "it goes on");
    }
}
