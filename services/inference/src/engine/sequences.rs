//! Which conversation holds which sequence of the context, and which tokens its cache holds.
//!
//! Bookkeeping only: whoever is told to clear or copy a sequence does so in llama.cpp. One row stands for one
//! sequence id, so an id is always below the context's `n_seq_max`.

use std::{cmp::Reverse, collections::BTreeSet, mem};

use super::adapters::AdapterId;
use crate::prompt::common_prefix;

/// What a sequence is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Use {
    /// Nothing; its cache is empty.
    Free,
    /// A conversation that is being computed.
    Active { key: String },
    /// A conversation between two requests.
    Parked { key: String },
    /// A system prompt that new conversations start from.
    Prefix,
}

#[derive(Debug)]
struct Row {
    used_for: Use,
    tokens: Vec<i32>,
    /// The adapter that computed them.
    adapter: AdapterId,
    /// Hashes of the starts of the conversation whose tokens these are, as workers tell them.
    starts: Vec<u64>,
    last_used: u64,
}

/// A sequence that was given to a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) seq: usize,
    /// What it held of another conversation: its cache must be cleared first.
    pub(super) evicted: Option<Evicted>,
}

/// What a sequence held that was taken from its conversation; llama.cpp still holds its cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Evicted {
    pub(super) seq: usize,
    /// The conversation's; none for a system prompt.
    pub(super) key: Option<String>,
    pub(super) tokens: Vec<i32>,
    pub(super) adapter: AdapterId,
    pub(super) starts: Vec<u64>,
}

/// All sequences of a context.
#[derive(Debug)]
pub(super) struct Sequences {
    rows: Vec<Row>,
    /// Rows from here on hold system prompts.
    conversations: usize,
    clock: u64,
}

impl Sequences {
    pub(super) fn new(conversations: usize, prefixes: usize) -> Self {
        let rows = (0..conversations + prefixes)
            .map(|_| Row {
                used_for: Use::Free,
                tokens: Vec::new(),
                adapter: None,
                starts: Vec::new(),
                last_used: 0,
            })
            .collect();
        Self {
            rows,
            conversations,
            clock: 0,
        }
    }

    /// Gives a conversation its own sequence that the same adapter computed, else a free one, else the one parked
    /// longest.
    pub(super) fn claim(&mut self, key: &str, adapter: AdapterId) -> Option<Claimed> {
        let own = self
            .find(|used_for| matches!(used_for, Use::Parked { key: parked } if parked == key))
            .filter(|&seq| self.rows[seq].adapter == adapter);
        let (seq, evicted) = match own.or_else(|| self.find(|used_for| *used_for == Use::Free)) {
            Some(seq) => (seq, None),
            None => {
                let seq = self.longest_parked()?;
                (seq, Some(self.take_from(seq)))
            }
        };
        self.rows[seq].used_for = Use::Active {
            key: key.to_owned(),
        };
        self.rows[seq].adapter = adapter;
        self.touch(seq);
        Some(Claimed { seq, evicted })
    }

    /// Keeps a conversation's cache for its next request. Returns an older sequence of the same conversation, which
    /// must be cleared.
    pub(super) fn park(&mut self, seq: usize) -> Option<usize> {
        let Use::Active { key } = self.rows[seq].used_for.clone() else {
            return None;
        };
        let older =
            self.find(|used_for| matches!(used_for, Use::Parked { key: parked } if *parked == key));
        if let Some(older) = older {
            self.free(older);
        }
        self.rows[seq].used_for = Use::Parked { key };
        self.touch(seq);
        older
    }

    /// Forgets a sequence. The caller clears its cache.
    pub(super) fn free(&mut self, seq: usize) {
        self.rows[seq].used_for = Use::Free;
        self.rows[seq].tokens.clear();
        self.rows[seq].starts.clear();
    }

    /// Gives up the conversation that was parked longest, or else the system prompt that was used longest ago.
    pub(super) fn evict(&mut self) -> Option<Evicted> {
        let seq = self
            .longest_parked()
            .or_else(|| self.oldest(|used_for| *used_for == Use::Prefix))?;
        Some(self.take_from(seq))
    }

    /// Takes a running conversation's sequence from it.
    pub(super) fn suspend(&mut self, seq: usize) -> Evicted {
        self.take_from(seq)
    }

    /// Frees a sequence and returns what it held.
    fn take_from(&mut self, seq: usize) -> Evicted {
        let row = &mut self.rows[seq];
        let key = match mem::replace(&mut row.used_for, Use::Free) {
            Use::Active { key } | Use::Parked { key } => Some(key),
            Use::Free | Use::Prefix => None,
        };
        Evicted {
            seq,
            key,
            tokens: mem::take(&mut row.tokens),
            adapter: row.adapter,
            starts: mem::take(&mut row.starts),
        }
    }

    /// Gives a system prompt a sequence of its own, taking the one used longest ago if all are taken. `None` when
    /// it has one already or there are none.
    pub(super) fn claim_prefix(
        &mut self,
        tokens: &[i32],
        adapter: AdapterId,
        start: Option<u64>,
    ) -> Option<Claimed> {
        let range = self.conversations..self.rows.len();
        let held = |row: &Row| row.tokens == tokens && row.adapter == adapter;
        if self.rows[range.clone()].iter().any(held) {
            return None;
        }
        let seq = range.min_by_key(|&seq| {
            (
                self.rows[seq].used_for != Use::Free,
                self.rows[seq].last_used,
            )
        })?;
        let evicted = (self.rows[seq].used_for != Use::Free).then(|| self.take_from(seq));
        self.rows[seq].used_for = Use::Prefix;
        self.rows[seq].tokens = tokens.to_vec();
        self.rows[seq].adapter = adapter;
        self.rows[seq].starts = start.into_iter().collect();
        self.touch(seq);
        Some(Claimed { seq, evicted })
    }

    /// Notes which starts of a conversation a sequence's cache holds from now on.
    pub(super) fn set_starts(&mut self, seq: usize, starts: Vec<u64>) {
        self.rows[seq].starts = starts;
    }

    /// Returns the starts of all conversations whose cache is held.
    pub(super) fn starts(&self) -> BTreeSet<u64> {
        self.rows
            .iter()
            .flat_map(|row| row.starts.iter().copied())
            .collect()
    }

    /// Returns how many tokens all caches hold; shared ones count for each.
    pub(super) fn tokens_held(&self) -> u64 {
        self.rows.iter().map(|row| row.tokens.len() as u64).sum()
    }

    /// Returns how many tokens the caches of running conversations take in the context, one of them left out if asked. A
    /// start that several hold is there once.
    pub(super) fn tokens_running(&self, except: Option<usize>) -> u64 {
        self.tokens_once(except, |used_for| matches!(used_for, Use::Active { .. }))
    }

    /// Returns the same of all caches in the context.
    pub(super) fn tokens_in_context(&self, except: Option<usize>) -> u64 {
        self.tokens_once(except, |_| true)
    }

    fn tokens_once(&self, except: Option<usize>, counted: impl Fn(&Use) -> bool) -> u64 {
        let rows: Vec<&Row> = (0..self.rows.len())
            .filter(|&seq| Some(seq) != except && counted(&self.rows[seq].used_for))
            .map(|seq| &self.rows[seq])
            .collect();
        let own = |(at, row): (usize, &&Row)| {
            let shared = rows[..at]
                .iter()
                .filter(|other| other.adapter == row.adapter)
                .map(|other| common_prefix(&other.tokens, &row.tokens))
                .max();
            (row.tokens.len() - shared.unwrap_or(0)) as u64
        };
        rows.iter().enumerate().map(own).sum()
    }

    /// Finds the sequence of the same adapter, other than the asking one, whose cache has the most tokens in common with
    /// a prompt, the shortest of several, and how many.
    /// `lends` is asked with what it has in common and its length.
    pub(super) fn best_donor(
        &mut self,
        prompt: &[i32],
        asking: usize,
        lends: impl Fn(usize, usize) -> bool,
    ) -> Option<(usize, usize)> {
        let adapter = self.rows[asking].adapter;
        let (seq, common) = (0..self.rows.len())
            .filter(|&seq| seq != asking && self.rows[seq].adapter == adapter)
            .map(|seq| (seq, common_prefix(&self.rows[seq].tokens, prompt)))
            .filter(|&(seq, common)| common > 0 && lends(common, self.rows[seq].tokens.len()))
            .max_by_key(|&(seq, common)| (common, Reverse(self.rows[seq].tokens.len()), seq))?;
        self.touch(seq);
        Some((seq, common))
    }

    /// Returns the tokens that a sequence's cache holds.
    pub(super) fn tokens(&self, seq: usize) -> &[i32] {
        &self.rows[seq].tokens
    }

    /// Returns the tokens that a sequence's cache holds, to change them along with the cache.
    pub(super) fn tokens_mut(&mut self, seq: usize) -> &mut Vec<i32> {
        &mut self.rows[seq].tokens
    }

    fn touch(&mut self, seq: usize) {
        self.clock += 1;
        self.rows[seq].last_used = self.clock;
    }

    fn find(&self, wanted: impl Fn(&Use) -> bool) -> Option<usize> {
        self.rows[..self.conversations]
            .iter()
            .position(|row| wanted(&row.used_for))
    }

    fn longest_parked(&self) -> Option<usize> {
        self.oldest(|used_for| matches!(used_for, Use::Parked { .. }))
    }

    fn oldest(&self, wanted: impl Fn(&Use) -> bool) -> Option<usize> {
        (0..self.rows.len())
            .filter(|&seq| wanted(&self.rows[seq].used_for))
            .min_by_key(|&seq| self.rows[seq].last_used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_finds_its_parked_cache_again() {
        let mut table = Sequences::new(2, 0);
        let first = table.claim("a", None).unwrap().seq;
        table.tokens_mut(first).extend([1, 2, 3]);
        assert_eq!(table.park(first), None);
        assert_eq!(
            table.claim("a", None),
            Some(Claimed {
                seq: first,
                evicted: None
            })
        );
        assert_eq!(table.tokens(first), [1, 2, 3]);
    }

    #[test]
    fn the_conversation_parked_longest_gives_way() {
        let mut table = Sequences::new(2, 0);
        for key in ["a", "b"] {
            let seq = table.claim(key, None).unwrap().seq;
            table.tokens_mut(seq).push(7);
            table.park(seq);
        }
        let evicted = |seq, key: &str| Evicted {
            seq,
            key: Some(key.to_owned()),
            tokens: vec![7],
            adapter: None,
            starts: Vec::new(),
        };
        let claimed = table.claim("c", None).unwrap();
        assert_eq!(
            claimed,
            Claimed {
                seq: 0,
                evicted: Some(evicted(0, "a"))
            }
        );
        assert!(table.tokens(0).is_empty());
        assert_eq!(
            table.evict(),
            Some(evicted(1, "b")),
            "b is parked, c is not"
        );
        assert_eq!(
            table.evict(),
            None,
            "an active conversation is never evicted"
        );
    }

    #[test]
    fn two_requests_of_one_conversation_leave_one_cache() {
        let mut table = Sequences::new(3, 0);
        let (one, two) = (
            table.claim("a", None).unwrap().seq,
            table.claim("a", None).unwrap().seq,
        );
        assert_ne!(one, two);
        assert_eq!(table.park(one), None);
        assert_eq!(table.park(two), Some(one));
    }

    #[test]
    fn a_prefix_is_held_once_and_donates_to_new_conversations() {
        let mut table = Sequences::new(2, 1);
        assert_eq!(
            table.claim_prefix(&[1, 2], None, None),
            Some(Claimed {
                seq: 2,
                evicted: None
            })
        );
        assert_eq!(table.claim_prefix(&[1, 2], None, None), None);
        let seq = table.claim("a", None).unwrap().seq;
        assert_eq!(table.best_donor(&[1, 2, 9], seq, |_, _| true), Some((2, 2)));
        assert_eq!(
            table.claim_prefix(&[5], None, None),
            Some(Claimed {
                seq: 2,
                evicted: Some(Evicted {
                    seq: 2,
                    key: None,
                    tokens: vec![1, 2],
                    adapter: None,
                    starts: Vec::new(),
                })
            })
        );
    }

    #[test]
    fn a_start_that_running_conversations_share_counts_once() {
        let mut table = Sequences::new(4, 0);
        for (key, adapter, own) in [("a", None, 7), ("b", None, 8), ("c", Some(0), 9)] {
            let seq = table.claim(key, adapter).unwrap().seq;
            table.tokens_mut(seq).extend([1, 2, 3, own]);
        }
        assert_eq!(table.tokens_running(None), 4 + 1 + 4);
        assert_eq!(table.tokens_running(Some(0)), 4 + 4);
        assert_eq!(table.tokens_in_context(None), 9);
        assert_eq!(table.tokens_held(), 12);
    }

    #[test]
    fn what_one_adapter_computed_is_of_no_use_to_another() {
        let mut table = Sequences::new(3, 1);
        let plain = table.claim("a", None).unwrap().seq;
        table.tokens_mut(plain).extend([1, 2, 3]);
        table.park(plain);
        table.claim_prefix(&[1, 2], None, None).unwrap();
        let other = table.claim("a", Some(0)).unwrap();
        assert_ne!(other.seq, plain);
        assert_eq!(table.best_donor(&[1, 2, 3], other.seq, |_, _| true), None);
        assert!(table.claim_prefix(&[1, 2], Some(0), None).is_some());
        assert_eq!(
            table.best_donor(&[1, 2, 3], other.seq, |_, _| true),
            Some((3, 2))
        );
    }
}
