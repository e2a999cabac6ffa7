//! What a caller asks a worker's embedding model for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StreamId;

/// Texts of one request at most; their vectors must fit into one frame too.
pub const EMBED_TEXTS_MAX: usize = 64;

/// Asks for one vector for each text, in order and of length 1. JSON on [`super::embed_subject`], with
/// [`super::stream_subject`] as the reply subject.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmbedRequest {
    /// The stream.
    pub stream: StreamId,
    /// Counts the workers asked for this stream, from 1. Frames carry it.
    pub attempt: u16,
    /// Id of the embedding model: vectors of another one mean nothing to the caller.
    pub embedder: String,
    /// The texts, 1 to [`EMBED_TEXTS_MAX`].
    pub texts: Vec<String>,
    /// Milliseconds left. After them nothing is computed or answered any more.
    pub deadline_ms: u64,
}

impl fmt::Debug for EmbedRequest {
    /// Tells no text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedRequest")
            .field("stream", &self.stream)
            .field("attempt", &self.attempt)
            .field("embedder", &self.embedder)
            .field("texts", &self.texts.len())
            .field("deadline_ms", &self.deadline_ms)
            .finish()
    }
}
