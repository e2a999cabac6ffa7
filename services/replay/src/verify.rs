//! Folding and deciding again.

use mercer_conversation::{LOGIC_VERSION, State, decide, evolve, invariants};
use mercer_schemas::{Event, LogBody, LogRecord};
use mercer_store::Snapshot;
use sha2::{Digest, Sha256};

/// A log that explains itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Records folded.
    pub records: usize,
    /// Inputs decided again; those of an older logic version are folded only.
    pub decided: usize,
    /// SHA-256 of the state at the end, hexadecimal.
    pub state_sha256: String,
}

/// The first place where the log and the logic part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// Positions have a gap or repeat.
    #[error("record {found} follows record {after}")]
    Sequence {
        /// The last good position.
        after: u64,
        /// The position found next.
        found: u64,
    },
    /// A later record has a lower epoch: two owners wrote.
    #[error("epoch falls from {before} to {after} at record {seq}")]
    Epoch {
        /// Where.
        seq: u64,
        /// The epoch before.
        before: i64,
        /// The epoch of this record.
        after: i64,
    },
    /// Deciding again gave other events.
    #[error("decision at record {seq} differs:\n{diff}")]
    Events {
        /// Position of the input.
        seq: u64,
        /// What was recorded (-) and what came out (+), a line each.
        diff: String,
    },
    /// The core refuses an input that it took then.
    #[error("input at record {seq} is refused now: {refusal}")]
    Refused {
        /// Position of the input.
        seq: u64,
        /// Why.
        refusal: String,
    },
    /// A snapshot holds another state than the fold.
    #[error("snapshot at record {seq} does not equal the folded state")]
    Snapshot {
        /// Position of the snapshot.
        seq: u64,
    },
    /// A rule is broken after a record.
    #[error("after record {seq}: {violation}")]
    Invariant {
        /// Position.
        seq: u64,
        /// The rule.
        violation: String,
    },
}

/// Folds a log, record by record from its first, and decides again on every input.
#[derive(Default)]
pub struct Verification {
    /// The conversation's snapshot, if there is one.
    snapshot: Option<Snapshot>,
    state: State,
    records: usize,
    decided: usize,
    /// Events since the last input, as recorded.
    recorded: Vec<Event>,
    /// The last input's position, and the events decided on it now.
    pending: Option<(u64, Vec<Event>)>,
    seq: u64,
    epoch: Option<i64>,
    /// The first one ends it.
    divergence: Option<Divergence>,
}

impl Verification {
    /// Begins one, with the snapshot that the fold must pass.
    pub fn new(snapshot: Option<Snapshot>) -> Self {
        Self {
            snapshot,
            ..Self::default()
        }
    }

    /// Takes the log's next record. After a divergence nothing more is looked at.
    pub fn take(&mut self, record: &LogRecord) {
        if self.divergence.is_none() {
            self.divergence = self.check(record).err();
        }
    }

    /// Returns what was found once the log has ended.
    ///
    /// # Errors
    /// The first [`Divergence`].
    pub fn end(mut self) -> Result<Replayed, Divergence> {
        if let Some(divergence) = self.divergence {
            return Err(divergence);
        }
        compare(self.pending.take(), &mut self.recorded)?;
        Ok(Replayed {
            records: self.records,
            decided: self.decided,
            state_sha256: hash(&self.state),
        })
    }

    fn check(&mut self, record: &LogRecord) -> Result<(), Divergence> {
        let seq = record.seq;
        if seq != self.seq + 1 {
            return Err(Divergence::Sequence {
                after: self.seq,
                found: seq,
            });
        }
        if let Some(before) = self.epoch.filter(|before| record.epoch < *before) {
            return Err(Divergence::Epoch {
                seq,
                before,
                after: record.epoch,
            });
        }
        (self.seq, self.epoch) = (seq, Some(record.epoch));
        self.records += 1;
        match &record.body {
            LogBody::Input { input, meta } => {
                compare(self.pending.take(), &mut self.recorded)?;
                if record.logic_version == LOGIC_VERSION {
                    let events = decide(&self.state, input, meta).map_err(|refusal| {
                        Divergence::Refused {
                            seq,
                            refusal: refusal.to_string(),
                        }
                    })?;
                    self.pending = Some((seq, events));
                    self.decided += 1;
                }
            }
            LogBody::Event { event } => {
                self.recorded.push(event.clone());
                self.state = evolve(std::mem::take(&mut self.state), event);
                invariants::check(&self.state).map_err(|violation| Divergence::Invariant {
                    seq,
                    violation: violation.to_string(),
                })?;
            }
        }
        match &self.snapshot {
            Some(snapshot) if snapshot.seq == seq && !is_of(snapshot, &self.state) => {
                Err(Divergence::Snapshot { seq })
            }
            _ => Ok(()),
        }
    }
}

/// Compares the events decided now with those recorded, byte for byte.
fn compare(
    pending: Option<(u64, Vec<Event>)>,
    recorded: &mut Vec<Event>,
) -> Result<(), Divergence> {
    let recorded = std::mem::take(recorded);
    let Some((seq, decided)) = pending else {
        return Ok(());
    };
    let (recorded, decided) = (lines(&recorded), lines(&decided));
    if recorded == decided {
        return Ok(());
    }
    let mut diff = String::new();
    for at in 0..recorded.len().max(decided.len()) {
        let (was, is) = (recorded.get(at), decided.get(at));
        if was != is {
            diff.extend(was.map(|line| format!("- {line}\n")));
            diff.extend(is.map(|line| format!("+ {line}\n")));
        }
    }
    Err(Divergence::Events { seq, diff })
}

fn lines(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap_or_default())
        .collect()
}

fn hash(state: &State) -> String {
    hex::encode(Sha256::digest(
        serde_json::to_vec(state).unwrap_or_default(),
    ))
}

/// Says whether a snapshot is whole, and of this state. An older version may have written it in
/// another form, so what it says is compared, not its bytes.
fn is_of(snapshot: &Snapshot, state: &State) -> bool {
    hex::encode(Sha256::digest(&snapshot.state)) == snapshot.hash
        && serde_json::from_slice::<State>(&snapshot.state).is_ok_and(|stored| stored == *state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{
        Channel, Content, InboundMessage, Input, MessageId, Meta, PromptStyle, Settings,
    };

    fn verify(records: &[LogRecord], snapshot: Option<Snapshot>) -> Result<Replayed, Divergence> {
        let mut verification = Verification::new(snapshot);
        records.iter().for_each(|record| verification.take(record));
        verification.end()
    }

    fn log() -> Vec<LogRecord> {
        let meta = Meta {
            at_ms: 1_000,
            entropy: 7,
            settings: Settings {
                shop_name: "Shop".into(),
                prompt_style: PromptStyle::Compact,
                history_chars_max: 1_000,
                output_tokens_max: 64,
                locale: "en-GB".to_owned(),
                hints: true,
                introduction: None,
            },
        };
        let input = Input::ReceiveMessages {
            channel: Channel::Webchat,
            address: "a".into(),
            messages: vec![InboundMessage {
                id: MessageId::from_parts(1, 1),
                provider_id: "m1".into(),
                sent_at_ms: 1,
                cut_from_chars: None,
                content: Content::Text {
                    text: "a red kettle".into(),
                },
            }],
            terms: None,
        };
        let events = decide(&State::default(), &input, &meta).expect("decision");
        let bodies = std::iter::once(LogBody::Input { input, meta })
            .chain(events.into_iter().map(|event| LogBody::Event { event }));
        (1..)
            .zip(bodies)
            .map(|(seq, body)| LogRecord {
                seq,
                at_ms: 1_000,
                epoch: 1,
                logic_version: LOGIC_VERSION,
                body,
            })
            .collect()
    }

    #[test]
    fn a_log_explains_itself() {
        let log = log();
        assert_eq!(
            verify(&log, None).map(|replayed| (replayed.records, replayed.decided)),
            Ok((log.len(), 1))
        );
    }

    #[test]
    fn every_kind_of_tampering_is_found_where_it_is() {
        let mut gap = log();
        gap.remove(1);
        assert!(matches!(
            verify(&gap, None),
            Err(Divergence::Sequence { after: 1, found: 3 })
        ));

        let mut missing = log();
        missing.pop();
        assert!(matches!(
            verify(&missing, None),
            Err(Divergence::Events { seq: 1, .. })
        ));

        let mut epoch = log();
        epoch[1].epoch = 0;
        assert!(matches!(
            verify(&epoch, None),
            Err(Divergence::Epoch { seq: 2, .. })
        ));

        let mut other = log();
        if let Some(LogBody::Event {
            event: Event::TurnStarted { words, .. },
        }) = other.last_mut().map(|record| &mut record.body)
        {
            *words = "a blue kettle".into();
        }
        let Err(Divergence::Events { seq: 1, diff }) = verify(&other, None) else {
            panic!("not found")
        };
        assert!(diff.contains("- ") && diff.contains("blue") && diff.contains("red"));

        let wrong = Snapshot {
            seq: 2,
            state: Vec::new(),
            hash: "00".into(),
        };
        assert_eq!(
            verify(&log(), Some(wrong)),
            Err(Divergence::Snapshot { seq: 2 })
        );
    }

    #[test]
    fn a_snapshot_of_another_form_is_compared_by_what_it_says() {
        let replayed = verify(&log(), None).expect("verified");
        let fold = |state: State, record: &LogRecord| match &record.body {
            LogBody::Event { event } => evolve(state, event),
            LogBody::Input { .. } => state,
        };
        let state = log().iter().fold(State::default(), fold);
        let seq = replayed.records as u64;
        let snapshot = |json: String| Snapshot {
            seq,
            hash: hex::encode(Sha256::digest(json.as_bytes())),
            state: json.into_bytes(),
        };
        let whole = serde_json::to_string(&state).expect("json");
        // As version 5 wrote a turn that had begun.
        let older = whole.replace(r#""phase":"writing""#, r#""phase":"planning""#);
        let older = older.replace(r#","rounds":[]"#, "");
        assert_ne!(older, whole);
        assert!(verify(&log(), Some(snapshot(older))).is_ok());
        let other = whole.replace("kettle", "tent");
        let differs = verify(&log(), Some(snapshot(other)));
        assert!(matches!(differs, Err(Divergence::Snapshot { .. })));
    }
}
