//! Notices another worker of the same name. Requests for one would reach both, and what callers know of either would
//! be void with each heartbeat of the other: so the one that began later leaves, and the other one says so.

use std::time::{Duration, Instant};

use async_nats::Subscriber;
use futures::StreamExt;
use mercer_schemas::worker::Heartbeat;
use tokio::time::{timeout, timeout_at};

use super::HEARTBEAT;
use crate::{Error, bus::Bus};

/// A worker that lives is heard within this time.
const LISTEN_FIRST: Duration = HEARTBEAT.saturating_mul(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a worker needs to know of itself to tell who was first.
#[derive(Debug)]
pub(super) struct Namesake {
    name: String,
    incarnation: u64,
    began: Instant,
    /// The other one that was told of last.
    told: Option<u64>,
}

impl Namesake {
    /// Begins now.
    pub(super) fn new(name: &str, incarnation: u64) -> Self {
        Self {
            name: name.to_owned(),
            incarnation,
            began: Instant::now(),
            told: None,
        }
    }

    /// Returns the milliseconds since this run began.
    pub(super) fn up_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for NATS and listens for a while before a word is said.
    ///
    /// # Errors
    /// [`Error::Config`] when the name is taken.
    pub(super) async fn listen_first(
        &mut self,
        bus: &Bus,
        namesakes: &mut Subscriber,
    ) -> Result<(), Error> {
        let mut connections = bus.connections();
        while !bus.is_connected() {
            // The count may change a moment before the state does.
            let _ = timeout(LOOK_EVERY, connections.changed()).await;
        }
        let until = tokio::time::Instant::now() + LISTEN_FIRST;
        while let Ok(Some(message)) = timeout_at(until, namesakes.next()).await {
            self.meet(&message.payload)?;
        }
        Ok(())
    }

    /// Takes in a heartbeat under this name, which may be the worker's own.
    ///
    /// # Errors
    /// [`Error::Config`] when it is of a worker that was there before.
    pub(super) fn meet(&mut self, payload: &[u8]) -> Result<(), Error> {
        let Ok(other) = serde_json::from_slice::<Heartbeat>(payload) else {
            return Ok(());
        };
        if other.incarnation == self.incarnation {
            return Ok(());
        }
        metrics::counter!("mercer_worker_namesakes_total").increment(1);
        let was_first = (other.up_ms, other.incarnation) > (self.up_ms(), self.incarnation);
        if was_first {
            return Err(Error::Config {
                key: "worker.name",
                problem: format!(
                    "`{}` is taken: another worker has had it for {} s; give each worker a name of its own",
                    self.name,
                    other.up_ms / 1_000
                ),
            });
        }
        if self.told.replace(other.incarnation) != Some(other.incarnation) {
            tracing::error!(
                worker.id = self.name,
                "another worker of this name has started; it must leave or get a name of its own"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::heartbeat_for_testing;

    fn payload(incarnation: u64, up_ms: u64) -> Vec<u8> {
        let heartbeat = Heartbeat {
            incarnation,
            up_ms,
            ..heartbeat_for_testing("w")
        };
        serde_json::to_vec(&heartbeat).unwrap()
    }

    #[test]
    fn the_later_one_leaves() {
        let mut own = Namesake::new("w", 7);
        assert!(own.meet(&payload(7, 1 << 40)).is_ok(), "its own");
        assert!(own.meet(b"nonsense").is_ok());
        assert!(own.meet(&payload(5, 0)).is_ok(), "that one is later");
        let error = own.meet(&payload(9, 90_000)).unwrap_err().to_string();
        assert!(error.contains("worker.name `w` is taken"), "{error}");
        assert!(error.contains("90 s"), "{error}");
    }
}
