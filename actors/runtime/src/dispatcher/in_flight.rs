//! Which messages this node is sending.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercer_schemas::MessageId;
use mercer_store::{KnownAttempts, OutboxRow};

/// The attempts that are being made. It outlives the dispatcher, as the tasks do that send.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    attempts: Arc<Mutex<KnownAttempts>>,
}

/// An attempt that is being made, until this is dropped.
pub(crate) struct Sending {
    attempt: (MessageId, u32),
    among: InFlight,
    is_recorded: bool,
}

impl InFlight {
    /// Notes that a claimed message is being sent.
    pub(crate) fn begin(&self, claimed: &OutboxRow) -> Sending {
        let attempt = (claimed.message.clone(), claimed.attempt);
        self.lock().made.insert(attempt.clone());
        Sending {
            attempt,
            among: self.clone(),
            is_recorded: false,
        }
    }

    /// Returns what is known of attempts now.
    pub(crate) fn known(&self) -> KnownAttempts {
        self.lock().clone()
    }

    /// Forgets attempts that were lost: their messages are settled, or another node's.
    pub(crate) fn forget_lost(&self, known: &KnownAttempts) {
        let mut attempts = self.lock();
        attempts
            .lost
            .retain(|attempt| !known.lost.contains(attempt));
    }

    fn lock(&self) -> MutexGuard<'_, KnownAttempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sending {
    /// Ends the attempt: the outbox knows how. One that is dropped otherwise is lost.
    pub(crate) fn recorded(mut self) {
        self.is_recorded = true;
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut attempts = self.among.lock();
        attempts.made.remove(&self.attempt);
        if !self.is_recorded {
            attempts.lost.insert(self.attempt.clone());
        }
    }
}
