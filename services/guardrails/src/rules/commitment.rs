//! Words that promise something need a source.

use super::{Reply, Rule};
use crate::words::{contains_phrase, find};

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
    "not", "cannot", "can't", "couldn't", "don't", "never", "no", "unable", "won't",
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
                find(&words, word).all(|found| is_denied(&words[..found.start]))
            })
        })
}

/// "I cannot change or reduce prices" promises nothing; "no problem, you get a refund" does.
fn is_denied(before: &[&str]) -> bool {
    let near = &before[before.len().saturating_sub(DENYING_WORDS_MAX)..];
    before.iter().any(|word| SPEAKERS.contains(word))
        && near.iter().any(|word| DENYING.contains(word))
}
