//! One step of the engine: a batch from all slots, one pass over the weights, one token or more for each reply.
//!
//! llama.cpp ends the process on a batch that is too large or whose logits were not asked for, so the batch is
//! built here only, within the sizes the context was made with, and logits are read only where they were asked for.

mod batch;
mod settle;

use std::time::Instant;

use llama_cpp_2::DecodeError;

use self::{batch::Part, settle::After};
use super::{
    core::EngineCore,
    job::{PASSED_ON, Slot},
};
use crate::{BusyReason, Error};

impl EngineCore<'_> {
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
        let least = self.config.step_patience;
        self.monitor.begin(self.pace.patience(&work, least));
        if let Some(hook) = &self.config.before_step {
            hook.call();
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
}

/// Returns the slots of a batch from the last to the first, so that removing one does not move the others.
fn parts_from_last(parts: &[Part]) -> Vec<usize> {
    let mut slots: Vec<usize> = parts.iter().map(|part| part.slot).collect();
    slots.sort_unstable_by(|a, b| b.cmp(a));
    slots
}
