//! Words of replies: how they are compared, what a text or pattern finds in them, and the sentences of a policy.

use regex::{Regex, RegexBuilder};

use crate::evaluation::yaml::scalar;

/// Longest pattern, characters: a person can still read it.
const PATTERN_CHARS_MAX: usize = 500;
/// Most memory of a compiled pattern, bytes: enough for any that is written by hand.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Fewest characters of a sentence: shorter ones alone prove nothing.
pub(super) const SENTENCE_CHARS_MIN: usize = 12;

/// What a reply holds or does not hold.
#[derive(Clone)]
pub(crate) enum Wording {
    /// A text, as [`fold`] leaves it.
    Text(String),
    /// A pattern.
    Pattern(Regex),
}

impl Wording {
    /// Says whether a reply holds it, without regard to case, kinds of apostrophes and white space.
    pub(super) fn is_in(&self, reply: &str) -> bool {
        match self {
            Self::Text(text) => fold(reply).contains(&fold(text)),
            Self::Pattern(pattern) => pattern.is_match(&straight(reply)),
        }
    }

    /// Returns it as the file writes it.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Pattern(pattern) => format!("/{}/", pattern.as_str()),
        }
    }
}

scalar!(Wording, "a text, or a pattern as /pattern/", |text| {
    let between = text
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let Some(pattern) = between else {
        return match text.trim().is_empty() {
            true => Err("an empty text is in every reply".to_owned()),
            false => Ok(Wording::Text(text.to_owned())),
        };
    };
    if pattern.is_empty() {
        return Err("an empty pattern is in every reply".to_owned());
    }
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        return Err(format!(
            "a pattern has at most {PATTERN_CHARS_MAX} characters"
        ));
    }
    // As a reply's are when it is compared.
    RegexBuilder::new(&pattern.replace(['’', '‘'], "'"))
        .case_insensitive(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build()
        .map(Wording::Pattern)
        .map_err(|error| format!("`{text}`: {}", one_line(&error.to_string())))
});

/// The crate's messages point at the place in the pattern over several lines; the last one says what is wrong.
fn one_line(message: &str) -> &str {
    message.lines().last().unwrap_or_default().trim()
}

/// Ignores case, kinds of quotes and runs of white space.
pub(super) fn fold(text: &str) -> String {
    straight(text).to_lowercase()
}

/// Ignores kinds of quotes and runs of white space.
fn straight(text: &str) -> String {
    let text = text.replace(['’', '‘'], "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sentences of a Markdown text, markup removed; short ones alone prove nothing.
pub(super) fn sentences(markdown: &str) -> Vec<String> {
    plain(markdown)
        .split_inclusive(['.', '!', '?', '\n'])
        .map(|sentence| sentence.trim().trim_end_matches('.').to_owned())
        .filter(|sentence| sentence.chars().count() >= SENTENCE_CHARS_MIN)
        .collect()
}

/// Takes the markup off a Markdown text.
pub(super) fn plain(markdown: &str) -> String {
    let lines = markdown
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .map(|line| {
            let line = line
                .trim_start()
                .trim_start_matches(['-', '>'])
                .trim_start_matches("* ")
                .replace(['*', '`'], "");
            // A blank line ends a paragraph, a single line break is a space.
            if line.trim().is_empty() {
                "\n".to_owned()
            } else {
                line.trim().to_owned() + " "
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wording(text: &str) -> Result<Wording, String> {
        serde_norway::from_str(&serde_json::to_string(text).expect("YAML"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_text_is_found_whatever_its_case_apostrophes_and_spaces() {
        let text = wording("it's in   STOCK").expect("a text");
        assert!(text.is_in("Yes, it’s in\nstock."));
        assert!(!text.is_in("Yes, it is in stock."));
    }

    #[test]
    fn what_stands_between_slashes_is_a_pattern() {
        let pattern = wording(r"/\bgift[- ]?wrap/").expect("a pattern");
        assert!(pattern.is_in("We GIFT-WRAP it."));
        assert!(pattern.is_in("We gift\n wrap it."));
        assert!(!pattern.is_in("A gift for you, wrapped."));
        assert!(wording("/day").expect("a text").is_in("£3/day"));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named() {
        for (written, named) in [
            ("/(/", "unclosed group"),
            ("//", "empty pattern"),
            (" ", "empty text"),
            ("/(\\w{500}){500}/", "size limit"),
        ] {
            let error = wording(written).err().expect("an error");
            assert!(error.contains(named), "{written}: {error}");
        }
        let long = format!("/{}/", "a".repeat(PATTERN_CHARS_MAX + 1));
        assert!(wording(&long).is_err());
    }
}
