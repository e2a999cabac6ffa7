//! A database that cannot be written: refused quickly, and well again when it is.

use std::time::{Duration, Instant};

use mercer_store::{Error, Store, StoreConfig};
use sea_orm::{ConnectionTrait, Database};

use crate::support::{Env, message, shop};

/// A webhook's sender waits about ten seconds; an answer must come well before.
const QUICK: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_sqlite_file_refuses_writes_and_recovers() {
    let env = Env::sqlite().await;
    let inbox = env.store.inbox();
    inbox
        .insert(&shop(), vec![message("1", "before", 1)])
        .await
        .expect("insert");
    let other = Database::connect(&env.url).await.expect("connect");
    other
        .execute_unprepared("BEGIN IMMEDIATE")
        .await
        .expect("lock");
    let start = Instant::now();
    let refused = inbox.insert(&shop(), vec![message("1", "locked", 1)]).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
    assert_eq!(inbox.count(&shop(), "open").await, Ok(1), "reads go on");
    other.execute_unprepared("ROLLBACK").await.expect("unlock");
    let again = inbox
        .insert(&shop(), vec![message("1", "locked", 1)])
        .await
        .expect("insert");
    assert!(again[0].new, "the refused row must not be there");
    env.store.ready().await.expect("ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_postgres_refuses_writes_and_recovers() {
    let env = Env::postgres().await;
    let inbox = env.store.inbox();
    inbox
        .insert(&shop(), vec![message("1", "before", 1)])
        .await
        .expect("insert");
    let name = env.url.rsplit('/').next().expect("name");
    let admin = Database::connect(env.url.replace(name, "postgres"))
        .await
        .expect("connect");
    let end_sessions =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    let set =
        |value: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
    admin.execute_unprepared(&set("on")).await.expect("set");
    admin.execute_unprepared(&end_sessions).await.expect("end");
    let start = Instant::now();
    let refused = inbox
        .insert(&shop(), vec![message("1", "read-only", 1)])
        .await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
    assert_eq!(inbox.count(&shop(), "open").await, Ok(1), "reads go on");
    admin.execute_unprepared(&set("off")).await.expect("set");
    admin.execute_unprepared(&end_sessions).await.expect("end");
    let again = inbox
        .insert(&shop(), vec![message("1", "read-only", 1)])
        .await
        .expect("insert");
    assert!(again[0].new, "the refused row must not be there");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_quickly() {
    let start = Instant::now();
    for url in [
        "postgres://nobody@127.0.0.1:1/none",
        "sqlite:///proc/no/such/folder/mercer.db",
    ] {
        let refused = Store::open(&StoreConfig::new(url)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{url}");
    }
    assert!(start.elapsed() < QUICK * 2, "{:?}", start.elapsed());
}
