//! What gateways and conversation nodes tell one another over NATS. All of it may be lost: the database holds what
//! must not be, and whoever missed something looks there. On NATS each payload is behind a seal of the database's secret
//! (`services/mercer/src/seal.rs`).
//!
//! Subjects hold the pool's name only.

use serde::{Deserialize, Serialize};

use crate::ids::ConversationId;

/// Begins every subject; the number is the version of the messages.
const ROOT: &str = "mercer.v1";

/// Returns the subject of hints that a conversation has something to do. The payload is a [`crate::Stream`].
pub fn wake_subject(pool: &str) -> String {
    format!("{ROOT}.wake.{pool}")
}

/// Returns the subject of what happens in conversations right now, for chat pages. The payload is a [`Live`].
pub fn live_subject(pool: &str) -> String {
    format!("{ROOT}.live.{pool}")
}

/// Something that happens in a conversation.
#[derive(Clone, Serialize, Deserialize)]
pub struct Live<E> {
    /// The conversation.
    pub conversation: ConversationId,
    /// What happens; the gateway knows its forms.
    pub event: E,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_do_not_hear_one_another() {
        assert_eq!(wake_subject("main"), "mercer.v1.wake.main");
        assert_ne!(live_subject("main"), live_subject("test"));
        assert_ne!(live_subject("main"), wake_subject("main"));
    }
}
