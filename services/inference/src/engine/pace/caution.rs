//! How far what is expected of a step beside replies is to be trusted.

/// Steps that took longer than expected make the next ones smaller, by this much at most.
const FACTOR_MAX: f64 = 2.0;
/// Share of that which the next step keeps.
const FACTOR_KEPT: f64 = 0.95;
/// A prompt advances by no more than this many times what was computed lately: what is known of few deep tokens says little of
/// many shallow ones.
const GROWTH: f64 = 2.0;
/// Share of what was computed lately that the next step keeps, if it computes less.
const LATELY_KEPT: f64 = 0.9;
/// Prompt tokens beside replies while none were computed yet.
const TOKENS_UNKNOWN: f64 = 16.0;
/// The factor then: the first step beside replies of Qwen2.5-0.5B's shape took 1.7 times what prompts alone let expect.
const FACTOR_UNKNOWN: f64 = 1.5;

/// What steps that computed prompts beside replies have taught.
#[derive(Debug)]
pub(super) struct Caution {
    factor: f64,
    computed_lately: f64,
}

impl Default for Caution {
    fn default() -> Self {
        Self {
            factor: FACTOR_UNKNOWN,
            computed_lately: TOKENS_UNKNOWN / GROWTH,
        }
    }
}

impl Caution {
    /// Returns how many times as long as expected a step must be thought to take: 1 to 2.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Returns the most prompt tokens that the next such step should compute.
    pub(super) fn prompt_tokens_max(&self) -> usize {
        (GROWTH * self.computed_lately) as usize
    }

    /// Learns from a step with so many prompt tokens; `surprise` is what it took over what was expected, where that kept
    /// somebody waiting.
    pub(super) fn learn(&mut self, prompt_tokens: usize, surprise: Option<f64>) {
        self.factor = 1.0 + (self.factor - 1.0) * FACTOR_KEPT;
        if let Some(surprise) = surprise.filter(|surprise| surprise.is_finite()) {
            self.factor = self.factor.max(surprise).min(FACTOR_MAX);
        }
        if prompt_tokens > 0 {
            self.computed_lately = (self.computed_lately * LATELY_KEPT).max(prompt_tokens as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surprise_makes_the_next_steps_smaller_and_is_forgotten() {
        let mut caution = Caution::default();
        caution.learn(0, Some(0.7));
        assert!(caution.factor() < FACTOR_UNKNOWN, "{caution:?}");
        caution.learn(0, Some(1.6));
        assert_eq!(caution.factor(), 1.6);
        caution.learn(0, Some(9.0));
        assert_eq!(caution.factor(), FACTOR_MAX);
        caution.learn(0, Some(f64::INFINITY));
        (0..100).for_each(|_| caution.learn(0, None));
        assert!(caution.factor() < 1.01, "{caution:?}");
    }

    #[test]
    fn prompts_grow_from_what_was_computed() {
        let mut caution = Caution::default();
        assert_eq!(caution.prompt_tokens_max(), 16);
        for expected in [32, 64, 128, 256, 512] {
            caution.learn(expected / 2, None);
            assert_eq!(caution.prompt_tokens_max(), expected);
        }
        // The short rest of a prompt does not undo it, many short steps do.
        caution.learn(5, None);
        assert!(caution.prompt_tokens_max() > 450, "{caution:?}");
        (0..100).for_each(|_| caution.learn(12, None));
        assert_eq!(caution.prompt_tokens_max(), 24);
    }
}
