//! A price comes by reference only: no sentence about one holds a literal number.

use mercer_conversation::spans;

use super::{Reply, Rule};
use crate::numbers::{Kind, spoken};
use crate::words::{find, has, tokens};

pub(super) const RULE: Rule = Rule {
    name: "price_in_figures",
    holds,
};

/// Words of a sentence about a price.
const ABOUT_PRICE: &[&str] = &[
    "cost",
    "costs",
    "costing",
    "price",
    "priced",
    "prices",
    "pay",
    "off",
    "sell",
    "sells",
    "sold at",
    "sale",
    "yours for",
    "set you back",
    "sets you back",
    "get it for",
    "have it for",
    "buy it for",
    "go for",
    "goes for",
    "going for",
    "worth",
    "charge you",
    "comes in at",
    "knocked down",
    "down to",
    "let it go",
    "asking for it",
];

fn holds(reply: &Reply<'_>) -> bool {
    reply
        .lower
        .split(['!', '?', '\n'])
        .flat_map(|part| part.split(". "))
        .all(|sentence| {
            let words = tokens(sentence);
            !has(&words, ABOUT_PRICE)
                || spans::number_runs(sentence).next().is_none() && !has_number_word(&words)
        })
}

/// "One" alone is a number where it can be nothing else: "it costs one".
fn has_number_word(words: &[&str]) -> bool {
    spoken(words).iter().any(|number| match number.kind {
        Kind::Ordinal => false,
        Kind::Cardinal if number.length == 1 && words[number.at] == "one" => {
            number.at + 1 == words.len()
                && ["costs", "cost", "is", "for", "pay"]
                    .iter()
                    .any(|word| find(&words[..number.at], word).any(|found| found.end == number.at))
        }
        Kind::Cardinal | Kind::Fraction | Kind::Vague => true,
    })
}
