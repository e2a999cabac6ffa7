//! Starts of prompts that sequences share: computed once, and copied to whoever needs them.

use std::mem;

use super::FETCHED_TOKENS_MIN;
use crate::{
    KvLayout,
    engine::{core::EngineCore, job::Slot},
    prompt::common_prefix,
};

/// Sharing fewer tokens within one cache is not worth waiting for or copying.
const SHARED_TOKENS_MIN: usize = 16;
/// A start is copied by way of main memory from a conversation that is this many times as long at most: all of it is copied.
const LENDER_TIMES_MAX: usize = 4;

impl EngineCore<'_> {
    /// Tells whether an earlier slot is computing a prompt that starts as this one does: its cache is shared when ready.
    pub(in crate::engine) fn waits_for_shared_prompt(&self, slot: usize) -> bool {
        let mine = &self.slots[slot];
        let have = self.sequences.tokens(mine.seq).len();
        let (least, split) = (have + self.shared_tokens_min(), self.is_split());
        self.can_cut
            && self.slots[..slot].iter().any(|other| {
                let done = self.sequences.tokens(other.seq).len();
                let whole = other.job.prompt.tokens.len();
                let shared = common_prefix(&other.job.prompt.tokens, &mine.job.prompt.tokens)
                    .min(mine.job.prompt.tokens.len() - 1);
                !other.is_writing()
                    && other.job.adapter == mine.job.adapter
                    && done < shared
                    && shared >= least
                    && (!split || shared * LENDER_TIMES_MAX >= whole)
            })
    }

    /// Copies the longest start of the prompt that any other sequence holds.
    pub(in crate::engine) fn borrow_prompt(&mut self, slot: usize) {
        let (seq, have) = (self.slots[slot].seq, self.slots[slot].cached);
        let prompt = mem::take(&mut self.slots[slot].job.prompt.tokens);
        let lender = self.lender(seq, &prompt, have);
        self.slots[slot].job.prompt.tokens = prompt;
        let Some((donor, common)) = lender else {
            return;
        };
        if self.is_split() {
            self.copy_whole(donor, seq);
            self.slots[slot].cached = self.cut_back(seq, common);
            return;
        }
        let prompt = &self.slots[slot].job.prompt.tokens;
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

    /// Makes a sequence's cache a copy of another's, by way of main memory: llama.cpp ends the process when asked to copy a
    /// part of one share of a split cache into another. Where that fails the sequence is empty.
    fn copy_whole(&mut self, from: usize, to: usize) {
        // It may take as long as a step: what is held would wait for it too.
        self.slots.iter_mut().for_each(Slot::pass_on);
        let copied = self.save(from).is_some_and(|state| {
            self.context
                .state_seq_set(&state, to as i32)
                .inspect_err(|error| tracing::warn!(%error, "a cache could not be copied"))
                .is_ok()
        });
        let tokens = match copied {
            true => self.sequences.tokens(from).to_vec(),
            false => {
                self.clear(to);
                Vec::new()
            }
        };
        *self.sequences.tokens_mut(to) = tokens;
    }

    /// Finds the sequence with the longest start of a prompt that is worth copying for one that has `have` tokens of it, and
    /// how many that start has. The last token of a prompt is never lent.
    pub(super) fn lender(
        &mut self,
        seq: usize,
        prompt: &[i32],
        have: usize,
    ) -> Option<(usize, usize)> {
        if !self.can_cut {
            return None;
        }
        let split = self.is_split();
        let most = prompt.len().saturating_sub(1);
        let (donor, common) =
            self.sequences
                .best_donor(&prompt[..most], seq, |common, length| {
                    !split || common * LENDER_TIMES_MAX >= length
                })?;
        (common >= have + self.shared_tokens_min() && self.is_whole(donor))
            .then_some((donor, common))
    }

    /// Keeps the cache of the shop's rules at the start of a prompt for new conversations.
    pub(in crate::engine) fn keep_rules(&mut self, slot: usize) {
        let slot = &self.slots[slot];
        let rules = slot.job.prompt.rules;
        let start = slot.job.starts.first().copied();
        let seq = slot.seq;
        if !self.can_cut || rules < SHARED_TOKENS_MIN || !self.is_whole(seq) {
            return;
        }
        if let Some(claimed) =
            self.sequences
                .claim_prefix(&slot.job.prompt.tokens[..rules], slot.job.adapter, start)
        {
            if claimed.evicted.is_some() {
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

    /// Tells whether llama.cpp holds a sequence from its first token on, in all layers. It does not where layers look at a
    /// window alone: it forgets what is before the window, and a copy never has it. Such a cache can be gone on with, not cut.
    pub(super) fn is_whole(&self, seq: usize) -> bool {
        self.context.kv_cache_seq_pos_min(seq as i32) <= 0
    }

    /// Returns how many tokens a start must have that is worth waiting for and copying.
    fn shared_tokens_min(&self) -> usize {
        if self.is_split() {
            FETCHED_TOKENS_MIN
        } else {
            SHARED_TOKENS_MIN
        }
    }

    pub(super) fn is_split(&self) -> bool {
        self.config.hardware.kv_layout == KvLayout::Split
    }
}
