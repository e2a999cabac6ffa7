//! Reads a shop's files into the store.
//!
//! Everything is read and checked before anything is written; then all of it takes effect at once
//! (`mercer_store::Imports`). A broken line is named with its file, line, field and what to do about it.
//! An import is repeatable: a record that is there already is replaced, one that did not change is
//! left alone by the store. Nothing is deleted.
//!
//! | File | Holds |
//! |---|---|
//! | `shop.toml` | the shop |
//! | `catalog.jsonl` or `catalog.csv` | products |
//! | `policies/*.md` | policies, FAQ entries, promotions |
//! | `customers.jsonl` | customers |
//! | `orders.jsonl` | orders |

mod catalog;
mod csv_catalog;
mod dates;
mod lines;
mod people;
mod policies;
mod progress;
mod report;
mod shop_file;
mod source;
mod write;

#[cfg(test)]
mod tests;

pub use catalog::products_from_jsonl;
pub use csv_catalog::products_from_csv;
pub use lines::LINE_BYTES_MAX;
pub use policies::document_from_markdown;
pub use progress::Progress;
pub use report::{Counts, Error, FAULTS_KEPT_MAX, Faults, LineError, OnError, Parsed, Report};
pub use source::Upload;
pub use write::{import_shop, import_upload};
