//! How many prompt tokens a step may compute without making the replies being written stutter.

use std::time::Duration;

/// Weight of the newest step in the averages: about the last ten steps count.
const NEWEST: f64 = 0.2;
/// A prompt always advances by this much in a step, or a busy engine would starve it.
const TOKENS_MIN: usize = 32;

/// Learns the speed of the model from its steps.
#[derive(Debug)]
pub(super) struct Pace {
    target_s: f64,
    batch: usize,
    decode_s: f64,
    prompt_tokens_per_s: f64,
}

impl Pace {
    pub(super) fn new(target: Duration, batch: usize) -> Self {
        Self {
            target_s: target.as_secs_f64(),
            batch,
            decode_s: 0.0,
            prompt_tokens_per_s: 0.0,
        }
    }

    /// Returns how many prompt tokens the next step may compute beside `decoding` replies.
    pub(super) fn prompt_budget(&self, decoding: usize) -> usize {
        let room = self.batch.saturating_sub(decoding);
        if decoding == 0 || self.prompt_tokens_per_s == 0.0 {
            return room;
        }
        let affordable = (self.target_s - self.decode_s).max(0.0) * self.prompt_tokens_per_s;
        (affordable as usize)
            .clamp(TOKENS_MIN, self.batch)
            .min(room)
    }

    /// Returns the prompt tokens computed in a second; 0 while that is not known.
    pub(super) fn prompt_tokens_per_s(&self) -> f64 {
        self.prompt_tokens_per_s
    }

    /// Returns the milliseconds of a step that only writes; 0 while that is not known.
    pub(super) fn decode_ms(&self) -> f64 {
        self.decode_s * 1_000.0
    }

    /// Learns from a step that took `took`.
    pub(super) fn learn(&mut self, decoding: usize, prompt_tokens: usize, took: Duration) {
        let took = took.as_secs_f64();
        let average = |old: f64, new: f64| {
            if old == 0.0 {
                new
            } else {
                old + NEWEST * (new - old)
            }
        };
        if prompt_tokens == 0 {
            self.decode_s = average(self.decode_s, took);
        } else if prompt_tokens >= TOKENS_MIN {
            let spent = if decoding == 0 {
                took
            } else {
                (took - self.decode_s).max(took * 0.1)
            };
            self.prompt_tokens_per_s = average(
                self.prompt_tokens_per_s,
                prompt_tokens as f64 / spent.max(1e-6),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_model_gets_small_chunks_beside_replies_and_whole_ones_alone() {
        let mut pace = Pace::new(Duration::from_millis(200), 512);
        assert_eq!(pace.prompt_budget(1), 511, "nothing is known yet");
        pace.learn(1, 0, Duration::from_millis(100));
        pace.learn(0, 500, Duration::from_millis(500));
        assert_eq!(pace.prompt_budget(0), 512);
        assert!((99..=100).contains(&pace.prompt_budget(2)), "{pace:?}");
        pace.learn(4, 0, Duration::from_secs(9));
        assert_eq!(pace.prompt_budget(2), TOKENS_MIN);
    }
}
