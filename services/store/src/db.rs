//! The handle that repositories work through: opening, reading and writing.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, IsolationLevel, QueryResult, Statement, TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::{oneshot, watch};

use crate::StoreConfig;
use crate::error::Error;
use crate::private;
use crate::writer::{self, BoxFuture, Job};

/// Longest wait for a connection, a lock or a start of a transaction: a webhook must be refused
/// quickly when the database cannot be written.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait of a caller for an ordinary write. After it the outcome is unknown to the caller;
/// the write itself is not cancelled.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Says of a read or write that its own code broke.
const PANICKED: &str = "it panicked";
/// For how long the answer of [`Db::probe`] counts. Whoever asks for readiness needs no key, and
/// each probe is a synced write: this bounds them to one a second.
const PROBE_VALID: Duration = Duration::from_secs(1);
/// Row of the cursor table that probes write; it counts them.
pub(crate) const PROBE_CURSOR: &str = "ready";
/// SQLite before this version may corrupt a WAL database that has several connections
/// (sqlite.org/wal.html, "WAL-reset bug").
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

#[derive(Clone)]
pub(crate) struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    reader: DatabaseConnection,
    writer: Writer,
    changes: watch::Sender<u64>,
    probed: tokio::sync::Mutex<Option<(Instant, Result<(), Error>)>>,
}

enum Writer {
    Grouped(writer::Lanes),
    Detached {
        pool: DatabaseConnection,
        /// Leases are renewed on a connection of their own.
        leases: DatabaseConnection,
    },
}

/// Who goes first where writes wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// Renewing leases: a busy node must not lose its partitions to its own queue.
    Lease,
    /// Everything else.
    Ordinary,
}

impl Db {
    /// Connects and starts the writer. Migrations run on the connection that writes.
    pub(crate) async fn open(config: &StoreConfig) -> Result<(Self, DatabaseConnection), Error> {
        let (reader, write_connection, writer) = if config.url.starts_with("sqlite:") {
            let write_connection = open_sqlite_writer(&config.url).await?;
            let (lanes, queues) = writer::lanes();
            tokio::spawn(writer::run_group_commit(
                write_connection.clone(),
                queues,
                config.group_commit_max.clamp(1, 1024),
                Duration::from_millis(config.group_commit_ms),
            ));
            // Opened by the caller after migrations: a read-only connection cannot create the file.
            let reader = open_sqlite_readers(&config.url, config.read_connections).await?;
            (reader, write_connection, Writer::Grouped(lanes))
        } else {
            // Reads and writes share the pool; two are the least that lets a read pass a long write.
            let pool = open_postgres(&config.url, config.read_connections.max(2)).await?;
            let leases = open_postgres(&config.url, 1).await?;
            let writer = Writer::Detached {
                pool: pool.clone(),
                leases,
            };
            (pool.clone(), pool, writer)
        };
        let (changes, _) = watch::channel(0);
        let inner = Inner {
            reader,
            writer,
            changes,
            probed: tokio::sync::Mutex::new(None),
        };
        let db = Self {
            inner: Arc::new(inner),
        };
        Ok((db, write_connection))
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.inner.reader.get_database_backend()
    }

    /// Runs a read in a task of the store.
    pub(crate) async fn read<T, F, R>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(DatabaseConnection) -> R,
        R: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match tokio::spawn(read(self.inner.reader.clone())).await {
            Ok(result) => result,
            Err(ended) if ended.is_panic() => Err(Error::Refused(PANICKED.to_owned())),
            Err(_) => Err(Error::Unavailable("read task ended early".to_owned())),
        }
    }

    /// Runs several queries on one state of the database, in a task of the store.
    pub(crate) async fn read_snapshot<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<T, Error>>
            + Send
            + 'static,
    {
        // SQLite's transactions see one state by themselves.
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            },
            _ => TransactionOptions::default(),
        };
        self.read(move |c| async move {
            let transaction = c.begin_with_options(options).await?;
            let result = read(&transaction).await;
            transaction.rollback().await?;
            result
        })
        .await
    }

    /// Runs a write and waits for its commit, at most [`WRITE_TIMEOUT`].
    pub(crate) async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        self.in_time(Urgency::Ordinary, command).await
    }

    /// Runs a write about leases: it passes everything that waits, at most [`WRITE_TIMEOUT`].
    pub(crate) async fn write_lease<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        self.in_time(Urgency::Lease, command).await
    }

    /// Waits at most [`WRITE_TIMEOUT`]. A write whose own statements run then has used the time
    /// itself; one that waits for others, or for its commit, has not.
    async fn in_time<T, E, F>(&self, urgency: Urgency, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let runs = Arc::new(AtomicBool::new(false));
        let write = self.submit(urgency, command, Arc::clone(&runs));
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(result) => result,
            Err(_) if runs.load(Ordering::Relaxed) => Err(E::from(Error::TimedOut)),
            Err(_) => Err(E::from(Error::Unavailable(
                "write waited too long".to_owned(),
            ))),
        }
    }

    async fn submit<T, E, F>(
        &self,
        urgency: Urgency,
        command: F,
        runs: Arc<AtomicBool>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let (done, committed) = oneshot::channel();
        let work: writer::Work = Box::new(move |transaction| {
            let running = command(transaction);
            Box::pin(async move {
                runs.store(true, Ordering::Relaxed);
                let result = running.await;
                runs.store(false, Ordering::Relaxed);
                let keep = result.is_ok();
                if let Ok(mut slot) = slot.lock() {
                    *slot = Some(result);
                }
                keep
            })
        });
        let job = Job { work, done };
        let full = || E::from(Error::Unavailable("too many writes wait".to_owned()));
        match &self.inner.writer {
            Writer::Grouped(lanes) => {
                let lane = match urgency {
                    Urgency::Lease => &lanes.leases,
                    Urgency::Ordinary => &lanes.ordinary,
                };
                lane.try_send(job).map_err(|_| full())?;
            }
            Writer::Detached { pool, leases } => {
                let pool = match urgency {
                    Urgency::Lease => leases,
                    Urgency::Ordinary => pool,
                };
                tokio::spawn(writer::run_alone(pool.clone(), job));
            }
        }
        let gone = || E::from(Error::Unavailable("writer ended".to_owned()));
        committed.await.map_err(|_| gone())?.map_err(E::from)?;
        let result = answer.lock().ok().and_then(|mut slot| slot.take());
        result.unwrap_or_else(|| Err(E::from(Error::Refused(PANICKED.to_owned()))))
    }

    /// Says whether a write and a read succeed, at most [`PROBE_VALID`] ago. Callers at the same
    /// time share one answer.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        let mut probed = self.inner.probed.lock().await;
        if let Some((at, answer)) = &*probed
            && at.elapsed() < PROBE_VALID
        {
            return answer.clone();
        }
        let answer = self.probe_now().await;
        *probed = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn probe_now(&self) -> Result<(), Error> {
        let write = self.write(|tx| {
            Box::pin(async move {
                let sql = "INSERT INTO cursor (name, seq) VALUES ($1, 1) \
                           ON CONFLICT (name) DO UPDATE SET seq = cursor.seq + 1";
                exec(tx, sql, [PROBE_CURSOR.into()]).await?;
                Ok::<(), Error>(())
            })
        });
        write.await?;
        let sql = "SELECT seq FROM cursor WHERE name = $1";
        let read =
            self.read(move |c| async move { Ok(one(&c, sql, [PROBE_CURSOR.into()]).await?) });
        read.await.map(|_| ())
    }

    /// Tells waiters of the change feed that something was committed.
    pub(crate) fn announce_change(&self) {
        self.inner.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }
}

async fn open_sqlite_writer(url: &str) -> Result<DatabaseConnection, Error> {
    let file = Path::new(sqlite_path(url));
    if let Some(folder) = file.parent() {
        private::create_folder(folder)
            .map_err(|error| Error::Unavailable(format!("cannot create the folder: {error}")))?;
    }
    private::create_file(file)
        .map_err(|error| Error::Unavailable(format!("cannot create the file: {error}")))?;
    let mut options = quiet(format!("sqlite://{}?mode=rwc", sqlite_path(url)));
    options.max_connections(1).min_connections(1);
    options.idle_timeout(None).max_lifetime(None);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(ACQUIRE_TIMEOUT)
    });
    let connection = Database::connect(options).await?;
    assert_sqlite_version(&connection).await?;
    Ok(connection)
}

async fn open_sqlite_readers(url: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    let mut options = quiet(format!("sqlite://{}?mode=ro", sqlite_path(url)));
    options.max_connections(connections.max(1));
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .read_only(true)
            .pragma("query_only", "ON")
            .busy_timeout(ACQUIRE_TIMEOUT)
    });
    Ok(Database::connect(options).await?)
}

async fn open_postgres(url: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    let mut options = quiet(url.to_owned());
    options.max_connections(connections);
    options.map_sqlx_postgres_opts(|postgres| {
        postgres.options([
            ("idle_in_transaction_session_timeout", "10s"),
            ("statement_timeout", "60s"),
            ("lock_timeout", "8s"),
        ])
    });
    Ok(Database::connect(options).await?)
}

fn quiet(url: String) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .connect_timeout(ACQUIRE_TIMEOUT)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Statements carry customers' words as parameters; keep them out of logs and spans.
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

fn sqlite_path(url: &str) -> &str {
    let path = url.trim_start_matches("sqlite:");
    let path = path.strip_prefix("//").unwrap_or(path);
    path.split('?').next().unwrap_or(path)
}

async fn assert_sqlite_version(connection: &DatabaseConnection) -> Result<(), Error> {
    let row = one(connection, "SELECT sqlite_version() AS v", []).await?;
    let text: String = row
        .map(|row| get(&row, "v"))
        .transpose()?
        .unwrap_or_default();
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let found = (next(), next(), next());
    if found < SQLITE_VERSION_MIN {
        return Err(Error::Unavailable(format!(
            "sqlite {text} is too old, 3.51.3 or newer is needed"
        )));
    }
    Ok(())
}

/// Returns the time of this machine, UTC milliseconds. Leases use the database's clock instead.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// SQL of the database's own clock, UTC milliseconds.
pub(crate) fn db_now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        _ => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

/// SQL that locks the rows a transaction relies on. SQLite has one writer and needs none.
pub(crate) fn for_share(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "",
        _ => " FOR SHARE",
    }
}

/// Runs a statement with `$1`… placeholders and returns the number of rows it changed.
pub(crate) async fn exec<C, const N: usize>(
    connection: &C,
    sql: impl Into<String>,
    values: [Value; N],
) -> Result<u64, sea_orm::DbErr>
where
    C: ConnectionTrait,
{
    let statement =
        Statement::from_sql_and_values(connection.get_database_backend(), sql.into(), values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// Runs `sql WHERE shop = … AND column IN (keys)`, in as many statements as the keys need.
pub(crate) async fn exec_in<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    column: &str,
    shop: &str,
    keys: &[String],
) -> Result<(), Error> {
    for keys in keys.chunks(crate::records::CHUNK) {
        let places: Vec<String> = (2..keys.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "{sql} WHERE shop = $1 AND {column} IN ({})",
            places.join(", ")
        );
        let values = std::iter::once(shop).chain(keys.iter().map(String::as_str));
        let backend = connection.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values.map(Value::from));
        connection.execute_raw(statement).await?;
    }
    Ok(())
}

/// Runs a query that returns at most one row.
pub(crate) async fn one<C, const N: usize>(
    connection: &C,
    sql: impl Into<String>,
    values: [Value; N],
) -> Result<Option<QueryResult>, sea_orm::DbErr>
where
    C: ConnectionTrait,
{
    let statement =
        Statement::from_sql_and_values(connection.get_database_backend(), sql.into(), values);
    connection.query_one_raw(statement).await
}

/// Runs a query.
pub(crate) async fn all<C, const N: usize>(
    connection: &C,
    sql: impl Into<String>,
    values: [Value; N],
) -> Result<Vec<QueryResult>, sea_orm::DbErr>
where
    C: ConnectionTrait,
{
    let statement =
        Statement::from_sql_and_values(connection.get_database_backend(), sql.into(), values);
    connection.query_all_raw(statement).await
}

/// Reads a column.
pub(crate) fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: &str) -> Result<T, Error> {
    row.try_get("", column).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use crate::{Error, Store, StoreConfig};
    use mercer_testing::sqlite_url;

    use super::{exec, get, one};

    #[tokio::test]
    async fn nobody_else_may_read_what_sqlite_makes() {
        use std::os::unix::fs::PermissionsExt;

        let base = tempfile::tempdir().expect("folder");
        let folder = base.path().join("new/data");
        let store = Store::open(&StoreConfig::new(sqlite_url(&folder)))
            .await
            .expect("open");
        store.ready().await.expect("a write");
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path)
                .expect("metadata")
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode(&folder), 0o700);
        let mut files = 0;
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            files += 1;
        }
        assert_eq!(files, 3, "the database, its log and its index");
        // Another umask changes nothing for what is there already.
        drop(store);
        let shared = base.path().join("shared");
        std::fs::create_dir(&shared).expect("folder");
        std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o750)).expect("mode");
        let again = Store::open(&StoreConfig::new(sqlite_url(&shared))).await;
        again.expect("open").ready().await.expect("a write");
        assert_eq!(mode(&shared), 0o750, "a folder of somebody else's");
    }

    #[tokio::test]
    async fn sqlite_syncs_every_commit_and_readers_cannot_write() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&StoreConfig::new(sqlite_url(folder.path())))
            .await
            .expect("open");
        let settings = store.db.write(|tx| {
            Box::pin(async move {
                let sync = one(tx, "PRAGMA synchronous", []).await?.expect("row");
                let journal = one(tx, "PRAGMA journal_mode", []).await?.expect("row");
                let sync: i64 = get(&sync, "synchronous")?;
                let journal: String = get(&journal, "journal_mode")?;
                Ok::<_, Error>((sync, journal))
            })
        });
        assert_eq!(settings.await, Ok((2, "wal".to_owned())), "2 is FULL");
        let write = store
            .db
            .read(|c| async move { Ok(exec(&c, "DELETE FROM partition", []).await?) });
        assert!(matches!(write.await, Err(Error::Unavailable(_))));
    }
}
