//! Spans: the pieces of a customer's words that a plan's arguments may be.
//!
//! A plan cannot invent an order number or a product name, because its arguments are chosen from
//! what was said. This file finds the candidates; it knows no language beyond a short list of
//! English function words at which a search phrase neither begins nor ends.

use std::collections::BTreeSet;

/// Longest search phrase, in words.
pub const PHRASE_WORDS_MAX: usize = 7;
/// Words of a turn that spans are taken from; a longer message is cut for planning only.
pub const WORDS_MAX: usize = 48;

/// Function words that carry no meaning for a search.
const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "the", "i", "im", "i'm", "ive", "i've", "id", "i'd", "me", "my", "we", "us", "our",
    "you", "your", "u", "it", "its", "it's", "this", "that", "these", "those", "is", "are", "am",
    "was", "were", "be", "been", "do", "does", "did", "have", "has", "had", "can", "could",
    "would", "will", "should", "shall", "may", "might", "of", "for", "to", "in", "on", "at", "by",
    "with", "from", "as", "and", "or", "but", "if", "so", "than", "then", "there", "here", "what",
    "which", "who", "whats", "what's", "how", "when", "where", "why", "any", "some", "got", "get",
    "please", "pls", "thanks", "thank", "hi", "hello", "hey", "ok", "okay", "yes", "no", "not",
    "just", "also", "too", "very", "about", "under", "below", "over", "above", "between", "max",
    "min", "up", "less", "more", "show", "find", "looking", "look", "need", "want", "like", "one",
    "ones", "let", "lets", "let's", "tell",
];

/// Splits into words: at white space, outer punctuation removed, in the order written.
/// Quotes, backslashes and control characters end up nowhere, so a span needs no escaping.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .map(|word| {
            word.chars()
                .filter(|c| {
                    !matches!(c, '"' | '\\' | '{' | '}' | '<' | '>' | '|') && !c.is_control()
                })
                .collect()
        })
        .filter(|word: &String| !word.is_empty())
        .take(WORDS_MAX)
        .collect()
}

/// Returns every phrase that a search may use: runs of words that neither begin nor end with a
/// function word. Falls back to all single words when nothing else is left.
pub fn phrases(text: &str) -> BTreeSet<String> {
    let words = words(text);
    let weak: Vec<bool> = words
        .iter()
        .map(|w| FUNCTION_WORDS.contains(&w.to_lowercase().as_str()))
        .collect();
    let mut out = BTreeSet::new();
    for start in 0..words.len() {
        for end in start..words.len().min(start + PHRASE_WORDS_MAX) {
            if !weak[start] && !weak[end] {
                out.insert(words[start..=end].join(" "));
            }
        }
    }
    if out.is_empty() {
        out.extend(words);
    }
    out
}

/// Returns the amounts that occur: digits with at most one decimal part, for price limits.
pub fn amounts(text: &str) -> BTreeSet<String> {
    number_runs(text)
        .map(|run| run.text.trim_end_matches('%').to_owned())
        .filter(|run| run.len() <= 9 && run.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        .filter(|run| run.matches('.').count() <= 1)
        .collect()
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

/// Returns what may be an order number: words with a digit, such as `HB-70417` or `70417`.
pub fn order_numbers(text: &str) -> BTreeSet<String> {
    words(text)
        .into_iter()
        .filter(|word| {
            (3..=40).contains(&word.len())
                && !word.contains('@')
                && word.bytes().any(|b| b.is_ascii_digit())
        })
        .collect()
}

/// Returns what may be a postcode: one word, or two that follow each other, of 3 to 10 letters
/// and digits with at least one digit (`BS1 4DJ`, `10115`, `1012 AB`).
pub fn postcodes(text: &str) -> BTreeSet<String> {
    let words = words(text);
    let fits = |text: &str| {
        let letters = text.chars().filter(|c| c.is_ascii_alphanumeric()).count();
        (3..=10).contains(&letters)
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-')
            && text.bytes().any(|b| b.is_ascii_digit())
    };
    let single = words.iter().cloned();
    let double = words
        .windows(2)
        .filter(|pair| pair.iter().all(|w| w.len() <= 4))
        .map(|pair| pair.join(" "));
    single.chain(double).filter(|text| fits(text)).collect()
}

/// A run of digits with what belongs to it.
pub struct NumberRun<'a> {
    /// For instance `30`, `1.7`, `2026-10-05`, `10%`.
    pub text: &'a str,
    /// Whether a currency sign or word stands next to it.
    pub is_amount: bool,
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
            is_amount: near_currency(&text[..start], &text[at..]),
        })
    })
}

/// Signs and words that make a number an amount of money.
const CURRENCY_SIGNS: &[char] = &['£', '€', '$', '¥'];
const CURRENCY_WORDS: &[&str] = &[
    "pound", "pounds", "quid", "pence", "euro", "euros", "dollar", "dollars", "cents", "gbp",
    "eur", "usd", "bucks", "yen",
];

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
        assert!(!found.contains("a red kettle") && !found.contains("kettle for"));
        assert_eq!(
            phrases("is it?"),
            BTreeSet::from(["is".into(), "it".into()])
        );
    }

    #[test]
    fn identity_spans_are_found_as_people_write_them() {
        let text = "order HB-70417, ann@example.com postcode BS1 4DJ.";
        assert!(order_numbers(text).contains("HB-70417"));
        assert_eq!(emails(text), BTreeSet::from(["ann@example.com".into()]));
        assert!(postcodes(text).contains("BS1 4DJ"));
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
            for span in phrases(&text).iter().chain(&order_numbers(&text)).chain(&emails(&text)).chain(&postcodes(&text)) {
                prop_assert_eq!(serde_json::to_string(span).unwrap(), format!("\"{span}\""));
            }
        }
    }
}
