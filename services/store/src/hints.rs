//! Hints that a conversation has open input. A hint may be lost; owners poll as well.

use std::sync::Arc;

use mercer_schemas::Stream;
use tokio::sync::mpsc;

/// Hints kept while the owner is busy. More are dropped: the owner polls its open inbox rows
/// every second, so a lost hint costs latency only (design, section 4).
const HINTS_MAX: usize = 4096;

/// Tells the owner of a conversation that its inbox has open rows.
pub trait Hints: Send + Sync {
    /// Wakes the owner. Never blocks and never fails.
    fn wake(&self, stream: &Stream);
}

/// Hints within one process: a bounded queue.
#[derive(Clone)]
pub struct LocalHints {
    sender: mpsc::Sender<Stream>,
}

impl LocalHints {
    /// Builds the sending side and the queue that the owner of the partitions reads.
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Stream>) {
        let (sender, receiver) = mpsc::channel(HINTS_MAX);
        (Arc::new(Self { sender }), receiver)
    }
}

impl Hints for LocalHints {
    fn wake(&self, stream: &Stream) {
        // A full queue or a closed one: the poll finds the row.
        let _ = self.sender.try_send(stream.clone());
    }
}

/// Hints that go nowhere, for tools that only write.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHints;

impl Hints for NoHints {
    fn wake(&self, _stream: &Stream) {}
}

#[cfg(test)]
mod tests {
    use mercer_schemas::{ConversationId, ShopId};

    use super::*;

    #[test]
    fn hints_beyond_the_bound_are_dropped_and_never_block() {
        let (hints, mut queue) = LocalHints::new();
        let stream = Stream {
            shop: ShopId::new("s").expect("key"),
            conversation: ConversationId::from_parts(1, 1),
        };
        for _ in 0..HINTS_MAX + 10 {
            hints.wake(&stream);
        }
        let mut got = 0;
        while queue.try_recv().is_ok() {
            got += 1;
        }
        assert_eq!(got, HINTS_MAX);
    }
}
