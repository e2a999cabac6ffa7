//! Names of the shop's brands appear where the evidence or the customer named them.

use super::{Reply, Rule};
use crate::words::contains_phrase;

pub(super) const RULE: Rule = Rule {
    name: "name_not_in_evidence",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    let words = reply.words.to_lowercase();
    reply
        .policy
        .names
        .iter()
        .filter(|name| contains_phrase(&reply.lower, name))
        .all(|name| contains_phrase(&reply.sources, name) || contains_phrase(&words, name))
}
