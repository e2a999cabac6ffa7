//! Effects: what a conversation wants from the world, derived from its state alone.
//!
//! Because an effect follows from the state, a restart finds unfinished effects by looking, and
//! runs them again under the same id.

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::{
    ChatMessage, CustomerId, DocumentId, EffectId, Evidence, Handle, Identity, Personal, Plan,
    RecordKey, Settings,
};

use crate::grammar::TurnGrammar;
use crate::intent::IntentQuestion;
use crate::rounds::Rounds;
use crate::state::{Phase, State};
use crate::tools::product_details;
use crate::{grammar, intent, prompt, replies};

/// A wish towards the world. Exactly one is open while a turn runs.
#[derive(Clone, PartialEq)]
pub enum Effect {
    /// Let the model write on, calls or the reply; answered by `Generated`.
    Generate {
        /// Identifies the wish.
        id: EffectId,
        /// The whole prompt; it extends that of the round before.
        prompt: Vec<ChatMessage>,
        /// All that may be written now.
        grammar: TurnGrammar,
        /// What a classifier may narrow a turn's first calls by; none later.
        question: Option<IntentQuestion>,
        /// Most tokens to write.
        tokens_max: u32,
        /// Whether a first draft was blocked, so another wording is wanted.
        repair: bool,
    },
    /// Run the plan's tools; answered by `ToolsAnswered`.
    CallTools {
        /// Identifies the wish.
        id: EffectId,
        /// What the tools are told.
        lookup: Lookup,
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
    /// Records whose handles are taken: those of earlier rounds of the turn, or, where calls have free
    /// words, of all that the prompt shows.
    pub found: Vec<(Handle, RecordKey)>,
    /// Whether calls have free words, and what is found comes with what it was asked for.
    pub is_open: bool,
    /// Policies, questions and promotions that the turn before drew on.
    pub spoken_of: Vec<DocumentId>,
    /// Records that the latest replies told, those of the last reply first.
    pub told: Vec<(Handle, RecordKey)>,
    /// Passages of policies that the prompt shows, where calls have free words.
    pub passages: Vec<KnownPassage>,
    /// The customer, where identity is already proven.
    pub customer: Option<CustomerId>,
    /// What that rests on, and what was given towards a proof.
    pub identity: Identity,
    /// Whether lists of words that guess at a meaning are used.
    pub hints: bool,
    /// Names the attempt at the turn: a proof that several rounds look at is compared once.
    pub attempt: String,
}

/// A passage that the prompt shows.
#[derive(Clone, PartialEq)]
pub struct KnownPassage {
    /// The handle that it has.
    pub handle: Handle,
    /// Its document.
    pub document: RecordKey,
    /// The document's title, with the passage's heading.
    pub title: String,
    /// The passage's first sentence: long sections are cut into passages of one heading.
    pub first: String,
}

impl Effect {
    /// Returns the id.
    pub fn id(&self) -> &EffectId {
        match self {
            Self::Generate { id, .. }
            | Self::CallTools { id, .. }
            | Self::CheckReply { id, .. } => id,
        }
    }

    /// Returns the name used in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "write",
            Self::CallTools { .. } => "tools",
            Self::CheckReply { .. } => "check",
        }
    }
}

/// Returns the documents that the turn before drew on; where it looked up more than it told, those that its reply quoted.
fn spoken_of(state: &State) -> Vec<DocumentId> {
    let Some(past) = state.past.last() else {
        return Vec::new();
    };
    let told = replies::references(past.reply.expose());
    let documents = past.rounds.evidence().filter_map(|line| match line {
        Evidence::Record {
            handle,
            key: RecordKey::Document(id) | RecordKey::Promotion(id),
            ..
        } if state.terms.is_none() || told.contains(&handle.as_str()) => Some(id.clone()),
        _ => None,
    });
    documents.collect()
}

/// Turns back that a customer may mean without naming what they mean.
const TOLD_TURNS: usize = 4;
/// Most records that they may mean.
const TOLD_MAX: usize = 12;

/// Returns the records that the latest replies referred to: those of the last reply first, as they were named.
fn told(state: &State) -> Vec<(Handle, RecordKey)> {
    if state.terms.is_none() {
        return Vec::new();
    }
    let mut out: Vec<(Handle, RecordKey)> = Vec::new();
    for past in state.past.iter().rev().take(TOLD_TURNS) {
        let known = past.rounds.handles();
        for handle in replies::references(past.reply.expose()) {
            let record = known.iter().find(|(of, _)| of.as_str() == handle);
            out.extend(record.filter(|record| !out.contains(record)).cloned());
        }
    }
    out.truncate(TOLD_MAX);
    out
}

/// Returns the passages that the prompt shows, each once.
fn passages(state: &State) -> Vec<KnownPassage> {
    if state.terms.is_none() {
        return Vec::new();
    }
    let past = state.past.iter().map(|past| &past.rounds);
    let mut out: Vec<KnownPassage> = Vec::new();
    for line in past.chain(state.phase.rounds()).flat_map(Rounds::evidence) {
        if let Evidence::Record {
            handle,
            key,
            fields,
            ..
        } = line
            && let Some(title) = value_of(fields, field::TITLE)
            && let Some(first) = value_of(fields, field::SENTENCES[0])
            && out.iter().all(|known| known.handle != *handle)
        {
            out.push(KnownPassage {
                handle: handle.clone(),
                document: key.clone(),
                title: title.text(""),
                first: first.text(""),
            });
        }
    }
    out
}

/// Returns the effect that the state waits for, if any.
pub fn wanted(state: &State, settings: &Settings) -> Option<Effect> {
    let state = &*state.as_read(settings);
    let id = open_effect(&state.phase)?;
    match &state.phase {
        Phase::Idle | Phase::WithPerson => None,
        Phase::Writing {
            turn,
            rounds,
            reply_only,
            repair,
        } => Some(Effect::Generate {
            id,
            prompt: prompt::next(state, turn, rounds, settings),
            grammar: grammar::turn(state, turn, rounds, *reply_only, settings.hints),
            question: (rounds.is_empty() && !reply_only).then(|| intent::question(state, turn)),
            tokens_max: settings.output_tokens_max,
            repair: *repair,
        }),
        Phase::Gathering { turn, rounds, plan } => Some(Effect::CallTools {
            id,
            lookup: Lookup {
                plan: plan.clone(),
                words: turn.said().into(),
                shown: match state.terms {
                    Some(_) => state.known(),
                    None => [state.shown.clone(), product_details::earlier(state)].concat(),
                },
                found: match state.terms {
                    Some(_) => state.known(),
                    None => rounds.handles(),
                },
                is_open: state.terms.is_some(),
                spoken_of: spoken_of(state),
                told: told(state),
                passages: passages(state),
                customer: state.customer.clone(),
                identity: state.identity.clone(),
                hints: settings.hints && state.terms.is_none(),
                attempt: EffectId::new(&turn.id, "tools", turn.attempt).to_string(),
            },
        }),
        Phase::Checking {
            turn,
            rounds,
            draft,
            source,
        } => Some(Effect::CheckReply {
            id,
            draft: draft.clone(),
            evidence: rounds.all_evidence(),
            words: turn.said().into(),
            by_model: *source != mercer_schemas::DraftSource::Template,
        }),
    }
}

/// Returns the id of the effect that the phase waits for.
pub fn open_effect(phase: &Phase) -> Option<EffectId> {
    use mercer_schemas::DraftSource::{Model, Repair, Template};
    let (turn, step) = match phase {
        Phase::Idle | Phase::WithPerson => return None,
        Phase::Writing {
            turn, repair: true, ..
        } => (turn, "repair".to_owned()),
        // What had nothing more to call writes again, in the same round.
        Phase::Writing {
            turn,
            rounds,
            reply_only: true,
            ..
        } => (turn, format!("reply{}", rounds.len())),
        Phase::Writing { turn, rounds, .. } => (turn, format!("write{}", rounds.len())),
        Phase::Gathering { turn, rounds, .. } => (turn, format!("tools{}", rounds.len())),
        Phase::Checking { turn, source, .. } => {
            let step = match source {
                Model => "check",
                Repair => "check-repair",
                Template => "check-template",
            };
            (turn, step.to_owned())
        }
    };
    Some(EffectId::new(&turn.id, &step, turn.attempt))
}
