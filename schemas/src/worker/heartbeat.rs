//! What a worker tells about itself, four times a second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ModelInfo;

/// A worker's state. JSON on [`super::heartbeat_subject`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// Name of the worker: what its subjects end in.
    pub worker: String,
    /// A number of this run of the worker. Another one means that everything known of it is void.
    pub incarnation: u64,
    /// Milliseconds since this run began: of two workers of one name the later one leaves. A time of day would need
    /// clocks that agree.
    #[serde(default)]
    pub up_ms: u64,
    /// Counts the heartbeats of this run; a gap means that a change of residency was missed.
    pub seq: u64,
    /// The model.
    pub model: ModelInfo,
    /// It takes no more requests and leaves when those that run have ended.
    pub draining: bool,
    /// How busy it is.
    pub load: Load,
    /// What its cache holds.
    pub residency: Residency,
    /// Its embedding model, where it serves one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedder: Option<TextModelState>,
    /// Its reranker, where it serves one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reranker: Option<TextModelState>,
}

/// A worker's embedding model or reranker, and how busy it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextModelState {
    /// Name and the first 12 digits of the file's SHA-256: numbers of another one mean nothing to a caller.
    pub id: String,
    /// Numbers for a text: those of a vector, 1 for a reranker.
    pub dim: u32,
    /// Requests that wait or are computed.
    pub waiting: u32,
    /// Requests that may; more are refused.
    pub waiting_max: u32,
}

/// How busy a worker is, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Load {
    /// Generations computed at once.
    pub slots: u32,
    /// Generations that have a slot.
    pub active: u32,
    /// Of those, the ones that write.
    pub decoding: u32,
    /// Requests that wait for a slot.
    pub waiting: u32,
    /// Requests that may wait; more are refused.
    pub waiting_max: u32,
    /// Prompt tokens that are still to be computed for requests taken in.
    pub backlog_tokens: u64,
    /// Prompt tokens computed in a second, on average of the last steps. 0: not known yet.
    pub prefill_tokens_per_s: f64,
    /// Milliseconds of a step that only writes, on average. 0: not known yet.
    pub step_ms: f64,
    /// Milliseconds from admission to the end of a request, on average. 0: not known yet.
    pub service_ms: f64,
    /// One step of the engine takes far longer than any may: it hangs, and what is told beside it is old.
    pub stalled: bool,
    /// Longest pause between two tokens of one generation since the last heartbeat, milliseconds.
    pub stall_ms_max: f64,
    /// Tokens in the cache.
    pub kv_used: u64,
    /// Tokens that the cache holds at most.
    pub kv_total: u64,
    /// Prompt tokens of all requests so far.
    pub prompt_tokens: u64,
    /// Those of them that were in the cache.
    pub cached_tokens: u64,
    /// Output tokens so far.
    pub output_tokens: u64,
    /// Requests ended so far.
    pub requests: u64,
}

/// Starts of conversations whose cache a worker holds, as hashes over their messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Residency {
    /// All of them.
    Snapshot {
        /// The hashes.
        starts: Vec<u64>,
    },
    /// What changed since the heartbeat before.
    Changes {
        /// New ones.
        added: Vec<u64>,
        /// Ones that are gone.
        removed: Vec<u64>,
    },
}
