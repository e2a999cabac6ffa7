//! The sentences of a passage that answer a question.

use super::query::SearchWord;
use crate::text::analysis::words;
use crate::text::sentences::sentences;

/// Most sentences of an excerpt.
const SENTENCES_MAX: usize = 3;

/// What a further sentence has to add, as a share of all that could match: an excerpt is short
/// unless more of it says more.
const SENTENCE_COST: f32 = 0.12;

/// A run of sentences and how well it matches, 0 to 1.
#[derive(Debug, PartialEq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) matched: f32,
}

/// Chooses one to three consecutive whole sentences of at most `words_max` words (one sentence may
/// be longer). Rare words count more. `records` is the number of entries in the shop.
pub(super) fn choose(
    passage: &str,
    wanted: &[SearchWord],
    records: u64,
    words_max: usize,
) -> Excerpt {
    let all = sentences(passage);
    let stems: Vec<Vec<String>> = all
        .iter()
        .map(|sentence| words(sentence).into_iter().map(|word| word.stem).collect())
        .collect();
    let total: f32 = wanted.iter().map(|word| rarity(word, records)).sum();
    let matched = |run: &[Vec<String>]| -> f32 {
        let hit = |word: &&SearchWord| run.iter().any(|stems| stems.contains(&word.stem));
        let sum: f32 = wanted
            .iter()
            .filter(hit)
            .map(|word| rarity(word, records))
            .sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    let mut best: Option<(f32, f32, usize, usize)> = None;
    for start in 0..all.len() {
        for end in start + 1..=all.len().min(start + SENTENCES_MAX) {
            let length: usize = all[start..end]
                .iter()
                .map(|s| s.split_whitespace().count())
                .sum();
            if end > start + 1 && length > words_max {
                break;
            }
            let matched = matched(&stems[start..end]);
            let value = matched - SENTENCE_COST * (end - start - 1) as f32;
            if best.is_none_or(|(known, ..)| value > known + f32::EPSILON) {
                best = Some((value, matched, start, end));
            }
        }
    }
    match best {
        Some((_, matched, start, end)) => Excerpt {
            text: all[start..end].join(" "),
            matched,
        },
        None => Excerpt {
            text: String::new(),
            matched: 0.0,
        },
    }
}

fn rarity(word: &SearchWord, records: u64) -> f32 {
    let share = (records as f32 + 1.0) / (word.records as f32 + 0.5);
    word.weight * share.max(1.0).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::analysis::stem;

    fn wanted(words: &[&str]) -> Vec<SearchWord> {
        words
            .iter()
            .map(|w| SearchWord {
                stem: stem(w),
                weight: 1.0,
                records: 1,
            })
            .collect()
    }

    #[test]
    fn the_sentence_that_matches_is_the_answer() {
        let passage = "We deliver in the UK. Standard delivery costs £3.95. Express costs £7.50 and \
                       arrives the next day. Orders over £50 are sent free.";
        let pick = |words: &[&str]| choose(passage, &wanted(words), 10, 60).text;
        assert_eq!(
            pick(&["express"]),
            "Express costs £7.50 and arrives the next day."
        );
        assert_eq!(
            pick(&["standard", "delivery", "cost"]),
            "Standard delivery costs £3.95."
        );
        assert_eq!(
            pick(&["standard", "express"]),
            "Standard delivery costs £3.95. Express costs £7.50 and arrives the next day."
        );
        assert_eq!(pick(&["unrelated"]), "We deliver in the UK.");
        assert_eq!(choose("", &wanted(&["x"]), 1, 60).text, "");
    }

    #[test]
    fn an_answer_keeps_to_its_length_in_whole_sentences() {
        let passage = format!("{}alpha. {}beta.", "Word ".repeat(40), "Word ".repeat(40));
        let answer = choose(&passage, &wanted(&["alpha", "beta"]), 10, 60).text;
        assert!(answer.ends_with("alpha."));
    }
}
