//! Times of many measurements, told by the share that stays below.

use std::time::Duration;

use serde::Serialize;

/// Milliseconds that a half, 95 and 99 of a hundred stay below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

impl Quantiles {
    /// Sorts times and reads them off; all zero for none.
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let last = times.len().saturating_sub(1);
            let place = (last as f64 * share).round() as usize;
            times.get(place).copied().map_or(0.0, millis)
        };
        Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
        }
    }

    /// Returns a line for eyes, with so many decimals.
    pub(super) fn line(&self, decimals: usize) -> String {
        let Self { p50, p95, p99 } = self;
        format!("p50 {p50:.decimals$}, p95 {p95:.decimals$}, p99 {p99:.decimals$} ms")
    }
}

/// Returns milliseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
