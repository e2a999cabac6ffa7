//! Attempts at inbox rows that must not count: the database failed, and not their processing.
//!
//! An attempt is counted before it is made, and cannot be taken back while the database is away. It
//! is remembered here, beyond the end of the conversation's actor, and taken back before the next
//! one. A process that dies meanwhile has counted one attempt too many.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mercer_schemas::Stream;

/// Rows, with the attempts that they had before the one that must not count.
type Before = BTreeMap<i64, u32>;

/// The attempts that are to be taken back.
#[derive(Default)]
pub(crate) struct Uncounted {
    by_stream: Mutex<HashMap<Stream, Before>>,
}

impl Uncounted {
    /// Remembers an attempt at rows of a conversation.
    pub(crate) fn remember(&self, stream: &Stream, before: impl IntoIterator<Item = (i64, u32)>) {
        self.lock()
            .entry(stream.clone())
            .or_default()
            .extend(before);
    }

    /// Returns what is remembered of a conversation's rows.
    pub(crate) fn of(&self, stream: &Stream) -> Before {
        self.lock().get(stream).cloned().unwrap_or_default()
    }

    /// Forgets a conversation: its attempts are taken back.
    pub(crate) fn forget(&self, stream: &Stream) {
        self.lock().remove(stream);
    }

    /// Forgets conversations that another node has now: it counts for itself.
    pub(crate) fn retain(&self, is_ours: impl Fn(&Stream) -> bool) {
        self.lock().retain(|stream, _| is_ours(stream));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Stream, Before>> {
        self.by_stream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schemas::{ConversationId, ShopId};

    use super::*;

    #[test]
    fn conversations_of_another_node_are_forgotten() {
        let stream = |number| Stream {
            shop: ShopId::new("highbarn").expect("key"),
            conversation: ConversationId::from_parts(1, number),
        };
        let uncounted = Uncounted::default();
        for number in [1, 2] {
            uncounted.remember(&stream(number), [(7, 0)]);
        }
        uncounted.retain(|of| *of == stream(2));
        assert!(uncounted.of(&stream(1)).is_empty());
        assert_eq!(uncounted.of(&stream(2)), [(7, 0)].into());
    }
}
