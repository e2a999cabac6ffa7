//! What the retailer's people and systems are told, derived from events alone.
//!
//! Not here: who is told and how; `mercer-notify` knows that.

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::notice::{
    FoundRecord, NOTICE_RECORDS_MAX, NOTICE_WORDS_MAX, Open, Summary, Who,
};
use mercer_schemas::{Event, Evidence, HandoffReason, Notice, Personal, Stream};

use crate::evolve::evolve;
use crate::state::{Phase, State};

/// Returns what is told of events that followed on a state, in their order.
pub fn notices(stream: &Stream, before: &State, events: &[Event]) -> Vec<Notice> {
    let mut state = before.clone();
    let mut told = Vec::new();
    for event in events {
        let with_person = state.phase == Phase::WithPerson;
        state = evolve(state, event);
        told.extend(notice(stream, &state, with_person, event));
    }
    told
}

fn notice(stream: &Stream, after: &State, with_person: bool, event: &Event) -> Option<Notice> {
    let (shop, conversation) = (stream.shop.clone(), stream.conversation.clone());
    Some(match event {
        Event::HandedOver { reason } => Notice::HandedOver {
            shop,
            conversation,
            reason: *reason,
            summary: summary(after, *reason)?,
        },
        Event::TakenOver { by } => Notice::TakenOver {
            shop,
            conversation,
            by: by.clone(),
        },
        Event::MessageReceived { message } if with_person => Notice::MessageReceived {
            shop,
            conversation,
            message: message.id.clone(),
            text: message.content.words().map(cut),
        },
        _ => return None,
    })
}

/// None for a conversation that has not begun, which nobody can be called to.
fn summary(state: &State, reason: HandoffReason) -> Option<Summary> {
    let origin = state.origin.as_ref()?;
    let last = state.past.last();
    let found = last.into_iter().flat_map(|turn| turn.rounds.evidence());
    Some(Summary {
        who: Who {
            channel: origin.channel,
            address: origin.address.clone(),
            customer: state.customer.clone(),
        },
        asked: last.map(|turn| cut(&turn.words)).unwrap_or_default(),
        found: found.filter_map(record).take(NOTICE_RECORDS_MAX).collect(),
        open: match reason {
            HandoffReason::Asked | HandoffReason::Complaint => Open::SpeakToPerson,
            HandoffReason::Unable | HandoffReason::Identity => Open::AnswerQuestion,
            HandoffReason::Failure => Open::ReadConversation,
        },
    })
}

fn record(line: &Evidence) -> Option<FoundRecord> {
    let Evidence::Record { key, fields, .. } = line else {
        return None;
    };
    let name = [field::NAME, field::TITLE]
        .iter()
        .find_map(|name| value_of(fields, name));
    Some(FoundRecord {
        record: key.clone(),
        // Names are the same in every locale.
        name: name.map(|name| cut(&name.text("").into())),
    })
}

fn cut(words: &Personal<String>) -> Personal<String> {
    Personal::new(words.expose().chars().take(NOTICE_WORDS_MAX).collect())
}
