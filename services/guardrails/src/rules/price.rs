//! What a thing costs, and whether it costs less than it did, is said by reference or by the
//! evidence's own words.

use super::{Reply, Rule};
use crate::words::{find, tokens};

pub(super) const RULE: Rule = Rule {
    name: "price_without_source",
    holds,
};

/// Words on prices; a reference to a price or a text answers for them.
const TOPICS: &[&str] = &[
    "cost",
    "costs",
    "costing",
    "costly",
    "price*",
    "pricing",
    "pricey",
    "fee",
    "fees",
    "charge you",
    "charges you",
    "you pay",
    "you'll pay",
    "vat",
    "tax",
    "taxes",
];
/// Words that praise or change a price; a reference says nothing of that.
const CLAIMS: &[&str] = &[
    "cheap",
    "cheaply",
    "expensive",
    "inexpensive",
    "dear",
    "dearer",
    "discount*",
    "on sale",
    "sale price",
    "in the sale",
    "in our sale",
    "sale is",
    "sale ends",
    "bargain*",
    "special offer*",
    "on offer",
    "offer ends",
    "good deal",
    "great deal",
    "best deal",
    "deal of",
    "a steal",
    "savings",
    "a saving",
    "save money",
    "you save",
    "you'll save",
    "can save",
    "half price",
    "half the price",
    "half off",
    "percent off",
    "money off",
    "reduced",
    "reduction*",
    "price cut",
    "price drop*",
    "price match*",
    "match any",
    "beat any",
    "best price",
    "surcharge*",
    "no charge",
    "extra charge",
    "charged",
    "without charge",
    "voucher*",
    "coupon*",
    "promo code",
    "discount code",
    "cashback",
    "money back",
    "afford*",
    "good value",
    "great value",
    "best value",
    "value for money",
    "two for one",
    "buy one get",
    "for the price of",
    "it's on us",
    "is on us",
    "on the house",
    "gratis",
    "complimentary",
    "for nothing",
    "costs nothing",
    "cost nothing",
    "nothing extra",
    "no extra",
    "no cost",
    "no fee*",
    "won't cost",
    "doesn't cost",
    "at cost",
    "rock bottom",
    "lowest price around",
    "lowest price anywhere",
    "clearance",
    "special price",
    "going cheap",
    "less than you",
    "next to nothing",
    "a song",
    "throw in",
    "knock",
];

fn holds(reply: &Reply<'_>) -> bool {
    let sources = tokens(&reply.sources);
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        let stated = |phrases: &[&str]| {
            phrases
                .iter()
                .any(|phrase| find(&words, phrase).any(|at| clause.states(at)))
        };
        let is_told =
            clause.refers_to(|name| !name.ends_with(".name") && !name.ends_with(".stock"));
        !(stated(CLAIMS) || stated(TOPICS) && !is_told) || clause.is_backed(&sources)
    })
}
