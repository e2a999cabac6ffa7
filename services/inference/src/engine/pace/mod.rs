//! How much a step may compute without making the replies being written stutter, and whether drafts pay.

mod fit;

use std::time::Duration;

use self::fit::Fit;

/// A prompt always advances by this much in a step beside replies, or a busy engine would starve it. Without replies it is
/// [`TILE`]: fewer tokens at a time take another kernel, which computes 49 of them a second instead of 71 (a prompt of 3,500 on
/// Qwen2.5-0.5B's shape, two threads).
const TOKENS_MIN: usize = 32;
/// Tokens that a prompt advances by beside replies while the speed of the model is not known.
const TOKENS_UNKNOWN: usize = 64;
/// Chunks are multiples of this: llama.cpp's attention on CPUs works on tiles of 64 queries (`GGML_FA_TILE_Q`).
const TILE: usize = 64;
/// A step without replies may take this many times the target: nobody reads along, but a cancel and a newcomer wait
/// for its end.
const PROMPT_ONLY: f64 = 2.0;
/// Positions are counted in thousands, so that both numbers of a fit are of the same order.
const POSITIONS: f64 = 1000.0;

/// What a step computed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    /// Tokens of replies, drafts among them.
    pub(super) reply_tokens: usize,
    /// Tokens of prompts.
    pub(super) prompt_tokens: usize,
    /// The sum of the prompt tokens' positions: attention looks at everything before a token.
    pub(super) prompt_positions: usize,
}

/// Learns the speed of the model from its steps.
#[derive(Debug)]
pub(super) struct Pace {
    target_s: f64,
    batch: usize,
    /// Seconds of a step that only writes, by 1 and the tokens in it.
    writing: Fit,
    /// Seconds of prompt tokens, by their number and their positions.
    prompts: Fit,
    /// Tokens in the last step that only wrote.
    written: usize,
}

impl Pace {
    pub(super) fn new(target: Duration, batch: usize) -> Self {
        Self {
            target_s: target.as_secs_f64(),
            batch,
            writing: Fit::default(),
            prompts: Fit::default(),
            written: 1,
        }
    }

    /// Returns the seconds that the next step may spend on prompts beside so many tokens of replies.
    pub(super) fn prompt_seconds(&self, reply_tokens: usize) -> f64 {
        if reply_tokens == 0 {
            PROMPT_ONLY * self.target_s
        } else {
            (self.target_s - self.writing.at(1.0, reply_tokens as f64)).max(0.0)
        }
    }

    /// Returns how many of `wanted` prompt tokens from a position on may be computed in so many seconds. At least a
    /// few for the `first` prompt of a step.
    pub(super) fn prompt_chunk(
        &self,
        wanted: usize,
        position: usize,
        seconds: f64,
        beside_replies: bool,
        first: bool,
    ) -> usize {
        let affordable = if self.prompts.is_known() {
            // Solves p·n + q·(n·position + n²/2) = seconds for n.
            let token = self.prompts.at(1.0, position as f64 / POSITIONS);
            let bend = self.prompts.per_v() / POSITIONS;
            let root = (token * token + 2.0 * bend * seconds).sqrt();
            if bend > 0.0 && root > token {
                ((root - token) / bend) as usize
            } else if token > 0.0 {
                (seconds / token) as usize
            } else {
                self.batch
            }
        } else if beside_replies {
            TOKENS_UNKNOWN
        } else {
            self.batch
        };
        let least = match (first, beside_replies) {
            (true, true) => TOKENS_MIN,
            (true, false) => TILE,
            (false, _) => 0,
        };
        let chunk = affordable.max(least).min(self.batch);
        if chunk >= wanted {
            wanted
        } else if chunk >= TILE {
            chunk - chunk % TILE
        } else {
            chunk
        }
    }

    /// Returns the seconds that prompt tokens from a position on are expected to take.
    pub(super) fn prompt_cost(&self, tokens: usize, position: usize) -> f64 {
        self.prompts.at(
            tokens as f64,
            positions(tokens, position) as f64 / POSITIONS,
        )
    }

    /// Tells whether drafted tokens, each right with a probability, make a step that writes `replies` worth more than
    /// it gets longer: as many tokens more a second with them as without.
    /// `gain` is how many times over it must be expected to.
    pub(super) fn draft_pays(&self, replies: usize, right: f64, gain: f64) -> bool {
        let step = self.writing.at(1.0, replies as f64);
        right * step >= gain * self.writing.per_v() * replies as f64
    }

    /// Returns the prompt tokens computed in a second at the start of a conversation; 0 while that is not known.
    pub(super) fn prompt_tokens_per_s(&self) -> f64 {
        let token = self.prompts.at(1.0, 0.5);
        if token > 0.0 { 1.0 / token } else { 0.0 }
    }

    /// Returns the milliseconds of a step that only writes; 0 while that is not known.
    pub(super) fn decode_ms(&self) -> f64 {
        self.writing.at(1.0, self.written as f64) * 1_000.0
    }

    /// Learns from a step that took `took`.
    pub(super) fn learn(&mut self, work: &Work, took: Duration) {
        /// Fewer tokens of a prompt take no time that could be told from the rest.
        const TELLING: usize = 8;
        let took = took.as_secs_f64();
        let replies = work.reply_tokens as f64;
        if work.prompt_tokens == 0 {
            self.writing.learn(1.0, replies, took);
            self.written = work.reply_tokens;
        } else if work.prompt_tokens >= TELLING {
            let writing = if work.reply_tokens == 0 {
                0.0
            } else {
                self.writing.at(1.0, replies)
            };
            self.prompts.learn(
                work.prompt_tokens as f64,
                work.prompt_positions as f64 / POSITIONS,
                (took - writing).max(took * 0.1),
            );
        }
    }
}

/// Returns the sum of the positions of tokens from a position on.
pub(super) fn positions(tokens: usize, position: usize) -> usize {
    tokens * position + tokens * tokens.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Duration::from_millis(200), 512)
    }

    fn writes(reply_tokens: usize) -> Work {
        Work {
            reply_tokens,
            ..Work::default()
        }
    }

    /// A model of 10 ms + 2 ms a token of a reply, 0.5 ms a prompt token + 0.2 ms for each thousand positions.
    fn taught() -> Pace {
        let mut pace = pace();
        for step in 0..200usize {
            let rows = step % 5 + 1;
            pace.learn(
                &writes(rows),
                Duration::from_secs_f64(0.010 + 0.002 * rows as f64),
            );
            let position = step % 8 * 500;
            let positions = positions(256, position);
            let work = Work {
                reply_tokens: 0,
                prompt_tokens: 256,
                prompt_positions: positions,
            };
            let took = 256.0 * 0.0005 + positions as f64 / 1000.0 * 0.0002;
            pace.learn(&work, Duration::from_secs_f64(took));
        }
        pace
    }

    #[test]
    fn an_unknown_model_gets_small_chunks_beside_replies_and_whole_ones_alone() {
        let pace = pace();
        assert_eq!(pace.prompt_chunk(900, 0, 0.2, true, true), TOKENS_UNKNOWN);
        assert_eq!(pace.prompt_chunk(900, 0, 0.4, false, true), 512);
        assert_eq!(pace.prompt_chunk(40, 0, 0.2, true, true), 40);
    }

    #[test]
    fn chunks_shrink_with_the_depth_of_the_prompt() {
        let pace = taught();
        let seconds = pace.prompt_seconds(4);
        assert!((seconds - 0.182).abs() < 0.002, "{seconds}");
        let shallow = pace.prompt_chunk(4000, 0, seconds, true, true);
        let deep = pace.prompt_chunk(4000, 4000, seconds, true, true);
        assert!(deep < shallow, "{deep} {shallow}");
        assert_eq!((shallow % TILE, deep % TILE), (0, 0));
        for (chunk, position) in [(shallow, 0), (deep, 4000)] {
            let cost = pace.prompt_cost(chunk, position);
            assert!(cost <= seconds * 1.05, "{cost} > {seconds}");
            let more = pace.prompt_cost(chunk + 2 * TILE, position);
            assert!(more > seconds, "{more} would fit too");
        }
    }

    #[test]
    fn the_first_prompt_always_advances() {
        let pace = taught();
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, true, true), TOKENS_MIN);
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, false, true), TILE);
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, true, false), 0);
    }

    #[test]
    fn drafts_pay_alone_and_not_in_a_crowd() {
        let pace = taught();
        // Alone a step takes 12 ms and a token more 2 ms: right one time in two is plenty.
        assert!(pace.draft_pays(1, 0.5, 1.1));
        assert!(!pace.draft_pays(1, 0.1, 1.1));
        // 32 replies take 74 ms, 2.3 ms each: a drafted token must nearly always be right.
        assert!(!pace.draft_pays(32, 0.9, 1.1));
    }
}
