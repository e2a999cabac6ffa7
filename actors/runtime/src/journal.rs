//! A conversation's log in memory and in the store: load, decide, append, evolve.

use mercer_conversation::{LOGIC_VERSION, Refusal, State, decide, evolve, invariants, notices};
use mercer_schemas::{Event, Input, LogBody, LogRecord, Meta, RecordKey, Settings, Stream};
use mercer_store::{Append, AppendError, Conversations, Lease, NewOutbox, Snapshot};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::shops::ShopError;

/// Records read at once while loading, and most bytes of them: many conversations load at a time.
const LOAD_PAGE: u64 = 500;
const LOAD_BYTES_MAX: u64 = 1024 * 1024;

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
}

impl JournalError {
    /// Says whether it tells nothing of what was being worked on: the database is not there, or the
    /// partition is somebody else's.
    pub(crate) fn is_circumstance(&self) -> bool {
        match self {
            Self::LostLease => true,
            Self::Store(error) | Self::Shop(ShopError::Store(error)) => error.is_circumstance(),
            _ => false,
        }
    }
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
        Self::read(&context.services.store.conversations(), stream).await
    }

    /// As [`Self::load`]. A snapshot that cannot be read costs time only: the whole log is folded,
    /// and the next snapshot replaces it.
    async fn read(conversations: &Conversations, stream: Stream) -> Result<Self, JournalError> {
        let mut journal = Self {
            stream,
            state: State::default(),
            seq: 0,
            snapshot_seq: 0,
        };
        if let Some(snapshot) = conversations.snapshot(&journal.stream).await? {
            match serde_json::from_slice(&snapshot.state) {
                Ok(state) => {
                    journal.state = state;
                    journal.seq = snapshot.seq;
                    journal.snapshot_seq = snapshot.seq;
                }
                Err(_) => {
                    metrics::counter!("mercer_snapshots_unreadable_total").increment(1);
                    tracing::warn!(
                        conversation.id = %journal.stream.conversation,
                        snapshot.seq = snapshot.seq,
                        "snapshot cannot be read; the whole log is folded instead"
                    );
                }
            }
        }
        loop {
            let part = conversations
                .log_part(&journal.stream, journal.seq, LOAD_PAGE, LOAD_BYTES_MAX)
                .await?;
            for record in &part.records {
                journal.seq = record.seq;
                if let LogBody::Event { event } = &record.body {
                    journal.state = evolve(std::mem::take(&mut journal.state), event);
                }
            }
            if part.is_end {
                return Ok(journal);
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
            Ok(events) => (events, None),
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
            notices: notices(&self.stream, &self.state, events),
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

#[cfg(test)]
mod tests {
    use mercer_schemas::{ActionBy, ShopId, partition_of};
    use mercer_store::{InboxItem, InboxKind, NewInbox, Store, StoreConfig};
    use mercer_testing::sqlite_url;

    use super::*;

    #[tokio::test]
    async fn a_snapshot_that_cannot_be_read_is_made_good_from_the_log() {
        let folder = tempfile::tempdir().expect("folder");
        let config = StoreConfig::new(sqlite_url(folder.path()));
        let store = Store::open(&config).await.expect("store");
        let (stream, lease) = conversation(&store).await;
        let conversations = store.conversations();
        let taken: Vec<LogRecord> = (1..=3).map(|seq| taken_over(seq, &lease)).collect();
        let folded = taken.iter().fold(State::default(), |state, record| {
            let LogBody::Event { event } = &record.body else {
                return state;
            };
            evolve(state, event)
        });
        let broken = Snapshot {
            seq: 2,
            state: b"{\"past\": 1}".to_vec(),
            hash: String::new(),
        };
        let mut append = empty(&stream, &lease);
        append.records = taken;
        append.snapshot = Some(broken);
        conversations.append(append).await.expect("append");

        let journal = Journal::read(&conversations, stream.clone()).await;
        let journal = journal.expect("load");
        assert!(journal.state == folded);
        assert_eq!(journal.state.phase.name(), "with_person");
        assert_eq!(
            (journal.seq, journal.snapshot_seq),
            (3, 0),
            "the next snapshot is due at once"
        );

        let mut append = empty(&stream, &lease);
        append.snapshot = Some(snapshot(3, &folded).expect("JSON"));
        conversations.append(append).await.expect("append");
        let journal = Journal::read(&conversations, stream).await.expect("load");
        assert!(journal.state == folded);
        assert_eq!((journal.seq, journal.snapshot_seq), (3, 3));
    }

    fn taken_over(seq: u64, lease: &Lease) -> LogRecord {
        LogRecord {
            seq,
            at_ms: 1,
            epoch: lease.epoch,
            logic_version: LOGIC_VERSION,
            body: LogBody::Event {
                event: Event::TakenOver { by: somebody() },
            },
        }
    }

    fn somebody() -> ActionBy {
        ActionBy {
            key_id: "k".to_owned(),
        }
    }

    fn empty(stream: &Stream, lease: &Lease) -> Append {
        Append {
            stream: stream.clone(),
            lease: lease.clone(),
            records: Vec::new(),
            inbox_done: Vec::new(),
            inbox_quarantined: Vec::new(),
            outbox: Vec::new(),
            phase: "idle".to_owned(),
            handed_over: false,
            turns: 0,
            snapshot: None,
            notices: Vec::new(),
            expect_versions: Vec::new(),
        }
    }

    /// Makes a conversation and claims its partition.
    async fn conversation(store: &Store) -> (Stream, Lease) {
        let shop = ShopId::new("highbarn").expect("key");
        let item = InboxItem::Command(mercer_store::Command::TakeOver { by: somebody() });
        let row = NewInbox {
            channel: mercer_schemas::Channel::Webchat,
            provider_id: "1".to_owned(),
            address: "somebody".into(),
            kind: InboxKind::Command,
            payload: item.to_payload(),
            received_at_ms: 1,
            sent_at_ms: 1,
        };
        let inserted = store
            .inbox()
            .insert(&shop, vec![row])
            .await
            .expect("insert");
        let stream = inserted[0].stream.clone().expect("a conversation");
        let leases = store.leases();
        leases.register("node", "test").await.expect("register");
        let all = leases.claim_all("node", false).await.expect("claim");
        let partition = partition_of(&stream.shop, &stream.conversation);
        (stream, all[usize::from(partition)].clone())
    }
}
