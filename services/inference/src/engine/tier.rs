//! Caches of conversations that left the context for lack of room, kept under a budget: in main memory, or in files.
//!
//! An entry is not used up by being loaded: it stays until its conversation is put in again or the budget needs its
//! bytes, so a conversation that is pushed out once more without a new turn costs nothing.

use super::adapters::AdapterId;
use crate::prompt::common_prefix;

/// A cache outside the context.
#[derive(Debug)]
pub(super) struct Kept<S> {
    /// The conversation's.
    pub(super) key: String,
    /// The tokens that the cache holds.
    pub(super) tokens: Vec<i32>,
    /// The adapter that computed them.
    pub(super) adapter: AdapterId,
    /// Hashes of the starts of the conversation, as workers tell them.
    pub(super) starts: Vec<u64>,
    /// What llama.cpp made of it, or where that is.
    pub(super) state: S,
}

#[derive(Debug)]
struct Entry<S> {
    kept: Kept<S>,
    bytes: usize,
    last_used: u64,
}

/// All caches outside the context.
#[derive(Debug)]
pub(super) struct Tier<S> {
    entries: Vec<Entry<S>>,
    bytes: usize,
    budget: usize,
    /// Of the cache put in last.
    bytes_per_token: f64,
    clock: u64,
}

impl<S> Tier<S> {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            entries: Vec::new(),
            bytes: 0,
            budget,
            bytes_per_token: 0.0,
            clock: 0,
        }
    }

    /// Tells whether putting a conversation with these tokens in would change anything: it is not there as long already,
    /// and not larger than the whole budget as far as can be told.
    pub(super) fn wants(&self, key: &str, tokens: &[i32], adapter: AdapterId) -> bool {
        self.budget > 0
            && !tokens.is_empty()
            && tokens.len() as f64 * self.bytes_per_token <= self.budget as f64
            && !self.entries.iter().any(|Entry { kept, .. }| {
                kept.key == key && kept.adapter == adapter && kept.tokens.starts_with(tokens)
            })
    }

    /// Keeps a cache of so many bytes in place of an older one of its conversation and adapter. Those used longest ago give
    /// way; one that is larger than the whole budget is not kept.
    pub(super) fn put(&mut self, kept: Kept<S>, bytes: usize) {
        self.bytes_per_token = bytes as f64 / kept.tokens.len().max(1) as f64;
        if bytes > self.budget {
            return;
        }
        self.entries
            .retain(|Entry { kept: old, .. }| (&old.key, old.adapter) != (&kept.key, kept.adapter));
        self.count();
        while self.bytes + bytes > self.budget {
            let oldest = (0..self.entries.len()).min_by_key(|&at| self.entries[at].last_used);
            let Some(oldest) = oldest else { break };
            self.entries.swap_remove(oldest);
            self.count();
        }
        self.clock += 1;
        self.entries.push(Entry {
            kept,
            bytes,
            last_used: self.clock,
        });
        self.count();
    }

    /// Returns the adapter's cache with the most tokens in common with a prompt's start, and how many.
    pub(super) fn best(&mut self, prompt: &[i32], adapter: AdapterId) -> Option<(&Kept<S>, usize)> {
        let (at, common) = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.kept.adapter == adapter)
            .map(|(at, entry)| (at, common_prefix(&entry.kept.tokens, prompt)))
            .filter(|&(_, common)| common > 0)
            .max_by_key(|&(at, common)| (common, at))?;
        self.clock += 1;
        self.entries[at].last_used = self.clock;
        Some((&self.entries[at].kept, common))
    }

    /// Forgets the cache that [`Self::best`] finds.
    pub(super) fn forget(&mut self, prompt: &[i32], adapter: AdapterId) {
        if self.best(prompt, adapter).is_some() {
            self.entries.retain(|entry| entry.last_used != self.clock);
            self.count();
        }
    }

    /// Lists the starts of all conversations kept, those used last first.
    pub(super) fn starts(&self) -> Vec<u64> {
        let mut entries: Vec<&Entry<S>> = self.entries.iter().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
        entries
            .iter()
            .flat_map(|entry| entry.kept.starts.iter().copied())
            .collect()
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn count(&mut self) {
        self.bytes = self.entries.iter().map(|entry| entry.bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(key: &str, tokens: &[i32]) -> Kept<()> {
        Kept {
            key: key.to_owned(),
            tokens: tokens.to_vec(),
            adapter: None,
            starts: vec![tokens.len() as u64],
            state: (),
        }
    }

    #[test]
    fn the_conversation_used_longest_ago_gives_way_to_the_budget() {
        let mut host = Tier::new(100);
        host.put(kept("a", &[1, 2, 3]), 40);
        host.put(kept("b", &[1, 2, 9]), 40);
        assert_eq!(host.best(&[1, 2, 3, 4], None).unwrap().1, 3, "a is used");
        host.put(kept("c", &[7]), 40);
        assert_eq!(host.bytes(), 80);
        assert_eq!(
            host.best(&[1, 2, 9], None).unwrap().1,
            2,
            "b is gone, a helps"
        );
        host.put(kept("d", &[7]), 101);
        assert_eq!(host.bytes(), 80, "larger than everything: not kept");
    }

    #[test]
    fn a_conversation_is_kept_once_and_not_again_when_nothing_is_new() {
        let mut host = Tier::new(100);
        host.put(kept("a", &[1, 2]), 30);
        host.put(kept("a", &[1, 2, 3]), 40);
        assert_eq!(host.bytes(), 40);
        assert!(!host.wants("a", &[1, 2], None));
        assert!(host.wants("a", &[1, 2, 3, 4], None));
        assert!(host.wants("b", &[1], None));
        assert!(host.wants("a", &[1, 2], Some(0)), "another adapter's");
        assert!(host.best(&[1, 2], Some(0)).is_none());
        assert!(!host.wants("b", &[], None));
        assert_eq!(host.starts(), [3]);
        host.forget(&[1, 2, 3], None);
        assert_eq!((host.starts(), host.bytes()), (Vec::new(), 0));
    }

    #[test]
    fn nothing_is_kept_without_a_budget() {
        let mut host = Tier::new(0);
        assert!(!host.wants("a", &[1], None));
        host.put(kept("a", &[1]), 1);
        assert!(host.best(&[1], None).is_none());
    }
}
