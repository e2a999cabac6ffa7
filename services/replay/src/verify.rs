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

/// Folds a whole log and decides again on every input.
///
/// # Errors
/// The first [`Divergence`].
pub fn verify(records: &[LogRecord], snapshot: Option<&Snapshot>) -> Result<Replayed, Divergence> {
    let mut state = State::default();
    let mut decided = 0;
    let mut expected: Vec<Event> = Vec::new();
    let mut pending: Option<(u64, Vec<Event>)> = None;
    let (mut seq, mut epoch) = (0, i64::MIN);
    for record in records {
        if record.seq != seq + 1 {
            return Err(Divergence::Sequence {
                after: seq,
                found: record.seq,
            });
        }
        if record.epoch < epoch {
            return Err(Divergence::Epoch {
                seq: record.seq,
                before: epoch,
                after: record.epoch,
            });
        }
        (seq, epoch) = (record.seq, record.epoch);
        match &record.body {
            LogBody::Input { input, meta } => {
                compare(pending.take(), &mut expected)?;
                if record.logic_version == LOGIC_VERSION {
                    let events =
                        decide(&state, input, meta).map_err(|refusal| Divergence::Refused {
                            seq,
                            refusal: refusal.to_string(),
                        })?;
                    pending = Some((seq, events));
                    decided += 1;
                }
            }
            LogBody::Event { event } => {
                expected.push(event.clone());
                state = evolve(state, event);
                invariants::check(&state).map_err(|violation| Divergence::Invariant {
                    seq,
                    violation: violation.to_string(),
                })?;
            }
        }
        if let Some(snapshot) = snapshot.filter(|snapshot| snapshot.seq == seq)
            && hash(&state) != snapshot.hash
        {
            return Err(Divergence::Snapshot { seq });
        }
    }
    compare(pending, &mut expected)?;
    Ok(Replayed {
        records: records.len(),
        decided,
        state_sha256: hash(&state),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{
        Channel, Content, InboundMessage, Input, MessageId, Meta, PromptStyle, Settings,
    };

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
            verify(&log(), Some(&wrong)),
            Err(Divergence::Snapshot { seq: 2 })
        );
    }
}
