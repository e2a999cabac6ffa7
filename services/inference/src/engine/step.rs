//! One step of the engine: a batch from all slots, one pass over the weights, one token or more for each reply.
//!
//! llama.cpp ends the process on a batch that is too large or whose logits were not asked for, so the batch is
//! built here only, within the sizes the context was made with, and logits are read only where they were asked for.

use std::time::Instant;

use llama_cpp_2::{DecodeError, token::LlamaToken};
use llguidance::Matcher;

use super::{
    adapters::next_turn,
    job::{PASSED_ON, Slot},
    pace::{Work, positions},
    sampling,
    worker::Worker,
};
use crate::{BusyReason, Error, Finish, prompt::common_prefix};

/// More tokens that a grammar forces on a reply are computed in several steps, so that no other reply stutters.
const FORCED_TOKENS_MAX: usize = 64;

/// What a slot has in the batch.
struct Part {
    slot: usize,
    /// Tokens of the prompt or of the reply that are certain.
    certain: Vec<i32>,
    /// Guesses at what follows; each has logits.
    drafts: Vec<i32>,
    /// The logits of the last certain token choose the next one; not where more tokens are certain than this step computes.
    chooses: bool,
    /// Index of that token in the batch.
    row: i32,
}

impl Part {
    fn tokens(&self) -> usize {
        self.certain.len() + self.drafts.len()
    }
}

/// Where a generation stands after a token.
enum After {
    Continue,
    End(Finish),
    Fail(Error),
}

impl Worker<'_> {
    /// Computes one batch, if there is anything to compute.
    pub(super) fn step(&mut self) {
        let (parts, work) = self.build_batch();
        if parts.is_empty() {
            return;
        }
        if work.prompt_tokens > 0 || self.pace.decode_ms() > PASSED_ON.as_secs_f64() * 1_000.0 {
            // A long step: what is held would wait for all of it.
            self.slots.iter_mut().for_each(Slot::pass_on);
        }
        let began = Instant::now();
        if !self.decode(&parts) {
            return;
        }
        let mut ended = Vec::new();
        for part in parts {
            let slot = part.slot;
            match self.settle(part) {
                After::Continue => {}
                After::End(finish) => ended.push((slot, Ok(finish))),
                After::Fail(error) => ended.push((slot, Err(error))),
            }
        }
        let now = Instant::now();
        let due = now - self.passed_on >= PASSED_ON;
        for slot in self.slots.iter_mut().filter(|slot| due || !slot.begun) {
            slot.pass_on();
        }
        if due {
            self.passed_on = now;
        }
        let took = now - began;
        self.pace.learn(&work, took);
        metrics::histogram!("mercer_inference_step_seconds").record(took.as_secs_f64());
        ended.sort_by_key(|(slot, _)| std::cmp::Reverse(*slot));
        for (slot, how) in ended {
            self.end(slot, how);
        }
        self.tell_load();
    }

    /// Fills the batch: first the replies, then prompts in order of admission.
    fn build_batch(&mut self) -> (Vec<Part>, Work) {
        self.batch.clear();
        let (mut parts, mut work) = (Vec::new(), Work::default());
        self.turn = next_turn(self.slots.iter().map(|slot| slot.job.adapter), self.turn);
        let ours = |slot: &Slot| slot.job.adapter == self.turn;
        let (replying, prompting): (Vec<usize>, Vec<usize>) = (0..self.slots.len())
            .filter(|&slot| ours(&self.slots[slot]))
            .partition(|&slot| self.slots[slot].is_writing());
        for &slot in &replying {
            // Room for the others' next tokens comes before drafts.
            let others = replying.len() - parts.len() - 1;
            let room = self.room(&parts);
            parts.extend(self.reply(slot, replying.len(), others, room));
        }
        work.reply_tokens = parts.iter().map(Part::tokens).sum();
        let beside = work.reply_tokens > 0;
        let mut seconds = self.pace.prompt_seconds(work.reply_tokens);
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
            let first = work.prompt_tokens == 0;
            let chunk = self
                .pace
                .prompt_chunk(wanted, done, seconds, beside, first)
                .min(wanted);
            let certain = prompt[done..done + chunk].to_vec();
            let whole = done + chunk == prompt.len();
            seconds = (seconds - self.pace.prompt_cost(chunk, done)).max(0.0);
            work.prompt_tokens += chunk;
            work.prompt_positions += positions(chunk, done);
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

    /// Returns the next tokens of a reply and, where they pay, guesses at what follows; none where there is no room.
    fn reply(&mut self, slot: usize, replies: usize, others: usize, room: usize) -> Option<Part> {
        let pending = &self.slots[slot].pending;
        let room = room.saturating_sub(others);
        let count = pending.len().min(FORCED_TOKENS_MAX).min(room);
        let whole = count == pending.len();
        let certain = pending[..count].to_vec();
        let drafts = if whole {
            self.draft(slot, replies, room - count)
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
        let planned: usize = parts.iter().map(Part::tokens).sum();
        self.config.batch as usize - planned
    }

    /// Lets llama.cpp compute the batch. A full cache moves out what is parked, then a running request steps aside; any
    /// other failure ends the requests of this batch. False when nothing was computed.
    fn decode(&mut self, parts: &[Part]) -> bool {
        if let Err(error) = self.adapters.switch(&mut self.context, self.turn) {
            tracing::error!(%error, "an adapter could not be used");
            for part in parts_from_last(parts) {
                self.end(part, Err(Error::Decode(error.to_string())));
            }
            return false;
        }
        loop {
            match self.context.decode(&mut self.batch) {
                Ok(()) => return true,
                Err(DecodeError::NoKvCacheSlot) => {
                    if self.move_parked_out() {
                        continue;
                    }
                    if !self.suspend_one() {
                        self.end(0, Err(Error::Busy(BusyReason::CacheFull)));
                    }
                    return false;
                }
                Err(error) => {
                    tracing::error!(%error, tokens = self.batch.n_tokens(), "llama.cpp refused a batch");
                    for part in parts_from_last(parts) {
                        self.end(part, Err(Error::Decode(error.to_string())));
                    }
                    return false;
                }
            }
        }
    }

    /// Takes in what was computed for a slot: its certain tokens, then as many guesses as agree with what the logits
    /// choose, and the token behind them.
    fn settle(&mut self, part: Part) -> After {
        let Part {
            slot,
            certain,
            drafts,
            chooses,
            row,
        } = part;
        let seq = self.slots[slot].seq;
        self.sequences.tokens_mut(seq).extend(&certain);
        if self.slots[slot].is_writing() {
            self.slots[slot].pending.drain(..certain.len());
        }
        if !chooses {
            return After::Continue;
        }
        if !self.slots[slot].opened {
            self.keep_rules(slot);
            self.open(slot);
        }
        let mut right = 0;
        let after = loop {
            let after = self.take_token(slot, row + right as i32);
            let pending = &mut self.slots[slot].pending;
            let agree = common_prefix(pending, &drafts[right..]);
            self.sequences
                .tokens_mut(seq)
                .extend(pending.drain(..agree));
            right += agree;
            if !matches!(after, After::Continue) || self.slots[slot].is_writing() {
                break after;
            }
        };
        if !drafts.is_empty() {
            self.check_off(slot, drafts.len(), right);
        }
        after
    }

    /// Notes how many guesses were right and takes the others out of the cache.
    fn check_off(&mut self, slot: usize, drafted: usize, right: usize) {
        let seq = self.slots[slot].seq;
        if right < drafted {
            let length = self.sequences.tokens(seq).len();
            let cut = self
                .context
                .clear_kv_cache_seq(Some(seq as u32), Some(length as u32), None);
            if !matches!(cut, Ok(true)) {
                self.compute_again(slot);
            }
        }
        if let Some(drafts) = &mut self.slots[slot].job.drafts {
            drafts.learn(drafted, right, &mut self.acceptance);
        }
        for (kind, tokens) in [("drafted", drafted), ("right", right)] {
            metrics::counter!("mercer_inference_drafts_total", "kind" => kind)
                .increment(tokens as u64);
        }
        self.monitor.count(|counts| {
            counts.drafted += drafted as u64;
            counts.drafts_right += right as u64;
        });
    }

    /// Lets a slot compute all its tokens again, because the model's cache could not be cut though it was said to: nothing is
    /// drafted, cut or shared any more.
    fn compute_again(&mut self, slot: usize) {
        tracing::error!(
            "the model's cache cannot be cut back: no more drafts, shared rules or reused starts"
        );
        self.can_cut = false;
        let seq = self.slots[slot].seq;
        self.clear(seq);
        let mut again = std::mem::take(self.sequences.tokens_mut(seq));
        let pending = &mut self.slots[slot].pending;
        again.append(pending);
        *pending = again;
    }

    /// Tells the output tokens that the prompt held already, once it is computed.
    fn open(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        let opening = slot.open();
        self.monitor
            .count(|counts| counts.forced += opening.len() as u64);
        for (token, bytes) in opening {
            slot.push(token, &bytes);
        }
    }

    /// Chooses a slot's next token from logits and takes it in, with those that the grammar forces behind it.
    fn take_token(&mut self, index: usize, logits: i32) -> After {
        let slot = &mut self.slots[index];
        let at = slot.tokens.len();
        let broken = || After::Fail(Error::Matcher { token: at });
        let logits = self.context.get_logits_ith(logits);
        let vocabulary = &self.vocabulary;
        let choose = |allowed| {
            sampling::choose(
                logits,
                allowed,
                slot.job.temperature,
                slot.job.top_p,
                || sampling::point(&slot.job.request_id, at),
            )
        };
        let chosen = match &mut slot.job.matcher {
            None => choose(&vocabulary.free_text),
            Some(matcher) => {
                // The likeliest of all tokens is the likeliest of the allowed ones wherever it is allowed: asking for
                // one token is much quicker than finding all that are.
                let likeliest = (slot.job.temperature <= 0.0)
                    .then(|| choose(&vocabulary.free_text))
                    .flatten()
                    .filter(|&token| allows(matcher, token, vocabulary.is_end(token)));
                match likeliest {
                    Some(token) => Some(token),
                    None => match matcher.compute_mask_or_eos() {
                        Ok(mask) => choose(&mask),
                        Err(_) => return broken(),
                    },
                }
            }
        };
        let Some(token) = chosen else { return broken() };
        if vocabulary.is_end(token) {
            return After::End(Finish::Stop);
        }
        let mut added = vec![token];
        if let Some(matcher) = &mut slot.job.matcher {
            if matcher.consume_token(token).is_err() {
                return broken();
            }
            if !matcher.is_stopped() {
                added.extend(matcher.consume_ff_tokens());
            }
            if matcher.is_error() {
                return broken();
            }
        }
        let left = slot.job.max_tokens - slot.tokens.len();
        let whole = added.len() <= left;
        added.truncate(left);
        for &token in &added {
            if let Some(pause) = slot.push(token, vocabulary.piece(token)) {
                self.monitor.note_stall(pause);
            }
            slot.pending.push(token as i32);
        }
        if let Some(drafts) = &mut slot.job.drafts {
            drafts.extend(&slot.pending[slot.pending.len() - added.len()..]);
        }
        self.monitor
            .count(|counts| counts.forced += added.len() as u64 - 1);
        if let Some(matcher) = slot.job.matcher.as_ref().filter(|_| whole)
            && matcher.is_stopped()
        {
            return if matcher.stop_reason().is_ok() {
                After::End(Finish::Stop)
            } else {
                broken()
            };
        }
        let held = self.sequences.tokens(slot.seq).len() + slot.pending.len();
        if slot.tokens.len() >= slot.job.max_tokens || held >= self.config.n_ctx as usize {
            return After::End(Finish::Length);
        }
        After::Continue
    }
}

/// Tells whether a grammar allows a token next.
fn allows(matcher: &mut Matcher, token: u32, ends: bool) -> bool {
    if ends {
        matcher.is_accepting().unwrap_or(false)
    } else {
        matcher
            .validate_tokens(&[token])
            .is_ok_and(|valid| valid == 1)
    }
}

/// Returns the slots of a batch from the last to the first, so that removing one does not move the others.
fn parts_from_last(parts: &[Part]) -> Vec<usize> {
    let mut slots: Vec<usize> = parts.iter().map(|part| part.slot).collect();
    slots.sort_unstable_by(|a, b| b.cmp(a));
    slots
}
