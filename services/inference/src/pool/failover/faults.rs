//! What goes wrong with an attempt, how it is noticed, and how the generation goes on.

use std::time::{Duration, Instant};

use mercer_schemas::worker::{Control, Priority, Refusal, Refused};

use super::{ATTEMPTS_MAX, Action, Failover, PATIENCE, Wish, Workers};
use crate::{
    BusyReason, Error, Finish,
    pool::{breaker::Verdict, directory::SILENCE_MAX},
    refusal,
};

/// A worker lives but says nothing of an attempt for this long: it does not have it.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// Keepalives come more often than this: a worker that says nothing is asked whether it is there, and NATS answers at
/// once where it is not.
const QUIET_MAX: Duration = Duration::from_millis(400);
/// After NATS was away a worker may need this long to be connected again.
const BACK_WITHIN: Duration = Duration::from_millis(1_500);
/// Workers that failed a generation are asked again after this long without a better one.
const FORGIVE: Duration = Duration::from_secs(1);
/// A second worker is asked when the first token is late by this much at least.
pub(super) const HEDGE_MIN: Duration = Duration::from_millis(500);
/// How long a worker may take to tell the end that was asked for.
pub(super) const GRACE: Duration = Duration::from_millis(300);

/// Why an attempt ended early.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// Neither frames nor heartbeats came.
    Silent,
    /// The worker lives but has no such attempt.
    Lost,
    /// The worker tells that its engine hangs.
    Stalled,
    /// The worker was started anew.
    Restarted,
    /// Nobody listens there.
    NoResponder,
    /// It ended the attempt unasked.
    GaveUp,
    /// It sent what cannot be true.
    Lie,
    /// It did not take it.
    Refused(Refused),
}

impl Fault {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Lost => "lost",
            Self::Stalled => "stalled",
            Self::Restarted => "restarted",
            Self::NoResponder => "no_responder",
            Self::GaveUp => "gave_up",
            Self::Lie => "lie",
            Self::Refused(_) => "refused",
        }
    }

    /// Says whether the worker never had the attempt, so that it cost nothing.
    fn is_free(&self) -> bool {
        match self {
            Self::NoResponder => true,
            Self::Refused(refused) => refused.refusal == Refusal::Draining,
            _ => false,
        }
    }

    /// Returns what it says about the worker. Being full or about to leave is no failure.
    fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Lie => Some(Verdict::Lied),
            Self::Refused(refused) if refused.refusal != Refusal::Model => None,
            _ => Some(Verdict::Failed),
        }
    }
}

impl Failover {
    /// Ends an attempt. When it was the only one, the next begins.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        index: usize,
        fault: Fault,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        let lane = self.lanes.remove(index);
        workers.count(fault.as_str());
        self.again_for_free = fault.is_free() && !lane.accepted;
        self.free += u16::from(self.again_for_free);
        if let Some(verdict) = fault.verdict() {
            workers.judge(now, &lane.choice.worker, verdict);
        }
        tracing::debug!(
            worker.id = lane.choice.worker,
            attempt = lane.attempt,
            fault = fault.as_str(),
            tokens = self.tokens.len(),
            "attempt failed"
        );
        self.last_error = match &fault {
            Fault::Refused(refused) => Some(refusal::error(refused.clone(), self.context)),
            _ => None,
        };
        if !matches!(
            fault,
            Fault::NoResponder | Fault::Refused(_) | Fault::Restarted
        ) {
            out.push(self.cancel_of(&lane));
        }
        self.tried.push(lane.choice.worker);
        if self.lanes.is_empty() {
            self.alone = Some(now);
            self.go_on(now, workers, out);
        }
    }

    /// Looks after time: silent workers, late first tokens, the deadline, the wait for a worker.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        connected: bool,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        let reconnected = connected && !self.connected;
        self.connected = connected;
        if self.end_by_time(now, workers, out) {
            return;
        }
        if !connected || reconnected {
            // Nothing could be heard, so silence says nothing about a worker.
            self.lanes.iter_mut().for_each(|lane| lane.stand_still(now));
        }
        if !connected {
            return self.end_impatiently(now, out);
        }
        if reconnected {
            self.back = Some(now);
            for index in 0..self.lanes.len() {
                self.ask_again(now, index, out);
                let credit = self.lanes[index].credit();
                self.give_credit(index, credit, out);
            }
        }
        for index in (0..self.lanes.len()).rev() {
            self.look_after(now, index, workers, out);
            if self.ended {
                return;
            }
        }
        self.hedge(now, workers, out);
        if self.lanes.is_empty() {
            self.go_on(now, workers, out);
        }
    }

    fn look_after(
        &mut self,
        now: Instant,
        index: usize,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        let lane = &self.lanes[index];
        let seen = workers.seen(&lane.choice.worker);
        let restarted = seen.is_some_and(|(incarnation, at)| {
            incarnation != lane.choice.incarnation && at > lane.heard
        });
        let heard = seen.map_or(lane.heard, |(_, at)| at.max(lane.heard));
        let quiet = now.saturating_duration_since(lane.heard);
        let fault = if restarted {
            Fault::Restarted
        } else if now.saturating_duration_since(heard) > SILENCE_MAX {
            Fault::Silent
        } else if workers.hangs(&lane.choice.worker) {
            Fault::Stalled
        } else if quiet > LOST_AFTER {
            Fault::Lost
        } else {
            if quiet > QUIET_MAX {
                self.ask_again(now, index, out);
            }
            return;
        };
        self.fail(now, index, fault, workers, out);
    }

    /// Asks a second worker when the first one's first token is late.
    fn hedge(&mut self, now: Instant, workers: &mut impl Workers, out: &mut Vec<Action>) {
        let [lane] = &self.lanes[..] else { return };
        let patience = HEDGE_MIN.max(lane.choice.ttft * 2);
        let late = now.saturating_duration_since(lane.sent) > patience;
        let wanted = self.tokens.is_empty()
            && self.spec.priority == Priority::Interactive
            && self.cancelled.is_none()
            && !self.attempts_are_spent();
        if !late || !wanted {
            return;
        }
        let mut exclude = self.tried.clone();
        exclude.push(lane.choice.worker.clone());
        let wish = Wish {
            exclude: &exclude,
            model: None,
            context_min: 0,
            resume: 0,
            remaining: self.remaining(now),
        };
        if let Ok(choice) = workers.choose(now, &wish)
            && workers.may_hedge(now)
        {
            workers.count("hedged");
            self.ask(now, choice, workers, out);
        }
    }

    /// Finds a worker that goes on, or the end.
    fn go_on(&mut self, now: Instant, workers: &mut impl Workers, out: &mut Vec<Action>) {
        if self.cancelled.is_some() {
            return self.finish(now, Finish::Cancelled, None, out);
        }
        if self.tokens.len() >= self.spec.max_tokens {
            return self.finish(now, Finish::Length, None, out);
        }
        if !self.connected {
            return;
        }
        if self.attempts_are_spent() {
            workers.count("attempts_spent");
            return self.give_up(self.honest_error(), out);
        }
        let waited = self.waited(now);
        let begun = !self.tokens.is_empty();
        let wish = Wish {
            exclude: if waited < FORGIVE { &self.tried } else { &[] },
            model: begun.then_some(self.model.0.as_str()),
            context_min: if begun { self.context } else { 0 },
            resume: self.tokens.len(),
            remaining: self.remaining(now),
        };
        match workers.choose(now, &wish) {
            Ok(choice) if self.again_for_free || workers.may_retry(now) => {
                self.ask(now, choice, workers, out)
            }
            Ok(_) => {
                workers.count("retries_spent");
                self.give_up(self.honest_error(), out);
            }
            Err(reason @ BusyReason::TooLate { .. }) if self.tokens.is_empty() => {
                self.give_up(Error::Busy(reason), out);
            }
            Err(_) => self.end_impatiently(now, out),
        }
    }

    /// Ends a generation that has waited long enough for somebody to begin it.
    fn end_impatiently(&mut self, now: Instant, out: &mut Vec<Action>) {
        let idle = self.lanes.is_empty() && self.tokens.is_empty();
        if idle && self.waited(now) >= PATIENCE {
            self.give_up(self.honest_error(), out);
        }
    }

    pub(super) fn attempts_are_spent(&self) -> bool {
        self.attempts - self.free >= ATTEMPTS_MAX
    }

    /// Says whether nobody listens only because the worker is not connected to NATS again yet.
    pub(super) fn may_be_on_its_way_back(&self, now: Instant, index: usize) -> bool {
        let lately = |back: Instant| now.saturating_duration_since(back) < BACK_WITHIN;
        self.lanes[index].accepted && self.back.is_some_and(lately)
    }

    fn waited(&self, now: Instant) -> Duration {
        self.alone
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(super) fn honest_error(&self) -> Error {
        self.last_error
            .clone()
            .unwrap_or(Error::Busy(BusyReason::NoWorker))
    }

    pub(super) fn ask_again(&mut self, now: Instant, index: usize, out: &mut Vec<Action>) {
        let stream = self.spec.stream;
        let lane = &mut self.lanes[index];
        let Some(from) = lane.ask_again(now) else {
            return;
        };
        out.push(Action::Steer {
            worker: lane.choice.worker.clone(),
            control: Control::Resend {
                stream,
                attempt: lane.attempt,
                from,
            },
        });
    }

    pub(super) fn give_credit(&self, index: usize, upto: u32, out: &mut Vec<Action>) {
        let lane = &self.lanes[index];
        out.push(Action::Steer {
            worker: lane.choice.worker.clone(),
            control: Control::Credit {
                stream: self.spec.stream,
                attempt: lane.attempt,
                upto,
            },
        });
    }
}
