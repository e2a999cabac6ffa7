//! When and where something arrives is said by reference or by the evidence's own words. So is
//! every day and date.

use super::{Reply, Rule};
use crate::claims::Clause;
use crate::words::{contains_phrase, find, tokens};

pub(super) const RULE: Rule = Rule {
    name: "delivery_without_source",
    holds,
};

/// Words on delivery; a reference to an order, a text or an attribute answers for them.
const TOPICS: &[&str] = &[
    "deliver*",
    "ship",
    "ships",
    "shipped",
    "shipping",
    "shipment*",
    "dispatch*",
    "despatch*",
    "courier*",
    "postage",
    "posted",
    "arriv*",
    "on its way",
    "on the way",
    "on their way",
    "on route",
    "en route",
    "reach you",
    "reaches you",
    "reach your",
    "with you",
    "get to you",
    "gets to you",
    "send it",
    "send them",
    "sent it",
    "sent out",
    "send out",
    "been sent",
    "was sent",
    "were sent",
    "in transit",
    "collect it",
    "click and collect",
    "pick it up",
    "left our",
    "leave our",
    "leaves our",
    "leaves us",
    "left the warehouse",
    "in the post",
    "by post",
    "in the mail",
    "cancelled",
    "canceled",
    "been returned",
    "been packed",
    "being packed",
    "is packed",
    "been processed",
    "on board",
    "at your door",
    "to your door",
    "on your doorstep",
    "in your hands",
    "your hands",
    "track it",
    "at the depot",
    "turn up",
    "show up",
    "will be there",
    "with the driver",
    "bring it",
    "drop it off",
    "come to you",
    "comes to you",
    "have it by",
    "receive it",
    "receive them",
    "get it by",
    "gets there",
    "get there",
    "will have it",
    "will get it",
];
/// How fast and how far, where delivery is spoken of; a reference says nothing of that.
const CLAIMS: &[&str] = &[
    "fast",
    "faster",
    "fastest",
    "quick",
    "quickly",
    "quicker",
    "rapid",
    "rapidly",
    "swift",
    "swiftly",
    "speedy",
    "express",
    "soon",
    "shortly",
    "promptly",
    "immediately",
    "instantly",
    "straight away",
    "right away",
    "at once",
    "in no time",
    "on time",
    "early",
    "asap",
    "any time",
    "any moment",
    "before you know",
    "worldwide",
    "international*",
    "abroad",
    "overseas",
    "anywhere",
    "everywhere",
    "nationwide",
    "all over",
    "all countries",
    "every country",
    "your door",
    "any address",
    "without delay",
    "no delay*",
    "punctual*",
    "for nothing",
    "no cost",
    "no charge",
    "included",
];
const DAYS: &[&str] = &[
    "today",
    "tonight",
    "tomorrow",
    "tomorrow's",
    "yesterday",
    "overnight",
    "fortnight*",
    "weekend*",
    "midnight",
    "noon",
    "midday",
    "monday*",
    "tuesday*",
    "wednesday*",
    "thursday*",
    "friday*",
    "saturday*",
    "sunday*",
    "christmas eve",
    "by christmas",
    "before christmas",
    "time for christmas",
    "by easter",
    "before easter",
    "bank holiday*",
    "new year*",
    "black friday",
];
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Months that are other words, too: they need one of these before them.
const BEFORE_A_MONTH: &[&str] = &[
    "in", "by", "until", "till", "from", "since", "before", "after", "of", "early", "mid", "late",
    "next", "this", "last",
];
const PERIODS: &[&str] = &[
    "morning",
    "afternoon",
    "evening",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "hour",
    "hours",
];
/// What makes a period a point in time: "next week", "within an hour", "the end of the month".
const BEFORE_A_PERIOD: &[&str] = &[
    "this",
    "next",
    "last",
    "same",
    "following",
    "coming",
    "every",
    "each",
    "working",
    "business",
    "in a",
    "in an",
    "within a",
    "within an",
    "within the",
    "about a",
    "around a",
    "under a",
    "under an",
    "takes a",
    "take a",
    "than a",
    "than an",
    "after a",
    "for a",
    "for an",
    "of the",
    "later in the",
    "in the",
    "a year's",
];

fn holds(reply: &Reply<'_>) -> bool {
    let sources = tokens(&reply.sources);
    let spaced = reply.sources.replace('-', " ");
    reply.clauses.iter().all(|clause| {
        let words = clause.words();
        let stated = |phrases: &[&str]| {
            phrases
                .iter()
                .any(|phrase| find(&words, phrase).any(|at| clause.states(at)))
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
    let is_known = |at: usize, length: usize| {
        !clause.states(at) || contains_phrase(sources, &words[at..at + length].join(" "))
    };
    let days = DAYS.iter().all(|day| {
        let length = day.split(' ').count();
        find(words, day).all(|at| is_known(at, length))
    });
    let months = (0..words.len())
        .filter(|at| MONTHS.contains(&words[*at]))
        .filter(|at| {
            !matches!(words[*at], "may" | "march")
                || *at > 0
                    && (BEFORE_A_MONTH.contains(&words[at - 1]) || starts_with_digit(words[at - 1]))
        })
        .all(|at| is_known(at, 1));
    let periods = BEFORE_A_PERIOD.iter().all(|before| {
        let length = before.split(' ').count();
        find(words, before)
            .filter(|at| {
                words
                    .get(at + length)
                    .is_some_and(|word| PERIODS.contains(word))
            })
            .all(|at| is_known(at, length + 1))
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
