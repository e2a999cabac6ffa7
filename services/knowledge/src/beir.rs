//! Measures retrieval on a data set in BEIR's layout, with the service's own index and search code.
//!
//! A data set is a folder with `corpus.jsonl` (`_id`, `title`, `text`, and `metadata` whose
//! `brand`, `category`, `codes` and `ean` fill those fields), `queries.jsonl` (`_id`, `text`) and
//! `qrels/test.tsv` (query, document, grade, after a header line). Its documents become products of
//! a shop in a temporary database, are indexed as every shop's are, and each judged query is ranked
//! by words, by meaning and by both; then the products are read live, as a search does. What a
//! search leaves out as not relevant enough is kept here, because recall counts it.

mod dataset;
mod measure;
mod run;

use std::path::PathBuf;

use serde::Serialize;

pub use measure::Gain;
pub use run::evaluate;

/// Quality and speed of one leg. Means over all judged queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Leg {
    /// Normalised discounted cumulative gain over the first 10.
    pub ndcg_at_10: f64,
    /// Share of the relevant documents among the first 10.
    pub recall_at_10: f64,
    /// Share of the relevant documents among the first 100.
    pub recall_at_100: f64,
    /// Mean reciprocal rank of the first relevant document, 0 beyond 10.
    pub mrr_at_10: f64,
    /// Median milliseconds of a query, embedding it and the live read included.
    pub p50_ms: f64,
    /// 95th percentile of the same.
    pub p95_ms: f64,
}

/// Results on one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Documents indexed.
    pub documents: usize,
    /// Queries with at least one relevant document; others are not measured.
    pub queries: usize,
    /// By words, codes first.
    pub lexical: Leg,
    /// By meaning; absent without an embedder.
    pub vector: Option<Leg>,
    /// Both: what a search does.
    pub hybrid: Leg,
}

/// An evaluation that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a file has another form than BEIR's.
    #[error("{file}:{line}: {message}")]
    Line {
        /// The file, relative to the data set.
        file: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// The data set holds nothing to measure.
    #[error("evaluate {}: {message}", path.display())]
    Nothing {
        /// The data set.
        path: PathBuf,
        /// What is missing.
        message: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// Indexing or searching failed.
    #[error(transparent)]
    Search(#[from] crate::Error),
    /// The task that reads the data set ended early.
    #[error("finish reading the data set")]
    Task(#[from] tokio::task::JoinError),
}
