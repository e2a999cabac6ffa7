//! Reads an event stream (Server-Sent Events) that holds JSON, in whatever pieces it arrives.

use serde_json::Value;

/// An event of the chat page.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    /// Its position, where it is one to resume from.
    pub(super) id: Option<u64>,
    /// What it is.
    pub(super) name: String,
    /// What it says.
    pub(super) data: Value,
}

/// Puts lines together from bytes, and events from lines. A line is decoded when it is whole: a
/// piece may end within a letter.
#[derive(Default)]
pub(super) struct Decoder {
    line: Vec<u8>,
    id: Option<u64>,
    name: String,
    data: String,
}

impl Decoder {
    /// Takes a piece; returns the events that end in it. One whose data is no JSON is left out.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            events.extend(self.take(line.trim_end_matches('\r')));
        }
        events
    }

    fn take(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let ended = std::mem::take(self);
            let data = serde_json::from_str(&ended.data).ok()?;
            return Some(Event {
                id: ended.id,
                name: ended.name,
                data,
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = value.parse().ok(),
            "event" => self.name = value.to_owned(),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments keep the connection alive.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn letters_that_arrive_in_two_pieces_stay_whole() {
        let stream = ": alive\n\nid: 7\nevent: message\ndata: {\"text\":\"Für 45 €\"}\n\n\
                      event: typing\r\ndata: {}\r\n\r\nevent: broken\ndata: {\n\n";
        let wanted = [
            Event {
                id: Some(7),
                name: "message".to_owned(),
                data: json!({ "text": "Für 45 €" }),
            },
            Event {
                id: None,
                name: "typing".to_owned(),
                data: json!({}),
            },
        ];
        for size in 1..stream.len() {
            let mut decoder = Decoder::default();
            let pieces = stream.as_bytes().chunks(size);
            let events: Vec<Event> = pieces.flat_map(|piece| decoder.push(piece)).collect();
            assert_eq!(events, wanted, "in pieces of {size} bytes");
        }
    }
}
