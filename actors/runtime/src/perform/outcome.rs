//! How an effect ended.

use std::fmt;

use mercer_schemas::{EffectId, Input, RecordKey};

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
