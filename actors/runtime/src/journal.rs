//! A conversation's log in memory and in the store: load, decide, append, evolve.

use mercer_conversation::{Refusal, State, decide, evolve, invariants};
use mercer_schemas::{
    Event, Input, LOGIC_VERSION, LogBody, LogRecord, Meta, RecordKey, Settings, Stream,
};
use mercer_store::{Append, AppendError, Lease, NewOutbox, Snapshot};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::shops::ShopError;

/// Records read at once while loading.
const LOAD_PAGE: u64 = 500;

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The node does not own the partition any more.
    #[error("the partition's lease is lost")]
    LostLease,
    /// Somebody else wrote to the conversation.
    #[error("another writer appended to the conversation")]
    Conflict,
    /// Records that the input speaks of have changed since they were read.
    #[error("records changed since they were read")]
    Stale,
    /// The core refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// What the shop is cannot be told.
    #[error(transparent)]
    Shop(#[from] ShopError),
    /// A stored snapshot cannot be read.
    #[error("snapshot at {0} cannot be read")]
    Snapshot(u64),
}

/// What an input brings along.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) inbox_done: Vec<i64>,
    pub(crate) inbox_quarantined: Vec<(i64, String)>,
    /// Versions that must still hold when the decision is committed.
    pub(crate) expect_versions: Vec<(RecordKey, i64)>,
}

/// The state with its position in the log.
pub(crate) struct Journal {
    pub(crate) stream: Stream,
    pub(crate) state: State,
    seq: u64,
    snapshot_seq: u64,
}

impl Journal {
    /// Loads the state: the snapshot, then the records after it.
    pub(crate) async fn load(context: &Context, stream: Stream) -> Result<Self, JournalError> {
        let conversations = context.services.store.conversations();
        let mut journal = Self {
            stream,
            state: State::default(),
            seq: 0,
            snapshot_seq: 0,
        };
        if let Some(snapshot) = conversations.snapshot(&journal.stream).await? {
            journal.state = serde_json::from_slice(&snapshot.state)
                .map_err(|_| JournalError::Snapshot(snapshot.seq))?;
            journal.seq = snapshot.seq;
            journal.snapshot_seq = snapshot.seq;
        }
        loop {
            let records = conversations
                .log(&journal.stream, journal.seq, LOAD_PAGE)
                .await?;
            let Some(last) = records.last() else {
                return Ok(journal);
            };
            journal.seq = last.seq;
            for record in &records {
                if let LogBody::Event { event } = &record.body {
                    journal.state = evolve(std::mem::take(&mut journal.state), event);
                }
            }
        }
    }

    /// Takes an input: decides, commits everything in one transaction, then changes the state.
    /// Returns the events. A refused input is recorded nowhere, but its inbox rows are done.
    pub(crate) async fn take(
        &mut self,
        context: &Context,
        lease: &Lease,
        settings: &Settings,
        input: Input,
        attached: Attached,
    ) -> Result<Vec<Event>, JournalError> {
        let meta = Meta {
            at_ms: context.services.clock.now_ms(),
            entropy: rand::random(),
            settings: settings.clone(),
        };
        let decided = decide(&self.state, &input, &meta);
        let (events, refusal) = match decided {
            Ok(decision) => (decision.events, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        if events.is_empty()
            && attached.inbox_done.is_empty()
            && attached.inbox_quarantined.is_empty()
        {
            return refusal.map_or(Ok(events), |refusal| Err(refusal.into()));
        }
        let records = if events.is_empty() {
            Vec::new()
        } else {
            self.records(&meta, lease, input, &events)
        };
        self.commit(context, lease, &events, records, attached)
            .await?;
        refusal.map_or(Ok(events), |refusal| Err(refusal.into()))
    }

    /// Marks inbox rows done that no decision follows from.
    pub(crate) async fn finish(
        &mut self,
        context: &Context,
        lease: &Lease,
        attached: Attached,
    ) -> Result<(), JournalError> {
        self.commit(context, lease, &[], Vec::new(), attached).await
    }

    async fn commit(
        &mut self,
        context: &Context,
        lease: &Lease,
        events: &[Event],
        records: Vec<LogRecord>,
        attached: Attached,
    ) -> Result<(), JournalError> {
        let after = events.iter().fold(self.state.clone(), evolve);
        check_invariants(&after);
        let seq = self.seq + records.len() as u64;
        // A state that cannot be written as a snapshot is still in the log.
        let snapshot = if seq - self.snapshot_seq >= context.config.snapshot_every {
            snapshot(seq, &after).ok()
        } else {
            None
        };
        let snapshot_seq = snapshot
            .as_ref()
            .map_or(self.snapshot_seq, |snapshot| snapshot.seq);
        let append = Append {
            stream: self.stream.clone(),
            lease: lease.clone(),
            outbox: self.outbox(&after, events, seq),
            records,
            inbox_done: attached.inbox_done,
            inbox_quarantined: attached.inbox_quarantined,
            phase: after.phase.name().to_owned(),
            handed_over: after.phase == mercer_conversation::Phase::WithPerson,
            turns: i64::try_from(after.turns_ended).unwrap_or(i64::MAX),
            snapshot,
            expect_versions: attached.expect_versions,
        };
        mercer_store::crash_point("append_begins");
        context
            .services
            .store
            .conversations()
            .append(append)
            .await
            .map_err(|error| match error {
                AppendError::LostLease => JournalError::LostLease,
                AppendError::Conflict => JournalError::Conflict,
                AppendError::Stale(_) => JournalError::Stale,
                AppendError::Store(error) => JournalError::Store(error),
            })?;
        mercer_store::crash_point("append_committed");
        self.state = after;
        self.seq = seq;
        self.snapshot_seq = snapshot_seq;
        Ok(())
    }

    fn records(
        &self,
        meta: &Meta,
        lease: &Lease,
        input: Input,
        events: &[Event],
    ) -> Vec<LogRecord> {
        let bodies = std::iter::once(LogBody::Input {
            input,
            meta: meta.clone(),
        })
        .chain(events.iter().map(|event| LogBody::Event {
            event: event.clone(),
        }));
        (self.seq + 1..)
            .zip(bodies)
            .map(|(seq, body)| LogRecord {
                seq,
                at_ms: meta.at_ms,
                epoch: lease.epoch,
                logic_version: LOGIC_VERSION,
                body,
            })
            .collect()
    }

    fn outbox(&self, after: &State, events: &[Event], seq: u64) -> Vec<NewOutbox> {
        let Some(origin) = &after.origin else {
            return Vec::new();
        };
        let queued = events.iter().filter_map(|event| match event {
            Event::ReplyQueued {
                turn,
                message,
                content,
                ..
            } => Some((turn, message, content)),
            _ => None,
        });
        queued
            .enumerate()
            .map(|(number, (turn, message, content))| NewOutbox {
                message: message.clone(),
                channel: origin.channel,
                address: origin.address.clone(),
                turn: turn.clone(),
                content: content.clone(),
                // The position in the log orders replies as turns were decided.
                order_no: i64::try_from(seq).unwrap_or(i64::MAX - 8) * 8
                    + i64::try_from(number).unwrap_or(7),
            })
            .collect()
    }
}

fn snapshot(seq: u64, state: &State) -> Result<Snapshot, serde_json::Error> {
    let bytes = serde_json::to_vec(state)?;
    let hash = hex::encode(Sha256::digest(&bytes));
    Ok(Snapshot {
        seq,
        state: bytes,
        hash,
    })
}

/// A broken rule is a bug: it stops a test, and is counted in production.
fn check_invariants(state: &State) {
    if let Err(violation) = invariants::check(state) {
        debug_assert!(false, "{violation}");
        metrics::counter!("mercer_invariant_violations_total").increment(1);
        tracing::error!(%violation, "invariant violated");
    }
}
