//! What is said of stock is what the record says that it is about.

use mercer_schemas::evidence::{field, kind_of};
use mercer_schemas::{Evidence, RecordKind};

use super::{Reply, Rule};
use crate::claims::{Clause, shown, values};
use crate::numbers::spoken;
use crate::words::{REFERENCE, contains_phrase, find, has, has_form, is_content, tokens};

pub(super) const RULE: Rule = Rule {
    name: "stock_without_source",
    holds,
};

/// What a phrase says of stock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// There is some.
    Some,
    /// There is none.
    None,
    /// There is little.
    Little,
    /// There is much, or will be again: records do not tell.
    More,
}

/// Phrases on stock, by what they say; longer ones come first.
const PHRASES: &[(Says, &[&str])] = &[
    (
        Says::More,
        &[
            "available soon",
            "available again",
            "back in stock",
            "in stock soon",
            "in stock again",
            "back soon",
            "coming soon",
            "restock*",
            "more are coming",
            "more coming",
            "new stock",
            "new batch",
            "hold of it",
            "hold of them",
            "our shelves are",
            "supplies are",
            "more on the way",
            "expected back",
            "on order",
            "plenty",
            "loads of",
            "loads left",
            "lots of them",
            "lots of these",
            "lots left",
            "heaps",
            "tons of",
            "well stocked",
            "stacks of",
            "bags of",
            "pre order*",
            "preorder*",
            "reserve*",
            "aside",
            "hold one",
            "hold it",
        ],
    ),
    (
        Says::None,
        &[
            "out of stock",
            "sold out",
            "unavailable",
            "run out",
            "ran out",
            "all gone",
            "all out",
            "gone for good",
            "is gone",
            "are gone",
            "discontinued",
            "back order*",
            "backorder*",
            "no more stock",
            "zero stock",
            "no stock",
        ],
    ),
    (
        Says::Little,
        &[
            "last one",
            "last ones",
            "last few",
            "last piece*",
            "last item*",
            "final one*",
            "running low",
            "low on stock",
            "low in stock",
            "low stock",
            "stock is low",
            "almost gone",
            "nearly gone",
            "selling fast",
            "going fast",
            "selling out",
            "sell out",
            "few left",
            "handful left",
            "limited stock",
            "limited number",
            "limited supply",
            "limited quantit*",
            "in short supply",
            "hard to get",
            "while stocks last",
            "while supplies last",
        ],
    ),
    (
        Says::Some,
        &[
            "in stock",
            "available",
            "we have it",
            "we have them",
            "we have that",
            "we have those",
            "we have this",
            "we have these",
            "we have one",
            "we have some",
            "we have more",
            "we do have",
            "we still have",
            "still have",
            "do have it",
            "do have them",
            "do have some",
            "have it here",
            "have them here",
            "we've got",
            "we got",
            "got it in",
            "got them in",
            "got some",
            "have it in",
            "have them in",
            "ready to ship",
            "ready to go",
            "ready to send",
            "ready to order",
            "ready to buy",
            "ready for dispatch",
            "ready for you",
            "order it",
            "order them",
            "order yours",
            "order now",
            "buy it",
            "buy them",
            "buy one now",
            "buy now",
            "get it now",
            "get yours",
            "get one now",
            "grab one",
            "grab yours",
            "on hand",
            "on the shelf",
            "on the shelves",
            "on our shelves",
            "in our warehouse",
            "in the warehouse",
            "in store",
            "in stores",
            "in our store*",
            "in our shop*",
            "at our shop*",
            "stocked",
            "we stock",
            "do stock",
            "stock it",
            "stock them",
            "carry it",
            "carry them",
            "carry these",
            "still sell",
            "still selling",
            "do sell",
            "we sell it",
            "we sell them",
            "obtainable",
            "remaining",
            "in supply",
            "is back",
            "are back",
            "back in",
            "up for grabs",
            "add it to",
            "in your basket",
            "pick one up",
            "can be bought",
            "can be ordered",
            "can be had",
            "still be bought",
            "still be ordered",
            "still be had",
            "there are some",
            "there is one",
            "there's one",
            "there's some",
            "there are more",
            "have enough",
            "enough of them",
            "enough for",
        ],
    ),
];
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
const NEGATION_WORDS_MAX: usize = 3;
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
    let passages = values(reply.evidence, |name| name == field::TEXT);
    let sources = tokens(&reply.sources);
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        said(&words, &sources)
            .into_iter()
            .filter(|(_, at, _)| clause.states(*at))
            .all(|(says, at, phrase)| {
                let meant = meant(&stocks, clause, at);
                let is_stated = contains_phrase(&passages, &phrase) && clause.is_backed(&sources);
                if meant.is_empty() || says == Says::More {
                    return is_stated;
                }
                meant.iter().all(|stock| match says {
                    Says::Some => !stock.contains("out of stock"),
                    Says::None => stock.contains("out of stock"),
                    Says::Little => stock.contains("left"),
                    Says::More => false,
                })
            })
    })
}

/// What words say of stock, with where they say it and how.
fn said(words: &[&str], sources: &[&str]) -> Vec<(Says, usize, String)> {
    let mut out: Vec<(Says, usize, String)> = Vec::new();
    let mut taken = vec![false; words.len()];
    let mut note = |says, at: usize, length: usize| {
        if taken[at..at + length].contains(&true) {
            return;
        }
        taken[at..at + length].fill(true);
        let from = at.saturating_sub(NEGATION_WORDS_MAX);
        let is_denied = words[from..at]
            .iter()
            .any(|word| NEGATIONS.contains(word) || word.ends_with("n't"));
        let says = match (says, is_denied) {
            (Says::Some, true) => Says::None,
            (Says::None, true) => Says::Some,
            (says, _) => says,
        };
        out.push((says, at, words[at..at + length].join(" ")));
    };
    for (says, phrases) in PHRASES {
        for phrase in *phrases {
            let length = phrase.split(' ').count();
            for at in find(words, phrase) {
                if *phrase != "available" || is_of_stock(&words[at + 1..], sources) {
                    note(*says, at, length);
                }
            }
        }
    }
    let numbers = spoken(words);
    for at in find(words, "left") {
        let from = at.saturating_sub(NEGATION_WORDS_MAX);
        let is_counted = words[from..at].iter().any(|word| {
            COUNTING_LEFT.contains(word) || word.starts_with(|c: char| c.is_ascii_digit())
        }) || numbers.iter().any(|number| (from..at).contains(&number.at));
        if is_counted {
            note(Says::Some, at, 1);
        }
    }
    out
}

/// Says whether "available" is about stock: choices that a record offers are not.
fn is_of_stock(after: &[&str], sources: &[&str]) -> bool {
    let is_choice = CHOICES
        .iter()
        .any(|choice| find(after, choice).next() == Some(0));
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
