//! Running requests that step aside where the context is full, and go on later where they were.

use std::mem;

use llama_cpp_2::context::session::SeqState;

use crate::{
    BusyReason, Error,
    engine::{core::EngineCore, job::Slot, sequences::Evicted},
};

/// A running request whose cache had to leave the context. It goes on where it was.
pub(in crate::engine) struct Suspended {
    pub(in crate::engine) slot: Slot,
    tokens: Vec<i32>,
    starts: Vec<u64>,
    /// None where nothing was computed yet.
    state: Option<SeqState>,
}

impl EngineCore<'_> {
    /// Takes a running request out of the context: the least urgent one, unless it is the only one. It goes on later.
    pub(in crate::engine) fn suspend_one(&mut self) -> bool {
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
    pub(in crate::engine) fn resume_suspended(&mut self) {
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
}
