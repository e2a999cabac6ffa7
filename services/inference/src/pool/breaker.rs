//! Keeps requests away from a worker that keeps failing, and how often failures may be answered by trying again.

use std::time::Instant;

use mercer_schemas::BackOff;

/// A worker that failed this often in a row gets a rest.
const FAILURES_MAX: u32 = 3;

/// What a worker's attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered.
    Worked,
    /// It fell silent, gave up or failed.
    Failed,
    /// It sent what cannot be true.
    Lied,
}

/// Opens after failures in a row, for longer each time; a lie opens it at once. After the rest one request tries.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    failures: u32,
    rests: u32,
    until: Option<Instant>,
}

impl Breaker {
    /// Says whether a request may go to the worker.
    pub(super) fn lets_through(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// Learns how an attempt ended. `chance` is any random number: rests are spread by it.
    pub(super) fn learn(&mut self, now: Instant, verdict: Verdict, chance: u32) {
        match verdict {
            Verdict::Worked => *self = Self::default(),
            Verdict::Failed => self.failures += 1,
            Verdict::Lied => self.failures = self.failures.max(FAILURES_MAX),
        }
        // After a rest a single failure is enough: the worker had its chance.
        if self.failures >= FAILURES_MAX || (self.failures > 0 && self.rests > 0) {
            self.rests += 1;
            self.until = Some(now + BackOff::WORKER.wait(self.rests, chance));
            self.failures = 0;
        }
    }
}

/// A share of the traffic that may be spent on something, and never less than a floor.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    share: f64,
    floor: f64,
    left: f64,
    filled: Option<Instant>,
}

impl Budget {
    /// Allows `share` of the requests, and `floor` each ten seconds whatever the traffic.
    pub(super) fn new(share: f64, floor: f64) -> Self {
        Self {
            share,
            floor,
            left: floor,
            filled: None,
        }
    }

    /// Notes a request.
    pub(super) fn earn(&mut self) {
        self.left = (self.left + self.share).min(self.full());
    }

    /// Takes one if there is one left.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        const FLOOR_EVERY_S: f64 = 10.0;
        let since = self.filled.replace(now).map_or(0.0, |filled| {
            now.saturating_duration_since(filled).as_secs_f64()
        });
        self.left = (self.left + self.floor * since / FLOOR_EVERY_S).min(self.full());
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }

    /// What can be saved up: a quiet night does not pay for a storm.
    fn full(&self) -> f64 {
        self.floor * 2.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn three_failures_in_a_row_give_a_rest_that_grows() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.learn(now, Verdict::Failed, u32::MAX);
        breaker.learn(now, Verdict::Failed, u32::MAX);
        breaker.learn(now, Verdict::Worked, u32::MAX);
        breaker.learn(now, Verdict::Failed, u32::MAX);
        breaker.learn(now, Verdict::Failed, u32::MAX);
        assert!(breaker.lets_through(now));
        breaker.learn(now, Verdict::Failed, u32::MAX);
        assert!(!breaker.lets_through(now));
        now += SECOND;
        assert!(breaker.lets_through(now));
        breaker.learn(now, Verdict::Failed, u32::MAX);
        assert!(!breaker.lets_through(now + SECOND));
        assert!(breaker.lets_through(now + SECOND * 2));
        // Rests of two callers need not end together.
        let mut other = breaker.clone();
        other.learn(now, Verdict::Failed, 0);
        assert!(other.lets_through(now + SECOND * 2));
        for _ in 0..20 {
            breaker.learn(now, Verdict::Failed, u32::MAX);
        }
        assert!(breaker.lets_through(now + BackOff::WORKER.longest));
    }

    #[test]
    fn a_lie_is_enough() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.learn(now, Verdict::Lied, 0);
        assert!(!breaker.lets_through(now));
    }

    #[test]
    fn a_budget_is_a_share_of_the_traffic_above_its_floor() {
        let now = Instant::now();
        let mut budget = Budget::new(0.1, 3.0);
        assert_eq!((0..10).filter(|_| budget.spend(now)).count(), 3);
        (0..20).for_each(|_| budget.earn());
        assert_eq!((0..10).filter(|_| budget.spend(now)).count(), 2);
        let later = now + SECOND * 10;
        assert_eq!((0..10).filter(|_| budget.spend(later)).count(), 3);
    }
}
