//! The contract between Mercer and its models: messages in, chunks out.
//!
//! The in-process engine and a remote worker pool implement the same traits. Types that hold text print lengths
//! only in `Debug`, because the text is a customer's or about one.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use mercer_schemas::{ChatMessage, Role};

use crate::{Error, Generation};

/// A grammar that the output must follow, as llguidance reads it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "source", rename_all = "snake_case")]
pub enum Grammar {
    /// A Lark grammar with a `start` rule.
    Lark(String),
    /// A JSON Schema, as JSON text.
    JsonSchema(String),
}

impl fmt::Debug for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lark(source) => write!(f, "Lark({} bytes)", source.len()),
            Self::JsonSchema(source) => write!(f, "JsonSchema({} bytes)", source.len()),
        }
    }
}

/// Which request goes first when several wait. Within a class the earlier deadline wins.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A customer waits for it.
    #[default]
    Interactive,
    /// A step inside a turn that no one watches.
    Step,
    /// Evaluation, summaries, anything that can wait.
    Background,
}

/// What to generate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// Names the request; seeds its sampling together with the token's index.
    pub request_id: String,
    /// The key under which the conversation's cache is kept for the next request. Never logged.
    pub conversation_key: String,
    /// The whole conversation so far, oldest first.
    pub messages: Vec<ChatMessage>,
    /// What the output must look like; free text when absent.
    pub grammar: Option<Grammar>,
    /// At most this many output tokens; at least 1.
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

/// Why a generation ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model or the grammar said that the text is complete.
    Stop,
    /// `max_tokens` or the context's end was reached: the text may break off.
    Length,
    /// The caller cancelled: the text may break off.
    Cancelled,
    /// The deadline passed: the text may break off.
    Deadline,
}

impl Finish {
    /// Returns the name used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
        }
    }
}

/// Tokens that a generation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the prompt that were already in the cache.
    pub cached_tokens: u32,
    /// Tokens generated, without the end token.
    pub output_tokens: u32,
}

/// Where the time of a generation went, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// From submission to admission.
    pub queue_ms: f64,
    /// From admission to the first token.
    pub prefill_ms: f64,
    /// From the first token to the end.
    pub decode_ms: f64,
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

/// What is known about a chat model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `general.name` of the file, or the file's name.
    pub name: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Tokens that one conversation may hold.
    pub n_ctx: u32,
    /// Tokens in the vocabulary.
    pub n_vocab: u32,
    /// Parameters of the model.
    pub n_params: u64,
    /// Metadata key `mercer.prompt`: `compact` for models trained on Mercer's short prompts, else `full`.
    pub prompt_style: String,
    /// SHA-256 of the chat template, hexadecimal.
    pub template_sha256: String,
}

impl ModelInfo {
    /// Returns the name and the first 12 digits of the file's hash, as completions carry it.
    pub fn label(&self) -> String {
        format!(
            "{}@{}",
            self.name,
            &self.sha256[..self.sha256.len().min(12)]
        )
    }
}

/// A model that continues a conversation.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Returns what is known about the model.
    fn info(&self) -> &ModelInfo;

    /// Submits a request and returns its stream of chunks. Dropping the stream cancels the generation.
    ///
    /// # Errors
    /// [`Error::Busy`] when nobody can take the request now, [`Error::Grammar`], [`Error::Template`],
    /// [`Error::PromptTooLong`] and [`Error::Request`] when nobody ever can, [`Error::Stopped`] when the model is gone.
    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error>;

    /// Counts the tokens of the prompt that these messages make, generation prompt included.
    ///
    /// # Errors
    /// [`Error::Template`] when the template refuses the messages.
    fn count_tokens(&self, messages: &[ChatMessage]) -> Result<u32, Error>;
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
