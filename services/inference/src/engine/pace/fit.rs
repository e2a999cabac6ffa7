//! Learns a cost from what steps took: weighted least squares in two unknowns.

/// Weight that an observation keeps when the next one comes: about the last twenty count.
const KEPT: f64 = 0.95;
/// How hard an unknown holds on to its value, as a part of what was seen of it. Steps that are all alike say nothing
/// of how the cost is shared between the two; then the shares stay as they are.
const HELD: f64 = 0.01;
/// A step that took this many times what was expected was held up by something else, and counts as this much only.
const SURPRISE_MAX: f64 = 4.0;
/// Observations before anything is surprising.
const SEEN_MIN: u32 = 8;

/// `y = p·u + q·v` with `p` and `q` learned, neither below 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Fit {
    uu: f64,
    uv: f64,
    vv: f64,
    uy: f64,
    vy: f64,
    p: f64,
    q: f64,
    seen: u32,
}

impl Fit {
    /// Takes an observation in.
    pub(super) fn learn(&mut self, u: f64, v: f64, y: f64) {
        let expected = self.at(u, v);
        let y = if self.seen >= SEEN_MIN && expected > 0.0 {
            y.min(SURPRISE_MAX * expected)
        } else {
            y
        };
        self.seen = self.seen.saturating_add(1);
        for (sum, new) in [
            (&mut self.uu, u * u),
            (&mut self.uv, u * v),
            (&mut self.vv, v * v),
            (&mut self.uy, u * y),
            (&mut self.vy, v * y),
        ] {
            *sum = *sum * KEPT + new;
        }
        self.solve();
    }

    /// Returns the cost; 0 while nothing is known.
    pub(super) fn at(&self, u: f64, v: f64) -> f64 {
        self.p * u + self.q * v
    }

    /// Returns the cost of one `v` more.
    pub(super) fn per_v(&self) -> f64 {
        self.q
    }

    /// Tells whether anything was learned.
    pub(super) fn is_known(&self) -> bool {
        self.seen > 0
    }

    fn solve(&mut self) {
        let (hold_u, hold_v) = (HELD * self.uu, HELD * self.vv);
        let (uu, vv) = (self.uu + hold_u, self.vv + hold_v);
        let (uy, vy) = (self.uy + hold_u * self.p, self.vy + hold_v * self.q);
        let determinant = uu * vv - self.uv * self.uv;
        if determinant <= f64::EPSILON * uu * vv {
            // Only one of the two was ever seen.
            if uu > 0.0 {
                self.p = (uy / uu).max(0.0);
            } else if vv > 0.0 {
                self.q = (vy / vv).max(0.0);
            }
            return;
        }
        self.p = (uy * vv - vy * self.uv) / determinant;
        self.q = (uu * vy - self.uv * uy) / determinant;
        if self.p < 0.0 {
            (self.p, self.q) = (0.0, (vy / vv).max(0.0));
        } else if self.q < 0.0 {
            (self.p, self.q) = ((uy / uu).max(0.0), 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_found_once_observations_differ() {
        let mut fit = Fit::default();
        for step in 0..60 {
            let rows = f64::from(step % 7 + 1);
            fit.learn(1.0, rows, 0.010 + 0.002 * rows);
        }
        assert!((fit.at(1.0, 4.0) - 0.018).abs() < 1e-4, "{fit:?}");
        assert!((fit.per_v() - 0.002).abs() < 1e-4, "{fit:?}");
        // The same again and again: the shares stay.
        for _ in 0..500 {
            fit.learn(1.0, 3.0, 0.016);
        }
        assert!((fit.per_v() - 0.002).abs() < 2e-4, "{fit:?}");
    }

    #[test]
    fn one_held_up_step_changes_little() {
        let mut fit = Fit::default();
        for _ in 0..20 {
            fit.learn(1.0, 1.0, 0.010);
        }
        fit.learn(1.0, 1.0, 60.0);
        assert!(fit.at(1.0, 1.0) < 0.020, "{fit:?}");
    }

    proptest! {
        #[test]
        fn a_cost_is_always_a_sound_number(
            steps in prop::collection::vec((0.0f64..600.0, 0.0f64..5e3, 0.0f64..1e3), 1..80),
        ) {
            let mut fit = Fit::default();
            for (u, v, y) in steps {
                fit.learn(u, v, y);
                prop_assert!(fit.at(1.0, 1.0).is_finite() && fit.at(1.0, 1.0) >= 0.0);
                prop_assert!(fit.per_v() >= 0.0);
            }
        }
    }
}
