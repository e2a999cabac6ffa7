//! One step of the engine: a batch from all slots, one pass over the weights, one token for each reply.
//!
//! llama.cpp ends the process on a batch that is too large or whose logits were not asked for, so the batch is
//! built here only, within the sizes the context was made with, and logits are read only where they were asked for.

use std::time::Instant;

use llama_cpp_2::{DecodeError, token::LlamaToken};

use super::{sampling, worker::Worker};
use crate::{BusyReason, Error, Finish, prompt::common_prefix};

/// Sharing fewer tokens is not worth waiting for or copying.
const SHARED_TOKENS_MIN: usize = 16;

/// What a slot has in the batch.
struct Part {
    slot: usize,
    tokens: Vec<i32>,
    /// Index in the batch of the token whose logits choose the next one.
    logits: Option<i32>,
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
        let parts = self.build_batch();
        if parts.is_empty() {
            return;
        }
        let began = Instant::now();
        if !self.decode(&parts) {
            return;
        }
        let decoding = parts
            .iter()
            .filter(|part| self.slots[part.slot].next.is_some())
            .count();
        let prompt_tokens = self.batch.n_tokens() as usize - decoding;
        for part in &parts {
            let seq = self.slots[part.slot].seq;
            self.sequences.tokens_mut(seq).extend(&part.tokens);
        }
        let mut ended = Vec::new();
        for part in &parts {
            let Some(logits) = part.logits else { continue };
            if self.slots[part.slot].next.is_none() {
                self.slots[part.slot].note_first_token();
                self.keep_rules(part.slot);
            }
            match self.take_token(part.slot, logits) {
                After::Continue => {}
                After::End(finish) => ended.push((part.slot, Ok(finish))),
                After::Fail(error) => ended.push((part.slot, Err(error))),
            }
        }
        let took = began.elapsed();
        self.pace.learn(decoding, prompt_tokens, took);
        metrics::histogram!("mercer_inference_step_seconds").record(took.as_secs_f64());
        ended.sort_by_key(|(slot, _)| std::cmp::Reverse(*slot));
        for (slot, how) in ended {
            self.end(slot, how);
        }
        self.tell_load();
    }

    /// Fills the batch: first the next token of each reply, then prompts in order of admission.
    fn build_batch(&mut self) -> Vec<Part> {
        self.batch.clear();
        let mut parts = Vec::new();
        for slot in 0..self.slots.len() {
            if let Some(next) = self.slots[slot].next {
                parts.extend(self.add(slot, vec![next], true));
            }
        }
        let mut budget = self.pace.prompt_budget(parts.len());
        for slot in 0..self.slots.len() {
            if self.slots[slot].next.is_some() || budget == 0 {
                continue;
            }
            if !self.slots[slot].started {
                if self.waits_for_shared_prompt(slot) {
                    continue;
                }
                self.borrow_prompt(slot);
                self.slots[slot].tell_started();
            }
            let prompt = &self.slots[slot].job.prompt.tokens;
            let done = self.sequences.tokens(self.slots[slot].seq).len();
            let upto = prompt.len().min(done + budget);
            let tokens = prompt[done..upto].to_vec();
            let whole = upto == prompt.len();
            budget -= tokens.len();
            parts.extend(self.add(slot, tokens, whole));
        }
        parts
    }

    /// Adds tokens to the batch, behind what the slot's sequence holds. Nothing when they do not fit.
    fn add(&mut self, slot: usize, tokens: Vec<i32>, logits: bool) -> Option<Part> {
        let seq = self.slots[slot].seq;
        let position = self.sequences.tokens(seq).len();
        let room = self.config.batch as usize - self.batch.n_tokens() as usize;
        if tokens.is_empty() || tokens.len() > room {
            return None;
        }
        let last = tokens.len() - 1;
        for (offset, &token) in tokens.iter().enumerate() {
            let wanted = logits && offset == last;
            self.batch
                .add(
                    LlamaToken(token),
                    (position + offset) as i32,
                    &[seq as i32],
                    wanted,
                )
                .ok()?;
        }
        Some(Part {
            slot,
            logits: logits.then(|| self.batch.n_tokens() - 1),
            tokens,
        })
    }

    /// Tells whether an earlier slot is computing a prompt that starts as this one does: its cache is shared when ready.
    fn waits_for_shared_prompt(&self, slot: usize) -> bool {
        let mine = &self.slots[slot];
        let have = self.sequences.tokens(mine.seq).len();
        self.can_share
            && self.slots[..slot].iter().any(|other| {
                let done = self.sequences.tokens(other.seq).len();
                let shared = common_prefix(&other.job.prompt.tokens, &mine.job.prompt.tokens)
                    .min(mine.job.prompt.tokens.len() - 1);
                other.next.is_none() && done < shared && shared >= have + SHARED_TOKENS_MIN
            })
    }

    /// Copies the longest start of the prompt that any other sequence holds.
    fn borrow_prompt(&mut self, slot: usize) {
        if !self.can_share {
            return;
        }
        let (seq, have) = (self.slots[slot].seq, self.slots[slot].cached);
        let prompt = &self.slots[slot].job.prompt.tokens;
        let Some((donor, common)) = self.sequences.best_donor(prompt, seq) else {
            return;
        };
        let common = common.min(prompt.len() - 1);
        if common < have + SHARED_TOKENS_MIN {
            return;
        }
        let copied = self.context.copy_kv_cache_seq(
            donor as i32,
            seq as i32,
            Some(have as u32),
            Some(common as u32),
        );
        if copied.is_ok() {
            let tokens = prompt[have..common].to_vec();
            self.sequences.tokens_mut(seq).extend(tokens);
            self.slots[slot].cached = common;
        }
    }

    /// Keeps the cache of the shop's rules at the start of a prompt for new conversations.
    fn keep_rules(&mut self, slot: usize) {
        let slot = &self.slots[slot];
        let rules = slot.job.prompt.rules;
        let start = slot.job.starts.first().copied();
        if !self.can_share || rules < SHARED_TOKENS_MIN {
            return;
        }
        let seq = slot.seq;
        if let Some(claimed) = self
            .sequences
            .claim_prefix(&slot.job.prompt.tokens[..rules], start)
        {
            if claimed.evicted {
                self.clear(claimed.seq);
            }
            let copied = self.context.copy_kv_cache_seq(
                seq as i32,
                claimed.seq as i32,
                Some(0),
                Some(rules as u32),
            );
            if copied.is_err() {
                self.sequences.free(claimed.seq);
            }
        }
    }

    /// Lets llama.cpp compute the batch. A full cache gives up what is parked, then the youngest request; any other
    /// failure ends the requests of this batch. False when nothing was computed.
    fn decode(&mut self, parts: &[Part]) -> bool {
        loop {
            match self.context.decode(&mut self.batch) {
                Ok(()) => return true,
                Err(DecodeError::NoKvCacheSlot) => {
                    if let Some(seq) = self.sequences.evict() {
                        self.clear(seq);
                        continue;
                    }
                    tracing::warn!(
                        conversations = self.slots.len(),
                        "cache is full of running conversations"
                    );
                    self.end(
                        self.slots.len() - 1,
                        Err(Error::Busy(BusyReason::CacheFull)),
                    );
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

    /// Chooses a slot's next token from logits and takes it in.
    fn take_token(&mut self, index: usize, logits: i32) -> After {
        let slot = &mut self.slots[index];
        let at = slot.tokens.len();
        let broken = || After::Fail(Error::Matcher { token: at });
        let mask = match &mut slot.job.matcher {
            Some(matcher) => match matcher.compute_mask_or_eos() {
                Ok(mask) => Some(mask),
                Err(_) => return broken(),
            },
            None => None,
        };
        let chosen = sampling::choose(
            self.context.get_logits_ith(logits),
            mask.as_ref().unwrap_or(&self.free_text),
            slot.job.temperature,
            slot.job.top_p,
            sampling::point(&slot.job.request_id, at),
        );
        let Some(token) = chosen else { return broken() };
        let vocab = self.model.vocab();
        let id = LlamaToken(token as i32);
        if vocab.is_eog(id) {
            return After::End(Finish::Stop);
        }
        if let Some(pause) = slot.push(token, &vocab.token_to_piece(id, false, None)) {
            self.monitor.note_stall(pause);
        }
        slot.next = Some(token as i32);
        if let Some(matcher) = &mut slot.job.matcher {
            if matcher.consume_token(token).is_err() {
                return broken();
            }
            if matcher.is_stopped() {
                return if matcher.stop_reason().is_ok() {
                    After::End(Finish::Stop)
                } else {
                    broken()
                };
            }
        }
        let held = self.sequences.tokens(slot.seq).len();
        if slot.tokens.len() >= slot.job.max_tokens || held + 1 >= self.config.n_ctx as usize {
            return After::End(Finish::Length);
        }
        After::Continue
    }
}

/// Returns the slots of a batch from the last to the first, so that removing one does not move the others.
fn parts_from_last(parts: &[Part]) -> Vec<usize> {
    let mut slots: Vec<usize> = parts.iter().map(|part| part.slot).collect();
    slots.sort_unstable_by(|a, b| b.cmp(a));
    slots
}
