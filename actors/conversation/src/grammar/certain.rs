//! What a message is after, where its words leave little doubt: a person, an order, an offer.

use super::words_of;
use crate::spans;

/// Words of those who ask for a person, and of some who do not: the model decides.
const PERSONS: &[&str] = &[
    "agent",
    "anyone",
    "boss",
    "colleague",
    "complain",
    "complaint",
    "human",
    "manager",
    "operator",
    "people",
    "person",
    "representative",
    "somebody",
    "someone",
    "staff",
    "speak",
    "supervisor",
    "talk",
    "team",
];

/// Says whether the words may ask for a person.
pub(super) fn asks_person(words: &str) -> bool {
    words_of(words)
        .iter()
        .any(|word| PERSONS.contains(&word.as_str()))
}

/// Words of those who ask for an order, beside its number.
const OF_ORDERS: &[&str] = &[
    "order",
    "orders",
    "ordered",
    "parcel",
    "package",
    "status",
    "dispatched",
    "shipped",
    "delivered",
    "delivery",
    "tracking",
    "track",
    "arrived",
    "where",
    "where's",
    "wheres",
];

/// Says whether a message speaks of an order and gives what may be its number.
pub(super) fn names_order(words: &str) -> bool {
    let said = words_of(words);
    !spans::order_numbers(words).is_empty() && OF_ORDERS.iter().any(|word| said.contains(*word))
}

/// Says whether a word is written like a voucher code: at least four capitals, then one or two digits.
/// Codes of products and orders have more digits, names of standards (`IPX7`) fewer letters.
pub(super) fn is_voucher(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() >= 4
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=2).contains(&(word.len() - letters.len()))
}

/// Verbs of those who want to be put through.
const PUT_THROUGH: &[&str] = &[
    "talk", "speak", "chat", "demand", "transfer", "connect", "through", "want", "get", "pass",
    "give",
];
/// Whom they want. "Someone" alone may be anybody, after "talk to" it is not.
const STAFF: &[&str] = &[
    "human",
    "person",
    "manager",
    "supervisor",
    "operator",
    "representative",
    "colleague",
    "boss",
];
/// Verbs after which anybody will do.
const SPEAKING: &[&str] = &["talk", "speak", "chat", "demand"];
const ANYBODY: &[&str] = &["someone", "somebody", "anyone", "anybody", "agent"];
/// Words that leave it open whether a person is wanted: "I don't want to talk to a person", "my
/// manager wants a kettle".
const NOT_FOR_ME: &[&str] = &[
    "not", "don't", "dont", "never", "no", "without", "my", "his", "her", "gift", "present", "for",
];

/// Says whether a sentence asks to be put through to a person: a verb for it, then whom.
pub(super) fn demands_person(words: &str) -> bool {
    words.to_lowercase().split(['.', '!', '?', '\n']).any(|sentence| {
        let said = spans::words(sentence);
        let position = |list: &[&str]| said.iter().position(|word| list.contains(&word.as_str()));
        let asks = |verbs: &[&str], whom: &[&str]| {
            matches!((position(verbs), position(whom)), (Some(verb), Some(person)) if verb < person)
        };
        position(NOT_FOR_ME).is_none() && (asks(PUT_THROUGH, STAFF) || asks(SPEAKING, ANYBODY))
    })
}
