//! Names of the metrics. A query's words are never a label.

use std::time::Instant;

/// Seconds of one leg of a search, label `leg`: code, lexical, vector, rerank, join, products, documents.
const SEARCH_SECONDS: &str = "mercer_search_seconds";
/// Searches by `outcome`: found, corrected, nothing, error.
const SEARCH_TOTAL: &str = "mercer_search_total";
/// Changes of the feed that the indexes do not hold yet.
const INDEX_LAG: &str = "mercer_index_lag";

pub(crate) fn leg(name: &'static str, since: Instant) {
    metrics::histogram!(SEARCH_SECONDS, "leg" => name).record(since.elapsed().as_secs_f64());
}

pub(crate) fn outcome(name: &'static str) {
    metrics::counter!(SEARCH_TOTAL, "outcome" => name).increment(1);
}

pub(crate) fn index_lag(changes: i64) {
    metrics::gauge!(INDEX_LAG).set(changes.max(0) as f64);
}
