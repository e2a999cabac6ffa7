//! Tasks that a node lives by: keeping leases, polling, passing hints on, sending. None may end.
//!
//! One that ends is started again after a back-off. One that keeps ending makes the node unready,
//! and in the end gives the node up: whoever runs it ends the process, and others take over.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mercer_schemas::BackOff;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::timer::Timer;

/// Failures in a row after which the node is not ready: one may be bad luck, three are none.
const UNREADY_AFTER: u32 = 3;
/// Failures in a row after which the node is given up: with the waits between about a minute and a
/// half, in which a database that restarts would have come back.
const GIVE_UP_AFTER: u32 = 11;
/// A task that has run for this long since it was started again has recovered.
const STEADY: Duration = Duration::from_secs(60);

/// Whether the tasks run that a node lives by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RuntimeHealth {
    known: Arc<watch::Sender<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    failing: BTreeSet<&'static str>,
    given_up: Option<&'static str>,
    stopping: bool,
}

impl Default for RuntimeHealth {
    fn default() -> Self {
        Self {
            known: Arc::new(watch::Sender::new(Known::default())),
        }
    }
}

impl RuntimeHealth {
    /// Names the tasks that keep failing; none where the node can do its work.
    pub fn failing(&self) -> Vec<&'static str> {
        self.known.borrow().failing.iter().copied().collect()
    }

    /// Waits until a task has failed so often that the process should end, and names it.
    pub async fn given_up(&self) -> &'static str {
        let mut known = self.known.subscribe();
        // The sender lives as long as this does.
        let given_up = known.wait_for(|known| known.given_up.is_some()).await;
        given_up.map_or_else(|_| "", |known| known.given_up.unwrap_or_default())
    }

    /// Tasks end from now on because they are told to.
    pub(crate) fn stopping(&self) {
        self.known.send_modify(|known| known.stopping = true);
    }

    pub(crate) fn give_up(&self, task: &'static str) {
        self.known.send_if_modified(|known| {
            if known.stopping {
                return false;
            }
            known.failing.insert(task);
            known.given_up.get_or_insert(task);
            true
        });
    }

    fn fails(&self, task: &'static str) {
        self.known.send_modify(|known| {
            known.failing.insert(task);
        });
    }

    fn recovers(&self, task: &'static str) {
        self.known.send_modify(|known| {
            known.failing.remove(task);
        });
    }
}

/// Runs a task, again and again where it ends. Aborting what is returned ends it for good.
pub(crate) fn supervise<F, R>(
    task: &'static str,
    timer: Arc<dyn Timer>,
    health: RuntimeHealth,
    run: F,
) -> JoinHandle<()>
where
    F: Fn() -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let mut failures = 0;
        loop {
            // A task of its own, so that a panic is seen here; a set, so that it ends with this one.
            let mut running = JoinSet::new();
            running.spawn(run());
            if failures > 0 {
                tokio::select! {
                    _ = running.join_next() => {}
                    () = timer.sleep(STEADY) => {
                        failures = 0;
                        health.recovers(task);
                    }
                }
            }
            // At once where it has ended already.
            running.join_next().await;
            failures += 1;
            metrics::counter!("mercer_task_restarts_total", "task" => task).increment(1);
            tracing::error!(
                task,
                failures,
                "a task of the node ended; starting it again"
            );
            if failures >= UNREADY_AFTER {
                health.fails(task);
            }
            if failures >= GIVE_UP_AFTER {
                tracing::error!(task, "a task of the node keeps ending; giving the node up");
                health.give_up(task);
                return;
            }
            timer
                .sleep(BackOff::TASK.wait(failures, rand::random()))
                .await;
        }
    })
}

#[cfg(test)]
mod tests;
