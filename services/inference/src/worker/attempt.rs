//! Serves one attempt: the engine's chunks become frames, and the caller's steering reaches the engine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use mercer_schemas::worker::{Accepted, Body, Done, Load, WorkRequest};
use tokio::{sync::mpsc, time::sleep_until};

use super::{Serving, outbox::Outbox};
use crate::{Chunk, Completion, Error, GenerateRequest, Generation, refusal::refused};

/// Output that nobody gives credit for ends after this long.
const STARVED_MAX: Duration = Duration::from_secs(5);
/// Frames can be asked for again for this long after the end.
const KEEP: Duration = Duration::from_secs(5);

/// What a caller wants of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steer {
    /// Stop.
    Cancel,
    /// Frames up to this number may be sent.
    Credit(u32),
    /// Send again from this frame on.
    Resend(u32),
}

/// One attempt.
pub(super) struct Attempt {
    serving: Arc<Serving>,
    reply: String,
    outbox: Outbox,
    steers: mpsc::UnboundedReceiver<Steer>,
    /// Output tokens that the engine has told, resumed ones among them.
    told: usize,
}

impl Attempt {
    /// Begins an attempt.
    pub(super) fn new(
        serving: Arc<Serving>,
        request: &WorkRequest,
        reply: String,
        steers: mpsc::UnboundedReceiver<Steer>,
    ) -> Self {
        let resumed = request.resume.len();
        Self {
            serving,
            reply,
            outbox: Outbox::new(
                Instant::now(),
                request.stream,
                request.attempt,
                resumed,
                request.credit,
            ),
            steers,
            told: resumed,
        }
    }

    /// Serves the request to its end. `working` is let go when the engine is through with it.
    pub(super) async fn run(mut self, request: WorkRequest, working: impl Sized) {
        match self.submit(request).await {
            Some(Ok(generation)) => self.follow(generation).await,
            Some(Err(error)) => self.refuse(&error),
            None => {}
        }
        self.send().await;
        drop(working);
        self.keep().await;
    }

    /// Hands the request to the engine. Preparing it may take a while, so keepalives go out; none when cancelled.
    async fn submit(&mut self, request: WorkRequest) -> Option<Result<Generation, Error>> {
        let engine = self.serving.engine.clone();
        let submitting = engine.generate(request_of(request));
        tokio::pin!(submitting);
        loop {
            let due = self.outbox.due();
            tokio::select! {
                submitted = &mut submitting => return Some(submitted),
                steer = self.steers.recv() => match steer {
                    Some(Steer::Cancel) | None => return None,
                    Some(steer) => self.steer(steer),
                },
                () = sleep_until(due.into()) => {}
            }
            self.send().await;
        }
    }

    async fn follow(&mut self, mut generation: Generation) {
        let cancel = generation.cancel_handle();
        let mut steered = true;
        while !self.outbox.has_ended() {
            let due = self.outbox.due();
            tokio::select! {
                chunk = generation.next() => match chunk {
                    Some(Ok(chunk)) => self.take_in(chunk),
                    Some(Err(error)) => self.refuse(&error),
                    None => self.refuse(&Error::Stopped),
                },
                steer = self.steers.recv(), if steered => match steer {
                    Some(Steer::Cancel) => cancel.cancel(),
                    Some(steer) => self.steer(steer),
                    None => steered = false,
                },
                () = sleep_until(due.into()) => {}
            }
            self.send().await;
            let starved = self.outbox.starved();
            if starved.is_some_and(|since| since.elapsed() > STARVED_MAX) {
                metrics::counter!("mercer_worker_starved_total").increment(1);
                cancel.cancel();
            }
        }
    }

    /// Answers to frames that did not arrive.
    async fn keep(&mut self) {
        let until = Instant::now() + KEEP;
        while let Ok(Some(steer)) = tokio::time::timeout_at(until.into(), self.steers.recv()).await
        {
            self.steer(steer);
            self.send().await;
        }
    }

    fn steer(&mut self, steer: Steer) {
        match steer {
            Steer::Cancel => {}
            Steer::Credit(upto) => self.outbox.credit(upto),
            Steer::Resend(from) => {
                metrics::counter!("mercer_worker_resends_total").increment(1);
                self.outbox.resend(from);
            }
        }
    }

    fn take_in(&mut self, chunk: Chunk) {
        match chunk {
            Chunk::Started {
                prompt_tokens,
                cached_tokens,
            } => self.outbox.tell(Body::Accepted(Accepted {
                worker: self.serving.name.clone(),
                incarnation: self.serving.incarnation,
                prompt_tokens,
                cached_tokens,
            })),
            Chunk::Text { text, tokens } => {
                self.told += tokens.len();
                self.outbox.add(tokens, text);
            }
            Chunk::Done(completion) => {
                let body = done(completion, self.told);
                self.outbox.end(body);
            }
        }
    }

    fn refuse(&mut self, error: &Error) {
        let load = self.serving.load();
        self.outbox
            .end(Body::Refused(refused(error, room_in(&load))));
    }

    /// Sends what may go out. Without a connection frames only get their numbers: they are asked for again.
    async fn send(&mut self) {
        if !self.serving.bus.is_connected() {
            self.outbox.stand_still();
        }
        while let Some(frame) = self.outbox.next(Instant::now()) {
            let reply = self.reply.clone();
            if self.serving.bus.publish(reply, None, frame).await {
                metrics::counter!("mercer_worker_frames_total").increment(1);
            }
        }
    }
}

/// Returns the end of a generation, with the tokens that never became text.
fn done(completion: Completion, told: usize) -> Body {
    let rest = completion.tokens.get(told..).unwrap_or_default().to_vec();
    Body::Done {
        tokens: rest,
        done: Done {
            finish: completion.finish,
            usage: completion.usage,
            timings: completion.timings,
            prompt_sha256: completion.prompt_sha256,
            model: completion.model,
        },
    }
}

fn request_of(request: WorkRequest) -> GenerateRequest {
    GenerateRequest {
        request_id: request.request_id,
        conversation_key: request.conversation_key,
        adapter: request.adapter,
        messages: request.messages,
        resume: request.resume,
        grammar: request.grammar,
        max_tokens: request.max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        deadline: Duration::from_millis(request.deadline_ms),
        priority: request.priority,
    }
}

/// Returns when there should be room for one more request.
fn room_in(load: &Load) -> Duration {
    const LEAST_MS: f64 = 100.0;
    const MOST_MS: f64 = 60_000.0;
    let turns = f64::from(load.waiting + 1) / f64::from(load.slots.max(1));
    Duration::from_millis((turns * load.service_ms).clamp(LEAST_MS, MOST_MS) as u64)
}
