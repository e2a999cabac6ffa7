//! Words that promise something need a source.

use super::{Reply, Rule};
use crate::claims::reaches;
use crate::words::{begins, contains_phrase, find};

pub(super) const RULE: Rule = Rule {
    name: "commitment_without_source",
    holds,
};

/// Words that promise something. They need a source: the same word in the turn's evidence.
const COMMITMENTS: &[&str] = &[
    "guarantee",
    "guaranteed",
    "guarantees",
    "promise",
    "promised",
    "free",
    "refund",
    "refunded",
    "discount",
    "discounted",
    "compensation",
    "legally",
    "binding",
    "warranty",
    "lifetime",
    "reduce",
    "reduced",
];

/// Who may deny a promise, and how; "you won't get a better discount" promises one.
const DENYING: &[&str] = &[
    "not", "cannot", "can't", "couldn't", "don't", "never", "unable", "won't",
];
/// What does so right before the word only: "no discount", but not "no problem, a discount".
const DENYING_NEXT: &str = "no";
/// What may be denied without denying what follows: "don't worry", "we never refuse".
const IDLE: &[&str] = &[
    "begrudge|deny|doubt|fail|fear|forget|fret|hesitate|lie|lose|mind|miss|object|only|refuse|reject|resist|wait|withhold|worry",
    "go wrong",
];
const SPEAKERS: &[&str] = &["i", "i'm", "i'd", "we", "we're", "we'd", "our"];
/// How far before the word.
const DENYING_WORDS_MAX: usize = 5;

fn holds(reply: &Reply<'_>) -> bool {
    COMMITMENTS
        .iter()
        .filter(|word| !contains_phrase(&reply.sources, word))
        .all(|word| {
            reply.clauses.iter().all(|clause| {
                let words = clause.words();
                find(&words, word).all(|found| is_denied(&words, found.start))
            })
        })
}

/// "I cannot change or reduce prices" promises nothing; "no problem, you get a refund" does, and so
/// does "we never refuse a refund".
fn is_denied(words: &[&str], at: usize) -> bool {
    let is_speaker = |word: &&str| SPEAKERS.contains(word);
    (at.saturating_sub(DENYING_WORDS_MAX)..at).any(|denial| {
        let denies =
            DENYING.contains(&words[denial]) || denial + 1 == at && words[denial] == DENYING_NEXT;
        let to = usize::from(words[denial + 1] == "to");
        denies
            && words[..=denial].iter().any(is_speaker)
            && !begins(&words[denial + 1 + to..], IDLE)
            && reaches(words, denial + 1, at)
    })
}
