//! Playing written dialogues against a running Mercer and judging the answers.
//!
//! A dialogue goes the whole way of a real one: signed WhatsApp webhook in, reply out through a
//! Graph API that this process plays. Judging reads the conversation's log and the stores.

pub(crate) mod dialogue;
pub(crate) mod driver;
pub(crate) mod graph;
mod grounding;
pub(crate) mod judge;
pub(crate) mod play;
pub(crate) mod report;
pub(crate) mod shelf;
pub(crate) mod stage;
mod wording;
mod yaml;
