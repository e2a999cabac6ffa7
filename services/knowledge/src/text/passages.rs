//! Cuts a document into passages: one for each section, or several where a section is long.

use mercer_schemas::Document;

use super::sentences::{list_item, plain_line, sentences};

/// A part of a document that can answer a question on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The section's heading, or empty for what stands before the first one.
    pub heading: String,
    /// Plain text; paragraphs and list items on lines of their own.
    pub text: String,
}

/// Cuts a document at its headings, and a longer section at paragraphs or, where one paragraph is
/// too long, between sentences. A single sentence is never cut.
pub fn passages(document: &Document, words_max: usize) -> Vec<Passage> {
    let mut out = Vec::new();
    for (heading, lines) in sections(&document.body) {
        let mut text = String::new();
        let mut words = 0;
        for piece in pieces(&lines, words_max) {
            let more = piece.split_whitespace().count();
            if words > 0 && words + more > words_max {
                out.push(Passage {
                    heading: heading.clone(),
                    text: std::mem::take(&mut text),
                });
                words = 0;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&piece);
            words += more;
        }
        if !text.is_empty() {
            out.push(Passage { heading, text });
        }
    }
    out
}

/// Returns each section's heading with its paragraphs and list items.
fn sections(body: &str) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new())];
    let mut open = false;
    for line in body.lines() {
        let trimmed = line.trim();
        let level = trimmed.bytes().take_while(|b| *b == b'#').count();
        if (1..=6).contains(&level) && trimmed[level..].starts_with(' ') {
            out.push((
                plain_line(trimmed[level..].trim_matches(['#', ' '])),
                Vec::new(),
            ));
            open = false;
            continue;
        }
        let plain = plain_line(trimmed);
        if plain.is_empty() {
            open = false;
            continue;
        }
        let Some((_, lines)) = out.last_mut() else {
            continue;
        };
        match lines.last_mut() {
            Some(last) if open && list_item(trimmed).is_none() => {
                last.push(' ');
                last.push_str(&plain);
            }
            _ => lines.push(plain),
        }
        open = true;
    }
    out
}

fn pieces(lines: &[String], words_max: usize) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        if line.split_whitespace().count() <= words_max {
            out.push(line.clone());
        } else {
            out.extend(sentences(line).into_iter().map(str::to_owned));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use mercer_schemas::{DocumentId, DocumentKind};
    use proptest::prelude::*;

    use super::*;

    fn document(body: &str) -> Document {
        Document {
            id: DocumentId::new("returns").expect("a valid key"),
            kind: DocumentKind::Policy,
            title: "Returns".to_owned(),
            body: body.to_owned(),
            valid_from_ms: None,
            valid_to_ms: None,
            code: None,
        }
    }

    #[test]
    fn a_section_is_a_passage_and_its_lines_are_joined() {
        let body = "Opening words\nin two lines.\n\n## How long\nYou have **30 days**.\n\n- tents\n- bags\n\n## Empty\n";
        let found = passages(&document(body), 180);
        let expected = [
            ("", "Opening words in two lines."),
            ("How long", "You have 30 days.\ntents\nbags"),
        ];
        let found: Vec<_> = found
            .iter()
            .map(|p| (p.heading.as_str(), p.text.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_section_is_cut_between_sentences() {
        let body = "## Long\n".to_owned() + &"One two three four five. ".repeat(20);
        let found = passages(&document(&body), 12);
        assert_eq!(found.len(), 10);
        assert!(
            found
                .iter()
                .all(|p| p.text.split_whitespace().count() <= 12 && p.text.ends_with('.'))
        );
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_cutting(body in "[#*\\- a-zé.\n]{0,200}", max in 1_usize..9) {
            for passage in passages(&document(&body), max) {
                prop_assert!(!passage.text.is_empty());
            }
        }
    }
}
