//! Counts what came and was not used, by reason.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Counts by reason, here and in the metrics.
#[derive(Debug, Default)]
pub(super) struct Drops(Mutex<BTreeMap<&'static str, u64>>);

impl Drops {
    /// Counts one.
    pub(super) fn count(&self, reason: &'static str) {
        metrics::counter!("mercer_pool_frames_dropped_total", "reason" => reason).increment(1);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(reason).or_default() += 1;
    }

    /// Returns the counts so far.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
