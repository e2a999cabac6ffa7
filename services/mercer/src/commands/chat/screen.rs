//! What a chat looks like in a terminal: a sign that an answer is being written, its sentences as
//! they come, the whole message, and cards. Where the output goes elsewhere, messages alone.

use serde_json::Value;

/// Goes to the line's start and clears it.
const CLEAR: &str = "\r\x1b[K";

/// What stands on the line that is being written.
#[derive(Default)]
enum Line {
    #[default]
    Empty,
    /// The sign that an answer is coming.
    Typing,
    /// Sentences of an answer, provisional.
    Sentences(String),
}

/// A terminal, or a file.
pub(super) struct Screen {
    is_terminal: bool,
    line: Line,
}

impl Screen {
    /// Builds an empty one.
    pub(super) fn new(is_terminal: bool) -> Self {
        Self {
            is_terminal,
            line: Line::Empty,
        }
    }

    /// Returns what to write for an event.
    pub(super) fn show(&mut self, name: &str, data: &Value) -> String {
        match name {
            "typing" if self.is_terminal => self.typing(),
            "sentence" if self.is_terminal => self.sentence(data),
            "restarted" if self.is_terminal => {
                let leave = self.leave_line();
                format!("{leave}{}", self.typing())
            }
            "message" => self.message(data),
            "notice" => {
                let leave = self.leave_line();
                let kind = data["kind"].as_str().unwrap_or_default();
                format!("{leave}({})\n", kind.replace('_', " "))
            }
            // The customer's own words stand there already.
            _ => String::new(),
        }
    }

    fn typing(&mut self) -> String {
        if !matches!(self.line, Line::Empty) {
            return String::new();
        }
        self.line = Line::Typing;
        "shop is writing…".to_owned()
    }

    fn sentence(&mut self, data: &Value) -> String {
        let text = data["text"].as_str().unwrap_or_default();
        if let Line::Sentences(said) = &mut self.line {
            said.push(' ');
            said.push_str(text);
            return format!(" {text}");
        }
        let leave = self.leave_line();
        self.line = Line::Sentences(text.to_owned());
        format!("{leave}shop: {text}")
    }

    fn message(&mut self, data: &Value) -> String {
        let text = data["text"].as_str().unwrap_or_default();
        let stands_there =
            matches!(&self.line, Line::Sentences(said) if words(said).eq(words(text)));
        let mut shown = self.leave_line();
        if !stands_there {
            let who = if data["person"] == true {
                "person"
            } else {
                "shop"
            };
            shown.push_str(&format!("{who}: {text}\n"));
        }
        for card in data["cards"].as_array().into_iter().flatten() {
            shown.push_str(&card_line(card));
        }
        shown
    }

    /// Ends the line: what passes is cleared, sentences stay.
    fn leave_line(&mut self) -> String {
        match std::mem::take(&mut self.line) {
            Line::Empty => String::new(),
            Line::Typing => CLEAR.to_owned(),
            Line::Sentences(_) => "\n".to_owned(),
        }
    }
}

fn words(text: &str) -> std::str::SplitWhitespace<'_> {
    text.split_whitespace()
}

fn card_line(card: &Value) -> String {
    let field = |name: &str| card[name].as_str().unwrap_or_default();
    let options = card["options"].as_array().into_iter().flatten();
    let options: Vec<&str> = options.filter_map(Value::as_str).collect();
    let options = if options.is_empty() {
        String::new()
    } else {
        format!("  ({})", options.join("; "))
    };
    format!(
        "  • {}  {}  {}{options}\n",
        field("name"),
        field("price"),
        field("stock")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn play(is_terminal: bool, events: &[(&str, Value)]) -> String {
        let mut screen = Screen::new(is_terminal);
        let shown = events.iter().map(|(name, data)| screen.show(name, data));
        shown.collect()
    }

    fn an_answer() -> Vec<(&'static str, Value)> {
        let card = json!({ "name": "Arden", "price": "£45.99", "stock": "in stock", "options": ["colour: red"] });
        vec![
            ("ready", json!({})),
            ("customer", json!({ "text": "a kettle" })),
            ("typing", json!({})),
            (
                "sentence",
                json!({ "turn": "t", "text": "The Arden fits." }),
            ),
            ("sentence", json!({ "turn": "t", "text": "It is red." })),
            (
                "message",
                json!({ "text": "The Arden fits.\nIt is red.", "cards": [card] }),
            ),
        ]
    }

    #[test]
    fn an_answer_grows_in_a_terminal_and_is_not_repeated() {
        assert_eq!(
            play(true, &an_answer()),
            "shop is writing…\r\x1b[Kshop: The Arden fits. It is red.\n  • Arden  £45.99  in stock  (colour: red)\n"
        );
    }

    #[test]
    fn elsewhere_it_comes_as_a_whole() {
        assert_eq!(
            play(false, &an_answer()),
            "shop: The Arden fits.\nIt is red.\n  • Arden  £45.99  in stock  (colour: red)\n"
        );
    }

    #[test]
    fn an_answer_that_begins_anew_or_ends_otherwise_is_shown_again() {
        let events = [
            ("sentence", json!({ "turn": "t", "text": "It is red." })),
            ("restarted", json!({})),
            ("message", json!({ "text": "It is blue.", "cards": [] })),
            ("sentence", json!({ "turn": "u", "text": "It costs 9." })),
            ("message", json!({ "text": "I do not know.", "cards": [] })),
            ("notice", json!({ "kind": "handed_over" })),
            (
                "message",
                json!({ "text": "Ann here.", "cards": [], "person": true }),
            ),
        ];
        assert_eq!(
            play(true, &events),
            "shop: It is red.\nshop is writing…\r\x1b[Kshop: It is blue.\nshop: It costs 9.\nshop: I do not know.\n\
             (handed over)\nperson: Ann here.\n"
        );
    }
}
