//! The contract between Mercer and its models: messages in, chunks out.
//!
//! The in-process engine and a remote worker pool implement the same traits. Types that hold text print lengths
//! only in `Debug`, because the text is a customer's or about one.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use mercer_schemas::{
    ChatMessage, Role,
    worker::{Finish, Grammar, ModelInfo, Priority, Timings, Usage},
};

use crate::{Error, Generation, grammar};

/// What to generate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// Names the request; seeds its sampling together with the token's index.
    pub request_id: String,
    /// The key under which the conversation's cache is kept for the next request. Never logged.
    pub conversation_key: String,
    /// The LoRA adapter to compute with, by its name; none takes the model as it is.
    pub adapter: Option<String>,
    /// The whole conversation so far, oldest first.
    pub messages: Vec<ChatMessage>,
    /// Output tokens that exist already, from an attempt that broke off: the model goes on behind them. They are part
    /// of the completion but are not streamed again.
    pub resume: Vec<u32>,
    /// What the output must look like; free text when absent.
    pub grammar: Option<Grammar>,
    /// At most this many output tokens, those in `resume` among them; at least 1.
    pub max_tokens: u32,
    /// 0 takes the likeliest token each time; 1 samples from the model's own distribution.
    pub temperature: f32,
    /// Samples from the likeliest tokens that together hold this probability, in `(0, 1]`.
    pub top_p: f32,
    /// Time from submission until the generation is ended with what there is.
    pub deadline: Duration,
    /// The class of the request.
    pub priority: Priority,
}

impl GenerateRequest {
    /// Checks what no model can do.
    ///
    /// # Errors
    /// [`Error::Request`] says what is senseless, [`Error::Grammar`] what is too large to be compiled.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.max_tokens == 0 {
            return Err(Error::Request("max_tokens is 0"));
        }
        if self.resume.len() >= self.max_tokens as usize {
            return Err(Error::Request("as many tokens are resumed as it may have"));
        }
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return Err(Error::Request("temperature is not a number from 0 up"));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::Request("top_p is not in (0, 1]"));
        }
        if let Some(grammar) = &self.grammar {
            grammar::check_limits(grammar).map_err(Error::Grammar)?;
        }
        Ok(())
    }
}

/// A finished generation.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The text of all output tokens.
    pub text: String,
    /// The output tokens, without the end token.
    pub tokens: Vec<u32>,
    /// Why it ended. Only [`Finish::Stop`] is a complete text.
    pub finish: Finish,
    /// Tokens taken.
    pub usage: Usage,
    /// Time taken.
    pub timings: Timings,
    /// SHA-256 of the prompt's token ids, each as four little-endian bytes; hexadecimal.
    pub prompt_sha256: String,
    /// Name of the model and the first 12 digits of its file's SHA-256, as in `name@0123456789ab`.
    pub model: String,
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("bytes", &self.text.len())
            .field("finish", &self.finish)
            .field("usage", &self.usage)
            .field("timings", &self.timings)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// A part of a generation, in order: `Started`, any number of `Text`, `Done`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chunk {
    /// The prompt is being computed.
    Started {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Tokens of it that need no computing.
        cached_tokens: u32,
    },
    /// Text that was added; always whole characters.
    Text {
        /// The text.
        text: String,
        /// The tokens it came from.
        tokens: Vec<u32>,
    },
    /// The end.
    Done(Completion),
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started {
                prompt_tokens,
                cached_tokens,
            } => write!(f, "Started({prompt_tokens} tokens, {cached_tokens} cached)"),
            Self::Text { text, tokens } => {
                write!(f, "Text({} bytes, {} tokens)", text.len(), tokens.len())
            }
            Self::Done(completion) => f.debug_tuple("Done").field(completion).finish(),
        }
    }
}

/// A model that continues a conversation.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Returns what is known about the model. A pool's model may change while it runs.
    fn info(&self) -> Arc<ModelInfo>;

    /// Tells whether it ended by a fault, so that every request is answered with [`Error::Stopped`]. A pool never does:
    /// another worker may come.
    fn has_ended(&self) -> bool {
        false
    }

    /// Tells whether its engine hangs in a step, so that a request is answered with [`Error::Stalled`] until the step
    /// ends. A pool's never does: routing leaves such workers out.
    fn is_stalled(&self) -> bool {
        false
    }

    /// Submits a request and returns its stream of chunks. Dropping the stream cancels the generation.
    ///
    /// # Errors
    /// [`Error::Busy`] when nobody can take the request now, [`Error::Grammar`], [`Error::Template`],
    /// [`Error::PromptTooLong`] and [`Error::Request`] when nobody ever can, [`Error::Stopped`] when the model is gone and
    /// [`Error::Stalled`] while its engine hangs.
    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error>;
}

/// What is known about an embedding model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderInfo {
    /// Name and the first 12 digits of the file's SHA-256: vectors with another id must not be compared.
    pub id: String,
    /// Numbers in a vector.
    pub dim: usize,
}

/// A model that turns texts into vectors of length 1.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Returns what is known about the model.
    fn info(&self) -> &EmbedderInfo;

    /// Returns one L2-normalised vector for each text, in order. A long text is cut to the model's context.
    ///
    /// # Errors
    /// [`Error::Decode`] when the model could not compute a batch, [`Error::Stopped`] when the model is gone.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error>;
}

/// A model that says how well documents answer a query.
#[async_trait]
pub trait Reranker: Send + Sync {
    /// Returns its name and the first 12 digits of its file's SHA-256: scores of another one cannot be compared.
    fn id(&self) -> &str;

    /// Returns a score for each document, in order; more is better, and nothing else is to be read off. A long text is cut
    /// to the model's context.
    ///
    /// # Errors
    /// [`Error::Decode`] when the model could not compute a batch, [`Error::Stopped`] when the model is gone.
    async fn scores(&self, query: &str, documents: Vec<String>) -> Result<Vec<f32>, Error>;
}
