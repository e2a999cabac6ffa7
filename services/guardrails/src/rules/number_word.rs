//! Numbers in words are held to what figures are held to: the evidence has them, or the customer
//! wrote them and nothing is claimed by them. How many records were found may be said, too.

use mercer_conversation::spans;
use mercer_schemas::{Evidence, Handle};

use super::delivery::is_month;
use super::{Reply, Rule};
use crate::claims::values;
use crate::numbers::{Kind, Spoken, spoken};
use crate::words::{contains_phrase, plain, tokens};

pub(super) const RULE: Rule = Rule {
    name: "number_word_without_source",
    holds,
};

/// Units that make a number a claim.
const UNITS: &[&str] = &[
    "second",
    "seconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "night",
    "nights",
    "week",
    "weeks",
    "fortnight",
    "fortnights",
    "month",
    "months",
    "year",
    "years",
    "decade",
    "decades",
    "pound",
    "pounds",
    "quid",
    "pence",
    "penny",
    "euro",
    "euros",
    "dollar",
    "dollars",
    "cent",
    "cents",
    "bucks",
    "percent",
    "off",
    "left",
    "pieces",
    "units",
    "items",
    "points",
    "star",
    "stars",
    "times",
    "price",
];
/// What a day is counted by: "on the fifth", "by the third of May".
const BEFORE_A_DAY: &[&str] = &[
    "on", "by", "until", "till", "before", "after", "from", "since",
];
/// How far a unit may stand behind its number: "three working days".
const UNIT_WORDS_MAX: usize = 2;

/// Says whether a word is what figures of the shop are counted in.
pub(super) fn is_unit(word: &str) -> bool {
    UNITS.contains(&word)
}

fn holds(reply: &Reply<'_>) -> bool {
    let ours = Known::of(&values(reply.evidence, |name| name != "price"));
    let theirs = Known::of(&plain(reply.words).to_lowercase());
    let counts = counts(reply.evidence);
    let sources = reply.sources.replace('-', " ");
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        spoken(&words)
            .into_iter()
            .filter(|number| is_claim(number, &words))
            .all(|number| {
                let as_said = words[number.at..number.at + number.length].join(" ");
                let has_unit = unit_follows(&number, &words);
                contains_phrase(&sources, &as_said)
                    || ours.has(number.value)
                    || !has_unit && (theirs.has(number.value) || counts.contains(&number.value))
            })
    })
}

/// Says whether a number states how many. "One" is a pronoun more often than not.
fn is_claim(number: &Spoken, words: &[&str]) -> bool {
    let has_unit = unit_follows(number, words);
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    match number.kind {
        Kind::Cardinal if number.length == 1 && word(number.at) == "one" => has_unit,
        Kind::Cardinal => true,
        Kind::Fraction | Kind::Vague => has_unit,
        Kind::Ordinal => {
            let end = number.at + number.length;
            let is_day = number.at >= 2
                && word(number.at - 1) == "the"
                && BEFORE_A_DAY.contains(&word(number.at - 2))
                && matches!(word(end), "" | "of" | "and" | "or" | "at");
            is_day
                || is_month(word(end))
                || word(end) == "of" && is_month(word(end + 1))
                || number.at >= 1 && is_month(word(number.at - 1))
        }
    }
}

fn unit_follows(number: &Spoken, words: &[&str]) -> bool {
    let mut rest = words[number.at + number.length..]
        .iter()
        .filter(|word| !matches!(**word, "a" | "an" | "of" | "the"))
        .take(UNIT_WORDS_MAX);
    rest.any(|word| is_unit(word))
}

/// Numbers of a text, in figures and in words.
struct Known(Vec<f64>);

impl Known {
    fn of(text: &str) -> Self {
        let mut known = Vec::new();
        for run in spans::number_runs(text).filter(|run| !run.is_amount) {
            let figure = run.text.trim_end_matches('%').replace(',', "");
            match figure.parse() {
                Ok(value) => known.push(value),
                // Dates and ranges: "2026-10-05", "3-5".
                Err(_) => known.extend(
                    figure
                        .split(['-', '/', ':'])
                        .filter_map(|part| part.parse::<f64>().ok()),
                ),
            }
        }
        known.extend(spoken(&tokens(text)).iter().map(|number| number.value));
        Self(known)
    }

    fn has(&self, value: f64) -> bool {
        self.0.contains(&value)
    }
}

/// How many records there are of each kind, and how many products were found.
fn counts(evidence: &[Evidence]) -> Vec<f64> {
    let mut out = Vec::new();
    let mut handles: Vec<&Handle> = Vec::new();
    for line in evidence {
        match line {
            Evidence::Record { handle, .. } if !handles.contains(&handle) => {
                handles.push(handle);
            }
            Evidence::Found { products, .. } => out.push(*products),
            _ => {}
        }
    }
    for handle in &handles {
        let same_kind = handles.iter().filter(|other| other.kind() == handle.kind());
        out.push(same_kind.count());
    }
    out.into_iter()
        .filter_map(|count| u32::try_from(count).ok())
        .map(f64::from)
        .filter(|count| *count > 0.0)
        .collect()
}
