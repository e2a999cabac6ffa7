//! What a caller asks a worker's reranker for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StreamId;

/// Documents of one request at most.
pub const RERANK_DOCUMENTS_MAX: usize = 64;

/// Asks how well each document answers a query: one number for each, in order, more for better. JSON on
/// [`super::rerank_subject`], with [`super::stream_subject`] as the reply subject.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RerankRequest {
    /// The stream.
    pub stream: StreamId,
    /// Counts the workers asked for this stream, from 1. Frames carry it.
    pub attempt: u16,
    /// Id of the reranker: numbers of different ones cannot be compared.
    pub reranker: String,
    /// The query.
    pub query: String,
    /// The documents, 1 to [`RERANK_DOCUMENTS_MAX`].
    pub documents: Vec<String>,
    /// Milliseconds left. After them nothing is computed or answered any more.
    pub deadline_ms: u64,
}

impl fmt::Debug for RerankRequest {
    /// Tells no text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RerankRequest")
            .field("stream", &self.stream)
            .field("attempt", &self.attempt)
            .field("reranker", &self.reranker)
            .field("documents", &self.documents.len())
            .field("deadline_ms", &self.deadline_ms)
            .finish_non_exhaustive()
    }
}
