//! The state of a conversation: nothing but its events, folded.

use std::collections::BTreeMap;

use mercer_schemas::{
    Channel, CustomerId, DeliveryStatus, DraftSource, Evidence, Handle, MessageId, Personal, Plan,
    RecordKey, TurnId,
};
use serde::{Deserialize, Serialize};

/// Sent messages whose delivery is still followed; older ones are forgotten.
pub(crate) const FOLLOWED_MESSAGES_MAX: usize = 64;

/// A conversation as it stands.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// Where the conversation takes place; none before its first message.
    pub origin: Option<Origin>,
    /// The customer, once identity is proven.
    pub customer: Option<CustomerId>,
    /// Turns that are still part of the prompt, oldest first.
    pub past: Vec<PastTurn>,
    /// Products and variants of the latest evidence that showed any.
    pub shown: Vec<(Handle, RecordKey)>,
    /// What is going on.
    pub phase: Phase,
    /// Reports on the latest sent messages; none = no report yet.
    pub deliveries: BTreeMap<MessageId, Option<DeliveryStatus>>,
    /// Turns ended so far.
    pub turns_ended: u64,
    /// The last turn that ended.
    pub last_ended: Option<TurnId>,
    /// Whether that turn ended because what it needed could not be read. Absent in older snapshots.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_turn_failed: bool,
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
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Waiting for the customer.
    #[default]
    Idle,
    /// The model plans.
    Planning {
        /// The turn.
        turn: Turn,
    },
    /// Tools run.
    Gathering {
        /// The turn.
        turn: Turn,
        /// What is to be run.
        plan: Plan,
    },
    /// The model writes.
    Composing {
        /// The turn.
        turn: Turn,
        /// What was run.
        plan: Plan,
        /// What was found.
        evidence: Vec<Evidence>,
        /// Whether a first draft was blocked.
        repair: bool,
    },
    /// Guardrails look at a draft.
    Checking {
        /// The turn.
        turn: Turn,
        /// What was run.
        plan: Plan,
        /// What was found.
        evidence: Vec<Evidence>,
        /// The draft, references unfilled.
        draft: Personal<String>,
        /// Where it came from.
        source: DraftSource,
    },
    /// A person answers; Mercer is silent.
    WithPerson,
}

impl Phase {
    /// Returns the phase's name as stored beside the conversation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Planning { .. } => "planning",
            Self::Gathering { .. } => "gathering",
            Self::Composing { .. } => "composing",
            Self::Checking { .. } => "checking",
            Self::WithPerson => "with_person",
        }
    }

    /// Returns the running turn, if one runs.
    pub fn turn(&self) -> Option<&Turn> {
        match self {
            Self::Planning { turn }
            | Self::Gathering { turn, .. }
            | Self::Composing { turn, .. }
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
    /// Raised for every message that is merged in; effects of an earlier attempt are stale.
    pub attempt: u32,
    /// The customer's words of the whole turn.
    pub words: Personal<String>,
}

/// A finished exchange, as it stands in the prompt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTurn {
    /// The customer's words.
    pub words: Personal<String>,
    /// The plan that was carried out.
    pub plan: Plan,
    /// What it found.
    pub evidence: Vec<Evidence>,
    /// The reply with references unfilled, or a person's words.
    pub reply: Personal<String>,
}
