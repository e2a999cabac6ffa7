//! Which records of a conversation's log a customer sees, and how the page is told.

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
    /// The latest turn whose reply was shown.
    answered: Option<TurnId>,
}

impl Shown {
    /// Says whether a turn's reply was shown, so that its provisional sentences come too late.
    pub(super) fn is_answered(&self, turn: &TurnId) -> bool {
        // Turn ids sort by time.
        self.answered.as_ref().is_some_and(|latest| turn <= latest)
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
                if turn.is_some() {
                    self.answered.clone_from(turn);
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
