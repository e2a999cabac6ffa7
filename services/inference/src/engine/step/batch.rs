//! What a step computes: the next tokens of all replies, guesses at what follows, and as much of prompts as leaves no reply
//! waiting.

use llama_cpp_2::token::LlamaToken;

use crate::engine::{
    adapters::next_turn,
    core::EngineCore,
    job::Slot,
    pace::{Work, positions},
};

/// More tokens that a grammar forces on a reply are computed in several steps, so that no other reply stutters.
const FORCED_TOKENS_MAX: usize = 64;

/// What a slot has in the batch.
pub(super) struct Part {
    pub(super) slot: usize,
    /// Tokens of the prompt or of the reply that are certain.
    pub(super) certain: Vec<i32>,
    /// Guesses at what follows; each has logits.
    pub(super) drafts: Vec<i32>,
    /// The logits of the last certain token choose the next one; not where more tokens are certain than this step computes.
    pub(super) chooses: bool,
    /// Index of that token in the batch.
    pub(super) row: i32,
}

impl Part {
    fn tokens(&self) -> usize {
        self.certain.len() + self.drafts.len()
    }
}

impl EngineCore<'_> {
    /// Fills the batch: first the replies, then prompts in order of admission.
    pub(super) fn build_batch(&mut self) -> (Vec<Part>, Work) {
        self.batch.clear();
        let (mut parts, mut work) = (Vec::new(), Work::default());
        self.turn = next_turn(self.slots.iter().map(|slot| slot.job.adapter), self.turn);
        let ours = |slot: &Slot| slot.job.adapter == self.turn;
        let (replying, prompting): (Vec<usize>, Vec<usize>) = (0..self.slots.len())
            .filter(|&slot| ours(&self.slots[slot]))
            .partition(|&slot| self.slots[slot].is_writing());
        let prompt_at = prompting
            .first()
            .map(|&slot| self.sequences.tokens(self.slots[slot].seq).len());
        for &slot in &replying {
            parts.extend(self.reply(slot, replying.len(), &parts, prompt_at));
        }
        work.reply_tokens = planned(&parts);
        let elsewhere = |slot: &&Slot| slot.is_writing() && slot.job.adapter != self.turn;
        work.waiting = self.slots.iter().filter(elsewhere).count();
        let mut seconds = self.pace.prompt_seconds(&work);
        for slot in prompting {
            if !self.slots[slot].started {
                if self.waits_for_shared_prompt(slot) {
                    continue;
                }
                self.borrow_prompt(slot);
                self.slots[slot].tell_started();
            }
            let prompt = &self.slots[slot].job.prompt.tokens;
            let done = self.sequences.tokens(self.slots[slot].seq).len();
            let wanted = (prompt.len() - done).min(self.room(&parts));
            let chunk = self.pace.prompt_chunk(wanted, done, seconds, &work);
            let certain = prompt[done..done + chunk].to_vec();
            let whole = done + chunk == prompt.len();
            let piece = Work {
                prompt_tokens: chunk,
                prompt_positions: positions(chunk, done),
                ..work
            };
            seconds = (seconds - self.pace.prompt_cost(&piece)).max(0.0);
            work.prompt_tokens += piece.prompt_tokens;
            work.prompt_positions += piece.prompt_positions;
            parts.push(Part {
                slot,
                certain,
                drafts: Vec::new(),
                chooses: whole,
                row: 0,
            });
        }
        parts.retain(|part| part.tokens() > 0);
        // llama.cpp computes parts of a split cache together only where their sequences follow one another.
        parts.sort_by_key(|part| self.slots[part.slot].seq);
        parts.retain_mut(|part| {
            let added = self.add(part).is_some();
            debug_assert!(added, "a batch is planned within its size");
            added
        });
        (parts, work)
    }

    /// Returns the next tokens of a reply and, where they pay, guesses at what follows; none where there is no room beside
    /// the parts before it and the next tokens of those behind it. `prompt_at` is how far a prompt is that waits.
    fn reply(
        &mut self,
        slot: usize,
        replies: usize,
        parts: &[Part],
        prompt_at: Option<usize>,
    ) -> Option<Part> {
        let others = replies - parts.len() - 1;
        let pending = &self.slots[slot].pending;
        let room = self.room(parts).saturating_sub(others);
        let count = pending.len().min(FORCED_TOKENS_MAX).min(room);
        let whole = count == pending.len();
        let certain = pending[..count].to_vec();
        let drafts = if whole {
            let mut room = room - count;
            // A guess saves its own reply a step, and makes the others wait for it.
            if self.slots.iter().filter(|slot| slot.is_writing()).count() > 1 {
                let tokens = planned(parts) + count + others;
                room = room.min(self.pace.draft_tokens(tokens, prompt_at));
            }
            self.draft(slot, replies, room)
        } else {
            Vec::new()
        };
        (count > 0).then_some(Part {
            slot,
            certain,
            drafts,
            chooses: whole,
            row: 0,
        })
    }

    /// Guesses what follows a slot's pending tokens, if a guess is expected to pay in a step with so many replies.
    fn draft(&mut self, slot: usize, replies: usize, room: usize) -> Vec<i32> {
        let slot = &mut self.slots[slot];
        let Some(drafts) = slot.job.drafts.as_ref().filter(|_| self.can_cut) else {
            return Vec::new();
        };
        let left = (slot.job.max_tokens - slot.tokens.len()).saturating_sub(1);
        let held = self.sequences.tokens(slot.seq).len() + slot.pending.len();
        let context = (self.config.n_ctx as usize).saturating_sub(held + 1);
        let guess = drafts.propose(room.min(left).min(context));
        if guess.is_empty() {
            return Vec::new();
        }
        if !self.pace.draft_pays(
            replies,
            drafts.right(&self.acceptance),
            self.config.draft_gain,
        ) && !self.acceptance.explore()
        {
            return Vec::new();
        }
        let mut guess = guess.to_vec();
        if let Some(matcher) = &mut slot.job.matcher {
            let ids: Vec<u32> = guess.iter().map(|&token| token as u32).collect();
            guess.truncate(matcher.validate_tokens(&ids).unwrap_or(0));
        }
        guess
    }

    /// Adds a part to the batch, behind what its slot's sequence holds. None where it has no room, which cannot be.
    fn add(&mut self, part: &mut Part) -> Option<()> {
        let seq = self.slots[part.slot].seq;
        let start = self.sequences.tokens(seq).len();
        let last = part.certain.len() - 1;
        part.row = self.batch.n_tokens() + last as i32;
        for (offset, &token) in part.certain.iter().chain(&part.drafts).enumerate() {
            let wanted = part.chooses && offset >= last;
            self.batch
                .add(
                    LlamaToken(token),
                    (start + offset) as i32,
                    &[seq as i32],
                    wanted,
                )
                .ok()?;
        }
        Some(())
    }

    /// Returns how many tokens more the batch can hold beside these.
    fn room(&self, parts: &[Part]) -> usize {
        self.config.batch as usize - planned(parts)
    }
}

/// Returns how many tokens parts have together.
fn planned(parts: &[Part]) -> usize {
    parts.iter().map(Part::tokens).sum()
}
