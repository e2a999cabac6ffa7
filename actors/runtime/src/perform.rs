//! Carrying out effects: model, tools, guardrails. Each answers with one input, whatever happens.
//!
//! What only reads is tried again where it fails, within the time that it has; the log sees how it
//! ended and nothing of that. Each effect has a file of its name.

mod call_tools;
mod check_reply;
mod early;
mod generate;
mod generation;
mod look_up;
mod outcome;

use std::sync::Arc;
use std::time::Instant;

use mercer_conversation::{Effect, Phase, State};
use mercer_schemas::{Channel, Evidence, Personal, Stream, TurnId};
use tracing::Instrument;

pub(crate) use self::outcome::{FailureCause, Outcome};
use crate::context::Context;
use crate::shops::ShopView;

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
            Phase::Writing { rounds, .. } => rounds.all_evidence(),
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

/// What an effect runs with: the node, the turn that it runs for, and the turn's shop.
#[derive(Clone, Copy)]
struct Scope<'a> {
    context: &'a Context,
    turn: &'a TurnView,
    view: &'a ShopView,
}

/// Carries an effect out. Never fails: a failure is an input too.
pub(crate) async fn perform(
    context: Context,
    turn: TurnView,
    view: Arc<ShopView>,
    effect: Effect,
) -> Outcome {
    let started = Instant::now();
    let id = effect.id().clone();
    let stage = effect.name();
    let span = tracing::info_span!("effect", effect.id = %id, conversation.id = %turn.stream.conversation, shop.id = %turn.stream.shop);
    let scope = Scope {
        context: &context,
        turn: &turn,
        view: &view,
    };
    let outcome = run(scope, effect)
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

async fn run(scope: Scope<'_>, effect: Effect) -> Result<Outcome, FailureCause> {
    match effect {
        Effect::Generate {
            id,
            prompt,
            grammar,
            question,
            tokens_max,
            repair,
        } => generate::generate(scope, id, prompt, grammar, question, tokens_max, repair).await,
        Effect::CallTools { id, lookup } => call_tools::call_tools(scope, id, &lookup).await,
        Effect::CheckReply {
            id,
            draft,
            evidence,
            words,
            by_model: _,
        } => check_reply::check_reply(scope, id, &draft, &evidence, &words).await,
    }
}

#[cfg(test)]
mod tests;
