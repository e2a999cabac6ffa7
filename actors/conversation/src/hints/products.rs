//! Which product a customer means, where their words leave no doubt: one called by its name or by its
//! place in what was shown ("the second one").

use std::collections::BTreeSet;

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::{Evidence, RecordKey};

use crate::spans::{self, words_of};
use crate::state::State;
use crate::tools::product_details::{Candidate, earlier, products};
use crate::words::english::{FUNCTION_WORDS, ORDINALS};

/// Words beside which a name does not say which product is meant: "not the Arden, the other one".
const POINTING_ELSEWHERE: &[&str] = &["last", "other", "others", "not", "both", "either"];

/// Returns the handles of the products that the words name or count; empty where they leave it open.
pub(crate) fn meant(state: &State, words: &str) -> BTreeSet<String> {
    let shown = products(&state.shown);
    let earlier = products(&earlier(state));
    let counted = if earlier.is_empty() { &shown } else { &earlier };
    if counted.len() >= 2 {
        // "I don't like the first one, how heavy is the other?", "the first one I had broke, is the Arden better?"
        let places = if points_elsewhere(words) || !called(state, counted, words).is_empty() {
            BTreeSet::new()
        } else {
            ordinals(words)
        };
        let found: BTreeSet<String> = places
            .iter()
            .filter_map(|place| counted.get(place - 1))
            .map(|place| place.handle.to_string())
            .collect();
        if !places.is_empty() && found.len() == places.len() {
            return found;
        }
    }
    let others: Vec<&Candidate> = earlier
        .iter()
        .filter(|place| shown.iter().all(|now| now.key != place.key))
        .collect();
    let lower = words.to_lowercase();
    if let ([only], true) = (others.as_slice(), lower.contains("other one")) {
        return BTreeSet::from([only.handle.to_string()]);
    }
    let named_now = named(state, &shown, words);
    if named_now.is_empty() && !earlier.is_empty() {
        let all: Vec<Candidate> = others.into_iter().cloned().chain(shown).collect();
        return named(state, &all, words);
    }
    named_now
}

/// The places that are counted: an ordinal before "one", or after "the" where no noun follows ("the
/// second?", but not "the second time").
fn ordinals(words: &str) -> BTreeSet<usize> {
    let lower = words.to_lowercase();
    let raw: Vec<&str> = lower.split_whitespace().collect();
    let bare = |at: usize| {
        raw.get(at)
            .map_or("", |word| word.trim_matches(|c: char| !c.is_alphanumeric()))
    };
    let mut out = BTreeSet::new();
    for (at, word) in raw.iter().enumerate() {
        let Some((_, place)) = ORDINALS.iter().find(|(ordinal, _)| *ordinal == bare(at)) else {
            continue;
        };
        let next = bare(at + 1);
        let ends = next.is_empty()
            || word.ends_with(|c: char| !c.is_alphanumeric())
            || FUNCTION_WORDS.contains(&next);
        let is_the = at > 0 && bare(at - 1) == "the";
        if next == "one" || is_the && ends {
            out.insert(*place);
        }
    }
    out
}

/// Says whether the words speak of something else than what they name or count.
fn points_elsewhere(words: &str) -> bool {
    let lower = words.to_lowercase();
    lower.contains("n't")
        || lower.contains("n’t")
        || words_of(words).iter().any(|word| {
            POINTING_ELSEWHERE.contains(&word.as_str())
                || ["dont", "doesnt"].contains(&word.as_str())
        })
}

/// Returns the handles of products that the words call by name, where nothing else points elsewhere.
fn named(state: &State, places: &[Candidate], words: &str) -> BTreeSet<String> {
    let counts = words_of(words)
        .iter()
        .any(|word| ORDINALS.iter().any(|(name, _)| name == word));
    if counts || points_elsewhere(words) {
        return BTreeSet::new();
    }
    called(state, places, words)
}

/// Returns the handles of products that the words call by name: by the first word of it, which is its
/// brand or range, where no other product's name has that word. Later words ("waterproof", "quiet")
/// may as well be what is asked about.
fn called(state: &State, places: &[Candidate], words: &str) -> BTreeSet<String> {
    let names: Vec<(&Candidate, Vec<String>)> = places
        .iter()
        .filter_map(|place| {
            let name = name_of(state, &place.key)?.to_lowercase();
            Some((place, spans::words(&name)))
        })
        .collect();
    let said = words_of(words);
    if names.len() < 2 {
        return BTreeSet::new();
    }
    let is_called = |at: usize| {
        names[at].1.first().is_some_and(|word| {
            word.chars().count() >= 4
                && !FUNCTION_WORDS.contains(&word.as_str())
                && said.contains(word)
                && (0..names.len()).all(|other| other == at || !names[other].1.contains(word))
        })
    };
    (0..names.len())
        .filter(|at| is_called(*at))
        .map(|at| names[at].0.handle.to_string())
        .collect()
}

/// Returns a product's name, as the latest evidence has it.
fn name_of(state: &State, key: &RecordKey) -> Option<String> {
    let lines = state
        .past
        .iter()
        .rev()
        .flat_map(|past| past.rounds.evidence());
    lines
        .filter_map(|line| match line {
            Evidence::Record {
                key: of, fields, ..
            } if of == key => value_of(fields, field::NAME),
            _ => None,
        })
        // The name of a product is the same in every locale.
        .map(|name| name.text(""))
        .next()
}

#[cfg(test)]
mod tests {
    use super::{ordinals, points_elsewhere};

    #[test]
    fn a_product_that_is_turned_down_is_not_the_one_meant() {
        for words in [
            "I don't like the first one, how heavy is the other?",
            "not the second one",
            "the last one then",
            "i dont want the first",
        ] {
            assert!(points_elsewhere(words), "{words}");
        }
        assert!(!points_elsewhere("how heavy is the first one?"));
    }

    #[test]
    fn places_are_counted_where_no_noun_follows() {
        for (words, places) in [
            ("the second one please", vec![2]),
            ("how heavy is the first?", vec![1]),
            ("the third is nice", vec![3]),
            ("first one or the 2nd", vec![1, 2]),
            ("this is the second time I ask", vec![]),
            ("first, do you sell kettles", vec![]),
            ("wait a second", vec![]),
        ] {
            assert_eq!(
                ordinals(words).into_iter().collect::<Vec<_>>(),
                places,
                "{words}"
            );
        }
    }
}
