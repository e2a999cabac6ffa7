//! What is measured: a chat model of this program, or an HTTP endpoint. Both get the same requests.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use futures::stream::{BoxStream, StreamExt};
use mercer_inference::{
    CancelHandle, ChatMessage, ChatModel, Chunk, Finish, GenerateRequest, Grammar, Priority,
    Tokenizer,
};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::endpoint::Endpoint;

/// A model that has not ended a request so long after its deadline has lost it.
const MODEL_PATIENCE: Duration = Duration::from_secs(60);

/// One request of a workload.
#[derive(Clone)]
pub(super) struct Ask {
    /// Names the request.
    pub(super) id: String,
    /// Names the conversation that it belongs to.
    pub(super) conversation: String,
    /// The prompt.
    pub(super) messages: Vec<ChatMessage>,
    /// Output tokens at most.
    pub(super) output_max: u32,
    /// JSON schema that the output must follow.
    pub(super) schema: Option<&'static str>,
    /// Lark grammar that the output must follow; for models of this program only.
    pub(super) lark: Option<String>,
    /// Time until the request is of no use any more.
    pub(super) deadline: Duration,
    /// When the workload cancels it, if it does.
    pub(super) cancel_at: Option<CancelAt>,
    /// The prompt's tokens, once they are known.
    pub(super) tokens: Vec<u32>,
}

/// When a request is cancelled, unless it ended before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CancelAt {
    /// So long after it was submitted.
    Time(Duration),
    /// When so many pieces of text have come.
    Text(u32),
}

/// What a target says while it answers.
pub(super) enum Event {
    /// The prompt is being computed.
    Started,
    /// More text.
    Text(String),
    /// The end.
    Done(Counts),
}

/// What a target counted; `None` where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Tokens of the prompt.
    pub(super) prompt: Option<u64>,
    /// Tokens of it that needed no computing.
    pub(super) cached: Option<u64>,
    /// Tokens of the output.
    pub(super) output: Option<u64>,
    /// The deadline ended it.
    pub(super) late: bool,
}

/// A stream of events, and how to end it early where the target tells its end even then.
pub(super) struct Reply {
    pub(super) events: BoxStream<'static, anyhow::Result<Event>>,
    pub(super) cancel: Option<CancelHandle>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a reply, or as much of it as was allowed.
    Whole,
    /// Its deadline passed first.
    Late,
    /// The workload cancelled it.
    Cancelled,
    /// With an error.
    Failed(String),
}

/// What happened to a request.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) submitted: Instant,
    /// The target began to compute the prompt, as far as it tells.
    pub(super) started: bool,
    /// When each piece of text came.
    pub(super) arrivals: Vec<Instant>,
    pub(super) text: String,
    pub(super) counts: Counts,
    pub(super) ending: Ending,
    /// Time from the cancel to the end, where it can be seen.
    pub(super) freed: Option<Duration>,
    /// The prompt's tokens as the workload knows them.
    pub(super) tokens: Vec<u32>,
}

enum Kind {
    Model(Arc<dyn ChatModel>),
    Endpoint(Endpoint),
}

/// What is measured.
pub(super) struct Target {
    kind: Kind,
    tokenizer: Option<Arc<Tokenizer>>,
    name: Option<String>,
}

impl Target {
    /// Measures a chat model of this program.
    pub(super) fn model(model: Arc<dyn ChatModel>, tokenizer: Arc<Tokenizer>) -> Self {
        Self {
            kind: Kind::Model(model),
            tokenizer: Some(tokenizer),
            name: None,
        }
    }

    /// Calls it by another name than the model's.
    pub(super) fn named(self, name: String) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// Measures an HTTP endpoint.
    pub(super) fn endpoint(endpoint: Endpoint, tokenizer: Option<Arc<Tokenizer>>) -> Self {
        Self {
            kind: Kind::Endpoint(endpoint),
            tokenizer,
            name: None,
        }
    }

    /// Returns what a person calls it.
    pub(super) fn name(&self) -> String {
        match (&self.name, &self.kind) {
            (Some(name), _) => name.clone(),
            (None, Kind::Model(model)) => model.info().label(),
            (None, Kind::Endpoint(endpoint)) => endpoint.url().to_owned(),
        }
    }

    /// Returns the tokens that one conversation may hold, where that is known.
    pub(super) fn context_tokens(&self) -> Option<u32> {
        let trained = self.tokenizer.as_ref().and_then(|t| t.context_tokens());
        match &self.kind {
            Kind::Model(model) => Some(model.info().n_ctx),
            Kind::Endpoint(endpoint) => match (endpoint.context_tokens(), trained) {
                (Some(serves), Some(trained)) => Some(serves.min(trained)),
                (serves, trained) => serves.or(trained),
            },
        }
    }

    /// Tokenizes the prompts, so that it costs no time later.
    ///
    /// # Errors
    /// When the model's template cannot say a prompt.
    pub(super) fn tokenize(&self, asks: &mut [Ask]) -> anyhow::Result<()> {
        if let Some(tokenizer) = &self.tokenizer {
            for ask in asks {
                ask.tokens = tokenizer.prompt_tokens(&ask.messages)?;
            }
        }
        Ok(())
    }

    /// Asks, reads the answer to its end, and notes when its parts came.
    pub(super) async fn follow(&self, ask: Ask) -> Outcome {
        let mut outcome = Outcome {
            submitted: Instant::now(),
            started: false,
            arrivals: Vec::new(),
            text: String::new(),
            counts: Counts::default(),
            ending: Ending::Whole,
            freed: None,
            tokens: ask.tokens.clone(),
        };
        let deadline = outcome.submitted + ask.deadline;
        let cancel = match ask.cancel_at {
            Some(CancelAt::Time(after)) => outcome.submitted + after,
            _ => deadline,
        };
        // An endpoint that says nothing is left here. A model ends its request by itself, and tells so.
        let patience = match self.kind {
            Kind::Endpoint(_) => deadline.min(cancel),
            Kind::Model(_) => deadline + MODEL_PATIENCE,
        };
        let read = timeout_at(patience, self.read(&ask, &mut outcome)).await;
        match read {
            Ok(Ok(())) => {}
            Ok(Err(error)) => outcome.ending = Ending::Failed(format!("{error:#}")),
            Err(_) if cancel < deadline => outcome.ending = Ending::Cancelled,
            Err(_) => outcome.ending = Ending::Late,
        }
        outcome
    }

    async fn read(&self, ask: &Ask, outcome: &mut Outcome) -> anyhow::Result<()> {
        let Reply { mut events, cancel } = self.open(ask, &mut outcome.submitted).await?;
        let mut cancelled: Option<Instant> = None;
        loop {
            let (due, wait) = match ask.cancel_at {
                _ if cancelled.is_some() => (false, None),
                Some(CancelAt::Text(pieces)) => (outcome.arrivals.len() >= pieces as usize, None),
                Some(CancelAt::Time(after)) => (false, Some(outcome.submitted + after)),
                None => (false, None),
            };
            let event = if due {
                None
            } else {
                tokio::select! {
                    event = events.next() => {
                        Some(event.ok_or_else(|| anyhow!("reply ended without its end being told"))??)
                    }
                    () = sleep_until(wait.unwrap_or(outcome.submitted)), if wait.is_some() => None,
                }
            };
            match event {
                None => {
                    cancelled = Some(Instant::now());
                    outcome.ending = Ending::Cancelled;
                    match &cancel {
                        Some(cancel) => cancel.cancel(),
                        // Dropping the stream closes the connection, which is all that a server is told.
                        None => return Ok(()),
                    }
                }
                Some(Event::Started) => outcome.started = true,
                Some(Event::Text(text)) => {
                    outcome.arrivals.push(Instant::now());
                    outcome.text.push_str(&text);
                }
                Some(Event::Done(counts)) => {
                    outcome.counts = counts;
                    outcome.freed = cancelled.map(|at| at.elapsed());
                    if counts.late {
                        outcome.ending = Ending::Late;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Sends the request. What can be prepared before is not part of the measured time.
    async fn open(&self, ask: &Ask, submitted: &mut Instant) -> anyhow::Result<Reply> {
        match &self.kind {
            Kind::Endpoint(endpoint) => {
                let request = endpoint.prepare(ask, self.tokenizer.as_deref())?;
                *submitted = Instant::now();
                endpoint.send(request).await
            }
            Kind::Model(model) => {
                let request = generate_request(ask);
                *submitted = Instant::now();
                let generation = model.generate(request).await?;
                let cancel = Some(generation.cancel_handle());
                let events = generation.map(|chunk| Ok(event_of(chunk?))).boxed();
                Ok(Reply { events, cancel })
            }
        }
    }
}

fn generate_request(ask: &Ask) -> GenerateRequest {
    GenerateRequest {
        request_id: ask.id.clone(),
        conversation_key: ask.conversation.clone(),
        adapter: None,
        messages: ask.messages.clone(),
        resume: Vec::new(),
        grammar: ask
            .schema
            .map(|schema| Grammar::JsonSchema(without_spaces(schema)))
            .or(ask.lark.clone().map(Grammar::Lark)),
        max_tokens: ask.output_max,
        temperature: 0.0,
        top_p: 1.0,
        deadline: ask.deadline,
        priority: Priority::Interactive,
    }
}

/// Tells llguidance to allow no white space, of which JSON allows any amount and a random model likes to write.
fn without_spaces(schema: &str) -> String {
    match schema.strip_prefix('{') {
        Some(rest) => format!(r#"{{"x-guidance":{{"whitespace_flexible":false}},{rest}"#),
        None => schema.to_owned(),
    }
}

fn event_of(chunk: Chunk) -> Event {
    match chunk {
        Chunk::Started { .. } => Event::Started,
        Chunk::Text { text, .. } => Event::Text(text),
        Chunk::Done(completion) => Event::Done(Counts {
            prompt: Some(completion.usage.prompt_tokens.into()),
            cached: Some(completion.usage.cached_tokens.into()),
            output: Some(completion.usage.output_tokens.into()),
            late: completion.finish == Finish::Deadline,
        }),
    }
}
