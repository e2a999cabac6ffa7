//! Which records of a conversation's log a customer sees, and how the page is told.

use std::collections::VecDeque;

use axum::response::sse::Event as SseEvent;
use mercer_schemas::{
    Content, Event, InboundMessage, Input, LogBody, LogRecord, OutboundMessage, TurnId,
};
use serde_json::{Value, json};

/// What has to be known of earlier records to show the next one.
#[derive(Default)]
pub(super) struct Shown {
    /// Whether the latest input was a person's answer.
    person_answers: bool,
    /// The latest turns whose reply was shown, oldest first.
    answered: VecDeque<TurnId>,
}

/// Turns that are remembered as answered. A sentence can be late by a turn or two, not by more.
const ANSWERED_MAX: usize = 16;

impl Shown {
    /// Says whether a turn's reply was shown, so that its provisional sentences come too late.
    pub(super) fn is_answered(&self, turn: &TurnId) -> bool {
        // Not by comparing ids: a turn that began after the clock stepped back has a lower one.
        self.answered.contains(turn)
    }

    /// Returns the event for a record, none for one that a customer does not see.
    pub(super) fn event_of(&mut self, record: &LogRecord, address: &str) -> Option<SseEvent> {
        let (name, mut data) = self.read(&record.body, address)?;
        data["seq"] = Value::from(record.seq);
        data["at_ms"] = data
            .get("at_ms")
            .cloned()
            .unwrap_or(Value::from(record.at_ms));
        let event = SseEvent::default().id(record.seq.to_string()).event(name);
        Some(event.data(data.to_string()))
    }

    fn read(&mut self, body: &LogBody, address: &str) -> Option<(&'static str, Value)> {
        let event = match body {
            LogBody::Input { input, .. } => {
                self.person_answers = matches!(input, Input::AnswerAsPerson { .. });
                return None;
            }
            LogBody::Event { event } => event,
        };
        match event {
            Event::MessageReceived { message } => customer(message, address),
            Event::ReplyQueued {
                turn,
                message,
                content,
                ..
            } => {
                if let Some(turn) = turn {
                    if self.answered.len() >= ANSWERED_MAX {
                        self.answered.pop_front();
                    }
                    self.answered.push_back(turn.clone());
                }
                let mut data = reply(content);
                data["turn"] = json!(turn);
                data["message"] = json!(message);
                data["person"] = json!(self.person_answers);
                Some(("message", data))
            }
            Event::HandedOver { .. } => Some(notice("handed_over")),
            Event::TakenOver { .. } => Some(notice("taken_over")),
            Event::HandedBack { .. } => Some(notice("handed_back")),
            _ => None,
        }
    }
}

fn customer(message: &InboundMessage, address: &str) -> Option<(&'static str, Value)> {
    let words = match &message.content {
        Content::Text { text } => text,
        Content::Choice { title, .. } => title,
        Content::Unsupported { .. } => return None,
    };
    // The page knows its messages by the id that it gave them.
    let id = message
        .provider_id
        .strip_prefix(address)
        .and_then(|rest| rest.strip_prefix(':'));
    let data = json!({ "id": id, "text": words.expose(), "at_ms": message.sent_at_ms });
    Some(("customer", data))
}

fn reply(content: &OutboundMessage) -> Value {
    json!({ "text": content.text.expose(), "cards": content.cards })
}

fn notice(kind: &str) -> (&'static str, Value) {
    ("notice", json!({ "kind": kind }))
}

#[cfg(test)]
mod tests {
    use mercer_schemas::MessageId;

    use super::*;

    fn shown(of: &mut Shown, turn: &TurnId) {
        let event = Event::ReplyQueued {
            turn: Some(turn.clone()),
            message: MessageId::from_parts(1, 1),
            content: OutboundMessage {
                text: "It is blue.".into(),
                cards: Vec::new(),
            },
            verdicts: Vec::new(),
            claims: Vec::new(),
        };
        assert!(of.read(&LogBody::Event { event }, "").is_some());
    }

    #[test]
    fn sentences_of_a_turn_that_began_after_the_clock_stepped_back_are_shown() {
        let hour_ms = 3_600_000;
        let (before, after) = (
            TurnId::from_parts(2 * hour_ms, 1),
            TurnId::from_parts(hour_ms, 1),
        );
        let mut of = Shown::default();
        shown(&mut of, &before);
        assert!(
            of.is_answered(&before),
            "its provisional sentences are late"
        );
        assert!(!of.is_answered(&after));
        shown(&mut of, &after);
        assert!(of.is_answered(&before) && of.is_answered(&after));
        for later in 2..2 + ANSWERED_MAX {
            shown(&mut of, &TurnId::from_parts(hour_ms, later as u128));
        }
        assert_eq!(of.answered.len(), ANSWERED_MAX);
    }
}
