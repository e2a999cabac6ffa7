//! Letting the model write: one generation from its beginning to its end.

use std::time::{Duration, Instant};

use futures::StreamExt;
use mercer_inference::{Chunk, Completion, Finish, GenerateRequest, Generation, Grammar, Priority};
use mercer_schemas::{ChatMessage, EffectId, Generated, Personal};

use super::early::EarlySentences;
use super::{FailureCause, Scope};
use crate::timer::within;

/// Likeliest words on the first try; some freedom when a first wording was blocked.
pub(super) const TEMPERATURE: f32 = 0.0;
pub(super) const TEMPERATURE_REPAIR: f32 = 0.7;
const TOP_P: f32 = 0.95;

/// What the model is to write.
pub(super) struct Writing {
    pub(super) messages: Vec<ChatMessage>,
    /// Lark grammar of all that it may write.
    pub(super) grammar: String,
    pub(super) tokens_max: u32,
    pub(super) temperature: f32,
    /// Whether watchers see sentences while the rest is written.
    pub(super) show_sentences: bool,
}

/// Runs the model to its end.
pub(super) async fn generation(
    scope: Scope<'_>,
    id: &EffectId,
    writing: Writing,
) -> Result<Generated, FailureCause> {
    let context = scope.context;
    let started = Instant::now();
    let show = writing.show_sentences;
    let request = request(scope, id, writing);
    let deadline = request.deadline + Duration::from_secs(1);
    // To begin takes time as well: a prompt is rendered, a grammar compiled, a worker found.
    let written = async {
        let asked = context.services.chat.generate(request).await;
        let generation = asked.map_err(|error| {
            tracing::warn!(%error, "generation refused");
            FailureCause::ModelRefused
        })?;
        follow(scope, generation, show, started).await
    };
    let (completion, first_token_ms) = within(&*context.timer, deadline, written)
        .await
        .ok_or(FailureCause::Deadline)??;
    match completion.finish {
        Finish::Stop => Ok(generated(completion, first_token_ms, started)),
        Finish::Length => Err(FailureCause::Length),
        Finish::Cancelled => Err(FailureCause::Cancelled),
        Finish::Deadline => Err(FailureCause::Deadline),
    }
}

fn request(scope: Scope<'_>, id: &EffectId, writing: Writing) -> GenerateRequest {
    let Scope { context, turn, .. } = scope;
    GenerateRequest {
        request_id: id.to_string(),
        conversation_key: turn.stream.conversation.to_string(),
        adapter: context.config.adapters.get(&turn.stream.shop).cloned(),
        messages: writing.messages,
        resume: Vec::new(),
        grammar: Some(Grammar::Lark(writing.grammar)),
        max_tokens: writing.tokens_max,
        temperature: writing.temperature,
        top_p: TOP_P,
        deadline: context.config.generation,
        priority: Priority::Interactive,
    }
}

async fn follow(
    scope: Scope<'_>,
    mut generation: Generation,
    show: bool,
    started: Instant,
) -> Result<(Completion, u32), FailureCause> {
    let mut first_token_ms = None;
    let mut early = EarlySentences::new(scope, show);
    while let Some(chunk) = generation.next().await {
        match chunk {
            Ok(Chunk::Started { .. }) => {}
            Ok(Chunk::Text { text, .. }) => {
                first_token_ms.get_or_insert_with(|| elapsed_ms(started));
                early.push(&text).await;
            }
            Ok(Chunk::Done(completion)) => {
                return Ok((
                    completion,
                    first_token_ms.unwrap_or_else(|| elapsed_ms(started)),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "generation failed");
                return Err(FailureCause::ModelError);
            }
        }
    }
    Err(FailureCause::ModelError)
}

fn generated(completion: Completion, first_token_ms: u32, started: Instant) -> Generated {
    Generated {
        text: Personal::new(completion.text),
        model: completion.model,
        prompt_sha256: completion.prompt_sha256,
        prompt_tokens: completion.usage.prompt_tokens,
        cached_tokens: completion.usage.cached_tokens,
        output_tokens: completion.usage.output_tokens,
        first_token_ms,
        total_ms: elapsed_ms(started),
    }
    .bounded()
}

fn elapsed_ms(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}
