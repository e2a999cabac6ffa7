//! What is said of stock is what the record says that it is about.

use std::ops::Range;

use mercer_schemas::evidence::{field, kind_of};
use mercer_schemas::{Evidence, RecordKind};

use super::{Reply, Rule};
use crate::claims::{Clause, passages, shown};
use crate::numbers::spoken;
use crate::words::{REFERENCE, begins, contains_phrase, find, has, has_form, is_content, tokens};

mod phrases;

use phrases::{PHRASES, Says};

pub(super) const RULE: Rule = Rule {
    name: "stock_without_source",
    holds,
};

/// What counts things that are left: "some left", but not "on the left".
const COUNTING_LEFT: &[&str] = &[
    "some", "few", "many", "any", "more", "none", "lots", "loads", "plenty", "enough", "one",
    "ones", "stock", "handful", "still", "nothing", "pair", "pairs",
];
/// Turns a phrase round: "not available", "no longer in stock".
const NEGATIONS: &[&str] = &[
    "not", "never", "no", "none", "nothing", "longer", "neither", "cannot", "hardly",
];
/// How far before a phrase a negation may stand.
const NEGATION_WORDS_MAX: usize = 5;
/// What may be "available" without being in stock: "the available colours".
const CHOICES: &[&str] = &[
    "colo*",
    "size*",
    "option*",
    "variant*",
    "version*",
    "choice*",
    "to help",
    "to answer",
    "on request",
];

fn holds(reply: &Reply<'_>) -> bool {
    let stocks = stocks(reply.evidence);
    let passages = passages(reply.evidence);
    let sources = tokens(&reply.sources);
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        said(&words, &sources)
            .into_iter()
            .filter(|(_, at, _)| clause.states(*at))
            .all(|(says, at, phrase)| {
                let meant = meant(&stocks, clause, at);
                let is_stated = contains_phrase(&passages, &phrase) && clause.is_backed(&sources);
                if says == Says::Level && clause.refers_to(|name| name.ends_with(".stock")) {
                    return true;
                }
                if meant.is_empty() || matches!(says, Says::More | Says::Level) {
                    return is_stated;
                }
                meant.iter().all(|stock| match says {
                    Says::Some => !stock.contains("out of stock"),
                    Says::None => stock.contains("out of stock"),
                    Says::Little => stock.contains("left"),
                    Says::More | Says::Level => false,
                })
            })
    })
}

/// What words say of stock, with where they say it and how.
fn said(words: &[&str], sources: &[&str]) -> Vec<(Says, usize, String)> {
    let mut out: Vec<(Says, usize, String)> = Vec::new();
    let mut taken = vec![false; words.len()];
    let mut note = |says, found: Range<usize>| {
        if taken[found.clone()].contains(&true) {
            return;
        }
        taken[found.clone()].fill(true);
        let at = found.start;
        let near = &words[at.saturating_sub(NEGATION_WORDS_MAX)..at];
        // "Isn't it great that it's in stock?"
        let own = near.rsplit(|word| *word == "that").next().unwrap_or(near);
        let is_denied = own
            .iter()
            .any(|word| NEGATIONS.contains(word) || word.ends_with("n't"));
        let says = match (says, is_denied) {
            (Says::Some, true) => Says::None,
            (Says::None, true) => Says::Some,
            // Not little is much, which no record says.
            (Says::Little, true) => Says::More,
            (says, _) => says,
        };
        out.push((says, at, words[found].join(" ")));
    };
    for (says, phrases) in PHRASES {
        for phrase in *phrases {
            for found in find(words, phrase) {
                if *phrase != "available" || is_of_stock(&words[found.end..], sources) {
                    note(*says, found);
                }
            }
        }
    }
    let numbers = spoken(words);
    for found in find(words, "left") {
        let at = found.start;
        let from = at.saturating_sub(NEGATION_WORDS_MAX);
        let is_counted = words[from..at].iter().any(|word| {
            COUNTING_LEFT.contains(word) || word.starts_with(|c: char| c.is_ascii_digit())
        }) || numbers.iter().any(|number| (from..at).contains(&number.at));
        if is_counted {
            note(Says::Some, found);
        }
    }
    out
}

/// Says whether "available" is about stock: choices that a record offers are not.
fn is_of_stock(after: &[&str], sources: &[&str]) -> bool {
    let is_choice = begins(after, CHOICES);
    let is_named = matches!(after.first(), Some(&"in" | &"as" | &"with"))
        && after[1..].iter().all(|word| {
            word.starts_with(REFERENCE) || !is_content(word) || has_form(sources, word)
        })
        && after[1..]
            .iter()
            .any(|word| word.starts_with(REFERENCE) || is_content(word))
        && !has(after, &["in stock", "in store"]);
    !is_choice && !is_named
}

/// The stock of each record, in lower case.
fn stocks(evidence: &[Evidence]) -> Vec<(&str, String)> {
    evidence
        .iter()
        .filter_map(|line| match line {
            Evidence::Record { handle, fields, .. } => fields
                .iter()
                .find(|field| field.name == field::STOCK)
                .map(|field| (handle.as_str(), shown(field).to_lowercase())),
            _ => None,
        })
        .collect()
}

/// The record that a phrase is about: the one referred to before it in its sentence, else after it,
/// else every record. Of a product whose variants were looked at, the variants count too.
fn meant<'a>(stocks: &'a [(&str, String)], clause: &Clause<'_>, at: usize) -> Vec<&'a str> {
    let about = clause
        .nearest(at)
        .filter_map(|name| name.split('.').next())
        .find(|handle| stocks.iter().any(|(of, _)| of == handle));
    stocks
        .iter()
        .filter(|(of, _)| match about {
            Some(about) => {
                *of == about
                    || (kind_of(about) == Some(RecordKind::Product)
                        && kind_of(of) == Some(RecordKind::Variant))
            }
            None => true,
        })
        .map(|(_, stock)| stock.as_str())
        .collect()
}
