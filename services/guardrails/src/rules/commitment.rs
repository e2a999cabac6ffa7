//! Words that promise something need a source.

use super::{Reply, Rule};
use crate::words::{contains_phrase, is_word, tokens};

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
    "cheaper",
    "reduce",
    "reduced",
];

fn holds(reply: &Reply<'_>) -> bool {
    let said = &reply.lower;
    COMMITMENTS
        .iter()
        .filter(|word| !contains_phrase(&reply.sources, word))
        .all(|word| {
            said.match_indices(word)
                .filter(|(at, _)| is_word(said, *at, word.len()))
                .all(|(at, _)| denied(&said[..at]))
        })
}

/// "I cannot change or reduce prices" promises nothing; "no problem, you get a refund" does.
fn denied(before: &str) -> bool {
    let clause = before
        .rsplit(['.', ',', '!', '?', ';', '\n'])
        .next()
        .unwrap_or("");
    let words = tokens(clause);
    words.iter().rev().take(5).any(|w| {
        matches!(
            *w,
            "not" | "cannot" | "can't" | "never" | "unable" | "won't" | "couldn't"
        )
    })
}
