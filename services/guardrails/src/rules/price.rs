//! What a thing costs, and whether it costs less than it did, is said by reference or by the
//! evidence's own words.

use super::{Reply, Rule};
use crate::words::{find, tokens};

mod phrases;

use phrases::{CLAIMS, TOPICS};

pub(super) const RULE: Rule = Rule {
    name: "price_without_source",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    let sources = tokens(&reply.sources);
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        let stated = |phrases: &[&str]| {
            phrases
                .iter()
                .any(|phrase| find(&words, phrase).any(|found| clause.states(found.start)))
        };
        let is_told =
            clause.refers_to(|name| !name.ends_with(".name") && !name.ends_with(".stock"));
        !(stated(CLAIMS) || stated(TOPICS) && !is_told) || clause.is_backed(&sources)
    })
}
