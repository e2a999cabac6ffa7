//! What is kept computed, and where: shared starts of prompts, parked conversations, those moved to main memory and to
//! files, and running ones that must step aside.
//!
//! Every sequence's tokens here are exactly those that llama.cpp holds for it; whoever changes one changes the other.

mod moving;
mod sharing;
mod stepping_aside;

pub(super) use stepping_aside::Suspended;

use super::{
    core::EngineCore,
    job::{Job, Slot},
};
use crate::prompt::common_prefix;

/// Fetching fewer tokens from main memory, or by way of it, is not worth it: a step computes as many beside its other work.
const FETCHED_TOKENS_MIN: usize = 64;

impl EngineCore<'_> {
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
}
