//! Replays for the admin API.

use std::ops::ControlFlow;

use async_trait::async_trait;
use mercer_admin::{ConversationReplay, ReplayError, ReplayReport, TimelineEntry};
use mercer_replay::{Entry, Timeline, Verification};
use mercer_schemas::{ConversationId, Personal, ShopId, Stream};
use mercer_store::{Error as StoreError, Store};

/// Most bytes of a timeline that one answer has: thousands of turns with all their prompts. `mercer replay` has no such
/// bound, as it prints line after line.
const TIMELINE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Replays from the stores.
pub(crate) struct Replay {
    /// The stores.
    pub(crate) store: Store,
}

#[async_trait]
impl ConversationReplay for Replay {
    async fn replay(
        &self,
        shop: &ShopId,
        conversation: &ConversationId,
    ) -> Result<ReplayReport, ReplayError> {
        let stream = Stream {
            shop: shop.clone(),
            conversation: conversation.clone(),
        };
        let snapshot = self.store.conversations().snapshot(&stream).await?;
        let mut verification = Verification::new(snapshot);
        let mut timeline = Timeline::default();
        let mut answer = Answer::new(TIMELINE_BYTES_MAX);
        let read = mercer_replay::read(&self.store, &stream, |record| {
            verification.take(record);
            answer.add(timeline.take(record))
        });
        if read.await.map_err(unread)? == 0 {
            return Err(ReplayError::NotFound);
        }
        let timeline = answer.entries()?;
        let verified = verification.end();
        let divergence = verified.as_ref().err();
        Ok(ReplayReport {
            timeline,
            verified: verified.is_ok(),
            divergence: divergence.map(|divergence| Personal::new(divergence.to_string())),
        })
    }
}

/// Says which record stopped the replay, if it was one.
fn unread(error: StoreError) -> ReplayError {
    match error {
        StoreError::Unreadable { what, seq, .. } => ReplayError::Undecodable {
            seq: seq.unsigned_abs(),
            cause: what.to_owned(),
        },
        error => ReplayError::Store(error),
    }
}

/// The lines of an answer, while they are not too long for one.
struct Answer {
    bytes_max: usize,
    bytes: usize,
    entries: Vec<TimelineEntry>,
}

impl Answer {
    fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            entries: Vec::new(),
        }
    }

    /// Takes a line. After one that is too many there will be no answer, and no more are wanted.
    fn add(&mut self, entry: Entry) -> ControlFlow<()> {
        let detail: usize = entry.detail.iter().map(String::len).sum();
        self.bytes += entry.title.len() + detail;
        if self.bytes > self.bytes_max {
            self.entries = Vec::new();
            return ControlFlow::Break(());
        }
        self.entries.push(TimelineEntry {
            seq: entry.seq,
            at_ms: entry.at_ms,
            kind: entry.kind,
            title: entry.title,
            detail: Personal::new(serde_json::json!(entry.detail)),
        });
        ControlFlow::Continue(())
    }

    fn entries(self) -> Result<Vec<TimelineEntry>, ReplayError> {
        if self.bytes > self.bytes_max {
            return Err(ReplayError::TooLong {
                bytes_max: self.bytes_max,
            });
        }
        Ok(self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, detail: &str) -> Entry {
        Entry {
            seq,
            at_ms: 1,
            kind: "plan_made".to_owned(),
            title: "plan".to_owned(),
            detail: vec![detail.to_owned()],
        }
    }

    #[test]
    fn a_timeline_that_is_too_long_is_refused_and_not_cut() {
        let mut fits = Answer::new(18);
        for seq in 1..=2 {
            assert!(fits.add(entry(seq, "12345")).is_continue());
        }
        assert!(fits.entries().is_ok_and(|entries| entries.len() == 2));
        let mut too_long = Answer::new(18);
        for seq in 1..=2 {
            assert!(too_long.add(entry(seq, "12345")).is_continue());
        }
        assert!(
            too_long.add(entry(3, "12345")).is_break(),
            "no more is read"
        );
        assert!(too_long.entries.is_empty(), "nothing is kept in vain");
        assert!(matches!(
            too_long.entries(),
            Err(ReplayError::TooLong { bytes_max: 18 })
        ));
    }
}
