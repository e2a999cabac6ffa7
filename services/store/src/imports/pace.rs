//! How much an import does at once: little enough that other writes hardly wait for it.

use std::time::{Duration, Instant};

/// For how long a chunk should keep the writer. A write that comes in meanwhile waits for the rest
/// of it and for its commit; both together stay far below the 200 ms that are promised.
const TARGET: Duration = Duration::from_millis(25);

/// Fewest and most units of a chunk, and those of the first: nothing is known of the machine yet.
/// A chunk is a dozen statements whatever it holds, so smaller ones would not be quicker.
const UNITS_MIN: u64 = 50;
const UNITS_MAX: u64 = 2_000;
const UNITS_FIRST: u64 = 100;

/// A run that writes nothing tells this often that it lives: well within the time after which it
/// counts as dead.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Bytes that count as one unit, as a row does.
const UNIT_BYTES: u64 = 4096;

/// Measures chunks and says how large the next one may be.
#[derive(Debug)]
pub(super) struct Pace {
    units: u64,
    /// When the run last wrote that it lives.
    told_at: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            units: UNITS_FIRST,
            told_at: Instant::now(),
        }
    }
}

impl Pace {
    /// Returns the units of the next chunk.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// Learns how long a chunk kept the writer, and lets others write for as long.
    pub(super) async fn rest(&mut self, took: Duration) {
        self.learn(took);
        self.told_at = Instant::now();
        tokio::time::sleep(took.min(TARGET)).await;
    }

    /// Notes a chunk that kept the writer not at all, as nothing in it changed: the next one may be
    /// larger. Says whether it is time for the run to tell that it lives.
    pub(super) fn reads(&mut self) -> bool {
        self.learn(Duration::ZERO);
        let is_silent = self.told_at.elapsed() > TELL_EVERY;
        if is_silent {
            self.told_at = Instant::now();
        }
        is_silent
    }

    fn learn(&mut self, took: Duration) {
        if took > TARGET {
            self.units = (self.units / 2).max(UNITS_MIN);
        } else if took < TARGET / 2 {
            self.units = (self.units + self.units / 4).min(UNITS_MAX);
        }
    }
}

/// Returns the units of a record with so many rows and bytes.
pub(super) fn units(rows: usize, bytes: usize) -> u64 {
    rows as u64 + bytes as u64 / UNIT_BYTES
}

/// SQL of the units of a text column's bytes.
pub(super) fn units_of(column: &str) -> String {
    format!("length({column}) / {UNIT_BYTES}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_shrink_where_the_machine_is_slow_and_grow_where_it_is_quick() {
        let mut pace = Pace::default();
        for _ in 0..40 {
            pace.learn(TARGET / 10);
        }
        assert_eq!(pace.units(), UNITS_MAX);
        pace.learn(TARGET * 3 / 4);
        assert_eq!(pace.units(), UNITS_MAX);
        for _ in 0..20 {
            pace.learn(TARGET * 10);
        }
        assert_eq!(pace.units(), UNITS_MIN);
    }
}
