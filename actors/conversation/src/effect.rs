//! Effects: what a conversation wants from the world, derived from its state alone.
//!
//! Because an effect follows from the state, a restart finds unfinished effects by looking, and
//! runs them again under the same id.

use mercer_schemas::{
    ChatMessage, CustomerId, DocumentId, EffectId, Evidence, Handle, Identity, Personal, Plan,
    RecordKey, Settings,
};

use crate::grammar::PlanGrammar;
use crate::intent::IntentQuestion;
use crate::state::{Phase, State, Turn};
use crate::tools::product_details;
use crate::{grammar, intent, prompt};

/// A wish towards the world. Exactly one is open while a turn runs.
#[derive(Clone, PartialEq)]
pub enum Effect {
    /// Let the model write a plan; answered by `PlanGenerated`.
    GeneratePlan {
        /// Identifies the wish.
        id: EffectId,
        /// The whole prompt.
        prompt: Vec<ChatMessage>,
        /// All plans that are possible now.
        grammar: PlanGrammar,
        /// What a classifier may narrow the grammar by.
        question: IntentQuestion,
        /// Most tokens to write.
        tokens_max: u32,
    },
    /// Run the plan's tools; answered by `ToolsAnswered`.
    CallTools {
        /// Identifies the wish.
        id: EffectId,
        /// What the tools are told.
        lookup: Lookup,
    },
    /// Let the model write a reply; answered by `ReplyGenerated`.
    GenerateReply {
        /// Identifies the wish.
        id: EffectId,
        /// The whole prompt; it extends the plan's prompt.
        prompt: Vec<ChatMessage>,
        /// Lark grammar of all replies that the evidence admits.
        grammar: String,
        /// Most tokens to write.
        tokens_max: u32,
        /// Whether a first draft was blocked, so another wording is wanted.
        repair: bool,
    },
    /// Run the guardrails over a draft and fill its references; answered by `ReplyChecked`.
    CheckReply {
        /// Identifies the wish.
        id: EffectId,
        /// The draft.
        draft: Personal<String>,
        /// What it may refer to.
        evidence: Vec<Evidence>,
        /// The customer's words, whose numbers may be repeated.
        words: Personal<String>,
        /// Whether the model wrote it (templates and repairs are checked by the same rules).
        by_model: bool,
    },
}

/// What the tools of a plan are told.
#[derive(Clone, PartialEq)]
pub struct Lookup {
    /// What to run.
    pub plan: Plan,
    /// The customer's words of the turn.
    pub words: Personal<String>,
    /// What `p1`, `shown` or, of an earlier search, `s1` means in the plan.
    pub shown: Vec<(Handle, RecordKey)>,
    /// Policies, questions and promotions that the turn before drew on.
    pub spoken_of: Vec<DocumentId>,
    /// The customer, where identity is already proven.
    pub customer: Option<CustomerId>,
    /// What that rests on, and what was given towards a proof.
    pub identity: Identity,
    /// Whether lists of words that guess at a meaning are used.
    pub hints: bool,
}

impl Effect {
    /// Returns the id.
    pub fn id(&self) -> &EffectId {
        match self {
            Self::GeneratePlan { id, .. }
            | Self::CallTools { id, .. }
            | Self::GenerateReply { id, .. }
            | Self::CheckReply { id, .. } => id,
        }
    }

    /// Returns the name used in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GeneratePlan { .. } => "plan",
            Self::CallTools { .. } => "tools",
            Self::GenerateReply { .. } => "compose",
            Self::CheckReply { .. } => "check",
        }
    }
}

/// Returns the documents that the turn before drew on.
fn spoken_of(state: &State) -> Vec<DocumentId> {
    let evidence = state.past.last().map(|past| past.evidence.as_slice());
    let documents = evidence
        .unwrap_or_default()
        .iter()
        .filter_map(|line| match line {
            Evidence::Record {
                key: RecordKey::Document(id) | RecordKey::Promotion(id),
                ..
            } => Some(id.clone()),
            _ => None,
        });
    documents.collect()
}

/// Returns the effect that the state waits for, if any.
pub fn wanted(state: &State, settings: &Settings) -> Option<Effect> {
    let id = open_effect(&state.phase)?;
    let tokens_max = settings.output_tokens_max;
    match &state.phase {
        Phase::Idle | Phase::WithPerson => None,
        Phase::Planning { turn } => Some(Effect::GeneratePlan {
            id,
            prompt: prompt::for_plan(state, turn, settings),
            grammar: grammar::plan(state, turn, settings.hints),
            question: intent::question(state, turn),
            tokens_max,
        }),
        Phase::Gathering { turn, plan } => Some(Effect::CallTools {
            id,
            lookup: Lookup {
                plan: plan.clone(),
                words: turn.said().into(),
                shown: [state.shown.clone(), product_details::earlier(state)].concat(),
                spoken_of: spoken_of(state),
                customer: state.customer.clone(),
                identity: state.identity.clone(),
                hints: settings.hints,
            },
        }),
        Phase::Composing {
            turn,
            plan,
            evidence,
            repair,
        } => Some(Effect::GenerateReply {
            id,
            prompt: prompt::for_reply(state, turn, plan, evidence, settings),
            grammar: grammar::reply(evidence, turn.said(), settings.hints),
            tokens_max,
            repair: *repair,
        }),
        Phase::Checking {
            turn,
            evidence,
            draft,
            source,
            ..
        } => Some(Effect::CheckReply {
            id,
            draft: draft.clone(),
            evidence: evidence.clone(),
            words: turn.said().into(),
            by_model: *source != mercer_schemas::DraftSource::Template,
        }),
    }
}

/// Returns the id of the effect that the phase waits for.
pub fn open_effect(phase: &Phase) -> Option<EffectId> {
    let id = |turn: &Turn, step: &str| EffectId::new(&turn.id, step, turn.attempt);
    use mercer_schemas::DraftSource::{Model, Repair, Template};
    Some(match phase {
        Phase::Idle | Phase::WithPerson => return None,
        Phase::Planning { turn } => id(turn, "plan"),
        Phase::Gathering { turn, .. } => id(turn, "tools"),
        Phase::Composing {
            turn,
            repair: false,
            ..
        } => id(turn, "compose"),
        Phase::Composing {
            turn, repair: true, ..
        } => id(turn, "repair"),
        Phase::Checking {
            turn,
            source: Model,
            ..
        } => id(turn, "check"),
        Phase::Checking {
            turn,
            source: Repair,
            ..
        } => id(turn, "check-repair"),
        Phase::Checking {
            turn,
            source: Template,
            ..
        } => id(turn, "check-template"),
    })
}
