//! The two projections of the shop's records and the indexer that keeps them up to date.
//!
//! One writer owns both. A change is written to tantivy first, whose commit carries the position
//! in the feed, then to LanceDB, whose position is a file written afterwards. After a crash the
//! indexer goes on from the older of the two; writing a change again changes nothing.

pub(crate) mod entry;
pub(crate) mod lexical;
pub(crate) mod projection;
pub(crate) mod terms;
pub(crate) mod vectors;

mod cursor;
mod rows;

pub(crate) use projection::Projection;
