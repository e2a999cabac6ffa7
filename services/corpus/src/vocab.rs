//! The vocabulary: common nouns and adjectives, dictionary words, and words that nobody ever said.
//!
//! A small model learns where a noun phrase ends only if it meets very many of them, so product
//! nouns are mostly drawn from the machine's dictionary or invented from syllables.

wordings!("vocab": kinds);

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::text::{chance, pick};
use kinds::KINDS;

/// Dictionary words of the machine, if it has a word list; the crate's own words do otherwise.
const DICTIONARY: &str = "/usr/share/dict/words";

/// Words to draw from. Training and held-out vocabularies share no dictionary word, no kind of
/// product and no first syllable of an invented word.
pub(crate) struct Vocab {
    words: Vec<String>,
    kinds: Vec<&'static str>,
    heldout: bool,
}

impl Vocab {
    /// Reads the dictionary and keeps the part for training or for held-out dialogues.
    pub(crate) fn load(heldout: bool) -> Self {
        let text = std::fs::read_to_string(DICTIONARY).unwrap_or_default();
        let own = KINDS.iter().flat_map(|kind| kind.split(' '));
        let mut words: Vec<String> = text
            .lines()
            .chain(own)
            .filter(|word| {
                (3..=10).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())
            })
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words.dedup();
        words.retain(|word| is_heldout(word) == heldout);
        let kinds = KINDS
            .iter()
            .copied()
            .filter(|kind| is_heldout(kind) == heldout)
            .collect();
        Self {
            words,
            kinds,
            heldout,
        }
    }

    /// Returns a dictionary word.
    pub(crate) fn word(&self, rng: &mut StdRng) -> &str {
        self.words.choose(rng).map_or("thing", String::as_str)
    }

    /// Returns an invented word, lower case.
    pub(crate) fn invented(&self, rng: &mut StdRng) -> String {
        let firsts = if self.heldout { HELDOUT_FIRSTS } else { FIRSTS };
        let mut word = pick(rng, firsts).to_owned();
        for _ in 0..rng.random_range(1..3) {
            word.push_str(pick(rng, MIDDLES));
        }
        if chance(rng, 60) {
            word.push_str(pick(rng, LASTS));
        }
        word
    }

    /// Returns a brand or line name, capitalised.
    pub(crate) fn brand(&self, rng: &mut StdRng) -> String {
        let word = match rng.random_range(0..100) {
            0..55 => self.invented(rng),
            55..80 => self.word(rng).to_owned(),
            _ => {
                let first = self.word(rng);
                let first = first.get(..6).unwrap_or(first);
                format!("{first}{}", pick(rng, LINES))
            }
        };
        title(&word)
    }

    /// Returns what a product is called, without adjectives: `desk lamp`, `marble tureen`, `vospik`.
    pub(crate) fn noun(&self, rng: &mut StdRng) -> String {
        match rng.random_range(0..100) {
            0..48 => self.kinds.choose(rng).copied().unwrap_or("lamp").to_owned(),
            48..82 => {
                let count = [1, 1, 2, 2, 2, 3][rng.random_range(0..6)];
                let mut words: Vec<&str> = (0..count).map(|_| self.word(rng)).collect();
                if chance(rng, 25)
                    && let Some(last) = words.last_mut()
                    && let Some(kind) = self.kinds.choose(rng)
                {
                    *last = kind;
                }
                words.join(" ")
            }
            _ => {
                let word = self.invented(rng);
                if chance(rng, 40) {
                    format!("{word} {}", self.word(rng))
                } else {
                    word
                }
            }
        }
    }
}

/// Says to which half a word belongs; a fixed tenth is held out.
fn is_heldout(word: &str) -> bool {
    word.bytes().fold(7_u32, |hash, b| {
        hash.wrapping_mul(31).wrapping_add(u32::from(b))
    }) % 10
        == 3
}

/// Capitalises every word.
pub(crate) fn title(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
        })
        .collect::<Vec<_>>()
        .join(" ")
}

include!(concat!(env!("OUT_DIR"), "/vocab.rs"));
