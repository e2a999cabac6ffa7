//! Who writes: what proves it, how long it holds, and what was given towards a proof.
//!
//! A detail is a word of the customer's in the form in which it is compared: without case, spaces
//! and marks. Whether it fits is said by the store alone, and never told to the customer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::personal::Personal;

/// Wrong proofs of one conversation that are compared; then a person is called.
pub const WRONG_PROOFS_MAX: u32 = 5;

/// What a conversation remembers beside the customer's id.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Identity {
    /// Fingerprint of what the proof rests on: the record's contact data and whose address it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Personal<String>>,
    /// When the customer wrote last, UTC milliseconds; kept while there is anything to remember.
    pub last_message_ms: i64,
    /// What was given since the order was asked for.
    pub given: Vec<Detail>,
    /// Wrong proofs since a person last handed the conversation back.
    pub wrong: u32,
}

impl Identity {
    /// Says whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Something that was given to prove who writes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// In the form that is compared.
    pub key: Personal<String>,
    /// Whether some record of the shop has it. Only then it is compared again with a later message;
    /// a wrong one is kept to count by.
    pub fits: bool,
}

/// What the tools found out about who writes.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What was proven before does not hold any more.
    #[serde(default)]
    pub ended: bool,
    /// Fingerprint of what the identity rests on that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Personal<String>>,
    /// Details were compared, and are no proof.
    #[serde(default)]
    pub wrong: bool,
    /// What is remembered of the details.
    #[serde(default)]
    pub given: Vec<Detail>,
}

/// Why a proven identity ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityEnd {
    /// The customer did not write for a day.
    Silence,
    /// The conversation goes on from another address.
    Address,
    /// The contact data of the record have changed, or the address is somebody else's now.
    Record,
}
