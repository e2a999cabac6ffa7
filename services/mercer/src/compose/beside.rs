//! Tasks beside conversations: the indexer, the notifier, the end of imports that died half way. A
//! node lives without them for a while, so none gives it up; but none ends unseen either.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Wait before a task that panicked is started again: long enough that one which panics at once is
/// no load, short enough that nobody who waits for it minds.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a panic counts: a task that has run for this long without one has recovered.
const RECENT: Duration = Duration::from_secs(60);
/// Recent panics that may be bad luck. With more, a task does not do its work.
const RECENT_PANICS_MAX: usize = 3;

/// Which tasks beside conversations keep panicking. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct BesideHealth {
    /// When each panicked lately, oldest first.
    panics: Arc<Mutex<BTreeMap<&'static str, VecDeque<Instant>>>>,
}

impl BesideHealth {
    /// Says which tasks keep panicking; none where all do their work.
    pub(crate) fn problem(&self) -> Option<String> {
        match self.failing_at(Instant::now()).as_slice() {
            [] => None,
            tasks => Some(format!("these tasks keep panicking: {}", tasks.join(", "))),
        }
    }

    fn failing_at(&self, now: Instant) -> Vec<&'static str> {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < RECENT;
        let panics = self.lock();
        let failing = panics
            .iter()
            .filter(|(_, at)| at.iter().filter(recent).count() > RECENT_PANICS_MAX);
        failing.map(|(task, _)| *task).collect()
    }

    fn panicked(&self, task: &'static str, now: Instant) {
        let mut panics = self.lock();
        let at = panics.entry(task).or_default();
        // Those before decide nothing any more.
        if at.len() > RECENT_PANICS_MAX {
            at.pop_front();
        }
        at.push_back(now);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, VecDeque<Instant>>> {
        // What is kept is whole after each change.
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a task, and again whenever it panics, until it ends by itself or is told to stop.
pub(crate) fn keep<F>(
    task: &'static str,
    health: &BesideHealth,
    stop: CancellationToken,
    run: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let health = health.clone();
    tokio::spawn(async move {
        loop {
            // With whoever waits here ends the task.
            let ended = AbortOnDropHandle::new(tokio::spawn(run())).await;
            if ended.is_ok() || stop.is_cancelled() {
                return;
            }
            health.panicked(task, Instant::now());
            metrics::counter!("mercer_task_restarts_total", "task" => task).increment(1);
            tracing::error!(task, "task panicked; it is started again");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_started_again_and_ends_when_it_should() {
        let (told, mut runs) = mpsc::unbounded_channel();
        let (count, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let (health, stopped) = (BesideHealth::default(), stop.clone());
        let task = keep("test", &health, stop.clone(), move || {
            let run = count.fetch_add(1, Ordering::Relaxed);
            let (told, stopped) = (told.clone(), stopped.clone());
            async move {
                let _ = told.send(run);
                assert_ne!(run, 0, "told to panic");
                stopped.cancelled().await;
            }
        });
        assert_eq!(runs.recv().await, Some(0));
        assert_eq!(runs.recv().await, Some(1));
        assert_eq!(health.lock()["test"].len(), 1, "the panic is counted");
        assert_eq!(health.problem(), None, "one may be bad luck");
        stop.cancel();
        task.await.expect("it ends");
    }

    #[test]
    fn a_task_that_keeps_panicking_is_named_until_it_has_run_for_a_minute() {
        let (health, start) = (BesideHealth::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        health.panicked("notifier", after(0));
        for seconds in [0, 1, 2] {
            health.panicked("indexer", after(seconds));
        }
        assert!(health.failing_at(after(2)).is_empty());
        health.panicked("indexer", after(3));
        assert_eq!(health.failing_at(after(3)), ["indexer"]);
        assert!(health.failing_at(after(60)).is_empty(), "three are left");
        health.panicked("indexer", after(60));
        assert_eq!(health.failing_at(after(60)), ["indexer"]);
        assert!(health.failing_at(after(120)).is_empty());
    }

    #[test]
    fn the_problem_names_every_task_that_keeps_panicking() {
        let health = BesideHealth::default();
        for task in ["indexer", "notifier"].repeat(RECENT_PANICS_MAX + 1) {
            health.panicked(task, Instant::now());
        }
        let said = health.problem().expect("a problem");
        assert!(said.ends_with("indexer, notifier"), "{said}");
    }

    #[test]
    fn panics_that_are_far_apart_are_no_reason() {
        let (health, start) = (BesideHealth::default(), Instant::now());
        for minutes in 0..10 {
            let at = start + minutes * RECENT;
            health.panicked("indexer", at);
            assert!(health.failing_at(at).is_empty());
        }
        assert_eq!(health.lock()["indexer"].len(), RECENT_PANICS_MAX + 1);
    }
}
