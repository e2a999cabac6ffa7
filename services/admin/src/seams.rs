//! What the API needs of other parts: replay, the pool and their health. The composition root supplies
//! them.

use async_trait::async_trait;
use mercer_schemas::{ConversationId, Personal, ShopId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Replays one conversation from its log, without calling a model.
#[async_trait]
pub trait ConversationReplay: Send + Sync {
    /// Folds the conversation, decides every input again and compares.
    ///
    /// # Errors
    /// [`ReplayError`] by case. A divergence is no error: it is part of the report.
    async fn replay(
        &self,
        shop: &ShopId,
        conversation: &ConversationId,
    ) -> Result<ReplayReport, ReplayError>;
}

/// Why a replay gave no report.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The shop has no such conversation.
    #[error("no such conversation")]
    NotFound,
    /// A record of the log cannot be read; the replay stops there and skips nothing.
    #[error("record {seq} cannot be read: {cause}")]
    Undecodable {
        /// Position in the conversation.
        seq: u64,
        /// Why, without the record's content.
        cause: String,
    },
    /// The timeline is longer than an answer may be.
    #[error("the timeline has more than the {bytes_max} bytes that an answer holds")]
    TooLong {
        /// Most that an answer holds.
        bytes_max: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
}

/// What a replay found.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ReplayReport {
    /// Inputs and events in order.
    pub timeline: Vec<TimelineEntry>,
    /// Whether every decision came out byte for byte as recorded.
    pub verified: bool,
    /// The first divergence as a diff, where there is one.
    #[schema(value_type = Option<String>)]
    pub divergence: Option<Personal<String>>,
}

/// One line of a replay.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// Position in the conversation, from 1.
    pub seq: u64,
    /// When it was recorded, UTC milliseconds.
    pub at_ms: i64,
    /// `input` or `event`, or a part of one such as `prompt`.
    pub kind: String,
    /// What it is, for instance `plan_made`.
    pub title: String,
    /// Its content.
    #[schema(value_type = Object)]
    pub detail: Personal<serde_json::Value>,
}

/// Reports on the parts that a request of a customer needs, besides the database.
#[async_trait]
pub trait HealthSource: Send + Sync {
    /// Returns one entry a part, for instance `model` and `index`.
    async fn parts(&self) -> Vec<PartHealth>;
}

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartHealth {
    /// Which part: `database`, `model`, `index` …
    #[schema(example = "index")]
    pub name: String,
    /// Whether it can do its work.
    pub ready: bool,
    /// Its state in words, for instance `4 changes behind`.
    #[schema(example = "0 changes behind")]
    pub reason: String,
}

/// Knows the pool of workers that writes for this process.
pub trait PoolSource: Send + Sync {
    /// Returns what is known now; it waits for nothing.
    fn state(&self) -> PoolState;
}

/// The pool as it is now.
#[derive(Debug, Clone, PartialEq)]
pub enum PoolState {
    /// There is none: the model runs inside this process.
    None,
    /// NATS cannot be reached.
    Unreachable,
    /// It is heard.
    Live {
        /// Name of the pool.
        name: String,
        /// Its workers, by name.
        workers: Vec<WorkerRecord>,
    },
}

/// A worker as it told itself last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerRecord {
    /// Name of the worker.
    #[schema(example = "gpu-1")]
    pub name: String,
    /// Whether it takes requests.
    pub state: WorkerState,
    /// Conversations that it computes at once.
    pub slots: u32,
    /// Of those, the ones taken.
    pub active: u32,
    /// Requests that wait for one.
    pub waiting: u32,
    /// Requests that may wait; more are refused.
    pub waiting_max: u32,
    /// Tokens in its cache.
    pub cache_used_tokens: u64,
    /// Tokens that its cache holds at most.
    pub cache_tokens: u64,
    /// Share of prompt tokens that were in its cache since it started, 0 to 1.
    pub hit_rate: f64,
    /// Tokens written in a second.
    pub tokens_per_s: f64,
    /// Longest pause within a text lately, milliseconds.
    pub stall_ms_max: f64,
    /// Name of its model and the first digits of its file's SHA-256.
    #[schema(example = "mercer-chat@0123456789ab")]
    pub model: String,
    /// Style of prompts that its model was made for.
    #[schema(example = "compact")]
    pub prompt_style: String,
    /// Its embedding model, by name and the first digits of its file's SHA-256; null where it serves none.
    #[schema(example = "mercer-embed@0123456789ab")]
    pub embedder: Option<String>,
    /// Requests for vectors that wait or are computed.
    pub embeds_waiting: u32,
    /// Its reranker, as its embedding model is told.
    #[schema(example = "a-reranker@0123456789ab")]
    pub reranker: Option<String>,
    /// Requests for scores that wait or are computed.
    pub reranks_waiting: u32,
}

/// What a worker does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It takes them.
    Ready,
    /// It takes no more and leaves when those that run have ended.
    Draining,
    /// Its engine hangs in a step: it gets no requests until that ends.
    Stalled,
    /// Nothing is heard of it.
    Silent,
    /// Two workers have this name: one of them needs another.
    Twin,
}
