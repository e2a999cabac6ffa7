//! How much a step may compute without making the replies being written stutter, and whether drafts pay.

mod caution;
mod fit;

use std::time::Duration;

use self::{caution::Caution, fit::Fit};

/// A prompt advances by this much in a step beside replies whatever it takes, or a busy engine would starve it. Without replies
/// by [`TILE`]: fewer tokens at a time take another kernel, which computes 49 of them a second instead of 71 (a prompt of 3,500
/// on Qwen2.5-0.5B's shape, two threads).
const TOKENS_MIN: usize = 8;
/// A step beside replies that takes more than this many times the target is a reason for caution; most that are planned to
/// take the target take less.
const LONG: f64 = 1.25;
/// Chunks are multiples of this: llama.cpp's attention on CPUs works on tiles of 64 queries (`GGML_FA_TILE_Q`).
const TILE: usize = 64;
/// A step without replies may take this many times the target: nobody reads along, but a cancel and a newcomer wait
/// for its end. More tokens at a time are computed quicker: SmolLM2-135M on two threads reads 264 a second by 64, 336 by 256.
const PROMPT_ONLY: f64 = 4.0;
/// Positions are counted in thousands, so that both numbers of a fit are of the same order.
const POSITIONS: f64 = 1000.0;

/// What a step computed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    /// Tokens of replies, drafts among them.
    pub(super) reply_tokens: usize,
    /// Replies of other adapters, which wait for the end of the step.
    pub(super) waiting: usize,
    /// Tokens of prompts.
    pub(super) prompt_tokens: usize,
    /// The sum of the prompt tokens' positions: attention looks at everything before a token.
    pub(super) prompt_positions: usize,
}

impl Work {
    /// Returns for how many tokens of replies, now or next, the step must not be long.
    fn beside(&self) -> usize {
        self.reply_tokens + self.waiting
    }
}

/// Learns the speed of the model from its steps.
#[derive(Debug)]
pub(super) struct Pace {
    target_s: f64,
    batch: usize,
    /// Seconds of a step that only writes, by 1 and the tokens in it.
    writing: Fit,
    /// Seconds of prompt tokens where no reply is beside them, by their number and their positions.
    prompts_alone: Fit,
    /// The same beside replies: there they come fewer at a time, which another kernel computes.
    prompts_beside: Fit,
    /// Tokens in the last step that only wrote.
    written: usize,
    /// Tokens of replies that the last prompts were beside.
    prompted_beside: usize,
    caution: Caution,
}

impl Pace {
    pub(super) fn new(target: Duration, batch: usize) -> Self {
        Self {
            target_s: target.as_secs_f64(),
            batch,
            writing: Fit::default(),
            prompts_alone: Fit::default(),
            prompts_beside: Fit::default(),
            written: 1,
            prompted_beside: 0,
            caution: Caution::default(),
        }
    }

    /// Returns the seconds that a step with this work already may spend on prompts.
    pub(super) fn prompt_seconds(&self, work: &Work) -> f64 {
        match work.beside() {
            0 => PROMPT_ONLY * self.target_s,
            replies => self.seconds_beside(replies),
        }
    }

    /// Returns how many of `wanted` prompt tokens from a position on may be computed in so many seconds, in a step with this
    /// work already. At least a few for the first prompt of a step.
    pub(super) fn prompt_chunk(
        &self,
        wanted: usize,
        position: usize,
        seconds: f64,
        work: &Work,
    ) -> usize {
        let replies = work.beside();
        let most = match replies {
            0 => self.batch,
            _ => self
                .caution
                .prompt_tokens_max()
                .saturating_sub(work.prompt_tokens),
        };
        let affordable = self.affordable(position, seconds, replies).unwrap_or(most);
        let least = match (work.prompt_tokens, replies) {
            (0, 0) => TILE,
            (0, _) => TOKENS_MIN,
            _ => 0,
        };
        let chunk = affordable.min(most).max(least);
        if chunk >= wanted {
            wanted
        } else if chunk >= TILE {
            chunk - chunk % TILE
        } else {
            chunk
        }
    }

    /// Returns how many prompt tokens from a position on fit into so many seconds beside so many tokens of replies; none
    /// while their speed is not known.
    fn affordable(&self, position: usize, seconds: f64, reply_tokens: usize) -> Option<usize> {
        let prompts = self.prompts(reply_tokens);
        if !prompts.is_known() {
            return None;
        }
        if seconds <= 0.0 {
            return Some(0);
        }
        // Solves p·n + q·(n·position + n²/2) = seconds for n.
        let token = prompts.at(1.0, position as f64 / POSITIONS);
        let bend = prompts.per_v() / POSITIONS;
        let root = (token * token + 2.0 * bend * seconds).sqrt();
        Some(if bend > 0.0 && root > token {
            ((root - token) / bend) as usize
        } else if token > 0.0 {
            (seconds / token) as usize
        } else {
            self.batch
        })
    }

    /// Returns what is known of prompts beside so many tokens of replies; of the others while nothing is.
    fn prompts(&self, reply_tokens: usize) -> &Fit {
        let (own, other) = match reply_tokens {
            0 => (&self.prompts_alone, &self.prompts_beside),
            _ => (&self.prompts_beside, &self.prompts_alone),
        };
        if own.is_known() { own } else { other }
    }

    /// Returns how many tokens a step with so many tokens of replies may draft and keep within the target, with the least of a
    /// prompt that waits at `prompt_at`; as many as a batch holds while their cost is not known.
    pub(super) fn draft_tokens(&self, reply_tokens: usize, prompt_at: Option<usize>) -> usize {
        let prompt = prompt_at.map_or(0.0, |position| {
            self.prompt_cost(&Work {
                reply_tokens,
                prompt_tokens: TOKENS_MIN,
                prompt_positions: positions(TOKENS_MIN, position),
                ..Work::default()
            })
        });
        let seconds = self.seconds_beside(reply_tokens) - prompt;
        match self.writing.per_v() {
            _ if seconds <= 0.0 => 0,
            token if token > 0.0 => (seconds / token) as usize,
            _ => self.batch,
        }
    }

    /// Returns the seconds that so many tokens of replies leave of a step.
    fn seconds_beside(&self, reply_tokens: usize) -> f64 {
        let writing = self.writing.at(1.0, reply_tokens as f64);
        (self.target_s / self.caution.factor() - writing).max(0.0)
    }

    /// Returns the seconds that the prompts of a step are expected to take.
    pub(super) fn prompt_cost(&self, work: &Work) -> f64 {
        self.prompts(work.beside()).at(
            work.prompt_tokens as f64,
            work.prompt_positions as f64 / POSITIONS,
        )
    }

    /// Tells whether drafted tokens, each right with a probability, make a step that writes `replies` worth more than
    /// it gets longer: as many tokens more a second with them as without.
    /// `gain` is how many times over it must be expected to.
    pub(super) fn draft_pays(&self, replies: usize, right: f64, gain: f64) -> bool {
        let step = self.writing.at(1.0, replies as f64);
        right * step >= gain * self.writing.per_v() * replies as f64
    }

    /// Returns the prompt tokens computed in a second at the start of a conversation, as they last came; 0 while that is not
    /// known.
    pub(super) fn prompt_tokens_per_s(&self) -> f64 {
        let token = self.prompts(self.prompted_beside).at(1.0, 0.5);
        if token > 0.0 { 1.0 / token } else { 0.0 }
    }

    /// Returns the milliseconds of a step that only writes; 0 while that is not known.
    pub(super) fn decode_ms(&self) -> f64 {
        self.writing.at(1.0, self.written as f64) * 1_000.0
    }

    /// Returns how long a step may take before its thread counts as hung: many times what is expected of it, at least `least`.
    pub(super) fn patience(&self, work: &Work, least: Duration) -> Duration {
        /// No step that ends is off by as much.
        const TIMES: f64 = 20.0;
        /// A whole batch of a large model on two cores takes minutes, and nothing is known of the first.
        const UNKNOWN_TIMES: u32 = 10;
        let prompts = self.prompts(work.beside());
        let unknown = (work.prompt_tokens > 0 && !prompts.is_known())
            || (work.reply_tokens > 0 && !self.writing.is_known());
        if unknown {
            return least * UNKNOWN_TIMES;
        }
        let writing = match work.reply_tokens {
            0 => 0.0,
            replies => self.writing.at(1.0, replies as f64),
        };
        let expected = writing + self.prompt_cost(work);
        Duration::try_from_secs_f64(TIMES * expected).map_or(least, |most| most.max(least))
    }

    /// Learns from a step that took `took`.
    pub(super) fn learn(&mut self, work: &Work, took: Duration) {
        /// Fewer tokens of a prompt take no time that could be told from the rest.
        const TELLING: usize = 8;
        let took = took.as_secs_f64();
        let replies = work.reply_tokens as f64;
        let writing = match work.reply_tokens {
            0 => 0.0,
            _ => self.writing.at(1.0, replies),
        };
        if work.beside() > 0 && work.prompt_tokens > 0 {
            let expected = writing + self.prompt_cost(work);
            // A shorter one keeps nobody waiting, however long it should have taken.
            let surprise = (took > LONG * self.target_s).then(|| took / expected);
            self.caution.learn(work.prompt_tokens, surprise);
        }
        // A step with prompts takes no less than its writing alone.
        if work.prompt_tokens == 0 || took < writing {
            self.writing.learn(1.0, replies, took);
        }
        if work.prompt_tokens == 0 {
            self.written = work.reply_tokens;
        } else if work.prompt_tokens >= TELLING {
            self.prompted_beside = work.beside();
            let prompts = match work.beside() {
                0 => &mut self.prompts_alone,
                _ => &mut self.prompts_beside,
            };
            prompts.learn(
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

    fn computes(prompt_tokens: usize, position: usize, reply_tokens: usize) -> Work {
        Work {
            reply_tokens,
            waiting: 0,
            prompt_tokens,
            prompt_positions: positions(prompt_tokens, position),
        }
    }

    /// A model of 10 ms + 2 ms a token of a reply, 0.5 ms a prompt token + 0.2 ms for each thousand positions.
    fn taught() -> Pace {
        let mut pace = pace();
        for step in 0..200usize {
            let rows = step % 5 + 1;
            let writing = 0.010 + 0.002 * rows as f64;
            pace.learn(&writes(rows), Duration::from_secs_f64(writing));
            let alone = computes(256, step % 8 * 500, 0);
            let took = 256.0 * 0.0005 + alone.prompt_positions as f64 / 1000.0 * 0.0002;
            pace.learn(&alone, Duration::from_secs_f64(took));
            let beside = Work {
                reply_tokens: rows,
                ..alone
            };
            pace.learn(&beside, Duration::from_secs_f64(writing + took));
        }
        pace
    }

    #[test]
    fn an_unknown_model_gets_small_chunks_beside_replies_and_whole_ones_alone() {
        let pace = pace();
        assert_eq!(pace.prompt_chunk(900, 0, 0.2, &writes(1)), 16);
        assert_eq!(pace.prompt_chunk(900, 0, 0.4, &writes(0)), 512);
        assert_eq!(pace.prompt_chunk(12, 0, 0.2, &writes(1)), 12);
    }

    #[test]
    fn chunks_shrink_with_the_depth_of_the_prompt() {
        let pace = taught();
        let seconds = pace.prompt_seconds(&writes(4));
        assert!((seconds - 0.182).abs() < 0.002, "{seconds}");
        let shallow = pace.prompt_chunk(4000, 0, seconds, &writes(4));
        let deep = pace.prompt_chunk(4000, 4000, seconds, &writes(4));
        assert!(deep < shallow, "{deep} {shallow}");
        assert_eq!((shallow % TILE, deep % TILE), (0, 0));
        for (chunk, position) in [(shallow, 0), (deep, 4000)] {
            let cost = pace.prompt_cost(&computes(chunk, position, 4));
            assert!(cost <= seconds * 1.05, "{cost} > {seconds}");
            let more = pace.prompt_cost(&computes(chunk + 2 * TILE, position, 4));
            assert!(more > seconds, "{more} would fit too");
        }
    }

    #[test]
    fn a_step_may_take_many_times_what_is_expected_and_the_first_ones_longer() {
        let least = Duration::from_secs(2);
        let of = |pace: &Pace, work| pace.patience(&work, least);
        assert_eq!(of(&pace(), writes(1)), least * 10);
        assert_eq!(of(&pace(), computes(512, 0, 0)), least * 10);
        let taught = taught();
        assert_eq!(of(&taught, writes(1)), least, "12 ms, twenty times over");
        // 1,024 tokens of half a millisecond and 0.1 s for their positions.
        let long = of(&taught, computes(1024, 0, 0)).as_secs_f64();
        assert!((11.0..14.0).contains(&long), "{long}");
    }

    #[test]
    fn the_first_prompt_always_advances() {
        let pace = taught();
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, &writes(4)), TOKENS_MIN);
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, &writes(0)), TILE);
        assert_eq!(pace.prompt_chunk(400, 0, 0.0, &computes(32, 0, 4)), 0);
    }

    /// What a step of Qwen2.5-0.5B's shape takes on two cores; fewer tokens at a time take the slower kernel.
    fn slow(work: &Work) -> Duration {
        let (token, depth) = match work.reply_tokens {
            0 => (0.0085, 0.0024),
            _ => (0.0130, 0.0028),
        };
        let writing = match work.reply_tokens {
            0 => 0.0,
            rows => 0.050 + 0.010 * rows as f64,
        };
        let prompts = work.prompt_tokens as f64 * token;
        let deep = work.prompt_positions as f64 / POSITIONS * depth;
        Duration::from_secs_f64(writing + prompts + deep)
    }

    #[test]
    fn no_reply_of_a_slow_model_waits_for_twice_the_target() {
        let mut pace = pace();
        let step = |pace: &mut Pace, work: Work| {
            pace.learn(&work, slow(&work));
            slow(&work).as_secs_f64()
        };
        step(&mut pace, computes(40, 0, 0));
        let mut longest = 0.0f64;
        for replies in [1, 4, 2, 6, 1, 6] {
            for _ in 0..60 {
                step(&mut pace, writes(replies));
            }
            let mut position = 0;
            while position < 4000 {
                let seconds = pace.prompt_seconds(&writes(replies));
                let chunk = pace.prompt_chunk(4000 - position, position, seconds, &writes(replies));
                assert!((1..=4000 - position).contains(&chunk), "{chunk}");
                longest = longest.max(step(&mut pace, computes(chunk, position, replies)));
                position += chunk;
            }
            // The rest of the prompts comes without replies beside them.
            for position in (0..4000).step_by(TILE) {
                step(&mut pace, computes(TILE, position, 0));
            }
        }
        // What six replies and the least of a deep prompt take.
        assert!(longest <= 0.31, "{longest}");
    }

    #[test]
    fn replies_that_leave_no_time_leave_the_least() {
        let mut pace = pace();
        for _ in 0..20 {
            pace.learn(&writes(20), Duration::from_millis(500));
        }
        pace.learn(&computes(64, 0, 0), Duration::from_millis(640));
        let seconds = pace.prompt_seconds(&writes(20));
        assert_eq!(pace.prompt_chunk(4000, 0, seconds, &writes(20)), TOKENS_MIN);
        let one_already = computes(8, 0, 20);
        assert_eq!(pace.prompt_chunk(4000, 0, seconds, &one_already), 0);
    }

    #[test]
    fn replies_that_wait_for_the_step_count_as_those_in_it() {
        let pace = taught();
        let waiting = Work {
            waiting: 4,
            ..Work::default()
        };
        let seconds = pace.prompt_seconds(&writes(4));
        assert_eq!(pace.prompt_seconds(&waiting), seconds);
        assert_eq!(
            pace.prompt_chunk(4000, 0, seconds, &waiting),
            pace.prompt_chunk(4000, 0, seconds, &writes(4))
        );
        assert!(pace.prompt_seconds(&Work::default()) > seconds);
    }

    #[test]
    fn a_step_that_keeps_replies_waiting_makes_the_next_ones_smaller() {
        let chunk_after = |took: f64| {
            let mut pace = taught();
            for _ in 0..100 {
                pace.learn(&computes(128, 0, 4), Duration::from_millis(82));
            }
            pace.learn(&computes(8, 0, 4), Duration::from_secs_f64(took));
            pace.prompt_chunk(4000, 0, pace.prompt_seconds(&writes(4)), &writes(4))
        };
        let usual = chunk_after(0.022);
        assert!(usual >= 128, "{usual}");
        assert_eq!(chunk_after(0.1), usual, "longer than expected, but short");
        assert!(chunk_after(0.3) < usual);
    }

    #[test]
    fn writing_is_never_thought_to_take_longer_than_a_step_with_prompts_too() {
        let mut pace = pace();
        for _ in 0..20 {
            pace.learn(&writes(1), Duration::from_millis(100));
        }
        // Seven tokens at once seem to take 400 ms and take 110.
        for _ in 0..20 {
            pace.learn(&computes(8, 0, 7), Duration::from_millis(118));
        }
        assert!(pace.prompt_seconds(&writes(7)) > 0.04, "{pace:?}");
    }

    #[test]
    fn drafts_fit_the_target() {
        assert_eq!(pace().draft_tokens(4, None), 512);
        // 10 ms + 2 ms a token.
        let pace = taught();
        let tokens = pace.draft_tokens(5, None);
        assert!((89..=91).contains(&tokens), "{tokens}");
        // Eight tokens of a prompt at 4,000 take 10 ms.
        assert!((4..=6).contains(&(tokens - pace.draft_tokens(5, Some(4000)))));
        assert_eq!(pace.draft_tokens(200, None), 0);
    }

    #[test]
    fn what_prompts_take_alone_says_nothing_of_prompts_beside_replies() {
        let mut pace = taught();
        let beside = pace.prompt_cost(&computes(128, 0, 4));
        let per_s = pace.prompt_tokens_per_s();
        for _ in 0..50 {
            pace.learn(&computes(128, 0, 0), Duration::from_millis(640));
        }
        assert_eq!(pace.prompt_cost(&computes(128, 0, 4)), beside);
        let alone = pace.prompt_cost(&computes(128, 0, 0));
        assert!((0.5..0.7).contains(&alone), "{alone}");
        assert!(pace.prompt_tokens_per_s() < per_s, "as they last came");
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
