//! How long to wait before something that failed is tried again: one rule, and the bounds of
//! everything that waits by it.

use std::time::Duration;

/// Waits that double from the first to the longest. Each is drawn between half of that and the
/// whole, so that those who failed together do not come back together ("equal jitter", AWS
/// Architecture Blog, "Exponential Backoff And Jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// Wait after the first failure, in whole.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl BackOff {
    /// Sending a reply: a platform's hiccup is over in seconds, and a chat does not wait for long.
    pub const DELIVERY: Self = Self::new(1_000, 60_000);
    /// Loading a conversation again after a crash: what crashed it will mostly do so again.
    pub const CRASH: Self = Self::new(1_000, 300_000);
    /// Reading for a reply once more, while the customer waits.
    pub const LOOK_UP: Self = Self::new(200, 2_000);
    /// Starting a task of the node again: without it replies stand still.
    pub const TASK: Self = Self::new(200, 30_000);
    /// Asking a worker again that failed several times in a row.
    pub const WORKER: Self = Self::new(1_000, 30_000);
    /// Indexing a batch again.
    pub const INDEX: Self = Self::new(100, 10_000);

    const fn new(first_ms: u64, longest_ms: u64) -> Self {
        Self {
            first: Duration::from_millis(first_ms),
            longest: Duration::from_millis(longest_ms),
        }
    }

    /// Returns the wait after so many failures in a row. `chance` is any random number.
    pub fn wait(self, failures: u32, chance: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let whole = |failures| BackOff::DELIVERY.wait(failures, u32::MAX).as_millis();
        let waits: Vec<u128> = (0..9).map(whole).collect();
        assert_eq!(
            waits,
            [
                1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000
            ]
        );
        assert_eq!(whole(u32::MAX), 60_000);
    }

    #[test]
    fn waits_are_spread_over_their_upper_half() {
        let wait = |chance| BackOff::CRASH.wait(3, chance).as_millis();
        assert_eq!([0, u32::MAX / 2, u32::MAX].map(wait), [2_000, 3_000, 4_000]);
    }
}
