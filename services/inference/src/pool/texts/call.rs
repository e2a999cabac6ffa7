//! One request for numbers, from the choice of a worker to the answer. A worker that is silent, gone or lies is left for
//! another one, once.

use std::time::{Duration, Instant};

use mercer_schemas::worker::{
    Body, Control, EmbedRequest, Refused, RerankRequest, StreamId, control_subject, stream_subject,
};
use tokio::{
    runtime,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    super::{
        breaker::Verdict,
        directory::SILENCE_MAX,
        inbox::{Letter, Open},
    },
    Kind, Shared,
    choose::{Run, choose},
};
use crate::{BusyReason, EmbedderInfo, Error, bus::Bus, refusal};

/// Time that a request may take at most, and what each of its texts adds: a long passage takes a large model on two
/// cores about a second, and others may be before it.
const DEADLINE: Duration = Duration::from_secs(5);
const DEADLINE_TEXT: Duration = Duration::from_secs(2);
/// A worker that lives and says nothing of the request for this long has not got it.
const MUTE_MAX: Duration = Duration::from_secs(2);
/// How often it is looked after time and heartbeats.
const TICK: Duration = Duration::from_millis(50);
/// Workers that may fail before the request does.
const FAILURES_MAX: usize = 2;
/// A vector of length 1 is one within this, in single precision.
const LENGTH_TOLERANCE: f64 = 1e-2;

/// What is asked.
pub(super) enum Ask {
    /// A vector for each text.
    Vectors(Vec<String>),
    /// A score for each document.
    Scores {
        /// What they are to answer.
        query: String,
        /// The documents.
        documents: Vec<String>,
    },
}

impl Ask {
    fn rows(&self) -> usize {
        match self {
            Self::Vectors(texts) => texts.len(),
            Self::Scores { documents, .. } => documents.len(),
        }
    }

    fn payload(&self, id: &str, stream: StreamId, attempt: u16, deadline_ms: u64) -> Vec<u8> {
        let json = match self {
            Self::Vectors(texts) => serde_json::to_vec(&EmbedRequest {
                stream,
                attempt,
                embedder: id.to_owned(),
                texts: texts.clone(),
                deadline_ms,
            }),
            Self::Scores { query, documents } => serde_json::to_vec(&RerankRequest {
                stream,
                attempt,
                reranker: id.to_owned(),
                query: query.clone(),
                documents: documents.clone(),
                deadline_ms,
            }),
        };
        json.unwrap_or_default()
    }
}

/// A request.
struct Call<'a> {
    shared: &'a Shared,
    info: &'a EmbedderInfo,
    ask: Ask,
    open: Open,
    deadline: Instant,
    patience: Duration,
}

/// How an attempt ended.
enum Ended {
    /// With the rows.
    Answered(Vec<Vec<f32>>),
    /// Another worker may do better.
    Failed(Error, Verdict),
    /// The worker never had it.
    NotTaken(Error),
    /// It did not leave this process: NATS is away.
    NotSent,
    /// No worker can do it, or none in time.
    Over(Error),
}

/// Returns a row of numbers for each text, asking workers until one answers, with some patience where none is there or has room.
/// Its time begins when it is first polled.
pub(super) async fn rows(
    shared: &Shared,
    info: &EmbedderInfo,
    ask: Ask,
    patience: Duration,
) -> Result<Vec<Vec<f32>>, Error> {
    let call = Call {
        open: shared.inbox.open(),
        deadline: Instant::now() + DEADLINE + DEADLINE_TEXT * ask.rows() as u32,
        patience,
        shared,
        info,
        ask,
    };
    call.run().await
}

impl Call<'_> {
    async fn run(mut self) -> Result<Vec<Vec<f32>>, Error> {
        let mut asked: Vec<Run> = Vec::new();
        let mut failures = 0;
        let mut last = None;
        loop {
            let run = match self.place(&asked).await {
                Ok(run) => run,
                // What went wrong before says more than that nobody is left.
                Err(error) => return Err(last.unwrap_or(error)),
            };
            let attempt = asked.len() as u16 + 1;
            let ended = self.attempt(attempt, &run).await;
            asked.push(run);
            let worker = &asked[asked.len() - 1].0;
            match ended {
                Ended::Answered(vectors) => {
                    self.judge(worker, Verdict::Worked);
                    return Ok(vectors);
                }
                Ended::Over(error) => return Err(error),
                Ended::NotSent if Instant::now() >= self.deadline => return Err(Error::Deadline),
                Ended::NotSent => {
                    asked.pop();
                }
                Ended::NotTaken(error) => last = Some(error),
                Ended::Failed(error, verdict) => {
                    self.judge(worker, verdict);
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
        }
    }

    /// Finds a worker that was not asked yet.
    async fn place(&self, asked: &[Run]) -> Result<Run, Error> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        let began = Instant::now();
        loop {
            let news = self.shared.heard.notified();
            let now = Instant::now();
            let chosen = if self.shared.bus.is_connected() {
                let mut directory = self.shared.directory();
                let chosen = choose(
                    &directory,
                    now,
                    self.shared.kind,
                    self.info,
                    asked,
                    rand::random(),
                );
                if let Ok((worker, _)) = &chosen {
                    directory.note_sent(now, worker, 0.0);
                }
                chosen
            } else {
                Err(BusyReason::NoWorker)
            };
            match chosen {
                Ok(run) => return Ok(run),
                Err(_) if now >= self.deadline => return Err(Error::Deadline),
                Err(_) if now.saturating_duration_since(began) < self.patience => {
                    let _ = timeout(LOOK_EVERY, news).await;
                }
                Err(reason) => return Err(Error::Busy(reason)),
            }
        }
    }

    async fn attempt(&mut self, attempt: u16, run: &Run) -> Ended {
        let (worker, incarnation) = run;
        let stream = self.open.stream;
        let payload = self
            .ask
            .payload(&self.info.id, stream, attempt, self.remaining_ms());
        if payload.len() > self.shared.bus.payload_max() {
            return Ended::Over(Error::Request("it is larger than a message may be"));
        }
        let reply = stream_subject(&self.shared.caller, stream, attempt);
        let subject = self.shared.kind.subject(worker);
        if !self.shared.bus.publish(subject, Some(reply), payload).await {
            return Ended::NotSent;
        }
        let asked = Asked {
            bus: &self.shared.bus,
            worker,
            stream,
            attempt,
        };
        let mut heard = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                letter = self.open.letters.recv() => match letter {
                    None => return Ended::Over(Error::Stopped),
                    Some(Letter::NoResponder { attempt: of }) if of == attempt => {
                        asked.has_ended();
                        return Ended::NotTaken(Error::Busy(BusyReason::NoWorker));
                    }
                    Some(Letter::Frame(frame)) if frame.attempt == attempt => match frame.body {
                        Body::Keepalive => heard = Instant::now(),
                        body => {
                            asked.has_ended();
                            return self.read(body);
                        }
                    },
                    Some(_) => self.shared.drops.count("late"),
                },
                _ = tick.tick() => {
                    let now = Instant::now();
                    if now >= self.deadline {
                        // A model that hangs may send keepalives for ever.
                        return Ended::Failed(Error::Deadline, Verdict::Failed);
                    }
                    if !self.shared.bus.is_connected() {
                        // Nothing can be heard, so nobody is silent.
                        heard = now;
                    } else if self.is_lost(now, heard, worker, *incarnation) {
                        let error = Error::Busy(BusyReason::NoWorker);
                        return Ended::Failed(error, Verdict::Failed);
                    }
                }
            }
        }
    }

    /// Says whether no answer is to be expected any more.
    fn is_lost(&self, now: Instant, heard: Instant, worker: &str, incarnation: u64) -> bool {
        let directory = self.shared.directory();
        let Some(known) = directory.get(worker) else {
            return true;
        };
        let quiet = now.saturating_duration_since(known.seen.max(heard));
        known.incarnation != incarnation
            || quiet > SILENCE_MAX
            || now.saturating_duration_since(heard) > MUTE_MAX
    }

    fn read(&self, body: Body) -> Ended {
        match body {
            Body::Numbers { width, numbers } => match self.sound(width, &numbers) {
                Some(rows) => Ended::Answered(rows),
                None => lie(),
            },
            Body::Refused(refused) => refusal_of(refused),
            _ => lie(),
        }
    }

    /// Reads what a worker says are the rows. None where they cannot be.
    fn sound(&self, width: u32, numbers: &[f32]) -> Option<Vec<Vec<f32>>> {
        let dim = self.info.dim;
        if width as usize != dim || numbers.len() != dim * self.ask.rows() {
            return None;
        }
        let is_sound = |row: &&[f32]| match self.shared.kind {
            Kind::Embedder => {
                let length: f64 = row.iter().map(|number| f64::from(*number).powi(2)).sum();
                (length - 1.0).abs() < LENGTH_TOLERANCE
            }
            Kind::Reranker => row.iter().all(|score| score.is_finite()),
        };
        let rows: Vec<Vec<f32>> = numbers
            .chunks_exact(dim)
            .filter(is_sound)
            .map(<[f32]>::to_vec)
            .collect();
        (rows.len() == self.ask.rows()).then_some(rows)
    }

    fn remaining_ms(&self) -> u64 {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX)
    }

    fn judge(&self, worker: &str, verdict: Verdict) {
        let now = Instant::now();
        let mut directory = self.shared.directory();
        if let Some(known) = directory.get_mut(worker) {
            known.breaker.learn(now, verdict, rand::random());
            if !known.breaker.lets_through(now) {
                tracing::warn!(worker.id = worker, "worker fails at texts and gets a rest");
            }
        }
    }
}

/// An attempt that a worker has. Dropped before its end, as when the caller waits no longer, it is called off there.
struct Asked<'a> {
    bus: &'a Bus,
    worker: &'a str,
    stream: StreamId,
    attempt: u16,
}

impl Asked<'_> {
    fn has_ended(self) {
        std::mem::forget(self);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let cancel = Control::Cancel {
            stream: self.stream,
            attempt: self.attempt,
        };
        let payload = serde_json::to_vec(&cancel).unwrap_or_default();
        let (bus, subject) = (self.bus.clone(), control_subject(self.worker));
        // Without a runtime the process is ending, and the worker goes by the deadline.
        if let Ok(runtime) = runtime::Handle::try_current() {
            runtime.spawn(async move { bus.publish(subject, None, payload).await });
        }
    }
}

fn lie() -> Ended {
    Ended::Failed(
        Error::Decode("what a worker answered cannot be true".to_owned()),
        Verdict::Lied,
    )
}

fn refusal_of(refused: Refused) -> Ended {
    use mercer_schemas::worker::Refusal::Model;

    let (kind, error) = (refused.refusal, refusal::error(refused, 0));
    match kind {
        Model => Ended::Failed(error, Verdict::Failed),
        kind if kind.elsewhere() => Ended::NotTaken(error),
        _ => Ended::Over(error),
    }
}
