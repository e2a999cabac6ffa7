//! A draft taken apart into words and references.

use crate::words::{REFERENCE, plain};

/// A reply as written, references unfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft<'a> {
    /// Words and references in order.
    pub segments: Vec<Segment<'a>>,
}

/// A piece of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Words as they will be read.
    Words(&'a str),
    /// A reference without its braces: `p1.price` or `d1`.
    Reference(&'a str),
}

/// A sentence of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sentence<'a> {
    /// Its words as a reader sees them, a neutral mark in place of every reference.
    pub(crate) words: String,
    /// What it refers to, such as `p1.price`, in the order of the marks.
    pub(crate) references: Vec<&'a str>,
}

/// A draft whose braces do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftError;

impl<'a> Draft<'a> {
    /// Takes a draft apart.
    ///
    /// # Errors
    /// [`DraftError`] on a brace outside a complete `{{…}}`.
    pub fn parse(text: &'a str) -> Result<Self, DraftError> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                segments.push(Segment::Words(&rest[..open]));
            }
            let inner = rest[open..].strip_prefix("{{").ok_or(DraftError)?;
            let close = inner.find("}}").ok_or(DraftError)?;
            let name = &inner[..close];
            if name.is_empty() || name.contains(['{', '}']) {
                return Err(DraftError);
            }
            segments.push(Segment::Reference(name));
            rest = &inner[close + 2..];
        }
        if !rest.is_empty() {
            segments.push(Segment::Words(rest));
        }
        Ok(Self { segments })
    }

    /// Returns the words with a neutral mark in place of every reference.
    pub fn words(&self) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Words(words) => out.push_str(words),
                Segment::Reference(_) => out.push(REFERENCE),
            }
        }
        out
    }

    /// Returns the sentences; a semicolon and a line break end one too, and so does a full stop
    /// with no space behind it, unless it stands between digits.
    pub(crate) fn sentences(&self) -> Vec<Sentence<'a>> {
        let mut out = vec![Sentence::default()];
        for segment in &self.segments {
            match segment {
                Segment::Reference(name) => {
                    if let Some(last) = out.last_mut() {
                        last.words.push(REFERENCE);
                        last.references.push(name);
                    }
                }
                Segment::Words(words) => {
                    let words = plain(words);
                    let mut before = None;
                    let mut chars = words.chars().peekable();
                    while let Some(c) = chars.next() {
                        if let Some(last) = out.last_mut() {
                            last.words.push(c);
                        }
                        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
                        let is_decimal_point =
                            c == '.' && is_digit(before) && is_digit(chars.peek().copied());
                        before = Some(c);
                        if matches!(c, '.' | '!' | '?' | ';' | '\n') && !is_decimal_point {
                            out.push(Sentence::default());
                        }
                    }
                }
            }
        }
        out.retain(|sentence| !sentence.words.trim().is_empty());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_found_and_stray_braces_refused() {
        let draft = Draft::parse("Only {{p1.price}} for {{p1.name}}!").expect("draft");
        assert_eq!(
            draft.segments,
            [
                Segment::Words("Only "),
                Segment::Reference("p1.price"),
                Segment::Words(" for "),
                Segment::Reference("p1.name"),
                Segment::Words("!"),
            ]
        );
        for bad in ["{p1}", "{{p1", "p1}}", "{{}}", "{{a{{b}}", "}"] {
            assert_eq!(Draft::parse(bad), Err(DraftError), "{bad}");
        }
    }

    #[test]
    fn sentences_know_what_they_refer_to() {
        let draft = Draft::parse("{{p1.name}} holds 1.7 l. {{p2.name}}, {{p2.price}}; ok.So。Bye")
            .expect("draft");
        let found: Vec<(String, Vec<&str>)> = draft
            .sentences()
            .into_iter()
            .map(|sentence| (sentence.words, sentence.references))
            .collect();
        assert_eq!(
            found,
            [
                ("\u{1} holds 1.7 l.".to_owned(), vec!["p1.name"]),
                (" \u{1}, \u{1};".to_owned(), vec!["p2.name", "p2.price"]),
                (" ok.".to_owned(), vec![]),
                ("So.".to_owned(), vec![]),
                ("Bye".to_owned(), vec![])
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(text in "[a{} ]{0,24}") {
            if let Ok(draft) = Draft::parse(&text) {
                let back: String = draft.segments.iter().map(|segment| match segment {
                    Segment::Words(words) => (*words).to_owned(),
                    Segment::Reference(name) => format!("{{{{{name}}}}}"),
                }).collect();
                prop_assert_eq!(back, text);
            }
        }
    }
}
