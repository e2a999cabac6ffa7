//! Whether a clause states what it speaks of, or asks, admits, requests or wonders.
//!
//! Each excuse has a scope: it covers what follows in its own clause, up to where another clause
//! begins without a joint: "once dispatched | it arrives tomorrow", "I cannot help | it arrives
//! tomorrow".

use super::{Clause, VERBS};
use crate::words::{begins, find, has};

mod phrases;

pub(super) use phrases::OFFERING;
use phrases::{
    ABOUT_WORDS_MAX, ADMITTING, ASKED_OF, ASKING, AWAITING, BEFORE_THAT, BEFORE_TO, FILLERS,
    GAINING, IDIOMS, LETTING, LOOKING, NAMED, NAMING, NOT_ASKING, NOT_REQUESTING, OPENING, OTHERS,
    PRESUPPOSING, PROPOSED, PROPOSING, REASSURING, REGRETTING, REQUESTING, SPEAKERS,
    SUBJECT_WORDS_MAX, SUBORDINATING, SURE, WISHING, WONDERING, WONDERING_WORDS_MAX,
};

impl Clause<'_> {
    /// Says whether what begins at a word is stated: neither asked nor wondered about, and nothing
    /// that the shop says it cannot do or does not know.
    pub(crate) fn states(&self, at: usize) -> bool {
        self.is_said(at, &[WONDERING, AWAITING])
    }

    /// Says the same of a day or a date: "when it arrives tomorrow" states tomorrow.
    pub(crate) fn states_time(&self, at: usize) -> bool {
        let words = self.words();
        let is_proposed = self.is_question && has(&words, PROPOSED);
        let is_wish = WISHING
            .iter()
            .any(|wish| find(&words, wish).any(|found| found.start == 0 && found.end <= at));
        is_proposed || !is_wish && self.is_said(at, &[WONDERING])
    }

    fn is_said(&self, at: usize, openers: &[&[&str]]) -> bool {
        let words = self.words();
        let names = self.is_offered && !has(&words[at.min(words.len())..], VERBS);
        !(names
            || self.is_question && asks(&words, at)
            || admits(&words, at)
            || requests(&words, at)
            || regrets(&words, at)
            || wonders(&words, at, openers))
    }
}

/// Says whether words are a question that leaves open what stands at a word.
fn asks(words: &[&str], at: usize) -> bool {
    let start = words
        .iter()
        .position(|word| !matches!(*word, "and" | "or" | "so" | "also" | "but"))
        .unwrap_or(0);
    let words = &words[start..];
    let subject = words
        .iter()
        .take(1 + SUBJECT_WORDS_MAX)
        .position(|word| ASKED_OF.contains(word));
    let is_open = reaches(words, 1 + subject.unwrap_or(0), at.saturating_sub(start));
    let proposes = PROPOSING
        .iter()
        .flat_map(|phrase| find(words, phrase))
        .any(|found| {
            words
                .get(found.end)
                .is_some_and(|verb| !LOOKING.contains(verb))
        });
    is_open
        && begins(words, ASKING)
        && !begins(words, NOT_ASKING)
        && !has(words, PRESUPPOSING)
        && !proposes
}

/// Says whether the shop admits that it cannot, or does not know, what stands at a word.
fn admits(words: &[&str], at: usize) -> bool {
    let is_idiom = |start: usize| {
        IDIOMS
            .iter()
            .any(|idiom| find(words, idiom).any(|found| found.contains(&start)))
    };
    ADMITTING
        .iter()
        .flat_map(|phrase| find(words, phrase))
        .filter(|found| !is_idiom(found.start))
        .any(|found| {
            let who = words[..found.end]
                .iter()
                .rposition(|word| SPEAKERS.contains(word) || OTHERS.contains(word));
            let Some(who) = who.filter(|who| SPEAKERS.contains(&words[*who])) else {
                return false;
            };
            let is_named = NAMING.contains(&words[0])
                || words[..who]
                    .iter()
                    .rev()
                    .take(2)
                    .any(|word| NAMED.contains(word))
                || has(&words[found.clone()], &["something|me|us"]);
            if found.start <= at {
                reaches(words, found.end, at)
            } else {
                is_named
            }
        })
}

/// Says whether words ask the customer for something, and what stands at a word belongs to it. What
/// the customer gets for it does not: "confirm today | to get it tomorrow".
fn requests(words: &[&str], at: usize) -> bool {
    let Some(start) = words.iter().position(|word| !FILLERS.contains(word)) else {
        return false;
    };
    let (words, at) = (&words[start..], at.saturating_sub(start));
    let gains = (1..words.len()).take_while(|to| *to <= at).any(|to| {
        let gets = words.get(to + 1).is_some_and(|verb| GAINING.contains(verb));
        matches!(words[to], "to" | "and") && gets && !BEFORE_TO.contains(&words[to - 1])
    });
    (begins(words, REQUESTING) || begins(words, LETTING))
        && !begins(words, NOT_REQUESTING)
        && !gains
        && reaches(words, 1, at)
}

/// Says whether what stands at a word is what the customer said has happened.
fn regrets(words: &[&str], at: usize) -> bool {
    REGRETTING
        .iter()
        .flat_map(|phrase| find(words, phrase))
        .any(|found| reaches(words, found.end, at))
}

/// Says whether what opens before a word reaches to another: no clause begins from the one to the
/// other but those that belong to it, "I cannot say | when it arrives".
pub(crate) fn reaches(words: &[&str], from: usize, to: usize) -> bool {
    let mut is_expected = false;
    (from..words.len()).take_while(|at| *at <= to).all(|at| {
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        let second = at.checked_sub(2).map_or("", |before| words[before]);
        let is_object = matches!(before, "you" | "me" | "us");
        if SUBORDINATING.contains(&words[at])
            && !(words[at] == "that" && BEFORE_THAT.contains(&before))
        {
            is_expected = true;
        } else if is_subject(words, at) {
            let belongs =
                is_expected || OPENING.contains(&before) || is_object && OPENING.contains(&second);
            is_expected = false;
            return belongs;
        } else if VERBS.contains(&words[at]) {
            is_expected = false;
        }
        true
    })
}

/// Says whether what stands at a word is wondered about shortly before it.
fn wonders(words: &[&str], at: usize, openers: &[&[&str]]) -> bool {
    let from = at.saturating_sub(WONDERING_WORDS_MAX);
    let near = &words[from..at];
    let opens = openers
        .iter()
        .flat_map(|list| list.iter())
        .flat_map(|opener| find(near, opener))
        .any(|found| {
            !has(&words[..from + found.start], SURE)
                && !begins_another(&words[from + found.end..], at - from - found.end)
        });
    let names = find(near, "about").any(|found| {
        let before = words[..from + found.start].last().copied().unwrap_or("");
        near.len() - found.start <= ABOUT_WORDS_MAX && !REASSURING.contains(&before)
    });
    opens || names
}

/// Says whether a second clause begins among the first words: the first word is the subject of the
/// one that was opened.
fn begins_another(words: &[&str], length: usize) -> bool {
    (1..length).any(|at| is_subject(words, at))
}

/// Says whether a word is the subject of a clause.
fn is_subject(words: &[&str], at: usize) -> bool {
    let next = words.get(at + 1).copied().unwrap_or("");
    match words[at] {
        "i" | "we" | "they" | "he" | "she" | "i'll" | "we'll" | "we're" | "we've" | "you'll"
        | "you're" | "it'll" | "it's" | "there's" | "that's" => true,
        "it" | "you" => {
            VERBS.contains(&next)
                || next.ends_with('s') && next.len() > 2 && !matches!(next, "this" | "less")
        }
        _ => false,
    }
}
