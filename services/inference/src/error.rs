//! What can go wrong with a model, told so that a caller can choose what to do.
//!
//! No variant prints prompt, grammar or reply text: those hold customers' words.

use std::{fmt, path::PathBuf, time::Duration};

/// A failure of loading or using a model.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The model file cannot be used; start-up must stop here.
    #[error("cannot use model file {}: {problem}; {fix}", path.display())]
    ModelFile {
        /// The file as configured.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What a person can do about it.
        fix: String,
    },
    /// A setting is out of range.
    #[error("setting {key} {problem}")]
    Config {
        /// The name of the field of the configuration.
        key: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// There is no room now; the same request may succeed later.
    #[error("model is busy: {0}")]
    Busy(BusyReason),
    /// The request cannot be served by any state of this model.
    #[error("request is invalid: {0}")]
    Request(&'static str),
    /// The prompt and at least one token of output do not fit into the context.
    #[error("prompt of {tokens} tokens does not fit into a context of {limit}")]
    PromptTooLong {
        /// Tokens of the prompt, or its bytes divided by 32 where it was not worth counting.
        tokens: usize,
        /// Tokens that one conversation may hold.
        limit: usize,
    },
    /// The chat template refused or lost a message.
    #[error("chat template does not render the messages: {0}")]
    Template(String),
    /// The grammar does not compile.
    #[error("grammar does not compile: {0}")]
    Grammar(GrammarFault),
    /// The grammar failed while it was in use; only this request ends.
    #[error("grammar failed at output token {token}")]
    Matcher {
        /// Index of the output token that could not be chosen or consumed.
        token: usize,
    },
    /// llama.cpp refused a batch.
    #[error("llama.cpp could not compute the batch: {0}")]
    Decode(String),
    /// No answer came in the time that there was.
    #[error("no answer came before the deadline")]
    Deadline,
    /// The thread that owns the model has ended; the model must be loaded again.
    #[error("inference engine has stopped")]
    Stopped,
    /// The thread that owns the model has been in one step for longer than any can take.
    #[error("inference engine hangs")]
    Stalled,
}

/// Where the room ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusyReason {
    /// As many requests wait as are allowed to.
    QueueFull,
    /// The key-value cache is full of conversations that are being served.
    CacheFull,
    /// No worker of the pool is there, or NATS is not.
    NoWorker,
    /// Every worker of the pool is too busy to begin before the deadline.
    TooLate {
        /// When asking again may help.
        retry_after: Duration,
    },
}

impl fmt::Display for BusyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "its queue is full",
            Self::CacheFull => "its cache is full of running conversations",
            Self::NoWorker => "no worker is there",
            Self::TooLate { .. } => "no worker can begin before the deadline",
        })
    }
}

/// Why a grammar was refused. `Display` and `Debug` tell the category only.
#[derive(Clone)]
pub struct GrammarFault {
    category: &'static str,
    detail: String,
}

impl GrammarFault {
    pub(crate) fn new(category: &'static str, detail: impl Into<String>) -> Self {
        Self {
            category,
            detail: detail.into(),
        }
    }

    /// Returns the compiler's own message. It quotes the grammar, which may hold a customer's words: for tests
    /// and a developer's terminal, never for a log.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for GrammarFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.category)
    }
}

impl fmt::Debug for GrammarFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrammarFault")
            .field("category", &self.category)
            .field("detail_bytes", &self.detail.len())
            .finish()
    }
}
