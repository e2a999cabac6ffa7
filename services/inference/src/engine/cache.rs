//! What is kept computed, and where: shared starts of prompts, parked conversations, those moved to main memory and to
//! files, and running ones that must step aside.
//!
//! Every sequence's tokens here are exactly those that llama.cpp holds for it; whoever changes one changes the other.

use std::mem;

use llama_cpp_2::{
    context::session::{LlamaStateSeqFlags, SeqState},
    token::LlamaToken,
};

use super::{
    adapters::AdapterId,
    job::{Job, Slot},
    sequences::Evicted,
    tier::Kept,
    worker::Worker,
};
use crate::{BusyReason, Error, KvLayout, prompt::common_prefix};

/// Sharing fewer tokens within one cache is not worth waiting for or copying.
const SHARED_TOKENS_MIN: usize = 16;
/// Fetching fewer tokens from main memory, or by way of it, is not worth it: a step computes as many beside its other work.
const FETCHED_TOKENS_MIN: usize = 64;

/// A start is copied by way of main memory from a conversation that is this many times as long at most: all of it is copied.
const LENDER_TIMES_MAX: usize = 4;

/// A running request whose cache had to leave the context. It goes on where it was.
pub(super) struct Suspended {
    pub(super) slot: Slot,
    tokens: Vec<i32>,
    starts: Vec<u64>,
    /// None where nothing was computed yet.
    state: Option<SeqState>,
}

impl Worker<'_> {
    /// Gives a job a sequence and whatever of its prompt is held for it.
    pub(super) fn seat(&mut self, job: Job) -> Result<Slot, Box<Job>> {
        // To look for it is to use it: what moves out to make room must not push out the cache that is fetched next.
        let _ = self.host.best(&job.prompt.tokens, job.adapter);
        if let Some(disk) = &mut self.disk {
            let _ = disk.tier.best(&job.prompt.tokens, job.adapter);
        }
        let Some(claimed) = self.sequences.claim(&job.conversation_key, job.adapter) else {
            return Err(Box::new(job));
        };
        let seq = claimed.seq;
        if let Some(evicted) = claimed.evicted {
            self.move_out(evicted);
        }
        // The last token of a prompt is always computed: its logits choose the first output token.
        let prompt = &job.prompt.tokens;
        let most = prompt.len() - 1;
        let common = common_prefix(self.sequences.tokens(seq), prompt).min(most);
        let cached = self.cut_back(seq, common);
        let cached = self.fetch(seq, &prompt[..most], job.adapter, cached);
        Ok(Slot::new(job, seq, cached))
    }

    /// Tells whether an earlier slot is computing a prompt that starts as this one does: its cache is shared when ready.
    pub(super) fn waits_for_shared_prompt(&self, slot: usize) -> bool {
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
    pub(super) fn borrow_prompt(&mut self, slot: usize) {
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
    fn lender(&mut self, seq: usize, prompt: &[i32], have: usize) -> Option<(usize, usize)> {
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

    /// Tells whether llama.cpp holds a sequence from its first token on, in all layers. It does not where layers look at a
    /// window alone: it forgets what is before the window, and a copy never has it. Such a cache can be gone on with, not cut.
    fn is_whole(&self, seq: usize) -> bool {
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

    fn is_split(&self) -> bool {
        self.config.hardware.kv_layout == KvLayout::Split
    }

    /// Keeps the cache of the shop's rules at the start of a prompt for new conversations.
    pub(super) fn keep_rules(&mut self, slot: usize) {
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

    /// Makes room in the context by moving out what is parked longest. False when nothing is parked.
    pub(super) fn move_parked_out(&mut self) -> bool {
        let Some(evicted) = self.sequences.evict() else {
            return false;
        };
        self.move_out(evicted);
        true
    }

    /// Takes a running request out of the context: the least urgent one, unless it is the only one. It goes on later.
    pub(super) fn suspend_one(&mut self) -> bool {
        if self.slots.len() < 2 {
            return false;
        }
        let last = (0..self.slots.len()).max_by_key(|&at| {
            let job = &self.slots[at].job;
            (job.priority, job.deadline)
        });
        let Some(last) = last else { return false };
        let mut slot = self.slots.remove(last);
        slot.pass_on();
        let state = if self.sequences.tokens(slot.seq).is_empty() {
            None
        } else {
            self.save(slot.seq)
        };
        let Evicted {
            seq,
            mut tokens,
            starts,
            ..
        } = self.sequences.suspend(slot.seq);
        self.clear(seq);
        if state.is_none() {
            // Without a copy everything is computed again, as if it were the prompt.
            tokens.append(&mut slot.pending);
            if tokens.len() > slot.job.prompt.tokens.len() {
                slot.job.prompt.tokens = mem::take(&mut tokens);
            }
            tokens.clear();
            slot.cached = 0;
        }
        self.moved("suspended");
        self.suspended.push(Suspended {
            slot,
            tokens,
            starts,
            state,
        });
        true
    }

    /// Lets suspended requests go on, the most urgent first, as far as there is room.
    pub(super) fn resume_suspended(&mut self) {
        while self.slots.len() < self.config.slots as usize {
            let first = (0..self.suspended.len()).min_by_key(|&at| {
                let job = &self.suspended[at].slot.job;
                (job.priority, job.deadline)
            });
            let Some(first) = first else { return };
            let alone = self.slots.is_empty();
            let needed = self.suspended[first].tokens.len() as u64 + u64::from(self.config.batch);
            let free = u64::from(self.config.cache_tokens)
                .saturating_sub(self.sequences.tokens_running(None));
            if !alone && needed > free {
                return;
            }
            let suspended = self.suspended.remove(first);
            if let Err(suspended) = self.resume(suspended) {
                if alone {
                    self.note_end(&suspended.slot);
                    suspended.slot.fail(Error::Busy(BusyReason::CacheFull));
                } else {
                    self.suspended.push(*suspended);
                    return;
                }
            }
        }
    }

    /// Cuts a sequence's cache back to a length and returns the length that it has then.
    pub(super) fn cut_back(&mut self, seq: usize, length: usize) -> usize {
        let held = self.sequences.tokens(seq).len();
        if held <= length {
            return held;
        }
        let cut = self.can_cut
            && length > 0
            && self.is_whole(seq)
            && matches!(
                self.context
                    .clear_kv_cache_seq(Some(seq as u32), Some(length as u32), None),
                Ok(true)
            );
        let length = if cut { length } else { 0 };
        if !cut {
            self.clear(seq);
        }
        self.sequences.tokens_mut(seq).truncate(length);
        length
    }

    /// Empties a sequence's cache in llama.cpp.
    pub(super) fn clear(&mut self, seq: usize) {
        // Removing a whole sequence cannot fail for an id below n_seq_max.
        let _ = self
            .context
            .clear_kv_cache_seq(Some(seq as u32), None, None);
    }

    /// Moves what a sequence held to main memory and to a file, if it is a conversation's and there is a budget for it.
    fn move_out(&mut self, evicted: Evicted) {
        let Evicted {
            seq,
            key,
            tokens,
            adapter,
            starts,
        } = evicted;
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            if self.host.wants(&key, &tokens, adapter)
                && let Some(state) = self.save(seq)
            {
                let bytes = state.byte_len();
                self.host.put(
                    Kept {
                        key: key.clone(),
                        tokens: tokens.clone(),
                        adapter,
                        starts: starts.clone(),
                        state,
                    },
                    bytes,
                );
                self.moved("spilled");
            }
            self.write_out(seq, key, tokens, adapter, starts);
        }
        self.clear(seq);
    }

    /// Writes what a sequence holds to a file.
    fn write_out(
        &mut self,
        seq: usize,
        key: String,
        tokens: Vec<i32>,
        adapter: AdapterId,
        starts: Vec<u64>,
    ) {
        let Some(disk) = &mut self.disk else { return };
        if !disk.tier.wants(&key, &tokens, adapter) {
            return;
        }
        let mut state = disk.file();
        let ids: Vec<LlamaToken> = tokens.iter().map(|&token| LlamaToken(token)).collect();
        let written = self
            .context
            .state_seq_save_file(state.path(), seq as i32, &ids);
        match written {
            Ok(bytes) if state.written(bytes as u64) => {
                let kept = Kept {
                    key,
                    tokens,
                    adapter,
                    starts,
                    state,
                };
                disk.tier.put(kept, bytes);
                self.moved("written");
            }
            Ok(_) => tracing::warn!("a cache could not be written to a file; is the disk full?"),
            Err(error) => tracing::warn!(%error, "a cache could not be written to a file"),
        }
    }

    /// Fetches a longer start of a prompt from a file or from main memory than a sequence has and any other could lend.
    /// Returns how many tokens the sequence has then.
    fn fetch(&mut self, seq: usize, prompt: &[i32], adapter: AdapterId, have: usize) -> usize {
        let lent = self.lender(seq, prompt, have).map_or(0, |found| found.1);
        let least = have.max(lent) + FETCHED_TOKENS_MIN;
        let in_host = self.host.best(prompt, adapter).map_or(0, |found| found.1);
        // A file is slower than main memory.
        let fetched = self
            .read(
                seq,
                prompt,
                adapter,
                least.max(in_host + FETCHED_TOKENS_MIN),
            )
            .or_else(|| self.fetch_from_host(seq, prompt, adapter, least));
        match fetched {
            Some(common) => self.cut_back(seq, common),
            None => self.sequences.tokens(seq).len(),
        }
    }

    /// Reads the file with the longest start of a prompt into a sequence, if it has `least` tokens or more of it. Returns how
    /// many it has.
    fn read(
        &mut self,
        seq: usize,
        prompt: &[i32],
        adapter: AdapterId,
        least: usize,
    ) -> Option<usize> {
        let (kept, common) = self.disk.as_mut()?.tier.best(prompt, adapter)?;
        let length = kept.tokens.len();
        // Most of a long file read for a few rules at its start would take longer than computing them.
        if common < least || 2 * common < length || !self.has_room(seq, common, length) {
            return None;
        }
        while self.sequences.tokens_in_context(Some(seq)) + length as u64
            > u64::from(self.config.cache_tokens)
        {
            if !self.move_parked_out() {
                return None;
            }
        }
        let disk = self.disk.as_mut()?;
        let (kept, _) = disk.tier.best(prompt, adapter)?;
        let tokens = kept.tokens.clone();
        let loaded = kept.state.is_whole()
            && self
                .context
                .state_seq_load_file(kept.state.path(), seq as i32, tokens.len())
                .is_ok_and(|(ids, _)| ids.iter().map(|id| id.0).eq(tokens.iter().copied()));
        if !loaded {
            tracing::warn!("a cache could not be read from its file and is forgotten");
            disk.tier.forget(prompt, adapter);
            self.clear(seq);
            self.sequences.tokens_mut(seq).clear();
            return None;
        }
        *self.sequences.tokens_mut(seq) = tokens;
        self.moved("read");
        Some(common)
    }

    /// Fetches the cache with the longest start of a prompt from main memory into a sequence, if it has `least` tokens or more
    /// of it. Returns how many it has.
    fn fetch_from_host(
        &mut self,
        seq: usize,
        prompt: &[i32],
        adapter: AdapterId,
        least: usize,
    ) -> Option<usize> {
        let (kept, common) = self.host.best(prompt, adapter)?;
        let length = kept.tokens.len();
        if common < least || !self.has_room(seq, common, length) {
            return None;
        }
        let split = self.is_split();
        let (kept, _) = self.host.best(prompt, adapter)?;
        while self.context.state_seq_set(&kept.state, seq as i32).is_err() {
            // In a split cache others take no room from it.
            let evicted = if split { None } else { self.sequences.evict() };
            let cleared = evicted.as_ref().map_or(seq, |evicted| evicted.seq);
            // Not moved out in turn: main memory would push out the very cache that is wanted here.
            let _ = self
                .context
                .clear_kv_cache_seq(Some(cleared as u32), None, None);
            if evicted.is_none() {
                self.sequences.tokens_mut(seq).clear();
                return None;
            }
        }
        *self.sequences.tokens_mut(seq) = kept.tokens.clone();
        self.moved("fetched");
        Some(common)
    }

    /// Tells whether a cache of so many tokens may come into a sequence: it fits beside those that run, and can be cut back
    /// to what it has in common with the prompt.
    fn has_room(&self, seq: usize, common: usize, length: usize) -> bool {
        let running = self.sequences.tokens_running(Some(seq));
        (self.can_cut || common == length)
            && running + length as u64 <= u64::from(self.config.cache_tokens)
    }

    /// Gives a suspended request a sequence and its cache again.
    fn resume(&mut self, suspended: Suspended) -> Result<(), Box<Suspended>> {
        let job = &suspended.slot.job;
        let Some(claimed) = self.sequences.claim(&job.conversation_key, job.adapter) else {
            return Err(Box::new(suspended));
        };
        let seq = claimed.seq;
        if let Some(evicted) = claimed.evicted {
            self.move_out(evicted);
        }
        self.clear(seq);
        if let Some(state) = &suspended.state {
            while self.context.state_seq_set(state, seq as i32).is_err() {
                let Some(evicted) = self.sequences.evict() else {
                    self.clear(seq);
                    self.sequences.free(seq);
                    return Err(Box::new(suspended));
                };
                self.move_out(evicted);
            }
        }
        let Suspended {
            mut slot,
            tokens,
            starts,
            ..
        } = suspended;
        *self.sequences.tokens_mut(seq) = tokens;
        self.sequences.set_starts(seq, starts);
        slot.seq = seq;
        self.slots.push(slot);
        self.moved("resumed");
        Ok(())
    }

    /// Copies a sequence's cache; none where that cannot be done.
    fn save(&self, seq: usize) -> Option<SeqState> {
        self.context
            .state_seq_get(seq as i32, LlamaStateSeqFlags::empty())
            .inspect_err(|error| tracing::warn!(%error, "a cache could not be copied"))
            .ok()
    }

    /// Counts a cache that moved.
    fn moved(&self, how: &'static str) {
        metrics::counter!("mercer_inference_caches_moved_total", "how" => how).increment(1);
        metrics::gauge!("mercer_inference_host_cache_bytes").set(self.host.bytes() as f64);
        self.monitor.count(|counts| match how {
            "spilled" => counts.spilled += 1,
            "fetched" => counts.fetched += 1,
            "written" => counts.written += 1,
            "read" => counts.read += 1,
            "suspended" => counts.suspended += 1,
            _ => counts.resumed += 1,
        });
    }
}
