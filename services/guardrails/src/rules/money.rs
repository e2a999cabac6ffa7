//! No amount of money stands in words or figures: amounts come by reference.

use mercer_conversation::spans;
use mercer_schemas::Currency;

use super::{Reply, Rule};
use crate::numbers::spoken;
use crate::words::{contains_phrase, find, has, tokens};

pub(super) const RULE: Rule = Rule {
    name: "money_in_words",
    holds,
};

/// What money is counted in.
const CURRENCY_WORDS: &[&str] = &[
    "pound", "pounds", "quid", "pence", "penny", "pennies", "euro", "euros", "dollar", "dollars",
    "cent", "cents", "buck", "bucks", "yen", "franc", "francs", "krona", "kronor", "krone",
    "kroner", "rupee", "rupees", "zloty", "nicker", "squid", "smackers", "sterling",
];
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

fn holds(reply: &Reply<'_>) -> bool {
    !reply.said.chars().any(is_currency_sign)
        && !spans::number_runs(&reply.said)
            .any(|run| run.is_amount || has_code(run.text, &reply.said))
        && !reply.clauses.iter().any(|clause| {
            let words = clause.words();
            let ends: Vec<usize> = spoken(&words)
                .iter()
                .map(|number| number.at + number.length)
                .collect();
            has(&words, NOTES)
                || find(&words, GRAND).any(|found| {
                    let at = found.start;
                    ends.contains(&(at + 1))
                        || at > 0
                            && words[at - 1] == "a"
                            && words
                                .get(at + 1)
                                .is_none_or(|next| AFTER_GRAND.contains(next))
                })
                || (0..words.len()).any(|at| {
                    CURRENCY_WORDS.contains(&words[at])
                        && at > 0
                        && (ends.contains(&at)
                            || COUNTING.contains(&words[at - 1])
                            || words[at - 1].ends_with(|c: char| c.is_ascii_digit()))
                })
        })
}

/// Signs of currencies, also as wide or small forms.
fn is_currency_sign(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '֏' | '؋' | '৲' | '৳' | '૱' | '௹' | '฿' | '៛' | '₠'..='⃏'
        | '﷼' | '﹩' | '＄' | '￠' | '￡' | '￥' | '￦')
}

/// Says whether the code of a currency stands beside a number: `45 SEK`.
fn has_code(number: &str, said: &str) -> bool {
    tokens(said)
        .iter()
        .filter(|word| word.parse::<Currency>().is_ok_and(Currency::is_listed))
        .any(|code| {
            contains_phrase(said, &format!("{number} {code}"))
                || contains_phrase(said, &format!("{code} {number}"))
        })
}
