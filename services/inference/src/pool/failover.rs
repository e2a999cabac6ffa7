//! One generation over the pool, as a state machine: frames, faults and time come in, requests and chunks go out.
//!
//! Tokens are committed in order and once, whichever worker wrote them. An attempt that falls silent, gives up or
//! lies ends, and the next one goes on behind the committed tokens, on a worker with the same model: same grammar
//! state, same random numbers, so the same text. Nothing here knows NATS or a clock.

mod ending;
mod faults;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use mercer_schemas::worker::{
    Accepted, Body, Control, Done, Frame, Priority, Refusal, Refused, StreamId,
};

use self::faults::Fault;
use super::{
    breaker::Verdict,
    lane::{Lane, Order},
    route::Choice,
};
use crate::{BusyReason, Chunk, Error, Finish, refusal};

/// Workers that one generation is given to at most. One that never had it counts for nothing.
pub(super) const ATTEMPTS_MAX: u16 = 3;
/// A generation that nobody has begun waits this long for a worker.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// No token of any vocabulary has as many bytes: the longest are some hundred spaces or signs.
const TOKEN_BYTES_MAX: usize = 512;
/// No reply has as much text, whatever its tokens.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What stays the same during a generation.
#[derive(Debug, Clone)]
pub(super) struct RequestSpec {
    /// The stream.
    pub(super) stream: StreamId,
    /// At most this many output tokens.
    pub(super) max_tokens: usize,
    /// The class.
    pub(super) priority: Priority,
    /// When it was submitted.
    pub(super) began: Instant,
    /// When it ends with what there is.
    pub(super) deadline: Instant,
}

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    /// A frame of this stream.
    Frame(Frame),
    /// Nobody listens where an attempt was sent to.
    NoResponder {
        /// The attempt.
        attempt: u16,
    },
    /// The caller wants no more.
    Cancel,
    /// Time has passed.
    Tick {
        /// NATS can be reached.
        connected: bool,
    },
}

/// What goes out.
#[derive(Debug)]
pub(super) enum Action {
    /// Ask a worker to go on.
    Ask {
        /// The worker.
        worker: String,
        /// Number of the attempt.
        attempt: u16,
        /// Tokens that exist already.
        resume: Vec<u32>,
        /// Time left.
        remaining: Duration,
    },
    /// Steer a worker.
    Steer {
        /// The worker.
        worker: String,
        /// The message.
        control: Control,
    },
    /// Tell whoever reads the generation.
    Tell(Result<Chunk, Error>),
}

/// Where a generation can go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Workers that it must not go to.
    pub(super) exclude: &'a [String],
    /// SHA-256 of the only model that can go on, once there are tokens.
    pub(super) model: Option<&'a str>,
    /// Tokens that a conversation must be able to hold there: as many as where it began.
    pub(super) context_min: u32,
    /// Tokens that exist already.
    pub(super) resume: usize,
    /// Time left.
    pub(super) remaining: Duration,
}

/// What a generation needs to know of the workers and tells about them.
pub(super) trait Workers {
    /// Chooses a worker.
    fn choose(&mut self, now: Instant, wish: &Wish<'_>) -> Result<Choice, BusyReason>;
    /// Notes that a worker is asked.
    fn sent(&mut self, now: Instant, choice: &Choice);
    /// Returns the run of a worker, and when its last heartbeat came.
    fn seen(&self, worker: &str) -> Option<(u64, Instant)>;
    /// Says whether a worker tells that its engine hangs.
    fn hangs(&self, worker: &str) -> bool;
    /// Learns how an attempt ended.
    fn judge(&mut self, now: Instant, worker: &str, verdict: Verdict);
    /// Learns how many tokens the prompt has.
    fn learn_prompt(&mut self, tokens: u32);
    /// Learns how long the reader waited between the last token of one worker and the first of the next.
    fn resumed(&mut self, gap: Duration);
    /// Takes one try after a failure from what is allowed.
    fn may_retry(&mut self, now: Instant) -> bool;
    /// Takes one hedge from what is allowed.
    fn may_hedge(&mut self, now: Instant) -> bool;
    /// Counts something that happened.
    fn count(&mut self, what: &'static str);
}

/// A generation that runs.
#[derive(Debug)]
pub(super) struct Failover {
    spec: RequestSpec,
    /// One, or two until the first token.
    lanes: Vec<Lane>,
    attempts: u16,
    /// Attempts that no worker had: nobody was there, or it was about to leave.
    free: u16,
    /// The last attempt was one of those, so the next one costs nothing either.
    again_for_free: bool,
    /// Workers that failed it.
    tried: Vec<String>,
    tokens: Vec<u32>,
    text: String,
    /// SHA-256 and label of the model that wrote the tokens, or is to.
    model: (String, String),
    context: u32,
    accepted: Option<(Accepted, Instant)>,
    first_token: Option<Instant>,
    last_token: Option<Instant>,
    /// Since when nobody works on it.
    alone: Option<Instant>,
    last_error: Option<Error>,
    cancelled: Option<Instant>,
    connected: bool,
    /// When NATS was there again.
    back: Option<Instant>,
    ended: bool,
}

impl Failover {
    /// Begins with a worker that was chosen.
    pub(super) fn start(
        spec: RequestSpec,
        now: Instant,
        choice: Choice,
        workers: &mut impl Workers,
    ) -> (Self, Vec<Action>) {
        let mut generation = Self {
            spec,
            lanes: Vec::new(),
            attempts: 0,
            free: 0,
            again_for_free: false,
            tried: Vec::new(),
            tokens: Vec::new(),
            text: String::new(),
            model: (String::new(), String::new()),
            context: 0,
            accepted: None,
            first_token: None,
            last_token: None,
            alone: None,
            last_error: None,
            cancelled: None,
            connected: true,
            back: None,
            ended: false,
        };
        let mut out = Vec::new();
        generation.ask(now, choice, workers, &mut out);
        (generation, out)
    }

    /// Says whether it has ended: nothing more comes out.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes in what happened and returns what to do, in order.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        input: Input,
        workers: &mut impl Workers,
    ) -> Vec<Action> {
        let mut out = Vec::new();
        if self.ended {
            return out;
        }
        match input {
            Input::Frame(frame) => self.read(now, frame, workers, &mut out),
            Input::NoResponder { attempt } => {
                if let Some(index) = self.lane(attempt)
                    && !self.may_be_on_its_way_back(now, index)
                {
                    self.fail(now, index, Fault::NoResponder, workers, &mut out);
                }
            }
            Input::Cancel => self.cancel(now, &mut out),
            Input::Tick { connected } => self.tick(now, connected, workers, &mut out),
        }
        out
    }

    fn lane(&self, attempt: u16) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.attempt == attempt)
    }

    /// Asks a worker to go on behind what there is.
    fn ask(
        &mut self,
        now: Instant,
        choice: Choice,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        self.attempts += 1;
        self.alone = None;
        workers.sent(now, &choice);
        workers.count("asked");
        if self.tokens.is_empty() {
            self.model = (choice.model.sha256.clone(), choice.model.label());
            self.context = choice.model.n_ctx;
        }
        out.push(Action::Ask {
            worker: choice.worker.clone(),
            attempt: self.attempts,
            resume: self.tokens.clone(),
            remaining: self.remaining(now),
        });
        let lane = Lane::new(now, self.attempts, choice, self.tokens.len());
        self.lanes.push(lane);
    }

    fn read(
        &mut self,
        now: Instant,
        frame: Frame,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        let Some(index) = self.lane(frame.attempt) else {
            return workers.count("late");
        };
        match self.lanes[index].order(now, &frame) {
            Order::Next => {}
            Order::Alive => return,
            Order::Repeated => return workers.count("repeated"),
            Order::Early => {
                workers.count("early");
                return self.ask_again(now, index, out);
            }
        }
        if let Some(upto) = self.lanes[index].more_credit() {
            self.give_credit(index, upto, out);
        }
        match frame.body {
            Body::Accepted(accepted) => self.accept(now, index, accepted, workers, out),
            Body::Tokens { tokens, text } => {
                if tokens.is_empty()
                    || !self.fits(frame.first_token, tokens.len())
                    || !self.is_text_of(&text, tokens.len())
                {
                    return self.fail(now, index, Fault::Lie, workers, out);
                }
                let index = self.win(index, out);
                self.first_token.get_or_insert(now);
                let resumed = self.lanes[index].resumed;
                if resumed > 0 && resumed == self.tokens.len() {
                    workers.count("resumed");
                    let since = self.last_token.unwrap_or(now);
                    workers.resumed(now.saturating_duration_since(since));
                }
                self.last_token = Some(now);
                self.tokens.extend(&tokens);
                self.text.push_str(&text);
                out.push(Action::Tell(Ok(Chunk::Text { text, tokens })));
            }
            Body::Done { tokens, done } => {
                if !self.fits(frame.first_token, tokens.len()) {
                    return self.fail(now, index, Fault::Lie, workers, out);
                }
                self.take_end(now, index, (tokens, done), workers, out);
            }
            Body::Refused(refused) => self.take_refusal(now, index, refused, workers, out),
            Body::Keepalive => {}
            Body::Numbers { .. } => self.fail(now, index, Fault::Lie, workers, out),
        }
    }

    fn accept(
        &mut self,
        now: Instant,
        index: usize,
        accepted: Accepted,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        let lane = &mut self.lanes[index];
        if accepted.worker != lane.choice.worker || lane.accepted {
            return self.fail(now, index, Fault::Lie, workers, out);
        }
        lane.accepted = true;
        lane.choice.incarnation = accepted.incarnation;
        let prompt_tokens = accepted.prompt_tokens.saturating_sub(lane.resumed as u32);
        workers.learn_prompt(prompt_tokens);
        let accepted = Accepted {
            prompt_tokens,
            cached_tokens: accepted.cached_tokens.min(prompt_tokens),
            ..accepted
        };
        if self.accepted.is_none() {
            out.push(Action::Tell(Ok(Chunk::Started {
                prompt_tokens: accepted.prompt_tokens,
                cached_tokens: accepted.cached_tokens,
            })));
            self.accepted = Some((accepted, now));
        }
    }

    /// Says whether tokens are the next ones, and not more than were asked for.
    fn fits(&self, first_token: u32, count: usize) -> bool {
        first_token as usize == self.tokens.len()
            && self.tokens.len() + count <= self.spec.max_tokens
    }

    /// Says whether so many tokens can have become this text.
    fn is_text_of(&self, text: &str, tokens: usize) -> bool {
        text.len() <= tokens * TOKEN_BYTES_MAX && self.text.len() + text.len() <= TEXT_BYTES_MAX
    }

    /// Ends the other attempt: the first token decides. Returns the winner's index.
    fn win(&mut self, index: usize, out: &mut Vec<Action>) -> usize {
        let winner = self.lanes.swap_remove(index);
        self.model = (
            winner.choice.model.sha256.clone(),
            winner.choice.model.label(),
        );
        self.context = winner.choice.model.n_ctx;
        for loser in std::mem::replace(&mut self.lanes, vec![winner]) {
            out.push(self.cancel_of(&loser));
        }
        0
    }

    fn take_end(
        &mut self,
        now: Instant,
        index: usize,
        (tokens, done): (Vec<u32>, Done),
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        /// A worker's clock started a moment later than ours, but runs as fast.
        const EARLY_MAX: Duration = Duration::from_millis(500);
        let whole = self.tokens.len() + tokens.len();
        if done.usage.output_tokens as usize != whole {
            return self.fail(now, index, Fault::Lie, workers, out);
        }
        let expected = match done.finish {
            Finish::Stop | Finish::Length => true,
            Finish::Cancelled => self.cancelled.is_some(),
            Finish::Deadline => self.remaining(now) <= EARLY_MAX,
        };
        if !expected {
            return self.fail(now, index, Fault::GaveUp, workers, out);
        }
        let index = self.win(index, out);
        let lane = &self.lanes[index];
        // One that only says that time is up has not shown that it works.
        if lane.accepted {
            workers.judge(now, &lane.choice.worker, Verdict::Worked);
        }
        self.tokens.extend(tokens);
        self.finish(now, done.finish, Some(done), out);
    }

    fn take_refusal(
        &mut self,
        now: Instant,
        index: usize,
        refused: Refused,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) {
        if refused.refusal.elsewhere() {
            return self.fail(now, index, Fault::Refused(refused), workers, out);
        }
        if refused.refusal == Refusal::PromptTooLong && self.ask_longer(now, index, workers, out) {
            return;
        }
        // A text that has reached the context's end is as long as it can be.
        if refused.refusal == Refusal::PromptTooLong && self.lanes[index].resumed > 0 {
            return self.finish(now, Finish::Length, None, out);
        }
        let error = refusal::error(refused, self.context);
        self.give_up(error, out);
    }

    /// Asks a worker whose conversations may be longer, before there is any text.
    fn ask_longer(
        &mut self,
        now: Instant,
        index: usize,
        workers: &mut impl Workers,
        out: &mut Vec<Action>,
    ) -> bool {
        if !self.tokens.is_empty() || self.attempts_are_spent() {
            return false;
        }
        let wish = Wish {
            exclude: &self.tried,
            model: None,
            context_min: self.lanes[index].choice.model.n_ctx.saturating_add(1),
            resume: 0,
            remaining: self.remaining(now),
        };
        let Ok(choice) = workers.choose(now, &wish) else {
            return false;
        };
        self.lanes.remove(index);
        workers.count("too_short");
        self.ask(now, choice, workers, out);
        true
    }

    fn remaining(&self, now: Instant) -> Duration {
        self.spec.deadline.saturating_duration_since(now)
    }
}
