//! Replay: what a conversation did, and proof that its log explains it. No model is called.
//!
//! [`verify`] folds the log, compares every snapshot it passes, and decides again on every
//! recorded input: the events must come out byte for byte. [`timeline`] lays the log out for a
//! person, and [`Turns`] is what it holds, turn by turn. An entry that cannot be read stops the
//! conversation at its position; nothing is skipped.

mod timeline;
mod turns;
mod verify;

pub use timeline::{Entry, timeline};
pub use turns::{Draft, Sent, Step, Turn, Turns, What};
pub use verify::{Divergence, Replayed, verify};

use mercer_schemas::{LogRecord, Stream};
use mercer_store::Store;

/// Records read at once, and most bytes of them: a long log is never in memory as a whole.
const RECORDS_PER_READ: u64 = 500;
const BYTES_PER_READ_MAX: u64 = 1024 * 1024;

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

/// Reads a conversation's log in parts, and hands each record over in its order.
///
/// # Errors
/// Those of the store; it names the position of a record that cannot be read.
pub async fn read(
    store: &Store,
    stream: &Stream,
    mut take: impl FnMut(&LogRecord),
) -> Result<(), mercer_store::Error> {
    let log = store.conversations();
    let mut after = 0;
    loop {
        let part = log
            .log_part(stream, after, RECORDS_PER_READ, BYTES_PER_READ_MAX)
            .await?;
        part.records.iter().for_each(&mut take);
        after = part.records.last().map_or(after, |record| record.seq);
        if part.is_end {
            return Ok(());
        }
    }
}

/// Reads a conversation's whole log.
///
/// # Errors
/// [`Error::Unknown`] when there is none, [`Error::Store`] with the position of an unreadable record.
pub async fn load(store: &Store, stream: &Stream) -> Result<Vec<LogRecord>, Error> {
    let mut records: Vec<LogRecord> = Vec::new();
    read(store, stream, |record| records.push(record.clone())).await?;
    if records.is_empty() {
        return Err(Error::Unknown(stream.conversation.to_string()));
    }
    Ok(records)
}
