//! How events change the state. Total: any event on any state gives a state; it never refuses
//! and never panics. An event that does not fit the phase leaves the phase as it is.

use mercer_schemas::{
    Event, Evidence, Handle, HandoffReason, Identity, Personal, RecordKey, TurnId,
};

use crate::replies;
use crate::rounds::{Rounds, is_order};
use crate::state::{Origin, PastTurn, Phase, State, Turn};

/// Applies an event.
pub fn evolve(mut state: State, event: &Event) -> State {
    match event {
        Event::ConversationStarted { channel, address } => {
            state.origin = Some(Origin {
                channel: *channel,
                address: address.clone(),
            });
        }
        Event::TermsLearnt { terms } => state.terms = Some(terms.clone()),
        Event::MessageReceived { message } => {
            wrote(&mut state.identity, message.sent_at_ms);
            if state.phase == Phase::WithPerson
                && let Some(words) = message.content.words()
            {
                state
                    .past
                    .push(exchange(words.clone(), Personal::default()));
            }
        }
        Event::HistoryCompacted { turns } => {
            state.past.drain(..(*turns).min(state.past.len()));
        }
        Event::TurnStarted {
            turn,
            attempt,
            words,
            cut,
        } => {
            state.phase = begun(Turn {
                id: turn.clone(),
                attempt: *attempt,
                words: words.clone(),
                cut: *cut,
            });
        }
        Event::TurnExtended {
            turn,
            attempt,
            words,
            cut,
        } => extend_turn(&mut state, turn, *attempt, words, *cut),
        Event::PlanMade { turn, plan } => {
            state.phase = match state.phase {
                Phase::Writing {
                    turn: running,
                    rounds,
                    repair,
                    ..
                } if running.id == *turn => {
                    let (turn, plan) = (running, plan.clone());
                    if plan.calls.is_empty() {
                        Phase::Writing {
                            turn,
                            rounds,
                            reply_only: true,
                            repair,
                        }
                    } else {
                        Phase::Gathering { turn, rounds, plan }
                    }
                }
                other => other,
            };
        }
        Event::EvidenceGathered { turn, evidence } => {
            state.phase = match state.phase {
                Phase::Gathering {
                    turn: running,
                    mut rounds,
                    plan,
                } if running.id == *turn => {
                    rounds.push(plan, evidence.clone());
                    let products = products_of(&rounds.all_evidence());
                    if !products.is_empty() {
                        state.shown = products;
                    }
                    Phase::Writing {
                        turn: running,
                        reply_only: !rounds.may_go_on(),
                        rounds,
                        repair: false,
                    }
                }
                other => other,
            };
        }
        Event::CustomerIdentified {
            customer,
            stamp,
            at_ms,
        } => {
            state.customer = Some(customer.clone());
            state.identity.stamp.clone_from(stamp);
            wrote(&mut state.identity, *at_ms);
        }
        Event::IdentityEnded { .. } => {
            state.customer = None;
            state.identity = Identity {
                wrong: state.identity.wrong,
                ..Identity::default()
            };
            // Who writes now may be somebody else, and is not told what the one before was told.
            state.past.retain(|past| !tells_order(past));
            state.past.iter_mut().for_each(forget_order);
            if let Phase::Writing { rounds, .. }
            | Phase::Gathering { rounds, .. }
            | Phase::Checking { rounds, .. } = &mut state.phase
            {
                rounds.forget_orders();
            }
        }
        Event::ProofTried {
            wrong,
            given,
            at_ms,
        } => {
            state.identity.given.clone_from(given);
            state.identity.wrong += u32::from(*wrong);
            wrote(&mut state.identity, *at_ms);
        }
        Event::ReplyDrafted {
            turn,
            draft,
            source,
        } => {
            state.phase = match state.phase {
                Phase::Writing {
                    turn: running,
                    rounds,
                    ..
                }
                | Phase::Checking {
                    turn: running,
                    rounds,
                    ..
                }
                // A template may tell what was found before tools failed.
                | Phase::Gathering {
                    turn: running,
                    rounds,
                    ..
                } if running.id == *turn => Phase::Checking {
                    turn: running,
                    rounds,
                    draft: draft.clone(),
                    source: *source,
                },
                other => other,
            };
        }
        Event::ReplyBlocked { turn, .. } => {
            state.phase = match state.phase {
                Phase::Checking {
                    turn: running,
                    rounds,
                    source: mercer_schemas::DraftSource::Model,
                    ..
                } if running.id == *turn => Phase::Writing {
                    turn: running,
                    rounds,
                    reply_only: true,
                    repair: true,
                },
                other => other,
            };
        }
        Event::ReplyQueued {
            turn,
            message,
            content,
            ..
        } => {
            state.deliveries.follow(message.clone());
            state.introduced |= state.phase != Phase::WithPerson;
            if content.text.expose().contains(replies::UNSUPPORTED) {
                state.told_unreadable_at_ms = Some(message.at_ms());
            }
            if turn.is_none() && state.phase == Phase::WithPerson {
                answer_last(&mut state, &content.text);
            }
        }
        Event::TurnEnded {
            turn,
            failed,
            still_failed,
        } => end_turn(&mut state, turn, *failed, *still_failed),
        Event::HandedOver { reason } => {
            state.phase = Phase::WithPerson;
            // Who is called because look-ups fail sees to it: the next one is a first one again.
            state.last_turn_failed &= *reason != HandoffReason::Unable;
        }
        Event::TakenOver { .. } => state.phase = Phase::WithPerson,
        Event::HandedBack { .. } => {
            if state.phase == Phase::WithPerson {
                state.phase = Phase::Idle;
                // A person has looked at it: the customer may try again.
                state.identity.given.clear();
                state.identity.wrong = 0;
            }
        }
        Event::DeliveryUpdated { message, status } => state.deliveries.note(message, *status),
        Event::InputQuarantined { .. } => {}
    }
    state
}

/// Adds words to the running turn, which begins again.
fn extend_turn(
    state: &mut State,
    turn: &TurnId,
    attempt: u32,
    words: &Personal<String>,
    cut: bool,
) {
    let Some(running) = state.phase.turn().filter(|running| running.id == *turn) else {
        return;
    };
    let mut all = running.words.expose().clone();
    if !words.expose().is_empty() {
        all.push('\n');
        all.push_str(words.expose());
    }
    state.phase = begun(Turn {
        id: turn.clone(),
        attempt,
        words: Personal::new(all),
        cut: running.cut || cut,
    });
}

fn begun(turn: Turn) -> Phase {
    Phase::Writing {
        turn,
        rounds: Rounds::default(),
        reply_only: false,
        repair: false,
    }
}

/// Notes that the customer wrote, while there is anything that ends by silence.
fn wrote(identity: &mut Identity, at_ms: i64) {
    if !identity.is_empty() {
        identity.last_message_ms = identity.last_message_ms.max(at_ms);
    }
}

/// Says whether a turn was about an order. One that was only looked up can leave it; what a reply that refers to nothing was
/// about, nobody knows.
fn tells_order(past: &PastTurn) -> bool {
    let orders: Vec<&Evidence> = past
        .rounds
        .evidence()
        .filter(|line| is_order(line))
        .collect();
    let told = replies::references(past.reply.expose());
    let is_told = |line: &&Evidence| matches!(line, Evidence::Record { handle, .. } if told.contains(&handle.as_str()));
    let was_called = || past.rounds.called_evidence().iter().any(is_order);
    !orders.is_empty() && (told.is_empty() || orders.iter().any(is_told) || was_called())
}

/// Takes an order that was only looked up out of a turn: what was found of it, and all words, which may have told of it.
fn forget_order(past: &mut PastTurn) {
    if past.rounds.evidence().any(is_order) {
        past.rounds.forget_orders();
        past.words = Personal::default();
        past.reply = Personal::new(replies::references_alone(past.reply.expose()));
    }
}

/// Moves the running turn into the history, with what the customer was told.
fn end_turn(state: &mut State, turn: &TurnId, failed: bool, still_failed: bool) {
    if state.phase.turn().is_none_or(|running| running.id != *turn) {
        return;
    }
    let mut past = match std::mem::take(&mut state.phase) {
        Phase::Checking {
            turn,
            rounds,
            draft,
            ..
        } => PastTurn {
            words: turn.words,
            rounds,
            reply: draft,
        },
        Phase::Writing { turn, rounds, .. } => PastTurn {
            words: turn.words,
            rounds,
            reply: Personal::default(),
        },
        Phase::Gathering {
            turn,
            mut rounds,
            plan,
        } => {
            // What was to be run stays, so that the model does not learn to run nothing.
            if failed {
                rounds.push(plan, Vec::new());
            }
            PastTurn {
                words: turn.words,
                rounds,
                reply: Personal::default(),
            }
        }
        Phase::Idle | Phase::WithPerson => return,
    };
    if failed {
        past.rounds.clear_evidence();
        past.reply = Personal::new(replies::TRY_AGAIN.to_owned());
    }
    // A turn that told what it had found before a look-up failed.
    let failed_in_part = replies::leaves_rest(past.reply.expose());
    state.past.push(past);
    state.last_turn_failed = failed || still_failed || failed_in_part;
    state.turns_ended += 1;
    state.last_ended = Some(turn.clone());
}

/// A person's words answer the customer's last ones.
fn answer_last(state: &mut State, text: &Personal<String>) {
    match state.past.last_mut() {
        Some(last) if last.reply.expose().is_empty() => last.reply = text.clone(),
        _ => state.past.push(exchange(Personal::default(), text.clone())),
    }
}

fn exchange(words: Personal<String>, reply: Personal<String>) -> PastTurn {
    PastTurn {
        words,
        rounds: Rounds::default(),
        reply,
    }
}

pub(crate) fn products_of(evidence: &[Evidence]) -> Vec<(Handle, RecordKey)> {
    evidence
        .iter()
        .filter_map(|line| match line {
            Evidence::Record { handle, key, .. } if key.kind().is_sold() => {
                Some((handle.clone(), key.clone()))
            }
            _ => None,
        })
        .collect()
}
