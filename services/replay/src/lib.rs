//! Replay: what a conversation did, and proof that its log explains it. No model is called.
//!
//! [`Verification`] folds the log, compares every snapshot it passes, and decides again on every
//! recorded input: the events must come out byte for byte. [`Timeline`] lays the log out for a
//! person, and [`Turns`] is what it holds, turn by turn. All three take record after
//! record, so that no log is in memory as a whole ([`read`]). A record that cannot be read stops the
//! conversation at its position; nothing is skipped.

mod timeline;
mod turns;
mod verify;

pub use timeline::{Entry, Timeline};
pub use turns::{Draft, Sent, Step, Turn, Turns, What};
pub use verify::{Divergence, Replayed, Verification};

use std::ops::ControlFlow;

use mercer_schemas::{LogRecord, Stream};
use mercer_store::Store;

/// Records read at once, and most bytes of them: a long log is never in memory as a whole.
const RECORDS_PER_READ: u64 = 500;
const BYTES_PER_READ_MAX: u64 = 1024 * 1024;

/// Reads a conversation's log in parts, and hands each record over in its order, until it ends or
/// no more are wanted. Returns how many were handed over.
///
/// # Errors
/// Those of the store; it names the position of a record that cannot be read.
pub async fn read(
    store: &Store,
    stream: &Stream,
    mut take: impl FnMut(&LogRecord) -> ControlFlow<()>,
) -> Result<usize, mercer_store::Error> {
    let log = store.conversations();
    let (mut after, mut records) = (0, 0);
    loop {
        let part = log
            .log_part(stream, after, RECORDS_PER_READ, BYTES_PER_READ_MAX)
            .await?;
        for record in &part.records {
            records += 1;
            if take(record).is_break() {
                return Ok(records);
            }
        }
        after = part.records.last().map_or(after, |record| record.seq);
        if part.is_end {
            return Ok(records);
        }
    }
}
