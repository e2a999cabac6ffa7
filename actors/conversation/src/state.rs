//! The state of a conversation: nothing but its events, folded.

use mercer_schemas::{
    Channel, CustomerId, DraftSource, Evidence, Handle, Identity, MessageId, Personal, Plan,
    PromptStyle, RecordKey, Settings, ShopTerms, TurnId,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::bounds::{TURN_CHARS_MAX, head};
use crate::deliveries::Deliveries;
use crate::rounds::Rounds;

mod stored;

use stored::StoredPhase;

/// A conversation as it stands.
///
/// It is stored in snapshots: a field that an older one lacks is empty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where the conversation takes place; none before its first message.
    pub origin: Option<Origin>,
    /// The customer, once identity is proven.
    pub customer: Option<CustomerId>,
    /// What the proof rests on, and what was given towards one. Left out where there is nothing, so
    /// that a state of older records is written as it was.
    #[serde(default, skip_serializing_if = "Identity::is_empty")]
    pub identity: Identity,
    /// The shop's names, where the model chooses from them; calls have free words then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<ShopTerms>,
    /// Turns that are still part of the prompt, oldest first.
    pub past: Vec<PastTurn>,
    /// Products and variants of the latest turn that showed any.
    pub shown: Vec<(Handle, RecordKey)>,
    /// Whether Mercer has answered, so that the customer knows that an assistant does.
    pub introduced: bool,
    /// What is going on.
    pub phase: Phase,
    /// Reports on the latest sent messages; none = no report yet.
    pub deliveries: Deliveries,
    /// Turns ended so far.
    pub turns_ended: u64,
    /// The last turn that ended.
    pub last_ended: Option<TurnId>,
    /// Whether a look-up failed, in part or whole, of the last turn that looked anything up. Absent in
    /// older snapshots.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_turn_failed: bool,
    /// When the customer was last told that Mercer reads text only, UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_unreadable_at_ms: Option<i64>,
}

/// The shop's names are learnt anew after this long without a turn or a sent message. They stand in front of
/// the prompt, so what a worker has cached of the conversation is lost with them; after a day nothing is.
const TERMS_REST_MS: i64 = 24 * 60 * 60 * 1_000;

impl State {
    /// Returns the shop's names as they are now, where the conversation learns them: it has none yet, or
    /// others, and has rested. A running turn keeps those that it began with.
    pub fn to_learn<'a>(&self, now: Option<&'a ShopTerms>, at_ms: i64) -> Option<&'a ShopTerms> {
        let has_rested = || {
            let turns = self.last_ended.iter().map(TurnId::at_ms);
            let messages = self.deliveries.messages().map(MessageId::at_ms);
            let last_ms = turns.chain(messages).max();
            self.phase.turn().is_none()
                && last_ms.is_none_or(|last_ms| at_ms.saturating_sub(last_ms) >= TERMS_REST_MS)
        };
        now.filter(|now| match &self.terms {
            None => true,
            Some(known) => known != *now && has_rested(),
        })
    }

    /// Returns the conversation as a model reads it: one that was not taught to choose from the shop's
    /// names has none, whatever answered before it.
    pub(crate) fn as_read(&self, settings: &Settings) -> Cow<'_, Self> {
        if self.terms.is_none() || settings.prompt_style == PromptStyle::Shop {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            terms: None,
            ..self.clone()
        })
    }

    /// Returns what the handles of all records stand for that the prompt still shows, each once.
    pub fn known(&self) -> Vec<(Handle, RecordKey)> {
        let past = self.past.iter().map(|past| &past.rounds);
        let mut out: Vec<(Handle, RecordKey)> = Vec::new();
        for (handle, key) in past.chain(self.phase.rounds()).flat_map(Rounds::handles) {
            // Of turns that a model of another kind had, the latest meaning counts.
            match out.iter_mut().find(|(known, _)| *known == handle) {
                Some((_, known)) => *known = key,
                None => out.push((handle, key)),
            }
        }
        out
    }
}

/// Where a conversation takes place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The channel.
    pub channel: Channel,
    /// The customer's address on it.
    pub address: Personal<String>,
}

/// What is going on.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case", from = "StoredPhase")]
pub enum Phase {
    /// Waiting for the customer.
    #[default]
    Idle,
    /// The model writes on: calls, or the reply.
    Writing {
        /// The turn.
        turn: Turn,
        /// What was called so far, and found.
        #[serde(flatten)]
        rounds: Rounds,
        /// Whether nothing more may be called, so that the reply comes next.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reply_only: bool,
        /// Whether a first draft was blocked.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        repair: bool,
    },
    /// Tools run.
    Gathering {
        /// The turn.
        turn: Turn,
        /// What was called before, and found.
        #[serde(flatten)]
        rounds: Rounds,
        /// What is to be run.
        plan: Plan,
    },
    /// Guardrails look at a draft.
    Checking {
        /// The turn.
        turn: Turn,
        /// What was called, and found.
        #[serde(flatten)]
        rounds: Rounds,
        /// The draft, references unfilled.
        draft: Personal<String>,
        /// Where it came from.
        source: DraftSource,
    },
    /// A person answers; Mercer is silent.
    WithPerson,
}

impl Phase {
    /// Names of the phases in which a turn runs. The last two stand in rows that logic versions up to 5
    /// wrote, and are read as `writing`.
    pub const RUNNING_NAMES: [&'static str; 5] =
        ["writing", "gathering", "checking", "planning", "composing"];
    /// Names of the phases in which nothing runs.
    pub const RESTING_NAMES: [&'static str; 2] = ["idle", "with_person"];

    /// Returns the phase's name as stored beside the conversation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Writing { .. } => "writing",
            Self::Gathering { .. } => "gathering",
            Self::Checking { .. } => "checking",
            Self::WithPerson => "with_person",
        }
    }

    /// Returns the rounds of the running turn, if one runs.
    pub fn rounds(&self) -> Option<&Rounds> {
        match self {
            Self::Writing { rounds, .. }
            | Self::Gathering { rounds, .. }
            | Self::Checking { rounds, .. } => Some(rounds),
            Self::Idle | Self::WithPerson => None,
        }
    }

    /// Returns the running turn, if one runs.
    pub fn turn(&self) -> Option<&Turn> {
        match self {
            Self::Writing { turn, .. }
            | Self::Gathering { turn, .. }
            | Self::Checking { turn, .. } => Some(turn),
            Self::Idle | Self::WithPerson => None,
        }
    }
}

/// A running turn.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// Raised whenever messages are merged in; effects of an earlier attempt are stale.
    pub attempt: u32,
    /// The customer's words of the whole turn.
    pub words: Personal<String>,
    /// Whether the customer wrote more than these; the reply says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Turn {
    /// Returns the words as everything reads them: records of older versions may hold more.
    pub fn said(&self) -> &str {
        head(self.words.expose(), TURN_CHARS_MAX)
    }
}

/// A finished exchange, as it stands in the prompt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTurn {
    /// The customer's words.
    pub words: Personal<String>,
    /// What was called, and found.
    #[serde(flatten)]
    pub rounds: Rounds,
    /// The reply with references unfilled, or a person's words.
    pub reply: Personal<String>,
}

impl PastTurn {
    /// Returns the customer's words as everything reads them.
    pub fn said(&self) -> &str {
        head(self.words.expose(), TURN_CHARS_MAX)
    }

    /// Says whether it ended with the customer being asked who they are.
    pub(crate) fn asked_identity(&self) -> bool {
        self.rounds
            .evidence()
            .any(|line| matches!(line, Evidence::IdentityNeeded | Evidence::OrderNotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a conversation's life, one phase after the other. A new phase does not compile here
    /// until it has its place.
    fn next(phase: &Phase) -> Option<Phase> {
        let turn = Turn {
            id: TurnId::from_parts(1, 1),
            attempt: 1,
            words: "hello".to_owned().into(),
            cut: false,
        };
        let rounds = Rounds::default();
        Some(match phase {
            Phase::Idle => Phase::Writing {
                turn,
                rounds,
                reply_only: false,
                repair: false,
            },
            Phase::Writing { .. } => Phase::Gathering {
                turn,
                rounds,
                plan: Plan::default(),
            },
            Phase::Gathering { .. } => Phase::Checking {
                turn,
                rounds,
                draft: "hello".to_owned().into(),
                source: DraftSource::Template,
            },
            Phase::Checking { .. } => Phase::WithPerson,
            Phase::WithPerson => return None,
        })
    }

    #[test]
    fn every_phase_is_named_as_running_or_resting() {
        let phases: Vec<Phase> = std::iter::successors(Some(Phase::Idle), next).collect();
        const OLD_NAMES: usize = 2;
        let named = Phase::RUNNING_NAMES.len() + Phase::RESTING_NAMES.len() - OLD_NAMES;
        assert_eq!(phases.len(), named);
        for phase in phases {
            let name = phase.name();
            assert_eq!(phase.turn().is_some(), Phase::RUNNING_NAMES.contains(&name));
            assert_eq!(phase.turn().is_none(), Phase::RESTING_NAMES.contains(&name));
        }
    }

    #[test]
    fn a_state_of_another_version_is_read_with_what_it_lacks_left_empty() {
        let state: State =
            serde_json::from_str("{\"turns_ended\": 7, \"unheard_of\": 1}").expect("read");
        let expected = State {
            turns_ended: 7,
            ..State::default()
        };
        assert!(state == expected);
    }
}
