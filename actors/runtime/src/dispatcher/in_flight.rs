//! Which messages this node is sending.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercer_schemas::MessageId;
use mercer_store::OutboxRow;

/// A message and the number of the attempt at it.
type Attempt = (MessageId, u32);

/// The attempts that are being made. It outlives the dispatcher, as the tasks do that send.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    attempts: Arc<Mutex<BTreeSet<Attempt>>>,
}

/// An attempt that is being made, until this is dropped.
pub(crate) struct Sending {
    attempt: Attempt,
    among: InFlight,
}

impl InFlight {
    /// Notes that a claimed message is being sent.
    pub(crate) fn begin(&self, claimed: &OutboxRow) -> Sending {
        let attempt = (claimed.message.clone(), claimed.attempt);
        self.lock().insert(attempt.clone());
        Sending {
            attempt,
            among: self.clone(),
        }
    }

    /// Returns all attempts that are being made.
    pub(crate) fn attempts(&self) -> BTreeSet<Attempt> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.among.lock().remove(&self.attempt);
    }
}
