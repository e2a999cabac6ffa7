//! Inference for Mercer: chat and embedding models as traits, and the llama.cpp engine that serves them in this process.
//!
//! A caller binds a model once (`LlamaEngine::load`, `LlamaEmbedder::load`) and passes it on as
//! `Arc<dyn ChatModel>` or `Arc<dyn Embedder>`. `WorkerPool` is a chat model too and `PoolEmbedder` an embedder, `PoolReranker` a reranker: they
//! ask workers over NATS, and `Worker` is what serves an engine and an embedder to them.
//!
//! Not here: prompts, tools, evidence and the grammars made from them (the callers build those), retries and
//! fallbacks (the caller decides), and any stand-in for a model: `mercer-random-model` writes files with random weights
//! that the real engine runs.

#[cfg(feature = "bare")]
pub mod bare;
pub mod bus;
pub mod chat;
pub mod devices;
pub mod embed;
pub mod engine;
pub mod footprint;
pub mod generation;
pub mod hardware;
pub mod intent;
pub mod pool;
pub mod rerank;
pub mod template;
pub mod testing;
pub mod tokenizer;
pub mod worker;

mod backend;
mod error;
mod grammar;
mod model_file;
mod prompt;
mod refusal;
mod text_model;
mod token_env;
mod utf8;

#[cfg(feature = "bare")]
pub use bare::BareLoop;
pub use bus::Bus;
pub use chat::{
    ChatMessage, ChatModel, Chunk, Completion, Embedder, EmbedderInfo, Finish, GenerateRequest,
    Grammar, ModelInfo, Priority, Reranker, Role, Timings, Usage,
};
pub use embed::LlamaEmbedder;
pub use engine::{AdapterConfig, EngineConfig, EngineCounts, LlamaEngine};
pub use error::{BusyReason, Error, GrammarFault};
pub use generation::{CancelHandle, Generation, GenerationSink};
pub use hardware::{FlashAttention, Hardware, KvLayout, KvType, SplitMode};
pub use intent::IntentClassifier;
pub use pool::{
    PoolConfig, PoolEmbedder, PoolReranker, PoolWatch, WorkerPool, WorkerRow, WorkerState,
};
pub use rerank::LlamaReranker;
pub use tokenizer::Tokenizer;
pub use worker::{TextModels, Worker, WorkerConfig, WorkerEngine, WorkerWatch};
