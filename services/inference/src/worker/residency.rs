//! Which starts of conversations were told, so that a heartbeat tells changes only.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use mercer_schemas::worker::Residency;

/// A caller that missed something is right again after this long at most.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(5);

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    starts: BTreeSet<u64>,
    snapshot: Option<Instant>,
}

impl Told {
    /// Makes the next heartbeat tell everything.
    pub(super) fn forget(&mut self) {
        self.snapshot = None;
    }

    /// Returns what the next heartbeat tells of what the cache holds.
    pub(super) fn tell(&mut self, now: Instant, starts: BTreeSet<u64>) -> Residency {
        let recent = |at: Instant| now.saturating_duration_since(at) < SNAPSHOT_EVERY;
        if self.snapshot.is_some_and(recent) {
            let added = starts.difference(&self.starts).copied().collect();
            let removed = self.starts.difference(&starts).copied().collect();
            self.starts = starts;
            return Residency::Changes { added, removed };
        }
        self.snapshot = Some(now);
        self.starts = starts;
        Residency::Snapshot {
            starts: self.starts.iter().copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_first_when_asked_and_now_and_then() {
        let now = Instant::now();
        let mut told = Told::default();
        let snapshot = |starts: &[u64]| Residency::Snapshot {
            starts: starts.to_vec(),
        };
        assert_eq!(told.tell(now, BTreeSet::from([1, 2])), snapshot(&[1, 2]));
        assert_eq!(
            told.tell(now, BTreeSet::from([2, 3])),
            Residency::Changes {
                added: vec![3],
                removed: vec![1]
            }
        );
        told.forget();
        assert_eq!(told.tell(now, BTreeSet::from([2, 3])), snapshot(&[2, 3]));
        assert_eq!(
            told.tell(now + SNAPSHOT_EVERY, BTreeSet::new()),
            snapshot(&[])
        );
    }
}
