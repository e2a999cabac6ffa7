//! No amount of money stands in words or figures: amounts come by reference.

use super::{Reply, Rule};
use crate::currencies::{is_money, is_money_behind, is_sign, numbers};
use crate::numbers::spoken;
use crate::words::{has, plain};

pub(super) const RULE: Rule = Rule {
    name: "money_in_words",
    holds,
};

/// Amounts with a name of their own.
const NOTES: &[&str] = &[
    "fiver",
    "fivers",
    "tenner",
    "tenners",
    "a few bob",
    "a bob or two",
];
/// A thousand of money, where nothing is praised: "a grand", but not "a grand piano".
const GRAND: &str = "grand";
/// What may follow it.
const AFTER_GRAND: &[&str] = &["for", "and", "or", "on", "in", "more", "less"];
/// What counts a currency word without a number: "a pound", "a couple of quid".
const COUNTING: &[&str] = &[
    "a", "an", "one", "few", "several", "some", "many", "per", "of", "odd",
];

/// Smallest number in words before a word that need not be money: "which one won?"
const BEHIND_MIN: f64 = 10.0;

fn holds(reply: &Reply<'_>) -> bool {
    let said = plain(&reply.said);
    !reply.said.chars().chain(said.chars()).any(is_sign)
        && numbers(&said, true).next().is_none()
        && !reply
            .clauses
            .iter()
            .any(|clause| has_amount(&clause.words()))
}

/// Says whether words name an amount.
fn has_amount(words: &[&str]) -> bool {
    let numbers = spoken(words);
    let number_before = |at: usize| {
        numbers
            .iter()
            .find(|number| number.at + number.length == at)
    };
    let is_counted = |at: usize| {
        let word = words[at];
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        match number_before(at) {
            Some(number) if number.value >= BEHIND_MIN => {
                is_money_behind(word, words.get(at + 1).copied().unwrap_or_default())
            }
            Some(_) => is_money(word),
            None => COUNTING.contains(&before) && is_money(word),
        }
    };
    let is_grand = |at: usize| {
        words[at] == GRAND
            && (number_before(at + 1).is_some()
                || at > 0
                    && words[at - 1] == "a"
                    && words
                        .get(at + 1)
                        .is_none_or(|next| AFTER_GRAND.contains(next)))
    };
    has(words, NOTES) || (0..words.len()).any(|at| is_counted(at) || is_grand(at))
}
