//! The text of a grammar as it is written.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::bounds::GRAMMAR_BYTES_MAX;

/// Rules of a Lark grammar, within a budget of bytes for the alternatives of all terminals together.
/// What is left out cannot be written by the model; an alternative that must be there comes first.
pub struct Rules {
    text: String,
    terminals: BTreeSet<String>,
    left: usize,
}

impl Rules {
    /// Begins an empty grammar.
    pub(crate) fn new() -> Self {
        Self {
            text: String::new(),
            terminals: BTreeSet::new(),
            left: GRAMMAR_BYTES_MAX,
        }
    }

    /// Adds a terminal that is one of several texts, unless there is one of this name: several tools
    /// take the same phrases.
    pub fn terminal<T: AsRef<str>>(&mut self, name: &str, texts: impl IntoIterator<Item = T>) {
        if self.terminals.insert(name.to_owned()) {
            let alternatives = self.alternatives(texts);
            self.rule(name, &alternatives);
        }
    }

    /// Adds a terminal by its pattern, unless there is one of this name.
    pub fn pattern(&mut self, name: &str, body: &str) {
        if self.terminals.insert(name.to_owned()) {
            self.rule(name, body);
        }
    }

    /// Adds a rule. The body is Lark.
    pub fn rule(&mut self, name: &str, body: &str) {
        let _ = writeln!(self.text, "{name}: {body}");
    }

    /// Returns `"a" | "b"`; at least the first.
    fn alternatives<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) -> String {
        let mut out = String::new();
        for text in texts {
            let quoted = serde_json::to_string(text.as_ref()).unwrap_or_default();
            if !out.is_empty() {
                if quoted.len() + 3 > self.left {
                    break;
                }
                out.push_str(" | ");
            }
            self.left = self.left.saturating_sub(quoted.len() + 3);
            out.push_str(&quoted);
        }
        out
    }

    /// Returns the rules as written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_ends_where_its_bytes_are_used_up() {
        let mut rules = Rules::new();
        rules.terminal("MANY", (0..).map(|number: u64| format!("{number:0100}")));
        let length = rules.text.len();
        assert!(length <= GRAMMAR_BYTES_MAX + 10 && length > GRAMMAR_BYTES_MAX / 2);
        let long = "b".repeat(120);
        rules.terminal("ONE", [&long, &long]);
        assert!(rules.into_text().ends_with(&format!("ONE: {long:?}\n")));
    }

    #[test]
    fn a_terminal_is_written_once() {
        let mut rules = Rules::new();
        rules.terminal("A", ["a"]);
        rules.terminal("A", ["a"]);
        assert_eq!(rules.into_text(), "A: \"a\"\n");
    }
}
