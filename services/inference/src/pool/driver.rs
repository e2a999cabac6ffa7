//! Drives one generation: hands frames, time and cancelling to the state machine and does what it says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mercer_schemas::worker::{
    Control, WorkRequest, control_subject, request_subject, stream_subject,
};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Shared,
    failover::{Action, Failover, Input, RequestSpec},
    inbox::{Letter, Open},
    lane::WINDOW,
    route::Choice,
    state::View,
};
use crate::{Chunk, Error, GenerateRequest, GenerationSink};

/// How often a generation looks after time.
const TICK: Duration = Duration::from_millis(50);

/// Everything that belongs to one generation.
pub(super) struct Driver {
    /// What all share.
    pub(super) shared: Arc<Shared>,
    /// The request.
    pub(super) request: GenerateRequest,
    /// Its stream.
    pub(super) open: Open,
    /// Where chunks go.
    pub(super) sink: GenerationSink,
    /// When it was submitted.
    pub(super) began: Instant,
    /// When it ends with what there is.
    pub(super) deadline: Instant,
}

impl Driver {
    /// Runs the generation to its end, beginning on the chosen worker.
    pub(super) async fn run(mut self, choice: Choice) {
        let spec = RequestSpec {
            stream: self.open.stream,
            max_tokens: self.request.max_tokens as usize,
            priority: self.request.priority,
            began: self.began,
            deadline: self.deadline,
        };
        let (mut failover, actions) = self.shared.with(&self.request, |view: &mut View<'_>| {
            Failover::start(spec, Instant::now(), choice, view)
        });
        self.act(actions).await;
        let cancel = self.sink.cancel_handle();
        let mut cancelled = false;
        let mut connections = self.shared.bus.connections();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !failover.has_ended() {
            let connected = || Input::Tick {
                connected: self.shared.bus.is_connected(),
            };
            let input = tokio::select! {
                letter = self.open.letters.recv() => match letter {
                    Some(Letter::Frame(frame)) => Input::Frame(frame),
                    Some(Letter::NoResponder { attempt }) => Input::NoResponder { attempt },
                    None => return self.sink.send(Err(Error::Stopped)),
                },
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    Input::Cancel
                }
                Ok(()) = connections.changed() => connected(),
                _ = tick.tick() => connected(),
            };
            let actions = self.shared.with(&self.request, |view: &mut View<'_>| {
                failover.handle(Instant::now(), input, view)
            });
            self.act(actions).await;
        }
    }

    async fn act(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Ask {
                    worker,
                    attempt,
                    resume,
                    remaining,
                } => self.ask(&worker, attempt, resume, remaining).await,
                Action::Steer { worker, control } => {
                    let payload = serde_json::to_vec(&control).unwrap_or_default();
                    let subject = control_subject(&worker);
                    let reply = self.reply_of(&control);
                    self.shared.bus.publish(subject, reply, payload).await;
                }
                Action::Tell(item) => {
                    self.note(&item);
                    self.sink.send(item);
                }
            }
        }
    }

    /// Returns where NATS says that nobody listens. A worker answers to no control message there.
    fn reply_of(&self, control: &Control) -> Option<String> {
        match control {
            Control::Resend { attempt, .. } => Some(self.reply(*attempt)),
            _ => None,
        }
    }

    fn reply(&self, attempt: u16) -> String {
        stream_subject(&self.shared.caller, self.open.stream, attempt)
    }

    async fn ask(&self, worker: &str, attempt: u16, resume: Vec<u32>, remaining: Duration) {
        let reply = self.reply(attempt);
        let request = work_request(&self.request, self.open.stream, attempt, resume, remaining);
        let payload = serde_json::to_vec(&request).unwrap_or_default();
        let subject = request_subject(worker);
        // What did not leave is noticed as a worker that says nothing.
        self.shared.bus.publish(subject, Some(reply), payload).await;
    }

    fn note(&self, item: &Result<Chunk, Error>) {
        let outcome = match item {
            Ok(Chunk::Done(completion)) => {
                let first = completion.timings.queue_ms + completion.timings.prefill_ms;
                metrics::histogram!("mercer_pool_first_token_seconds").record(first / 1_000.0);
                completion.finish.as_str()
            }
            Ok(_) => return,
            Err(Error::Busy(_)) => "busy",
            Err(_) => "failed",
        };
        metrics::counter!("mercer_pool_requests_total", "outcome" => outcome).increment(1);
    }
}

/// Returns what a worker is asked for.
pub(super) fn work_request(
    request: &GenerateRequest,
    stream: mercer_schemas::worker::StreamId,
    attempt: u16,
    resume: Vec<u32>,
    remaining: Duration,
) -> WorkRequest {
    WorkRequest {
        stream,
        attempt,
        request_id: request.request_id.clone(),
        conversation_key: request.conversation_key.clone(),
        adapter: request.adapter.clone(),
        messages: request.messages.clone(),
        resume,
        grammar: request.grammar.clone(),
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        deadline_ms: u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX),
        priority: request.priority,
        credit: WINDOW,
    }
}
