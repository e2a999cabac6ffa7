//! Drafts by prompt lookup: what followed the last time that the newest tokens were seen may follow again.
//!
//! Grounded replies repeat names and values that stand in the prompt. A draft costs a row of the batch for each token
//! and no model of its own; the engine checks it against what it would have chosen anyway, so it changes speed only.

use std::collections::HashMap;

/// Tokens that must be the same before a continuation is looked at.
const GRAM: usize = 3;
/// The longest run of equal tokens that is told apart.
const MATCH_MAX: usize = 8;
/// Places remembered for each run of [`GRAM`] tokens; older ones are forgotten.
const PLACES_MAX: usize = 8;
/// Tokens of a first draft.
const LENGTH_START: usize = 4;
/// Weight of the newest draft in the probability that a drafted token is right.
const NEWEST: f64 = 0.2;
/// The probability before anything was drafted.
const RIGHT_START: f64 = 0.6;
/// While drafts do not pay, one chance in so many is taken all the same, or it would never be known when they do.
const EXPLORE_EVERY: u32 = 64;

/// The drafts of one request.
#[derive(Debug)]
pub(super) struct Drafts {
    tokens: Vec<i32>,
    /// Where each run of tokens ended, oldest first.
    places: HashMap<[i32; GRAM], Vec<u32>>,
    length: usize,
    length_max: usize,
    right: Option<f64>,
}

impl Drafts {
    /// Reads the prompt.
    pub(super) fn new(prompt: &[i32], length_max: usize) -> Self {
        let mut drafts = Self {
            tokens: Vec::with_capacity(prompt.len() + 64),
            places: HashMap::new(),
            length: LENGTH_START.min(length_max),
            length_max,
            right: None,
        };
        drafts.extend(prompt);
        drafts
    }

    /// Takes in tokens that were added.
    pub(super) fn extend(&mut self, tokens: &[i32]) {
        for &token in tokens {
            self.tokens.push(token);
            // The newest run is noted only when something follows it, so that it is never found itself.
            let Some(end) = self.tokens.len().checked_sub(1).filter(|&end| end >= GRAM) else {
                continue;
            };
            let places = self.places.entry(gram(&self.tokens[..end])).or_default();
            if places.len() == PLACES_MAX {
                places.remove(0);
            }
            places.push(end as u32);
        }
    }

    /// Returns what followed the longest run of tokens equal to the newest ones; the latest of several.
    pub(super) fn propose(&self, most: usize) -> &[i32] {
        if self.tokens.len() < GRAM {
            return &[];
        }
        let Some(places) = self.places.get(&gram(&self.tokens)) else {
            return &[];
        };
        let alike = |end: usize| {
            self.tokens[..end]
                .iter()
                .rev()
                .zip(self.tokens.iter().rev())
                .take(MATCH_MAX)
                .take_while(|(a, b)| a == b)
                .count()
        };
        let best = places.iter().max_by_key(|&&end| (alike(end as usize), end));
        let Some(&start) = best else { return &[] };
        let start = start as usize;
        let end = self.tokens.len().min(start + most.min(self.length));
        &self.tokens[start..end]
    }

    /// Learns how many tokens of a draft were right.
    pub(super) fn learn(&mut self, drafted: usize, right: usize, all: &mut Acceptance) {
        let share = right as f64 / drafted.max(1) as f64;
        let before = self.right.unwrap_or(all.right);
        self.right = Some(before + NEWEST * (share - before));
        all.right += NEWEST * (share - all.right);
        self.length = if right == drafted {
            self.length * 2
        } else {
            right + 1
        }
        .clamp(1, self.length_max.max(1));
    }

    /// Returns the probability that a drafted token is right.
    pub(super) fn right(&self, all: &Acceptance) -> f64 {
        self.right.unwrap_or(all.right)
    }
}

/// How often drafts were right in all requests: what a new request starts from.
#[derive(Debug)]
pub(super) struct Acceptance {
    right: f64,
    passed: u32,
}

impl Default for Acceptance {
    fn default() -> Self {
        Self {
            right: RIGHT_START,
            passed: 0,
        }
    }
}

impl Acceptance {
    /// Notes a draft that would not pay. True when it is to be tried all the same.
    pub(super) fn explore(&mut self) -> bool {
        self.passed = (self.passed + 1) % EXPLORE_EVERY;
        self.passed == 0
    }
}

fn gram(tokens: &[i32]) -> [i32; GRAM] {
    let mut gram = [0; GRAM];
    gram.copy_from_slice(&tokens[tokens.len() - GRAM..]);
    gram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_equal_run_is_continued() {
        // "1 2 3" stands twice; before the newest one stands 9, as before the first.
        let mut drafts = Drafts::new(&[9, 1, 2, 3, 50, 51, 8, 1, 2, 3, 60, 61, 9, 1, 2], 16);
        assert_eq!(drafts.propose(8), [3, 50, 51, 8]);
        drafts.extend(&[3]);
        assert_eq!(drafts.propose(2), [50, 51]);
        assert_eq!(drafts.propose(0), &[] as &[i32]);
    }

    #[test]
    fn a_repetition_continues_itself() {
        let drafts = Drafts::new(&[7, 7, 7, 7], 16);
        assert_eq!(drafts.propose(8), [7]);
    }

    #[test]
    fn the_length_follows_what_was_right() {
        let prompt: Vec<i32> = (0..40).chain(0..3).collect();
        let mut drafts = Drafts::new(&prompt, 16);
        let mut all = Acceptance::default();
        assert_eq!(drafts.propose(99), [3, 4, 5, 6]);
        drafts.learn(4, 4, &mut all);
        assert_eq!(drafts.propose(99).len(), 8);
        drafts.learn(8, 1, &mut all);
        assert_eq!(drafts.propose(99).len(), 2);
        drafts.learn(2, 0, &mut all);
        assert_eq!(drafts.propose(99).len(), 1);
        assert!(drafts.right(&all) < RIGHT_START);
    }

    #[test]
    fn short_texts_have_no_drafts() {
        assert_eq!(Drafts::new(&[], 16).propose(8), &[] as &[i32]);
        assert_eq!(Drafts::new(&[1, 1], 16).propose(8), &[] as &[i32]);
    }

    #[test]
    fn one_chance_in_many_is_taken_all_the_same() {
        let mut all = Acceptance::default();
        let taken = (0..EXPLORE_EVERY * 3).filter(|_| all.explore()).count();
        assert_eq!(taken, 3);
    }
}
