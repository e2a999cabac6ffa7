//! Whether a message asks for a person.

use crate::spans::{self, words_of};

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
pub(crate) fn may_be_asked_for(words: &str) -> bool {
    words_of(words)
        .iter()
        .any(|word| PERSONS.contains(&word.as_str()))
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
pub(crate) fn are_demanded(words: &str) -> bool {
    words.to_lowercase().split(['.', '!', '?', '\n']).any(|sentence| {
        let said = spans::words(sentence);
        let position = |list: &[&str]| said.iter().position(|word| list.contains(&word.as_str()));
        let asks = |verbs: &[&str], whom: &[&str]| {
            matches!((position(verbs), position(whom)), (Some(verb), Some(person)) if verb < person)
        };
        position(NOT_FOR_ME).is_none() && (asks(PUT_THROUGH, STAFF) || asks(SPEAKING, ANYBODY))
    })
}
