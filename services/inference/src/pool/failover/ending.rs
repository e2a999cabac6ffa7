//! How a generation ends, and what is told then.

use std::{mem, time::Instant};

use mercer_schemas::worker::{Control, Done, Timings, Usage};

use super::{
    Action, Failover, Workers,
    faults::{GRACE, HEDGE_MIN},
};
use crate::{
    Chunk, Completion, Error, Finish,
    pool::{breaker::Verdict, lane::Lane},
};

impl Failover {
    /// Asks the workers to stop; they have a moment to tell what they wrote until then.
    pub(super) fn cancel(&mut self, now: Instant, out: &mut Vec<Action>) {
        if self.cancelled.is_some() {
            return;
        }
        self.cancelled = Some(now);
        for lane in &self.lanes {
            out.push(self.cancel_of(lane));
        }
        if self.lanes.is_empty() {
            self.finish(now, Finish::Cancelled, None, out);
        }
    }

    pub(super) fn cancel_of(&self, lane: &Lane) -> Action {
        Action::Steer {
            worker: lane.choice.worker.clone(),
            control: Control::Cancel {
                stream: self.spec.stream,
                attempt: lane.attempt,
            },
        }
    }

    /// Ends what was cancelled or is too late, when its workers do not tell so themselves in time.
    pub(super) fn end_by_time(
        &mut self,
        now: Instant,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) -> bool {
        if self
            .cancelled
            .is_some_and(|at| now.saturating_duration_since(at) > GRACE)
        {
            self.finish(now, Finish::Cancelled, None, out);
        } else if self.lanes.is_empty() && now >= self.spec.deadline {
            // Text that exists is worth more than to know that nobody went on with it.
            if self.tokens.is_empty() {
                self.give_up(self.honest_error(), out);
            } else {
                self.finish(now, Finish::Deadline, None, out);
            }
        } else if now >= self.spec.deadline + GRACE {
            self.blame(now, workers);
            self.finish(now, Finish::Deadline, None, out);
        }
        self.ended
    }

    /// Holds the deadline against workers that had time, never began, and did not say that it is over: what hangs there may
    /// send keepalives for ever.
    fn blame(&self, now: Instant, workers: &mut impl Workers) {
        let idle =
            |lane: &&Lane| !lane.accepted && now.saturating_duration_since(lane.sent) > HEDGE_MIN;
        for lane in self.lanes.iter().filter(idle) {
            workers.count("never_began");
            workers.judge(now, &lane.choice.worker, Verdict::Failed);
        }
    }

    /// Ends with what there is. Without a worker's own word some numbers are this caller's.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        finish: Finish,
        done: Option<Done>,
        out: &mut Vec<Action>,
    ) {
        if done.is_none() {
            self.cancel_lanes(out);
        }
        let accepted = self.accepted.as_ref().map(|(accepted, _)| accepted);
        let usage = Usage {
            prompt_tokens: match (&done, accepted) {
                (Some(done), _) => done.usage.prompt_tokens,
                (None, Some(accepted)) => accepted.prompt_tokens,
                (None, None) => 0,
            },
            // What the first worker had: a later one computed again what was paid for already.
            cached_tokens: accepted.map_or(0, |accepted| accepted.cached_tokens),
            output_tokens: self.tokens.len() as u32,
        };
        let (prompt_sha256, model) = match done {
            Some(done) => (done.prompt_sha256, done.model),
            None => (String::new(), self.model.1.clone()),
        };
        let completion = Completion {
            text: mem::take(&mut self.text),
            tokens: mem::take(&mut self.tokens),
            finish,
            usage,
            timings: self.timings(now),
            prompt_sha256,
            model,
        };
        self.ended = true;
        out.push(Action::Tell(Ok(Chunk::Done(completion))));
    }

    /// Ends with an error.
    pub(super) fn give_up(&mut self, error: Error, out: &mut Vec<Action>) {
        self.cancel_lanes(out);
        self.ended = true;
        out.push(Action::Tell(Err(error)));
    }

    fn cancel_lanes(&mut self, out: &mut Vec<Action>) {
        for lane in mem::take(&mut self.lanes) {
            out.push(self.cancel_of(&lane));
        }
    }

    /// Measures as the caller saw it, failed attempts included.
    fn timings(&self, now: Instant) -> Timings {
        let accepted = self.accepted.as_ref().map_or(now, |(_, at)| *at);
        let first_token = self.first_token.unwrap_or(now);
        let ms =
            |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1_000.0;
        Timings {
            queue_ms: ms(self.spec.began, accepted),
            prefill_ms: ms(accepted, first_token),
            decode_ms: ms(first_token, now),
        }
    }
}
