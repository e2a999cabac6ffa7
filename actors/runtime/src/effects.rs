//! Carrying out effects: model, tools, guardrails. Each answers with one input, whatever happens.
//!
//! What only reads is tried again where it fails, within the time that it has; the log sees how it
//! ended and nothing of that.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::StreamExt;
use mercer_commerce::{LiveValues, Request};
use mercer_conversation::intent::IntentQuestion;
use mercer_conversation::{Effect, State};
use mercer_gateway::live::LiveEvent;
use mercer_guardrails::{Draft, check, render};
use mercer_inference::{Chunk, Completion, Finish, GenerateRequest, Generation, Grammar, Priority};
use mercer_schemas::{
    BackOff, Channel, ChatMessage, EffectId, Evidence, Generated, Input, Intent, Personal,
    PromptStyle, RecordKey, RenderedReply, Stream, TurnId, Verdict,
};
use tracing::Instrument;

use crate::context::Context;
use crate::sentences::Sentences;
use crate::shops::ShopView;
use crate::timer::within;

/// Likeliest words on the first try; some freedom when a first wording was blocked.
const TEMPERATURE: f32 = 0.0;
const TEMPERATURE_REPAIR: f32 = 0.7;
const TOP_P: f32 = 0.95;
/// Longest wait for the intent classifier: an import may keep its embedder busy.
const INTENTS_MAX: Duration = Duration::from_secs(1);

/// An effect's answer.
pub(crate) struct Outcome {
    pub(crate) input: Input,
    /// Versions that must still hold when the answer is committed.
    pub(crate) expect_versions: Vec<(RecordKey, i64)>,
}

impl From<Input> for Outcome {
    fn from(input: Input) -> Self {
        Self {
            input,
            expect_versions: Vec::new(),
        }
    }
}

/// Why an effect failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureCause {
    /// It took too long.
    Deadline,
    /// The model did not take the request.
    ModelRefused,
    /// The model failed while it wrote.
    ModelError,
    /// The model was still writing at the most tokens.
    Length,
    /// The model was told to stop.
    Cancelled,
    /// A tool could not read what it needs.
    ToolError,
    /// What the reply is filled with could not be read.
    StoreError,
    /// Records changed faster than the reply could be filled.
    Stale,
    /// It panicked.
    Panic,
    /// It crashed the conversation repeatedly.
    Crashes,
}

impl FailureCause {
    /// Returns the stable word that is logged, counted and stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::ModelRefused => "model_refused",
            Self::ModelError => "model_error",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::ToolError => "tool_error",
            Self::StoreError => "store_error",
            Self::Stale => "stale",
            Self::Panic => "panic",
            Self::Crashes => "crashes",
        }
    }

    /// Returns what is recorded of it.
    pub(crate) fn input(self, effect: EffectId) -> Input {
        Input::EffectFailed {
            effect,
            cause: self.as_str().to_owned(),
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The turn that an effect runs for: the conversation and what it needs of its state.
#[derive(Clone)]
pub(crate) struct TurnView {
    pub(crate) stream: Stream,
    pub(crate) channel: Channel,
    pub(crate) address: Personal<String>,
    pub(crate) id: TurnId,
    /// Evidence of the turn, for sentences that are shown while the reply is written.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) words: Personal<String>,
}

impl TurnView {
    /// Takes what the state's running turn offers; none when no turn runs.
    pub(crate) fn of(stream: &Stream, state: &State) -> Option<Self> {
        let origin = state.origin.as_ref()?;
        let turn = state.phase.turn()?;
        let evidence = match &state.phase {
            mercer_conversation::Phase::Composing { evidence, .. } => evidence.clone(),
            _ => Vec::new(),
        };
        Some(Self {
            stream: stream.clone(),
            channel: origin.channel,
            address: origin.address.clone(),
            id: turn.id.clone(),
            evidence,
            words: turn.words.clone(),
        })
    }
}

/// Carries an effect out. Never fails: a failure is an input too.
pub(crate) async fn perform(
    context: Context,
    turn: TurnView,
    view: std::sync::Arc<ShopView>,
    effect: Effect,
) -> Outcome {
    let started = Instant::now();
    let id = effect.id().clone();
    let stage = effect.name();
    let span = tracing::info_span!("effect", effect.id = %id, conversation.id = %turn.stream.conversation, shop.id = %turn.stream.shop);
    let outcome = run(&context, &turn, &view, effect)
        .instrument(span)
        .await
        .unwrap_or_else(|cause| {
            tracing::warn!(effect.id = %id, %cause, "effect failed");
            metrics::counter!("mercer_effect_failures_total", "stage" => stage, "cause" => cause.as_str())
                .increment(1);
            cause.input(id).into()
        });
    metrics::histogram!("mercer_turn_stage_seconds", "stage" => stage)
        .record(started.elapsed().as_secs_f64());
    outcome
}

async fn run(
    context: &Context,
    turn: &TurnView,
    view: &ShopView,
    effect: Effect,
) -> Result<Outcome, FailureCause> {
    match effect {
        Effect::GeneratePlan {
            id,
            prompt,
            grammar,
            question,
            tokens_max,
        } => {
            let intents = likely_intents(context, view, &question).await;
            let request = request(
                context,
                turn,
                &id,
                prompt,
                grammar.lark(&intents),
                tokens_max,
                TEMPERATURE,
            );
            let output = generate(context, turn, view, request, false).await?;
            Ok(Input::PlanGenerated {
                effect: id,
                output,
                intents,
            }
            .into())
        }
        Effect::CallTools {
            id,
            plan,
            words,
            shown,
            spoken_of,
            customer,
            identity,
            hints,
        } => {
            let answer = looked_up(context, FailureCause::ToolError, || async {
                let request = Request {
                    shop: &view.shop,
                    channel: turn.channel,
                    address: &turn.address,
                    customer: customer.as_ref(),
                    identity: &identity,
                    attempt: id.as_str(),
                    shown: &shown,
                    spoken_of: &spoken_of,
                    plan: &plan,
                    words: &words,
                    hints,
                    at_ms: context.services.clock.now_ms(),
                };
                context.services.tools.run(&request).await
            })
            .await?;
            Ok(Input::ToolsAnswered {
                effect: id,
                evidence: answer.evidence,
                identified: answer.identified,
                proof: answer.proof,
            }
            .into())
        }
        Effect::GenerateReply {
            id,
            prompt,
            grammar,
            tokens_max,
            repair,
        } => {
            let temperature = if repair {
                TEMPERATURE_REPAIR
            } else {
                TEMPERATURE
            };
            let request = request(context, turn, &id, prompt, grammar, tokens_max, temperature);
            let output = generate(
                context,
                turn,
                view,
                request,
                turn.channel.capabilities().shows_sentences,
            )
            .await?;
            Ok(Input::ReplyGenerated { effect: id, output }.into())
        }
        Effect::CheckReply {
            id,
            draft,
            evidence,
            words,
            by_model: _,
        } => {
            let (verdicts, reply, versions) =
                check_reply(context, view, &draft, &evidence, &words).await?;
            for verdict in &verdicts {
                metrics::counter!(
                    "mercer_guardrail_verdicts_total",
                    "rule" => verdict.rule.clone(),
                    "passed" => if verdict.passed { "true" } else { "false" }
                )
                .increment(1);
            }
            Ok(Outcome {
                input: Input::ReplyChecked {
                    effect: id,
                    verdicts,
                    reply,
                },
                expect_versions: versions,
            })
        }
    }
}

/// Reads until it succeeds, as long as the tools have time.
async fn looked_up<T, E, R>(
    context: &Context,
    cause: FailureCause,
    read: impl Fn() -> R,
) -> Result<T, FailureCause>
where
    E: fmt::Display,
    R: Future<Output = Result<T, E>>,
{
    let timer = &*context.timer;
    let end = timer.now() + context.config.tools;
    let mut failures = 0;
    loop {
        let left = end.saturating_duration_since(timer.now());
        let error = match within(timer, left, read()).await {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => error,
            None => return Err(FailureCause::Deadline),
        };
        failures += 1;
        let wait = BackOff::LOOK_UP.wait(failures, rand::random());
        tracing::warn!(%error, failures, %cause, "look-up failed");
        if timer.now() + wait >= end {
            return Err(cause);
        }
        metrics::counter!("mercer_look_up_retries_total", "cause" => cause.as_str()).increment(1);
        timer.sleep(wait).await;
    }
}

/// Asks the classifier, if there is one, which intents the plan should be narrowed to. A model that
/// was not trained on our prompts plans better than the classifier does and is left alone.
async fn likely_intents(
    context: &Context,
    view: &ShopView,
    question: &IntentQuestion,
) -> Vec<Intent> {
    let Some(classifier) = &context.services.intents else {
        return Vec::new();
    };
    if view.settings.prompt_style != PromptStyle::Compact {
        return Vec::new();
    }
    let likely = classifier.likely(&question.words, &question.features);
    match within(&*context.timer, INTENTS_MAX, likely).await {
        Some(Ok(intents)) => return intents,
        Some(Err(error)) => {
            tracing::warn!(%error, "intent classifier failed; the plan is not narrowed");
        }
        None => tracing::warn!("intent classifier is late; the plan is not narrowed"),
    }
    Vec::new()
}

fn request(
    context: &Context,
    turn: &TurnView,
    id: &EffectId,
    messages: Vec<ChatMessage>,
    grammar: String,
    max_tokens: u32,
    temperature: f32,
) -> GenerateRequest {
    GenerateRequest {
        request_id: id.to_string(),
        conversation_key: turn.stream.conversation.to_string(),
        adapter: context.config.adapters.get(&turn.stream.shop).cloned(),
        messages,
        resume: Vec::new(),
        grammar: Some(Grammar::Lark(grammar)),
        max_tokens,
        temperature,
        top_p: TOP_P,
        deadline: context.config.generation,
        priority: Priority::Interactive,
    }
}

/// Runs the model to its end. With `show`, sentences are shown to watchers as they pass the check.
async fn generate(
    context: &Context,
    turn: &TurnView,
    view: &ShopView,
    request: GenerateRequest,
    show: bool,
) -> Result<Generated, FailureCause> {
    let started = Instant::now();
    let deadline = request.deadline + Duration::from_secs(1);
    // To begin takes time as well: a prompt is rendered, a grammar compiled, a worker found.
    let written = async {
        let asked = context.services.chat.generate(request).await;
        let generation = asked.map_err(|error| {
            tracing::warn!(%error, "generation refused");
            FailureCause::ModelRefused
        })?;
        follow(context, turn, view, generation, show, started).await
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

async fn follow(
    context: &Context,
    turn: &TurnView,
    view: &ShopView,
    mut generation: Generation,
    show: bool,
    started: Instant,
) -> Result<(Completion, u32), FailureCause> {
    let mut first_token_ms = None;
    let mut sentences = Sentences::default();
    let live = match show {
        true => LiveValues::read(
            &context.services.store,
            &view.shop,
            &turn.evidence,
            context.services.clock.now_ms(),
        )
        .await
        .ok(),
        false => None,
    };
    while let Some(chunk) = generation.next().await {
        match chunk {
            Ok(Chunk::Started { .. }) => {}
            Ok(Chunk::Text { text, .. }) => {
                first_token_ms.get_or_insert_with(|| elapsed_ms(started));
                let Some(live) = &live else { continue };
                for sentence in sentences.push(&text) {
                    show_sentence(context, turn, view, live, &sentence);
                }
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

/// A sentence that breaks a rule is simply not shown early; the whole reply is checked again.
fn show_sentence(
    context: &Context,
    turn: &TurnView,
    view: &ShopView,
    live: &LiveValues,
    sentence: &str,
) {
    let verdicts = check(sentence, &turn.evidence, turn.words.expose(), &view.policy);
    if verdicts.iter().any(|verdict| !verdict.passed) {
        return;
    }
    let rendered = Draft::parse(sentence)
        .ok()
        .and_then(|draft| render(&draft, live));
    if let Some(reply) = rendered {
        let event = LiveEvent::Sentence {
            turn: turn.id.clone(),
            text: reply.text,
        };
        context
            .services
            .live
            .publish(&turn.stream.conversation, event);
    }
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

type Checked = (Vec<Verdict>, Option<RenderedReply>, Vec<(RecordKey, i64)>);

/// Checks the draft, then fills it from one fresh read of the stores.
async fn check_reply(
    context: &Context,
    view: &ShopView,
    draft: &Personal<String>,
    evidence: &[Evidence],
    words: &Personal<String>,
) -> Result<Checked, FailureCause> {
    let mut verdicts = check(draft.expose(), evidence, words.expose(), &view.policy);
    if verdicts.iter().any(|verdict| !verdict.passed) {
        return Ok((verdicts, None, Vec::new()));
    }
    let live = looked_up(context, FailureCause::StoreError, || async {
        let at_ms = context.services.clock.now_ms();
        LiveValues::read(&context.services.store, &view.shop, evidence, at_ms).await
    })
    .await?;
    let reply = Draft::parse(draft.expose())
        .ok()
        .and_then(|draft| render(&draft, &live));
    verdicts.push(Verdict {
        rule: "record_gone".to_owned(),
        passed: reply.is_some(),
    });
    let used: Vec<(RecordKey, i64)> = match &reply {
        Some(reply) => live
            .versions()
            .into_iter()
            .filter(|(key, _)| reply.claims.iter().any(|claim| claim.record == *key))
            .collect(),
        None => Vec::new(),
    };
    Ok((verdicts, reply, used))
}

#[cfg(test)]
mod tests;
