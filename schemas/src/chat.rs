//! A prompt as chat messages: what a model is asked, before any template is applied.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The shop's rules.
    System,
    /// The customer.
    User,
    /// Mercer: a plan, or a reply.
    Assistant,
    /// Evidence from the tools.
    Tool,
}

impl Role {
    /// Returns the role's name as chat templates spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message of a prompt. Its content may hold a customer's words, so `Debug` shows only its length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said; plain text, never template markup.
    pub content: String,
}

impl ChatMessage {
    /// Builds a message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

impl fmt::Debug for ChatMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ChatMessage({}, {} bytes)",
            self.role.as_str(),
            self.content.len()
        )
    }
}
