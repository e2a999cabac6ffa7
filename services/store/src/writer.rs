//! How writes reach the database: in tasks that the store owns.
//!
//! A caller hands over a closure and awaits its answer; a caller that goes away (a closed
//! connection, a timeout, a killed actor) never cancels a transaction. On SQLite one task owns
//! the only writing connection and commits in groups: commands that wait together share one
//! `BEGIN IMMEDIATE … COMMIT`, each in a savepoint of its own, so that one that fails takes
//! nothing from the others. Answers leave after COMMIT only. On PostgreSQL every command is a
//! transaction in a detached task; there the server groups commits.
//!
//! Writes about leases have a lane of their own and go first: behind thousands of others a node
//! would lose its own partitions (measured: 10,000 conversations woken at once).
//!
//! A panic inside a command counts as a failure of that command.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::Error;

/// A boxed future, so that commands of all kinds fit one queue.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A command: runs its statements, keeps its own answer, and says whether to keep its changes.
pub(crate) type Work =
    Box<dyn for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, bool> + Send>;

/// A command and where to report. `Ok(())` means that its own answer counts; an error means that
/// the transaction around it failed.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) done: oneshot::Sender<Result<(), Error>>,
}

/// Commands that wait for the SQLite writer. Beyond it a write is refused at once.
pub(crate) const QUEUE_MAX: usize = 8192;

/// Writes about leases that wait; a node has one or two at a time.
const LEASES_MAX: usize = 64;

/// Where callers hand their commands in.
pub(crate) struct Lanes {
    pub(crate) leases: mpsc::Sender<Job>,
    pub(crate) ordinary: mpsc::Sender<Job>,
}

/// Where the writer takes them from.
pub(crate) struct Queues {
    leases: mpsc::Receiver<Job>,
    ordinary: mpsc::Receiver<Job>,
}

pub(crate) fn lanes() -> (Lanes, Queues) {
    let (leases, leases_queue) = mpsc::channel(LEASES_MAX);
    let (ordinary, ordinary_queue) = mpsc::channel(QUEUE_MAX);
    let queues = Queues {
        leases: leases_queue,
        ordinary: ordinary_queue,
    };
    (Lanes { leases, ordinary }, queues)
}

impl Queues {
    /// Waits for commands and takes up to `room`, those about leases first. Returns how many; 0
    /// when every handle of the store is gone.
    async fn take(&mut self, batch: &mut Vec<Job>, room: usize) -> usize {
        let take =
            |context: &mut Context<'_>| match self.leases.poll_recv_many(context, batch, room) {
                Poll::Ready(taken) if taken > 0 => Poll::Ready(taken),
                // None wait; or both are closed, and what waits in the other is still done.
                _ => self.ordinary.poll_recv_many(context, batch, room),
            };
        std::future::poll_fn(take).await
    }
}

/// Serves the queues until every handle of the store is gone.
pub(crate) async fn run_group_commit(
    connection: DatabaseConnection,
    mut queues: Queues,
    group_max: usize,
    group_wait: Duration,
) {
    let mut batch = Vec::with_capacity(group_max);
    let mut previous = 1;
    while queues.take(&mut batch, group_max).await > 0 {
        // A lone command is committed at once. Under load the group fills while the last one
        // was synced, and the short wait lets stragglers share the next sync.
        if batch.len() > 1 || previous > 1 {
            let deadline = Instant::now() + group_wait;
            while batch.len() < group_max {
                let room = group_max - batch.len();
                let more = queues.take(&mut batch, room);
                match tokio::time::timeout_at(deadline, more).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
        previous = batch.len();
        metrics::histogram!("mercer_store_group_size").record(previous as f64);
        commit_group(&connection, std::mem::take(&mut batch)).await;
    }
}

async fn commit_group(connection: &DatabaseConnection, batch: Vec<Job>) {
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let transaction = match connection.begin_with_options(immediate).await {
        Ok(transaction) => transaction,
        Err(error) => return fail_all(batch.into_iter().map(|job| job.done), error.into()),
    };
    let alone = batch.len() == 1;
    let mut kept = Vec::with_capacity(batch.len());
    let mut rest = batch.into_iter();
    while let Some(job) = rest.next() {
        if alone {
            if run(job.work, &transaction).await {
                kept.push(job.done);
                break;
            }
            // Nothing to keep: the answer is the command's own refusal.
            let undone = transaction.rollback().await;
            let _ = job.done.send(undone.map_err(Error::from));
            return;
        }
        let step = async {
            let savepoint = transaction.begin().await?;
            if run(job.work, &savepoint).await {
                savepoint.commit().await?;
                return Ok(true);
            }
            savepoint.rollback().await?;
            Ok::<bool, Error>(false)
        };
        match step.await {
            Ok(true) => kept.push(job.done),
            Ok(false) => {
                let _ = job.done.send(Ok(()));
            }
            Err(error) => {
                // The database ended the transaction itself (full, input/output error): nothing
                // of the group is stored.
                drop(transaction);
                let waiting = kept.into_iter().chain([job.done]);
                return fail_all(waiting.chain(rest.map(|job| job.done)), error);
            }
        }
    }
    crate::crash_point("group_written");
    match transaction.commit().await {
        Ok(()) => {
            crate::crash_point("group_committed");
            for done in kept {
                let _ = done.send(Ok(()));
            }
        }
        Err(error) => fail_all(kept.into_iter(), error.into()),
    }
}

/// Runs one command as a transaction of its own, for PostgreSQL.
pub(crate) async fn run_alone(connection: DatabaseConnection, job: Job) {
    let Job { work, done } = job;
    let outcome = async {
        let transaction = connection.begin().await?;
        if run(work, &transaction).await {
            crate::crash_point("transaction_written");
            transaction.commit().await?;
            crate::crash_point("transaction_committed");
        } else {
            transaction.rollback().await?;
        }
        Ok::<(), Error>(())
    };
    let _ = done.send(outcome.await);
}

fn fail_all(waiting: impl Iterator<Item = oneshot::Sender<Result<(), Error>>>, error: Error) {
    metrics::counter!("mercer_store_failed_transactions_total").increment(1);
    tracing::error!(cause = %error, "transaction failed");
    let waiting: Vec<_> = waiting.collect();
    // Of several nobody knows whose fault it is, and most of them may be told that it is not theirs.
    let error = match waiting.len() {
        0 | 1 => error,
        _ => Error::Unavailable(error.to_string()),
    };
    for done in waiting {
        let _ = done.send(Err(error.clone()));
    }
}

/// Runs a command and turns a panic into a refusal, so that the writer outlives it.
async fn run(work: Work, transaction: &DatabaseTransaction) -> bool {
    let mut future = work(transaction);
    let outcome = std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(keep)) => Poll::Ready(Ok(keep)),
            Err(panic) => Poll::Ready(Err::<bool, Box<dyn Any + Send>>(panic)),
        }
    });
    outcome.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;

    async fn connection(folder: &tempfile::TempDir) -> DatabaseConnection {
        let path = folder.path().join("test.db");
        let mut options =
            sea_orm::ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
        options.max_connections(1).sqlx_logging(false);
        let connection = Database::connect(options).await.expect("connect");
        let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)";
        connection.execute_unprepared(sql).await.expect("create");
        connection
    }

    fn job(sql: String, panics: bool) -> (Job, oneshot::Receiver<Result<(), Error>>) {
        let (done, answer) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            Box::pin(async move {
                let stored = transaction.execute_unprepared(&sql).await.is_ok();
                assert!(!panics, "a bug in a command");
                stored
            })
        });
        (Job { work, done }, answer)
    }

    async fn ids(connection: &DatabaseConnection) -> Vec<i64> {
        let rows = crate::db::all(connection, "SELECT id FROM t ORDER BY id", []).await;
        let rows = rows.expect("select");
        rows.iter()
            .map(|row| crate::db::get(row, "id").expect("id"))
            .collect()
    }

    #[tokio::test]
    async fn a_panic_in_a_command_harms_no_other_of_its_group() {
        let folder = tempfile::tempdir().expect("folder");
        let connection = connection(&folder).await;
        let mut jobs = Vec::new();
        let mut answers = Vec::new();
        for id in 1..=5 {
            let sql = format!("INSERT INTO t (id) VALUES ({id})");
            let (job, answer) = job(sql, id == 3);
            jobs.push(job);
            answers.push(answer);
        }
        commit_group(&connection, jobs).await;
        for answer in answers {
            assert_eq!(answer.await, Ok(Ok(())));
        }
        assert_eq!(ids(&connection).await, [1, 2, 4, 5]);
        let (alone, answer) = job("INSERT INTO t (id) VALUES (6)".to_owned(), true);
        commit_group(&connection, vec![alone]).await;
        assert_eq!(answer.await, Ok(Ok(())));
        assert_eq!(ids(&connection).await, [1, 2, 4, 5]);
    }

    #[tokio::test]
    async fn a_lease_is_renewed_before_all_that_waits_and_nothing_is_lost_at_the_end() {
        let folder = tempfile::tempdir().expect("folder");
        let connection = connection(&folder).await;
        let (lanes, queues) = lanes();
        let mut answers = Vec::new();
        let sql = |id: usize| format!("INSERT INTO t (id, body) SELECT {id}, count(*) FROM t");
        for id in 0..1_000 {
            let (job, answer) = job(sql(id), false);
            lanes.ordinary.try_send(job).expect("room");
            answers.push(answer);
        }
        let (lease, answer) = job(sql(1_000), false);
        lanes.leases.try_send(lease).expect("room");
        answers.push(answer);
        drop(lanes);
        run_group_commit(connection.clone(), queues, 64, Duration::from_millis(1)).await;
        for answer in answers {
            assert_eq!(answer.await, Ok(Ok(())));
        }
        let sql = "SELECT CAST(body AS INTEGER) AS before FROM t WHERE id = 1000";
        let row = crate::db::one(&connection, sql, [])
            .await
            .expect("select")
            .expect("row");
        let before: i64 = crate::db::get(&row, "before").expect("before");
        assert_eq!(before, 0, "rows written before the lease's");
        assert_eq!(ids(&connection).await.len(), 1_001);
    }

    #[tokio::test]
    async fn a_full_database_refuses_and_the_writer_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().expect("folder");
        let connection = connection(&folder).await;
        let pages = "PRAGMA max_page_count = 20";
        connection.execute_unprepared(pages).await.expect("limit");
        let big = |id: i64| {
            job(
                format!("INSERT INTO t VALUES ({id}, zeroblob(900000))"),
                false,
            )
        };
        let small = |id: i64| job(format!("INSERT INTO t (id) VALUES ({id})"), false);
        let (mut jobs, mut answers) = (Vec::new(), Vec::new());
        for (job, answer) in [small(1), big(2), small(3)] {
            jobs.push(job);
            answers.push(answer);
        }
        commit_group(&connection, jobs).await;
        let mut acknowledged = Vec::new();
        for (id, answer) in [1, 2, 3].into_iter().zip(answers) {
            // The big one may be refused alone or end the whole transaction; what counts is that
            // every answer is true.
            if answer.await.expect("answer").is_ok() && id != 2 {
                acknowledged.push(id);
            }
        }
        assert_eq!(ids(&connection).await, acknowledged);
        connection
            .execute_unprepared("PRAGMA max_page_count = 100000")
            .await
            .expect("room");
        let (again, answer) = big(4);
        commit_group(&connection, vec![again]).await;
        assert_eq!(answer.await, Ok(Ok(())));
        acknowledged.push(4);
        assert_eq!(ids(&connection).await, acknowledged);
    }
}
