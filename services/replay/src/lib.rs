//! Replay: what a conversation did, and proof that its log explains it. No model is called.
//!
//! [`verify`] folds the log, compares every snapshot it passes, and decides again on every
//! recorded input: the events must come out byte for byte. [`timeline`] lays the log out for a
//! person. An entry that cannot be read stops the conversation at its position; nothing is skipped.

mod timeline;
mod verify;

pub use timeline::{Entry, timeline};
pub use verify::{Divergence, Replayed, verify};

use mercer_schemas::{LogRecord, Stream};
use mercer_store::Store;

/// Records read at once.
const PAGE: u64 = 500;

/// Why a conversation could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed, or holds a record that cannot be read; the text names its position.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// There is no such conversation.
    #[error("no log of conversation {0}")]
    Unknown(String),
}

/// Reads a conversation's whole log.
///
/// # Errors
/// [`Error::Unknown`] when there is none, [`Error::Store`] with the position of an unreadable record.
pub async fn load(store: &Store, stream: &Stream) -> Result<Vec<LogRecord>, Error> {
    let mut records: Vec<LogRecord> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.seq);
        let page = store.conversations().log(stream, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        records.extend(page);
    }
    if records.is_empty() {
        return Err(Error::Unknown(stream.conversation.to_string()));
    }
    Ok(records)
}
