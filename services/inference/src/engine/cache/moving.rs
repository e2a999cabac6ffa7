//! Conversations that leave the context for main memory and files, and come back.

use llama_cpp_2::{
    context::session::{LlamaStateSeqFlags, SeqState},
    token::LlamaToken,
};

use super::FETCHED_TOKENS_MIN;
use crate::engine::{adapters::AdapterId, core::EngineCore, sequences::Evicted, tier::Kept};

impl EngineCore<'_> {
    /// Makes room in the context by moving out what is parked longest. False when nothing is parked.
    pub(in crate::engine) fn move_parked_out(&mut self) -> bool {
        let Some(evicted) = self.sequences.evict() else {
            return false;
        };
        self.move_out(evicted);
        true
    }

    /// Moves what a sequence held to main memory and to a file, if it is a conversation's and there is a budget for it.
    pub(super) fn move_out(&mut self, evicted: Evicted) {
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
    pub(super) fn fetch(
        &mut self,
        seq: usize,
        prompt: &[i32],
        adapter: AdapterId,
        have: usize,
    ) -> usize {
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

    /// Copies a sequence's cache; none where that cannot be done.
    pub(super) fn save(&self, seq: usize) -> Option<SeqState> {
        self.context
            .state_seq_get(seq as i32, LlamaStateSeqFlags::empty())
            .inspect_err(|error| tracing::warn!(%error, "a cache could not be copied"))
            .ok()
    }

    /// Counts a cache that moved.
    pub(super) fn moved(&self, how: &'static str) {
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
