//! The rules. Each has a stable name that appears in the ledger and in metrics.

use std::collections::BTreeSet;

use mercer_conversation::{grammar, spans};
use mercer_schemas::{Evidence, Verdict};

use crate::draft::{Draft, Segment};

/// Longest reply in characters; a WhatsApp message holds 4,096 after rendering.
const REPLY_CHARS_MAX: usize = 1_500;

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

/// Numbers in words. Near a unit of time or money they state a figure that no reference backs.
const NUMBER_WORDS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fourteen",
    "fifteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "ninety",
    "hundred",
    "thirteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "eighty",
    "couple",
    "thousand",
    "half",
    "dozen",
];

/// Units that make a number word a claim.
const UNITS: &[&str] = &[
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks",
    "month", "months", "year", "years", "pound", "pounds", "quid", "pence", "penny", "euro",
    "euros", "dollar", "dollars", "cent", "cents", "percent", "left", "pieces", "units", "items",
    "points",
];

/// Phrases that state stock. They must be what the evidence says.
const STOCK_PHRASES: &[&str] = &[
    "out of stock",
    "sold out",
    "in stock",
    "back in stock",
    "last one",
    "running low",
];

/// What a shop allows beyond the built-in rules.
#[derive(Debug, Clone, Default)]
pub struct ReplyPolicy {
    /// Hosts that may be linked.
    pub link_hosts: Vec<String>,
    /// Brand and product names of the shop, lower case; one that the evidence and the customer
    /// did not mention may not appear.
    pub names: BTreeSet<String>,
}

/// Checks a draft against the turn's evidence and the customer's words. One verdict per rule, in
/// a fixed order; the reply may go out when all passed.
pub fn check(text: &str, evidence: &[Evidence], words: &str, policy: &ReplyPolicy) -> Vec<Verdict> {
    // The other rules would take time with the square of the length, and change nothing.
    if text.chars().nth(REPLY_CHARS_MAX).is_some() {
        return vec![Verdict {
            rule: "empty_or_too_long".into(),
            passed: false,
        }];
    }
    let Ok(draft) = Draft::parse(text) else {
        return vec![Verdict {
            rule: "broken_reference".into(),
            passed: false,
        }];
    };
    let said = draft.words();
    let lower = said.to_lowercase();
    let sources = source_text(evidence);
    let rules: [(&str, bool); 10] = [
        ("empty_or_too_long", !text.trim().is_empty()),
        ("unknown_reference", references_known(&draft, evidence)),
        (
            "number_not_in_evidence",
            numbers_known(&said, evidence, words) && own_numbers_claim_nothing(&said, evidence),
        ),
        ("money_in_words", !states_money(&said)),
        ("price_in_figures", !prices_in_figures(&said)),
        (
            "number_word_without_source",
            number_words_known(&lower, &sources),
        ),
        (
            "commitment_without_source",
            commitments_known(&lower, &sources),
        ),
        ("stock_without_source", stock_known(&draft, evidence)),
        ("link_not_allowed", links_allowed(&lower, policy)),
        (
            "name_not_in_evidence",
            names_known(&lower, &sources, words, policy),
        ),
    ];
    rules
        .into_iter()
        .map(|(rule, passed)| Verdict {
            rule: rule.to_owned(),
            passed,
        })
        .collect()
}

/// All values of the evidence, lower case: what words may lean on.
fn source_text(evidence: &[Evidence]) -> String {
    let mut out = String::new();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            for field in fields {
                out.push_str(&field.name.replace('_', " "));
                out.push(' ');
                out.push_str(&field.value.expose().to_lowercase());
                out.push('\n');
            }
        }
    }
    out
}

fn references_known(draft: &Draft<'_>, evidence: &[Evidence]) -> bool {
    let known = grammar::references(evidence);
    draft.segments.iter().all(|segment| match segment {
        Segment::Reference(name) => known.contains(&format!("{{{{{name}}}}}")),
        Segment::Words(_) => true,
    })
}

fn numbers_known(said: &str, evidence: &[Evidence], words: &str) -> bool {
    let known = grammar::numbers(evidence, words);
    spans::number_runs(said).all(|run| known.contains(run.text))
        // Digits of other scripts read as numbers too.
        && said.chars().all(|c| !c.is_numeric() || c.is_ascii_digit())
}

/// The customer's own number may be repeated ("I found no order 4711"), but not as a figure that
/// the shop would stand for ("yes, 90 days").
fn own_numbers_claim_nothing(said: &str, evidence: &[Evidence]) -> bool {
    let backed = grammar::numbers(evidence, "");
    let lower = said.to_lowercase();
    spans::number_runs(&lower)
        .filter(|run| !backed.contains(run.text))
        .all(|run| {
            !run.text.ends_with('%')
                && !run.after.trim_start().starts_with('%')
                && !tokens(run.after)
                    .iter()
                    .take(2)
                    .any(|word| UNITS.contains(word))
        })
}

fn states_money(said: &str) -> bool {
    said.contains(['£', '€', '$', '¥']) || spans::number_runs(said).any(|run| run.is_amount)
}

fn number_words_known(said: &str, sources: &str) -> bool {
    let tokens = tokens(said);
    let unit_follows = |at: usize| {
        tokens[at + 1..]
            .iter()
            .take(2)
            .any(|word| UNITS.contains(word))
    };
    (0..tokens.len())
        .filter(|at| NUMBER_WORDS.contains(&tokens[*at]) && unit_follows(*at))
        .all(|at| contains_phrase(sources, tokens[at]))
}

fn commitments_known(said: &str, sources: &str) -> bool {
    COMMITMENTS
        .iter()
        .filter(|word| !contains_phrase(sources, word))
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

/// A price comes by reference only: no sentence about one holds a literal number.
fn prices_in_figures(said: &str) -> bool {
    said.to_lowercase()
        .split(['!', '?', '\n'])
        .flat_map(|part| part.split(". "))
        .any(|sentence| {
            let about_price = tokens(sentence).iter().any(|word| {
                matches!(
                    *word,
                    "cost"
                        | "costs"
                        | "price"
                        | "priced"
                        | "prices"
                        | "pay"
                        | "off"
                        | "sells"
                        | "sale"
                )
            });
            about_price && spans::number_runs(sentence).next().is_some()
        })
}

/// A phrase on stock must be what the record says that it is about: the one referred to before it
/// in its sentence, else after it, else every record. Of a product whose variants were looked at,
/// the variants count too. A policy may speak of stock where no record is there to be meant.
fn stock_known(draft: &Draft<'_>, evidence: &[Evidence]) -> bool {
    let stocks: Vec<(&str, String)> = evidence
        .iter()
        .filter_map(|line| match line {
            Evidence::Record { handle, fields, .. } => fields
                .iter()
                .find(|field| field.name == "stock")
                .map(|field| (handle.as_str(), field.value.expose().to_lowercase())),
            _ => None,
        })
        .collect();
    let texts = passages(evidence);
    let has_stock = |handle: &&&str| stocks.iter().any(|(of, _)| *of == **handle);
    draft.sentences().iter().all(|sentence| {
        let lower = sentence.words.to_lowercase();
        STOCK_PHRASES.iter().all(|phrase| {
            lower
                .match_indices(phrase)
                .filter(|(at, _)| is_word(&lower, *at, phrase.len()))
                .all(|(at, _)| {
                    let before = lower[..at].matches('\u{1}').count();
                    let (before, after) = sentence.handles.split_at(before);
                    let about = before
                        .iter()
                        .rev()
                        .find(has_stock)
                        .or_else(|| after.iter().find(has_stock));
                    let mut meant = stocks
                        .iter()
                        .filter(|(of, _)| match about {
                            Some(about) => {
                                of == about || (about.starts_with('p') && of.starts_with('v'))
                            }
                            None => true,
                        })
                        .peekable();
                    if meant.peek().is_none() {
                        contains_phrase(&texts, phrase)
                    } else {
                        meant.all(|(_, stock)| contains_phrase(stock, phrase))
                    }
                })
        })
    })
}

/// All passages of policies in the evidence, lower case.
fn passages(evidence: &[Evidence]) -> String {
    let mut out = String::new();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            for field in fields.iter().filter(|field| field.name == "text") {
                out.push_str(&field.value.expose().to_lowercase());
                out.push('\n');
            }
        }
    }
    out
}

fn links_allowed(said: &str, policy: &ReplyPolicy) -> bool {
    if said.contains("](") {
        return false;
    }
    said.split_whitespace().all(|word| {
        let after_scheme = word.find("://").map(|at| &word[at + 3..]);
        let Some(rest) = after_scheme.or_else(|| word.strip_prefix("www.")) else {
            return true;
        };
        let host = rest
            .split(['/', '?', '#', ':', ',', ')'])
            .next()
            .unwrap_or("")
            .trim_end_matches('.');
        policy
            .link_hosts
            .iter()
            .any(|allowed| host == allowed || host.ends_with(&format!(".{allowed}")))
    })
}

fn names_known(said: &str, sources: &str, words: &str, policy: &ReplyPolicy) -> bool {
    let words = words.to_lowercase();
    policy
        .names
        .iter()
        .filter(|name| contains_phrase(said, name))
        .all(|name| contains_phrase(sources, name) || contains_phrase(&words, name))
}

fn tokens(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Finds a phrase between word boundaries.
fn contains_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase)
        .any(|(at, _)| is_word(text, at, phrase.len()))
}

/// Says whether the bytes stand between word boundaries.
fn is_word(text: &str, at: usize, len: usize) -> bool {
    let word = |c: char| c.is_alphanumeric();
    !text[..at].chars().next_back().is_some_and(word)
        && !text[at + len..].chars().next().is_some_and(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{DocumentId, Field, Handle, ProductId, RecordKey};

    fn evidence() -> Vec<Evidence> {
        let product = RecordKey::Product(ProductId::new("K-1").expect("key"));
        let policy = RecordKey::Document(DocumentId::new("returns").expect("key"));
        let other = RecordKey::Product(ProductId::new("K-2").expect("key"));
        vec![
            Evidence::Record {
                handle: Handle::new(&other, 2),
                key: other,
                version: 1,
                fields: vec![
                    Field::new("name", "Copper Kettle"),
                    Field::new("stock", "out of stock"),
                ],
            },
            Evidence::Record {
                handle: Handle::new(&product, 1),
                key: product,
                version: 1,
                fields: vec![
                    Field::new("name", "Arden Kettle"),
                    Field::new("price", "£45.99"),
                    Field::new("stock", "in stock"),
                    Field::new("capacity", "1.7 l"),
                ],
            },
            Evidence::Record {
                handle: Handle::new(&policy, 1),
                key: policy,
                version: 1,
                fields: vec![
                    Field::new("title", "Returns"),
                    Field::new(
                        "text",
                        "Send it back within 30 days; return postage is free.",
                    ),
                ],
            },
        ]
    }

    fn broken(text: &str) -> Vec<String> {
        let policy = ReplyPolicy {
            link_hosts: vec!["shop.example".into()],
            names: BTreeSet::from(["arden".into(), "velora".into()]),
        };
        check(
            text,
            &evidence(),
            "is the arden 2 litre kettle good?",
            &policy,
        )
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule)
        .collect()
    }

    #[test]
    fn honest_replies_pass() {
        for text in [
            "The {{p1.name}} costs {{p1.price}} and is {{p1.stock}}.",
            "It holds 1.7 l, not 2. {{p1.name}} is in stock.",
            "You have 30 days. Return postage is free. {{d1}}",
            "I cannot reduce prices here.",
            "{{p1.name}} is in stock and {{p2.name}} is out of stock.",
            "See https://shop.example/kettles or www.shop.example.",
        ] {
            assert_eq!(broken(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn invented_claims_are_blocked_by_the_rule_meant_for_them() {
        for (text, rule) in [
            ("", "empty_or_too_long"),
            ("It is {{p3.price}}.", "unknown_reference"),
            ("It is {p1.price}.", "broken_reference"),
            ("You have 60 days.", "number_not_in_evidence"),
            ("You have ٣٠ days.", "number_not_in_evidence"),
            ("Yours for £45.99!", "money_in_words"),
            ("Yours for 2 quid.", "money_in_words"),
            ("Delivery takes two days.", "number_word_without_source"),
            (
                "Delivery takes sixteen working days.",
                "number_word_without_source",
            ),
            ("It costs 2.", "price_in_figures"),
            (
                "I cannot give a discount. Your discount is applied.",
                "commitment_without_source",
            ),
            ("No problem, you get a refund.", "commitment_without_source"),
            ("We guarantee it.", "commitment_without_source"),
            ("It is sold out.", "stock_without_source"),
            ("{{p2.name}} is in stock.", "stock_without_source"),
            ("Both are in stock.", "stock_without_source"),
            ("{{d1}} The kettle is in stock.", "stock_without_source"),
            ("Yes, 2 years.", "number_not_in_evidence"),
            ("See https://evil.example/x", "link_not_allowed"),
            ("See https://shop.example.evil.example", "link_not_allowed"),
            ("![x](y)", "link_not_allowed"),
            ("The Velora is better.", "name_not_in_evidence"),
        ] {
            assert!(
                broken(text).contains(&rule.to_owned()),
                "{text}: {:?}",
                broken(text)
            );
        }
    }
}
