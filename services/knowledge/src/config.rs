//! How search ranks and how the indexer batches.

use serde::{Deserialize, Serialize};

/// Settings of search and indexing. The ranking defaults come from measurements on public product
/// search sets (Chorus, ESCI): a title field and an all-text field of equal weight, joined per
/// word by a maximum with tie breaker .3, and damped by the square root of the share of matched
/// words. The similarity floors depend on the embedding model and should be fitted with
/// `mercer eval retrieval` when the model changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Share of the weaker field in a word's score, 0 to 1.
    pub tie_breaker: f32,
    /// Power of the share of matched words that a score is multiplied with.
    pub coverage_power: f32,
    /// Weight of a word that is an option's value (a colour, a size), against 1 for other words.
    pub option_weight: f32,
    /// Hits below this share of matched words count only if a title holds one of the words.
    pub coverage_min: f32,
    /// Candidates of the vector leg.
    pub vector_top: usize,
    /// Cosine similarity below which a vector hit is ignored.
    pub vector_floor: f32,
    /// Cosine similarity that a product needs when no word of it matched.
    pub vector_floor_alone: f32,
    /// Cosine similarity that a product needs where nothing else was found.
    pub vector_floor_last: f32,
    /// Cosine similarity below which a vector hit is ignored among documents: questions share little with
    /// the wording of policies.
    pub vector_floor_documents: f32,
    /// Cosine similarity that a document needs when few words of it matched. Whoever asks about
    /// policies is better served by the nearest passage than by none.
    pub vector_floor_documents_alone: f32,
    /// Share of the vector leg in a product's score.
    pub vector_share: f32,
    /// Its share where the words matched badly.
    pub vector_share_weak: f32,
    /// Its share in a document's score.
    pub vector_share_documents: f32,
    /// Candidates read live where a filter or an order by price could leave out many.
    pub candidates_max: usize,
    /// Most characters of a query; the rest is ignored.
    pub query_chars_max: usize,
    /// Most distinct words of a query; the rest is ignored.
    pub query_words_max: usize,
    /// Words in one passage of a document. 180 keeps it below the 256 word pieces that
    /// sentence encoders of the MiniLM family read.
    pub passage_words_max: usize,
    /// Words in an answer taken from a passage.
    pub answer_words_max: usize,
    /// How long the indexer gathers changes before it writes, in milliseconds.
    pub batch_ms: u64,
    /// Most changes in one write.
    pub batch_changes: usize,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            tie_breaker: 0.3,
            coverage_power: 0.5,
            option_weight: 0.5,
            coverage_min: 0.5,
            vector_top: 50,
            vector_floor: 0.3,
            vector_floor_alone: 0.5,
            vector_floor_last: 0.33,
            vector_floor_documents: 0.15,
            vector_floor_documents_alone: 0.3,
            vector_share: 0.25,
            vector_share_weak: 0.5,
            vector_share_documents: 0.7,
            candidates_max: 1000,
            query_chars_max: 400,
            query_words_max: 32,
            passage_words_max: 180,
            answer_words_max: 60,
            batch_ms: 100,
            batch_changes: 500,
        }
    }
}
