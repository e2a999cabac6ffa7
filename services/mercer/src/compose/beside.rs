//! Tasks beside conversations: the indexer, the notifier, the end of imports that died half way. A
//! node lives without them for a while, so none gives it up; but none ends unseen either.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Wait before a task that panicked is started again: long enough that one which panics at once is
/// no load, short enough that nobody who waits for it minds.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs a task, and again whenever it panics, until it ends by itself or is told to stop.
pub(crate) fn keep<F>(
    task: &'static str,
    stop: CancellationToken,
    run: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            // With whoever waits here ends the task.
            let ended = AbortOnDropHandle::new(tokio::spawn(run())).await;
            if ended.is_ok() || stop.is_cancelled() {
                return;
            }
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_started_again_and_ends_when_it_should() {
        let (told, mut runs) = mpsc::unbounded_channel();
        let (count, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let stopped = stop.clone();
        let task = keep("test", stop.clone(), move || {
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
        stop.cancel();
        task.await.expect("it ends");
    }
}
