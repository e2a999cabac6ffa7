//! Figures are those of the evidence, or the customer's own where nothing is claimed by them.

use std::collections::BTreeSet;

use mercer_conversation::{grammar, spans};

use super::number_word::is_unit;
use super::{Reply, Rule};
use crate::currencies;
use crate::words::{plain, tokens};

pub(super) const RULE: Rule = Rule {
    name: "number_not_in_evidence",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    let known = grammar::numbers(reply.evidence, reply.words);
    spans::number_runs(&reply.said).all(|run| known.contains(run.text))
        // Digits of other scripts read as numbers too.
        && reply.said.chars().all(|c| !c.is_numeric() || c.is_ascii_digit())
        && own_numbers_claim_nothing(reply)
}

/// The customer's own number may be repeated ("I found no order 4711"), but not as a figure that
/// the shop would stand for ("yes, 90 days"), and never an amount of money.
fn own_numbers_claim_nothing(reply: &Reply<'_>) -> bool {
    let backed = grammar::numbers(reply.evidence, "");
    let lower = reply.said.to_lowercase();
    let words = plain(reply.words);
    let theirs: BTreeSet<&str> = currencies::numbers(&words, false).collect();
    spans::number_runs(&lower)
        .filter(|run| !backed.contains(run.text))
        .all(|run| {
            theirs.contains(run.text)
                && !run.text.ends_with('%')
                && !run.after.trim_start().starts_with('%')
                && !tokens(run.after).iter().take(2).any(|word| is_unit(word))
        })
}
