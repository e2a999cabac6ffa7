//! When and where something arrives is said by reference or by the evidence's own words. So is
//! every day and date.

use std::ops::Range;

use super::{Reply, Rule};
use crate::claims::Clause;
use crate::words::{contains_phrase, find, has, tokens};

mod phrases;

use phrases::{
    BEFORE_A_MONTH, BEFORE_A_PERIOD, CLAIMS, DAYS, MONTHS, PEOPLE, PERIODS, TOPICS, WITH_YOU,
};

pub(super) const RULE: Rule = Rule {
    name: "delivery_without_source",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    let sources = tokens(&reply.sources);
    let spaced = reply.sources.replace('-', " ");
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        let is_company = has(&words, PEOPLE);
        let stated = |phrases: &[&str]| {
            phrases
                .iter()
                .filter(|phrase| !(is_company && **phrase == WITH_YOU))
                .any(|phrase| find(&words, phrase).any(|found| clause.states(found.start)))
        };
        let topic = stated(TOPICS);
        let claim = topic && stated(CLAIMS);
        let is_told = clause.refers_to(tells_delivery);
        times_known(clause, &words, &spaced)
            && (!(claim || topic && !is_told) || clause.is_backed(&sources))
    })
}

/// Orders, texts and attributes tell of delivery; names, prices and stock do not.
fn tells_delivery(reference: &str) -> bool {
    !(reference.ends_with(".name")
        || reference.ends_with(".price")
        || reference.ends_with(".stock")
        || reference.ends_with(".number"))
}

/// Every day, date and period that is stated stands in the sources.
fn times_known(clause: &Clause<'_>, words: &[&str], sources: &str) -> bool {
    let is_known = |said: Range<usize>| {
        !clause.states_time(said.start) || contains_phrase(sources, &words[said].join(" "))
    };
    let days = DAYS.iter().all(|day| find(words, day).all(is_known));
    let months = (0..words.len())
        .filter(|at| MONTHS.contains(&words[*at]))
        .filter(|at| {
            !matches!(words[*at], "may" | "march")
                || *at > 0
                    && (BEFORE_A_MONTH.contains(&words[at - 1]) || starts_with_digit(words[at - 1]))
        })
        .all(|at| is_known(at..at + 1));
    let periods = BEFORE_A_PERIOD.iter().all(|before| {
        find(words, before)
            .filter(|said| {
                words
                    .get(said.end)
                    .is_some_and(|word| PERIODS.contains(word))
            })
            .all(|said| is_known(said.start..said.end + 1))
    });
    days && months && periods
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// Says whether a word names a month.
pub(super) fn is_month(word: &str) -> bool {
    MONTHS.contains(&word)
}
