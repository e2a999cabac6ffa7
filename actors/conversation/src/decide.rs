//! The decisions of a conversation: an input meets a state, and events come out.
//!
//! Reads in the order in which a conversation happens. Everything is decided on events; the
//! effects follow from the state after them.

use mercer_schemas::{
    ActionBy, Channel, CustomerId, DeliveryStatus, Detail, DraftSource, EffectId, Event, Evidence,
    Generated, HandoffReason, IdentityEnd, InboundMessage, Input, MessageId, Meta, OutboundMessage,
    Personal, Plan, PromptStyle, Proof, RenderedReply, Sender, ShopTerms, ToolCall, TurnId,
    Verdict, conversation::GENERATED_CHARS_MAX,
};

use crate::bounds::{MERGES_MAX, PROOF_DETAILS_MAX, TURN_CHARS_MAX, head};
use crate::effect::open_effect;
use crate::rounds::{Rounds, is_order};
use crate::state::{Phase, State, Turn};
use crate::tools::{self, Handoff, SearchCatalog, SearchPolicies, look_up};
use crate::{prompt, replies};

/// After this long a customer may have forgotten that Mercer reads text only. A day is also how
/// long WhatsApp lets a shop answer freely.
const UNREADABLE_PAUSE_MS: i64 = 24 * 60 * 60 * 1_000;
/// A proof of identity holds this long after the customer's last message. A phone changes hands and a
/// browser is shared between one visit and the next, not within one.
const IDENTITY_SILENCE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// Why an input was not taken. A refused input is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The answer belongs to an effect that is no longer wanted.
    #[error("the effect is not open any more")]
    StaleEffect,
    /// An action of a person needs the conversation to be with a person.
    #[error("the conversation is not with a person; take it over first")]
    NotWithPerson,
    /// There is no conversation yet.
    #[error("the conversation has not begun")]
    NotStarted,
}

/// Decides on an input: returns what happened, in order. Empty when the input changes nothing.
/// What is wanted next follows from the state after these events ([`crate::wanted`]).
///
/// # Errors
/// A [`Refusal`] says why the input is not taken; the state stays as it is.
pub fn decide(state: &State, input: &Input, meta: &Meta) -> Result<Vec<Event>, Refusal> {
    let state = &*state.as_read(&meta.settings);
    let mut events = match input {
        Input::ReceiveMessages {
            channel,
            address,
            messages,
            terms,
        } => receive(state, *channel, address, messages, terms.as_ref(), meta),
        Input::Generated { effect, output, .. } => generated(state, effect, output, meta)?,
        // No effect of this version is answered so.
        Input::PlanGenerated { .. } | Input::ReplyGenerated { .. } => {
            return Err(Refusal::StaleEffect);
        }
        Input::ToolsAnswered {
            effect,
            evidence,
            identified,
            proof,
        } => {
            let turn = gathering(state, effect)?;
            let mut events = proof_found(state, turn, identified.as_ref(), proof.as_ref(), meta);
            events.push(Event::EvidenceGathered {
                turn: turn.id.clone(),
                evidence: evidence.clone(),
            });
            events
        }
        Input::ReplyChecked {
            effect,
            verdicts,
            reply,
        } => reply_checked(state, effect, verdicts, reply.as_ref(), meta)?,
        Input::EffectFailed { effect, cause: _ } => effect_failed(state, effect, meta)?,
        Input::DeliveryReported { message, status } => delivery_reported(state, message, *status),
        Input::TakeOver { by } => take_over(state, by)?,
        Input::AnswerAsPerson { by: _, text } => answer_as_person(state, text, meta)?,
        Input::HandBack { by } => hand_back(state, by)?,
        Input::Quarantine {
            inbox_ids,
            from,
            by_person,
        } => quarantine(state, inbox_ids, from.as_ref(), *by_person, meta),
    };
    let with_person = state.phase == Phase::WithPerson;
    if !matches!(input, Input::AnswerAsPerson { .. }) && !with_person && !state.introduced {
        introduce(&mut events, meta);
    }
    Ok(events)
}

/// The first reply says that an assistant answers (the EU's AI Act asks for it, article 50).
fn introduce(events: &mut [Event], meta: &Meta) {
    let Some(introduction) = &meta.settings.introduction else {
        return;
    };
    let first = events.iter_mut().find_map(|event| match event {
        Event::ReplyQueued { content, .. } => Some(content),
        _ => None,
    });
    if let Some(content) = first {
        content.text = Personal::new(format!("{introduction}\n\n{}", content.text.expose()));
    }
}

/// A burst opens a turn; a message during a turn joins it and the turn begins again.
fn receive(
    state: &State,
    channel: Channel,
    address: &Personal<String>,
    messages: &[InboundMessage],
    terms: Option<&ShopTerms>,
    meta: &Meta,
) -> Vec<Event> {
    let mut events = Vec::new();
    if state.origin.is_none() {
        events.push(Event::ConversationStarted {
            channel,
            address: address.clone(),
        });
    }
    if let Some(terms) = state.to_learn(terms, meta.at_ms) {
        events.push(Event::TermsLearnt {
            terms: terms.clone(),
        });
    }
    let ended = identity_end(state, address, meta.at_ms);
    // The end of an identity takes turns out of the history by itself.
    let compacted = match ended {
        None => compacted(state, meta),
        Some(_) => None,
    };
    if state.phase == Phase::WithPerson {
        // Each message becomes a part of the history at once.
        events.extend(compacted.clone());
    }
    events.extend(ended.map(|cause| Event::IdentityEnded { cause }));
    events.extend(messages.iter().map(|message| Event::MessageReceived {
        message: message.clone(),
    }));
    if state.phase == Phase::WithPerson {
        return events;
    }
    let new_words: Vec<&str> = messages
        .iter()
        .filter_map(|m| m.content.words())
        .map(|w| w.expose().trim())
        .filter(|w| !w.is_empty())
        .collect();
    if new_words.is_empty() {
        // Only pictures, voice notes and the like: an honest answer needs no model.
        let unreadable = messages.iter().any(|m| m.content.is_unreadable());
        if unreadable && state.phase.turn().is_none() && !told_unreadable_lately(state, meta) {
            events.push(plain_message(replies::UNSUPPORTED, None, meta, 0));
        }
        return events;
    }
    let new_words = new_words.join("\n");
    let was_cut = messages.iter().any(|m| m.cut_from_chars.is_some());
    // A model that chooses from the shop's names reads what the stores hold on the words before it writes.
    let has_terms = state.terms.is_some() || terms.is_some();
    let looks_up_first = has_terms && meta.settings.prompt_style == PromptStyle::Shop;
    match state.phase.turn() {
        Some(turn) => {
            let extended = merged(turn, &new_words, was_cut);
            let begins_again = extended.is_some();
            events.extend(extended);
            if begins_again && looks_up_first {
                events.push(plan_made(&turn.id, look_up::first_plan()));
            }
        }
        None => {
            let words = head(&new_words, TURN_CHARS_MAX);
            let turn = TurnId::from_parts(meta.at_ms, u128::from(meta.entropy));
            events.extend(compacted);
            events.push(Event::TurnStarted {
                turn: turn.clone(),
                attempt: 0,
                words: words.into(),
                cut: was_cut || words.len() < new_words.len(),
            });
            if looks_up_first {
                events.push(plan_made(&turn, look_up::first_plan()));
            }
        }
    }
    events
}

/// Every message costs the shop money, so the same sentence is not said to each of ten pictures.
fn told_unreadable_lately(state: &State, meta: &Meta) -> bool {
    let told_at_ms = state.told_unreadable_at_ms;
    told_at_ms.is_some_and(|told_at_ms| meta.at_ms < told_at_ms + UNREADABLE_PAUSE_MS)
}

/// Adds words to a running turn, as far as they fit. The turn holds only what is new of them, so the
/// log grows with what was written. Of a turn that is full the first message more is noted, for the
/// reply to say so; the rest is in the log as received and changes nothing.
fn merged(turn: &Turn, new_words: &str, was_cut: bool) -> Option<Event> {
    let room = match TURN_CHARS_MAX.checked_sub(turn.said().chars().count() + 1) {
        Some(room) if turn.attempt < MERGES_MAX => room,
        _ => 0,
    };
    let words = head(new_words, room);
    if words.is_empty() && turn.cut {
        return None;
    }
    Some(Event::TurnExtended {
        turn: turn.id.clone(),
        attempt: turn.attempt + 1,
        words: words.into(),
        cut: was_cut || words.len() < new_words.len(),
    })
}

/// Old turns leave when the history has become too long.
fn compacted(state: &State, meta: &Meta) -> Option<Event> {
    let turns = prompt::turns_to_compact(state, &meta.settings);
    (turns > 0).then_some(Event::HistoryCompacted { turns })
}

/// Says whether what is known of who writes ends before a message is read, and why.
fn identity_end(state: &State, address: &Personal<String>, at_ms: i64) -> Option<IdentityEnd> {
    if state.customer.is_none() && state.identity.given.is_empty() {
        return None;
    }
    let is_elsewhere = state
        .origin
        .as_ref()
        .is_some_and(|origin| origin.address != *address);
    if is_elsewhere {
        return Some(IdentityEnd::Address);
    }
    let silence_ms = at_ms.saturating_sub(state.identity.last_message_ms);
    (silence_ms > IDENTITY_SILENCE_MAX_MS).then_some(IdentityEnd::Silence)
}

/// What the tools say of who writes.
fn proof_found(
    state: &State,
    turn: &Turn,
    identified: Option<&CustomerId>,
    proof: Option<&Proof>,
    meta: &Meta,
) -> Vec<Event> {
    let mut events = Vec::new();
    let has_ended = state.customer.is_some() && proof.is_some_and(|proof| proof.ended);
    if has_ended {
        events.push(Event::IdentityEnded {
            cause: IdentityEnd::Record,
        });
    }
    let stamp = proof.and_then(|proof| proof.stamp.clone());
    if let Some(customer) = identified.filter(|customer| {
        has_ended || state.customer.as_ref() != Some(customer) || state.identity.stamp != stamp
    }) {
        events.push(Event::CustomerIdentified {
            customer: customer.clone(),
            stamp,
            at_ms: meta.at_ms,
        });
    }
    let given = if has_ended {
        &[]
    } else {
        state.identity.given.as_slice()
    };
    if let Some(proof) = proof {
        let wrong = proof.wrong && !is_tried(state, turn, &proof.given, given);
        if wrong || proof.given != given {
            events.push(Event::ProofTried {
                wrong,
                given: proof.given.clone(),
                at_ms: meta.at_ms,
            });
        }
    }
    events
}

/// Says whether a turn that looks at an order again, in a later round or because it began again, has
/// nothing new to prove with. The customer tried once, however often the model looks.
fn is_tried(state: &State, turn: &Turn, now: &[Detail], before: &[Detail]) -> bool {
    let mut rounds = state.phase.rounds().into_iter();
    let has_looked = turn.attempt > 0
        || rounds.any(|rounds| {
            rounds
                .evidence()
                .any(|line| *line == Evidence::OrderNotFound)
        });
    let is_known = |detail: &Detail| before.iter().any(|known| known.key == detail.key);
    // Where more was given than is remembered, something new may have been left out.
    has_looked && now.len() < PROOF_DETAILS_MAX && now.iter().all(is_known)
}

/// What the model wrote is calls or the reply. Calls that do not keep to what the conversation offers
/// are replaced by a plain search, once; calls that were made before are not made again.
fn generated(
    state: &State,
    effect: &EffectId,
    output: &Generated,
    meta: &Meta,
) -> Result<Vec<Event>, Refusal> {
    let Phase::Writing {
        turn,
        rounds,
        reply_only,
        repair,
    } = &state.phase
    else {
        return Err(Refusal::StaleEffect);
    };
    expect_open(state, effect)?;
    let text = output.text.expose();
    if *reply_only || !Plan::is_begun_by(text) {
        let source = if *repair {
            DraftSource::Repair
        } else {
            DraftSource::Model
        };
        return Ok(vec![Event::ReplyDrafted {
            turn: turn.id.clone(),
            draft: head(text, GENERATED_CHARS_MAX).into(),
            source,
        }]);
    }
    let plan = serde_json::from_str::<Plan>(text)
        .ok()
        .and_then(|plan| tools::admitted(state, turn, meta.settings.hints, &plan));
    Ok(vec![match plan {
        Some(plan) => plan_made(&turn.id, fresh(rounds, plan)),
        None if rounds.is_empty() => plan_made(&turn.id, fallback_plan(turn)),
        None => plan_made(&turn.id, Plan::default()),
    }])
}

/// Leaves out calls whose answer the turn has already.
fn fresh(rounds: &Rounds, mut plan: Plan) -> Plan {
    plan.calls
        .retain(|call| rounds.calls().all(|made| made != call));
    plan
}

fn plan_made(turn: &TurnId, plan: Plan) -> Event {
    Event::PlanMade {
        turn: turn.clone(),
        plan,
    }
}

/// Characters of the customer's words that are searched for without a plan.
const FALLBACK_CHARS_MAX: usize = 200;

/// Without a usable plan the customer still gets what the stores hold on their words.
fn fallback_plan(turn: &Turn) -> Plan {
    let query: Personal<String> = head(turn.words.expose(), FALLBACK_CHARS_MAX).into();
    Plan {
        calls: vec![
            ToolCall::new(&SearchCatalog {
                query: query.clone(),
                ..SearchCatalog::default()
            }),
            ToolCall::new(&SearchPolicies { query }),
        ],
    }
}

fn gathering<'a>(state: &'a State, effect: &EffectId) -> Result<&'a Turn, Refusal> {
    let Phase::Gathering { turn, .. } = &state.phase else {
        return Err(Refusal::StaleEffect);
    };
    expect_open(state, effect)?;
    Ok(turn)
}

/// One retry of the model, then a template from the evidence, then a person.
fn reply_checked(
    state: &State,
    effect: &EffectId,
    verdicts: &[Verdict],
    reply: Option<&RenderedReply>,
    meta: &Meta,
) -> Result<Vec<Event>, Refusal> {
    let Phase::Checking {
        turn,
        rounds,
        draft,
        source,
    } = &state.phase
    else {
        return Err(Refusal::StaleEffect);
    };
    expect_open(state, effect)?;
    if let Some(reply) = reply {
        let mut events = reply_passed(state, turn, rounds, reply, verdicts, meta);
        let person = match replies::promises_person(draft.expose()) {
            true => Some(HandoffReason::Unable),
            false => person_wanted(rounds),
        };
        events.extend(person.map(|reason| Event::HandedOver { reason }));
        return Ok(events);
    }
    let blocked = Event::ReplyBlocked {
        turn: turn.id.clone(),
        verdicts: verdicts.to_vec(),
    };
    Ok(match source {
        DraftSource::Model => vec![blocked],
        DraftSource::Repair => vec![blocked, template_draft(turn, rounds, Some(draft.expose()))],
        DraftSource::Template => {
            let mut events = vec![blocked];
            events.extend(give_up(turn, HandoffReason::Unable, meta));
            events
        }
    })
}

fn reply_passed(
    state: &State,
    turn: &Turn,
    rounds: &Rounds,
    reply: &RenderedReply,
    verdicts: &[Verdict],
    meta: &Meta,
) -> Vec<Event> {
    let text = if turn.cut {
        Personal::new(format!("{}\n\n{}", reply.text.expose(), replies::CUT))
    } else {
        reply.text.clone()
    };
    vec![
        Event::ReplyQueued {
            turn: Some(turn.id.clone()),
            message: message_id(meta, 0),
            content: OutboundMessage {
                text,
                cards: reply.cards.clone(),
            },
            verdicts: verdicts.to_vec(),
            claims: reply.claims.clone(),
        },
        Event::TurnEnded {
            turn: turn.id.clone(),
            failed: false,
            // "Thanks" is no sign that the stores can be read.
            still_failed: state.last_turn_failed && rounds.called().next().is_none(),
        },
    ]
}

fn person_wanted(rounds: &Rounds) -> Option<HandoffReason> {
    let asked_for = rounds.calls().find_map(person_asked_for);
    // The tools call a person too, where no details are compared any more.
    let was_called = || rounds.evidence().any(|line| *line == Evidence::HandedOver);
    asked_for.or_else(|| was_called().then_some(HandoffReason::Identity))
}

fn person_asked_for(call: &ToolCall) -> Option<HandoffReason> {
    Some(call.arguments::<Handoff>()?.reason)
}

/// Says what was found without a model: what calls brought; where there were none, what a draft referred to, or
/// without one all that the words were looked up for, but orders: whether they were asked for, nobody has read.
fn template_draft(turn: &Turn, rounds: &Rounds, draft: Option<&str>) -> Event {
    let called = rounds.called_evidence();
    let evidence = match draft {
        _ if !called.is_empty() => called,
        Some(draft) => {
            let meant = replies::references(draft);
            let is_meant = |line: &Evidence| matches!(line, Evidence::Record { handle, .. } if meant.contains(&handle.as_str()));
            rounds
                .evidence()
                .filter(|line| is_meant(line))
                .cloned()
                .collect()
        }
        None => rounds
            .evidence()
            .filter(|line| !is_order(line))
            .cloned()
            .collect(),
    };
    template(turn, replies::from_evidence(&evidence))
}

fn template(turn: &Turn, draft: String) -> Event {
    Event::ReplyDrafted {
        turn: turn.id.clone(),
        draft: Personal::new(draft),
        source: DraftSource::Template,
    }
}

/// The last resort: an honest sentence without any claim, and a person.
fn give_up(turn: &Turn, reason: HandoffReason, meta: &Meta) -> Vec<Event> {
    vec![
        plain_message(replies::GIVE_UP, Some(turn.id.clone()), meta, 0),
        Event::TurnEnded {
            turn: turn.id.clone(),
            failed: false,
            still_failed: false,
        },
        Event::HandedOver { reason },
    ]
}

/// What an answer needs could not be read, again and again. The customer is told so and may ask
/// again. A person is called where they asked for one, or where the turn before failed too.
fn look_up_failed(
    state: &State,
    turn: &Turn,
    person_wanted: Option<HandoffReason>,
    meta: &Meta,
) -> Vec<Event> {
    let failed_again = state.last_turn_failed.then_some(HandoffReason::Unable);
    if let Some(reason) = person_wanted.or(failed_again) {
        return give_up(turn, reason, meta);
    }
    vec![
        plain_message(replies::TRY_AGAIN, Some(turn.id.clone()), meta, 0),
        Event::TurnEnded {
            turn: turn.id.clone(),
            failed: true,
            still_failed: false,
        },
    ]
}

/// A step that failed is replaced by the next simpler one; the customer is never left without an answer.
fn effect_failed(state: &State, effect: &EffectId, meta: &Meta) -> Result<Vec<Event>, Refusal> {
    expect_open(state, effect)?;
    Ok(match &state.phase {
        Phase::Idle | Phase::WithPerson => Vec::new(),
        Phase::Writing {
            turn,
            rounds,
            reply_only: false,
            ..
        } if rounds.is_empty() => vec![plan_made(&turn.id, fallback_plan(turn))],
        Phase::Writing { turn, rounds, .. } => vec![template_draft(turn, rounds, None)],
        Phase::Gathering { turn, rounds, plan } => {
            let wanted = plan.calls.iter().find_map(person_asked_for);
            let found = replies::told(&rounds.called_evidence());
            match found.filter(|_| wanted.is_none()) {
                // What earlier rounds found is told.
                Some(found) => {
                    let rest = match state.last_turn_failed {
                        true => replies::REST_TO_PERSON,
                        false => replies::TRY_REST_AGAIN,
                    };
                    vec![template(turn, format!("{found}\n{rest}"))]
                }
                None => look_up_failed(state, turn, wanted, meta),
            }
        }
        Phase::Checking {
            turn,
            rounds,
            draft,
            source,
        } => match source {
            DraftSource::Model | DraftSource::Repair => {
                vec![template_draft(turn, rounds, Some(draft.expose()))]
            }
            DraftSource::Template => look_up_failed(state, turn, person_wanted(rounds), meta),
        },
    })
}

fn delivery_reported(state: &State, message: &MessageId, status: DeliveryStatus) -> Vec<Event> {
    let Some(known) = state.deliveries.get(message) else {
        return Vec::new();
    };
    let joined = known.map_or(status, |known| known.join(status));
    if known == Some(joined) {
        return Vec::new();
    }
    vec![Event::DeliveryUpdated {
        message: message.clone(),
        status: joined,
    }]
}

fn take_over(state: &State, by: &ActionBy) -> Result<Vec<Event>, Refusal> {
    if state.origin.is_none() {
        return Err(Refusal::NotStarted);
    }
    let mut events = Vec::new();
    if let Some(turn) = state.phase.turn() {
        // A running turn ends unanswered: the person has read the same words.
        events.push(Event::TurnEnded {
            turn: turn.id.clone(),
            failed: false,
            still_failed: false,
        });
    }
    events.push(Event::TakenOver { by: by.clone() });
    Ok(events)
}

fn answer_as_person(
    state: &State,
    text: &Personal<String>,
    meta: &Meta,
) -> Result<Vec<Event>, Refusal> {
    if state.phase != Phase::WithPerson {
        return Err(Refusal::NotWithPerson);
    }
    let mut events: Vec<Event> = compacted(state, meta).into_iter().collect();
    events.push(plain_message(text.expose(), None, meta, 0));
    Ok(events)
}

fn hand_back(state: &State, by: &ActionBy) -> Result<Vec<Event>, Refusal> {
    if state.phase != Phase::WithPerson {
        return Err(Refusal::NotWithPerson);
    }
    Ok(vec![Event::HandedBack { by: by.clone() }])
}

/// The input crashed us repeatedly. Whoever wrote it is told: a customer by an honest sentence, a
/// person of the shop by being called (again, where the conversation is theirs already). A report
/// on a message is missed by nobody. The conversation goes on.
fn quarantine(
    state: &State,
    inbox_ids: &[i64],
    from: Option<&Sender>,
    by_person: bool,
    meta: &Meta,
) -> Vec<Event> {
    let mut events = Vec::new();
    // It may have been the first message that crashed us.
    if let (None, Some(from)) = (&state.origin, from) {
        events.push(Event::ConversationStarted {
            channel: from.channel,
            address: from.address.clone(),
        });
    }
    let has_begun = state.origin.is_some() || from.is_some();
    events.push(Event::InputQuarantined {
        inbox_ids: inbox_ids.to_vec(),
    });
    if !has_begun || (from.is_none() && !by_person) {
        return events;
    }
    let turn = state.phase.turn().map(|turn| turn.id.clone());
    if from.is_some() || turn.is_some() {
        events.push(plain_message(replies::GIVE_UP, turn.clone(), meta, 0));
    }
    events.extend(turn.map(|turn| Event::TurnEnded {
        turn,
        failed: false,
        still_failed: false,
    }));
    events.push(Event::HandedOver {
        reason: HandoffReason::Failure,
    });
    events
}

fn expect_open(state: &State, effect: &EffectId) -> Result<(), Refusal> {
    if open_effect(&state.phase).as_ref() == Some(effect) {
        Ok(())
    } else {
        Err(Refusal::StaleEffect)
    }
}

fn plain_message(text: &str, turn: Option<TurnId>, meta: &Meta, number: u64) -> Event {
    Event::ReplyQueued {
        turn,
        message: message_id(meta, number),
        content: OutboundMessage {
            text: text.into(),
            cards: Vec::new(),
        },
        verdicts: Vec::new(),
        claims: Vec::new(),
    }
}

fn message_id(meta: &Meta, number: u64) -> MessageId {
    MessageId::from_parts(meta.at_ms, u128::from(meta.entropy.wrapping_add(number)))
}
