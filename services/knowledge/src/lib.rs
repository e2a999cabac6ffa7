//! What a shop knows: indexing it and searching it.
//!
//! SQL holds the truth. A tantivy index and a LanceDB table are projections of it that follow the
//! change feed and can be rebuilt at any time; a search ranks with them and then reads every record
//! live from SQL, so a price, a stock level or a validity date is never taken from an index.
//!
//! Not here: the records' tables and the feed (`mercer-store`), reading a shop's files
//! (`mercer-import`), the embedding model (`mercer-inference`), and what a reply makes of a record.

pub mod beir;
pub mod search;

mod config;
mod error;
mod index;
mod knowledge;
mod metric;
mod progress;
mod text;

#[cfg(test)]
mod tests;

pub use config::SearchConfig;
pub use error::Error;
pub use knowledge::{Knowledge, SearchModels};
pub use progress::Progress;
pub use search::{
    BROWSED_MAX, Found, Order, OrderBy, PassageHit, PassageQuery, ProductHit, ProductQuery, Values,
    Why,
};
pub use text::analysis::plain_words;
pub use text::passages::{Passage, passages};
pub use text::sentences::sentences;
