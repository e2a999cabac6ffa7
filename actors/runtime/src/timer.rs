//! How time passes for the runtime's own waits: as the machine's does, or as a test says.
//!
//! Decisions are dated by [`crate::clock`]; this is for back-offs, deadlines and idle times.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

/// Lets time pass.
pub(crate) trait Timer: Send + Sync {
    /// Returns the current moment.
    fn now(&self) -> Instant;

    /// Waits for so long.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MachineTimer;

impl Timer for MachineTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// Waits for some work for so long at most. Returns none where it did not end; it is dropped then.
pub(crate) async fn within<T>(
    timer: &dyn Timer,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = timer.sleep(limit) => None,
    }
}
