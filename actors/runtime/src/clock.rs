//! The clock that decisions are dated with. The core never reads one itself.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time, UTC milliseconds.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now_ms(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The machine's clock moved to a given day, for evaluations against documents with validity dates.
#[derive(Debug, Clone, Copy)]
pub struct FixedDayClock {
    offset_ms: i64,
}

impl FixedDayClock {
    /// Builds a clock that reads `at_ms` now and runs on from there.
    pub fn starting_at(at_ms: i64) -> Self {
        Self {
            offset_ms: at_ms - SystemClock.now_ms(),
        }
    }
}

impl Clock for FixedDayClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.offset_ms
    }
}
