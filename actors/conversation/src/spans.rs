//! Spans: the pieces of a customer's words that a plan's arguments may be.
//!
//! A plan cannot invent an order number or a product name, because its arguments are chosen from
//! what was said. This file finds the candidates; the words of a language that it goes by are in
//! [`crate::words`].

mod grouped;
mod prices;
mod spoken;

use std::collections::BTreeSet;

pub use prices::{PriceLimits, price_limits};

use crate::bounds::{AMOUNTS_MAX, WORD_CHARS_MAX};
use crate::words::english::{CURRENCY_WORDS, FUNCTION_WORDS, LOOSE_WORDS};

/// Longest search phrase, in words.
pub const PHRASE_WORDS_MAX: usize = 7;
/// Longest amount of money that is read, in bytes: hundreds of thousands with cents.
const AMOUNT_BYTES_MAX: usize = 9;
/// Words of a turn that spans are taken from; a longer message is cut for planning only.
pub const WORDS_MAX: usize = 48;

/// A word of the customer's, with what its surroundings say about phrases.
struct Word {
    text: String,
    /// A function word or an amount of money: no phrase begins or ends with it.
    weak: bool,
    /// One of [`LOOSE_WORDS`].
    loose: bool,
    /// Longer than any word of a shop's: no phrase holds it.
    long: bool,
    /// A clause ends behind it.
    ends_clause: bool,
    /// A sentence ends behind it; no phrase goes on.
    ends_sentence: bool,
}

fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for raw in text.split_whitespace() {
        let clean: String = raw
            .trim_matches(|c: char| !c.is_alphanumeric())
            .chars()
            .filter(|c| !matches!(c, '"' | '\\' | '{' | '}' | '<' | '>' | '|') && !c.is_control())
            .collect();
        if clean.is_empty() {
            if let Some(last) = words.last_mut() {
                last.ends_clause = true;
            }
            continue;
        }
        let money = raw.starts_with(CURRENCY_SIGNS) || raw.ends_with(CURRENCY_SIGNS);
        let lower = clean.to_lowercase();
        words.push(Word {
            weak: money || FUNCTION_WORDS.contains(&lower.as_str()),
            loose: LOOSE_WORDS.contains(&lower.as_str()),
            ends_clause: raw.ends_with([',', ';', ':', ')', '.', '!', '?', '…']),
            ends_sentence: raw.ends_with(['.', '!', '?', '…']),
            long: clean.chars().count() > WORD_CHARS_MAX,
            text: clean,
        });
        if words.len() == WORDS_MAX {
            break;
        }
    }
    words
}

/// Splits into words: at white space, outer punctuation removed, in the order written.
/// Quotes, backslashes and control characters end up nowhere, so a span needs no escaping.
pub fn words(text: &str) -> Vec<String> {
    split(text).into_iter().map(|word| word.text).collect()
}

/// Returns the words of a text in lower case, each once.
pub(crate) fn words_of(text: &str) -> BTreeSet<String> {
    words(&text.to_lowercase()).into_iter().collect()
}

/// Returns every phrase that a search may use: runs of words within a sentence that neither begin
/// nor end with a function word, and that end where a function word, a clause or the text does, so
/// that `electric kettle` is never cut to `electric`. Falls back to all single words when nothing
/// else is left.
pub fn phrases(text: &str) -> BTreeSet<String> {
    let words = split(text);
    let ends_phrase = |at: usize| {
        words[at].ends_clause
            || words
                .get(at + 1)
                .is_none_or(|next| next.weak || next.loose || next.long)
    };
    let mut out = BTreeSet::new();
    for start in (0..words.len()).filter(|start| !words[*start].weak) {
        for end in start..words.len().min(start + PHRASE_WORDS_MAX) {
            if words[end].long {
                break;
            }
            if !words[end].weak && ends_phrase(end) {
                let run: Vec<&str> = words[start..=end]
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect();
                out.insert(run.join(" "));
            }
            if words[end].ends_sentence {
                break;
            }
        }
    }
    if out.is_empty() {
        let short = words.into_iter().filter(|word| !word.long);
        out.extend(short.map(|word| word.text));
    }
    out
}

/// Writes a text in lower case with its amounts as plain figures.
fn figures(text: &str) -> String {
    spoken::in_figures(&grouped::ungrouped(&text.to_lowercase()))
}

/// Returns the amounts that occur, in figures or in words: digits with at most one decimal part, for
/// price limits. At most [`AMOUNTS_MAX`], the last ones.
pub fn amounts(text: &str) -> BTreeSet<String> {
    let found: Vec<String> = number_runs(&figures(text))
        .filter(|run| !run.is_in_code || run.is_amount)
        .map(|run| run.text.trim_end_matches('%').to_owned())
        .filter(|run| {
            run.len() <= AMOUNT_BYTES_MAX && run.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        })
        .filter(|run| run.matches('.').count() <= 1)
        .collect();
    let mut out = BTreeSet::new();
    for amount in found.into_iter().rev() {
        if out.len() == AMOUNTS_MAX {
            break;
        }
        out.insert(amount);
    }
    out
}

/// Returns e-mail addresses that occur.
pub fn emails(text: &str) -> BTreeSet<String> {
    words(text)
        .into_iter()
        .filter(|word| {
            word.len() <= 254
                && word.split_once('@').is_some_and(|(user, host)| {
                    !user.is_empty()
                        && host.contains('.')
                        && !host.contains('@')
                        && !host.ends_with('.')
                })
        })
        .collect()
}

/// Returns what may be an order number: words with at least three digits, such as `HB-70417` or
/// `70417`. Where one has four or more, those with three are something else. This says which order
/// is meant; it proves nothing, and nothing depends on it where somebody proves who they are.
pub fn order_numbers(text: &str) -> BTreeSet<String> {
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    let found: BTreeSet<String> = words(text)
        .into_iter()
        .filter(|word| (3..=40).contains(&word.len()) && !word.contains('@') && digits(word) >= 3)
        .collect();
    let long: BTreeSet<String> = found
        .iter()
        .filter(|word| digits(word) >= 4)
        .cloned()
        .collect();
    if long.is_empty() { found } else { long }
}

/// Longest word without a digit that belongs to a code beside it, in characters: `1234 AB`.
const CODE_LETTERS_MAX: usize = 3;

/// Says whether a message is nothing but details: words with a digit or an `@`, and short ones that
/// may belong to a code.
pub fn is_only_details(text: &str) -> bool {
    let words = words(text);
    let is_detail = |word: &String| word.contains(|c: char| c == '@' || c.is_numeric());
    words.iter().any(is_detail)
        && words
            .iter()
            .all(|word| is_detail(word) || word.chars().count() <= CODE_LETTERS_MAX)
}

/// A run of digits with what belongs to it.
pub struct NumberRun<'a> {
    /// For instance `30`, `1.7`, `2026-10-05`, `10%`.
    pub text: &'a str,
    /// What follows it.
    pub after: &'a str,
    /// Whether a currency sign or word stands next to it.
    pub is_amount: bool,
    /// Whether a letter stands right before it: part of a code, not a number.
    pub is_in_code: bool,
}

/// Finds complete numbers: digits joined by single `.`, `,`, `:`, `/` or `-`, with a `%` if one follows.
pub fn number_runs(text: &str) -> impl Iterator<Item = NumberRun<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !bytes[at].is_ascii_digit() {
            at += 1;
        }
        if at == bytes.len() {
            return None;
        }
        let start = at;
        while at < bytes.len() {
            let joins = matches!(bytes[at], b'.' | b',' | b':' | b'/' | b'-')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            if !bytes[at].is_ascii_digit() && !joins {
                break;
            }
            at += 1;
        }
        if bytes.get(at) == Some(&b'%') {
            at += 1;
        }
        Some(NumberRun {
            text: &text[start..at],
            after: &text[at..],
            is_amount: near_currency(&text[..start], &text[at..]),
            is_in_code: text[..start].ends_with(char::is_alphabetic),
        })
    })
}

/// Signs that make a number an amount of money.
const CURRENCY_SIGNS: &[char] = &['£', '€', '$', '¥'];

fn near_currency(before: &str, after: &str) -> bool {
    let next = after.trim_start();
    let next_word: String = next
        .chars()
        .take_while(|c| c.is_alphabetic())
        .collect::<String>()
        .to_lowercase();
    let last = before.trim_end();
    let last_word: String = last
        .chars()
        .rev()
        .take_while(|c| c.is_alphabetic())
        .collect::<String>();
    let last_word: String = last_word.chars().rev().collect::<String>().to_lowercase();
    last.ends_with(CURRENCY_SIGNS)
        || next.starts_with(CURRENCY_SIGNS)
        || CURRENCY_WORDS.contains(&next_word.as_str())
        || matches!(last_word.as_str(), "gbp" | "eur" | "usd")
        || (next.starts_with('p') && next_word == "p")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_phrase_neither_begins_nor_ends_with_a_function_word() {
        let found = phrases("do you have a red kettle for the office?");
        assert!(found.contains("red kettle") && found.contains("kettle for the office"));
        assert!(
            !found.contains("a red kettle")
                && !found.contains("kettle for")
                && !found.contains("red")
        );
        let found = phrases("what does the ridge tent cost?");
        assert!(found.contains("ridge tent") && !found.contains("ridge"));
        let found = phrases("the blue one looks nice. An electric kettle between £25 and £40?");
        assert!(
            found.contains("blue")
                && found.contains("electric kettle")
                && !found.contains("electric")
        );
        assert!(
            !found
                .iter()
                .any(|phrase| phrase.contains("25") || phrase.contains("nice An"))
        );
        assert_eq!(
            phrases("is it?"),
            BTreeSet::from(["is".into(), "it".into()])
        );
    }

    #[test]
    fn identity_spans_are_found_as_people_write_them() {
        let text = "order HB-70417, ann@example.com postcode B296LT.";
        assert_eq!(order_numbers(text), BTreeSet::from(["HB-70417".into()]));
        assert_eq!(emails(text), BTreeSet::from(["ann@example.com".into()]));
        for details in ["YO80 6BG", "1234 ab", "〒100-0001", "a@b.example, D02 AF30"] {
            assert!(is_only_details(details), "{details}");
        }
        for other in ["", "no", "two kettles, please", "a kettle under 40"] {
            assert!(!is_only_details(other), "{other}");
        }
    }

    #[test]
    fn numbers_are_complete_and_amounts_are_known() {
        let runs: Vec<(String, bool)> =
            number_runs("£40, 1.7 l, 30 days, 10% on 2026-10-05, 5 quid")
                .map(|run| (run.text.to_owned(), run.is_amount))
                .collect();
        let expected = [
            ("40", true),
            ("1.7", false),
            ("30", false),
            ("10%", false),
            ("2026-10-05", false),
            ("5", true),
        ];
        assert_eq!(
            runs,
            expected.map(|(text, amount)| (text.to_owned(), amount))
        );
        assert_eq!(
            amounts("under £40 or 12.50"),
            BTreeSet::from(["40".into(), "12.50".into()])
        );
    }

    proptest! {
        #[test]
        fn spans_never_need_escaping(text in "\\PC{0,200}") {
            let _ = price_limits(&text);
            for span in phrases(&text).iter().chain(&order_numbers(&text)) {
                prop_assert_eq!(serde_json::to_string(span).unwrap(), format!("\"{span}\""));
            }
        }
    }
}
