//! A request on its way through the engine: waiting (`Job`), then computed (`Slot`), then told as a completion.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use llguidance::Matcher;

use super::{adapters::AdapterId, drafts::Drafts};
use crate::{
    BusyReason, Chunk, Completion, Error, Finish, GenerationSink, Priority, Timings, Usage,
    prompt::Prompt, utf8::Utf8Stream,
};

/// Text of replies is passed on this often at most, that of all at once, but for the first of each. Nobody reads quicker,
/// and readers that are woken for each token of a small model take the core that computes the next one.
pub(super) const PASSED_ON: Duration = Duration::from_millis(16);

/// Counts the requests that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: AtomicUsize,
}

/// A place in the queue, given back when dropped.
#[derive(Debug)]
pub(super) struct Ticket(Arc<Queue>);

impl Queue {
    /// Takes a place.
    ///
    /// # Errors
    /// [`Error::Busy`] when `limit` places are taken.
    pub(super) fn enter(queue: &Arc<Self>, limit: usize) -> Result<Ticket, Error> {
        queue
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < limit).then_some(waiting + 1)
            })
            .map_err(|_| Error::Busy(BusyReason::QueueFull))?;
        metrics::gauge!("mercer_inference_queue").increment(1.0);
        Ok(Ticket(queue.clone()))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("mercer_inference_queue").decrement(1.0);
    }
}

/// A request that is ready to compute.
pub(super) struct Job {
    pub(super) request_id: String,
    pub(super) conversation_key: String,
    /// The adapter that computes it.
    pub(super) adapter: AdapterId,
    /// What must be computed before the next output token: the prompt, and output that exists already.
    pub(super) prompt: Prompt,
    /// Output that exists already, with the text of each token.
    pub(super) resume: Vec<(u32, Vec<u8>)>,
    /// The first output tokens where the grammar leaves no choice, with their text; the prompt holds them already.
    pub(super) opening: Vec<(u32, Vec<u8>)>,
    /// Hashes of the starts of the conversation.
    pub(super) starts: Vec<u64>,
    pub(super) matcher: Option<Matcher>,
    /// Guesses at what follows; none where nothing is to be guessed.
    pub(super) drafts: Option<Drafts>,
    pub(super) max_tokens: usize,
    pub(super) temperature: f32,
    pub(super) top_p: f32,
    pub(super) priority: Priority,
    pub(super) submitted: Instant,
    pub(super) deadline: Instant,
    pub(super) sink: GenerationSink,
    pub(super) ticket: Option<Ticket>,
}

impl Job {
    /// Returns why the request must end now, if it must.
    pub(super) fn ended_by_caller(&self, now: Instant) -> Option<Finish> {
        if self.sink.is_cancelled() {
            Some(Finish::Cancelled)
        } else if now >= self.deadline {
            Some(Finish::Deadline)
        } else {
            None
        }
    }
}

/// A request that is being computed in a sequence of the context.
pub(super) struct Slot {
    pub(super) job: Job,
    pub(super) seq: usize,
    /// Prompt tokens that needed no computing.
    pub(super) cached: usize,
    /// The first part of the prompt was given to the model.
    pub(super) started: bool,
    /// The prompt was computed once.
    pub(super) opened: bool,
    /// Tokens that are certain and must be computed next; none while the prompt is being computed.
    pub(super) pending: Vec<i32>,
    pub(super) tokens: Vec<u32>,
    text: String,
    /// Tokens whose characters are not whole yet.
    partial: Vec<u32>,
    characters: Utf8Stream,
    /// Text that is not passed on yet, and its tokens.
    held: (String, Vec<u32>),
    /// Some text is passed on already.
    pub(super) begun: bool,
    admitted: Instant,
    first_token: Option<Instant>,
    last_token: Option<Instant>,
}

impl Slot {
    pub(super) fn new(mut job: Job, seq: usize, cached: usize) -> Self {
        job.ticket = None;
        let resume = mem::take(&mut job.resume);
        let mut slot = Self {
            job,
            seq,
            cached,
            started: false,
            opened: false,
            pending: Vec::new(),
            tokens: Vec::new(),
            text: String::new(),
            partial: Vec::new(),
            characters: Utf8Stream::default(),
            held: (String::new(), Vec::new()),
            begun: false,
            admitted: Instant::now(),
            first_token: None,
            last_token: None,
        };
        for (token, bytes) in resume {
            slot.take_in(token, &bytes);
        }
        slot
    }

    /// Makes a slot that never got a sequence, to tell the end of a request that waited.
    pub(super) fn never_admitted(job: Job) -> Self {
        Self::new(job, usize::MAX, 0)
    }

    /// Tells that the prompt is being computed.
    pub(super) fn tell_started(&mut self) {
        self.started = true;
        self.job.sink.send(Ok(Chunk::Started {
            prompt_tokens: self.job.prompt.own as u32,
            cached_tokens: self.cached_of_prompt(),
        }));
    }

    /// Returns how many of the prompt's own tokens needed no computing; output that exists already may have been held
    /// as well.
    pub(super) fn cached_of_prompt(&self) -> u32 {
        self.cached.min(self.job.prompt.own) as u32
    }

    /// Notes that the model has computed the prompt. Returns the output tokens that the prompt held already.
    pub(super) fn open(&mut self) -> Vec<(u32, Vec<u8>)> {
        self.opened = true;
        self.first_token.get_or_insert_with(Instant::now);
        mem::take(&mut self.job.opening)
    }

    /// Tells whether the prompt is computed and the reply is being written.
    pub(super) fn is_writing(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Returns how long the slot has had a sequence.
    pub(super) fn age(&self) -> Duration {
        self.admitted.elapsed()
    }

    /// Adds an output token, whose text waits to be passed on. Returns the time since the token before.
    pub(super) fn push(&mut self, token: u32, bytes: &[u8]) -> Option<Duration> {
        if let Some((text, tokens)) = self.take_in(token, bytes) {
            self.held.0.push_str(&text);
            self.held.1.extend(tokens);
        }
        let now = Instant::now();
        self.last_token.replace(now).map(|last| now - last)
    }

    /// Passes on all text that is held.
    pub(super) fn pass_on(&mut self) {
        let (text, tokens) = mem::take(&mut self.held);
        if !text.is_empty() {
            self.begun = true;
            self.job.sink.send(Ok(Chunk::Text { text, tokens }));
        }
    }

    /// Adds an output token. Returns the text that became whole with it, and its tokens.
    fn take_in(&mut self, token: u32, bytes: &[u8]) -> Option<(String, Vec<u32>)> {
        self.tokens.push(token);
        self.partial.push(token);
        let text = self.characters.push(bytes);
        if text.is_empty() {
            return None;
        }
        self.text.push_str(&text);
        Some((text, mem::take(&mut self.partial)))
    }

    /// Tells the end.
    pub(super) fn finish(mut self, finish: Finish, model: &str) {
        self.pass_on();
        let now = Instant::now();
        let first_token = self.first_token.unwrap_or(now);
        let usage = Usage {
            prompt_tokens: self.job.prompt.own as u32,
            cached_tokens: self.cached_of_prompt(),
            output_tokens: self.tokens.len() as u32,
        };
        let timings = Timings {
            queue_ms: millis(self.admitted - self.job.submitted),
            prefill_ms: millis(first_token - self.admitted),
            decode_ms: millis(now - first_token),
        };
        metrics::counter!("mercer_inference_requests_total", "outcome" => finish.as_str())
            .increment(1);
        for (kind, count) in [
            ("prompt", usage.prompt_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
        ] {
            metrics::counter!("mercer_inference_tokens_total", "kind" => kind)
                .increment(count.into());
        }
        tracing::debug!(
            request.id = self.job.request_id,
            finish = finish.as_str(),
            tokens_prompt = usage.prompt_tokens,
            tokens_cached = usage.cached_tokens,
            tokens_out = usage.output_tokens,
            prefill_ms = timings.prefill_ms,
            decode_ms = timings.decode_ms,
            "generation ended"
        );
        self.job.sink.send(Ok(Chunk::Done(Completion {
            text: self.text,
            tokens: self.tokens,
            finish,
            usage,
            timings,
            prompt_sha256: self.job.prompt.sha256,
            model: model.to_owned(),
        })));
    }

    /// Tells a failure of this request alone.
    pub(super) fn fail(mut self, error: Error) {
        self.pass_on();
        count_refusal(&error);
        tracing::debug!(request.id = self.job.request_id, %error, "generation failed");
        self.job.sink.send(Err(error));
    }
}

/// Counts a request that ended with an error.
pub(super) fn count_refusal(error: &Error) {
    let outcome = match error {
        Error::Busy(_) => "busy",
        Error::Grammar(_)
        | Error::Request(_)
        | Error::PromptTooLong { .. }
        | Error::Template(_) => "refused",
        _ => "failed",
    };
    metrics::counter!("mercer_inference_requests_total", "outcome" => outcome).increment(1);
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
