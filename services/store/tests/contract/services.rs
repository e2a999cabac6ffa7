//! The feed, keys, repeated requests, and opening again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mercer_store::{Begin, ProofOutcome, ProofTry, Role};
use sea_orm::{ConnectionTrait, Database, Statement};
use sha2::{Digest, Sha256};

use crate::support::{Env, now_ms, open, product, shop};

/// A reader that remembers the last number it saw follows while writers of several processes
/// commit in whatever order: at the end it has seen every product.
pub async fn the_feed_skips_nothing_while_many_write(env: Env) {
    let done = Arc::new(AtomicBool::new(false));
    let (feed, stop) = (env.store.feed(), Arc::clone(&done));
    let reader = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        let mut after = 0;
        loop {
            let last_look = stop.load(Ordering::SeqCst);
            for change in feed.read(after, 50).await.expect("read") {
                assert!(change.seq > after);
                after = change.seq;
                seen.insert(change.record.to_string());
            }
            if last_look && feed.head().await.expect("head") == after {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    });
    let mut writers = Vec::new();
    for writer in 0..4 {
        let store = open(&env.url).await;
        writers.push(tokio::spawn(async move {
            for number in 0..25 {
                let value = product(&format!("W{writer}-{number}"));
                // Some refused writes leave gaps in the numbers.
                if number % 5 == 0 {
                    store
                        .catalog()
                        .put(&shop(), value.clone(), Some(9))
                        .await
                        .expect_err("refused");
                }
                store
                    .catalog()
                    .put(&shop(), value, None)
                    .await
                    .expect("put");
            }
        }));
    }
    for writer in writers {
        writer.await.expect("writer");
    }
    done.store(true, Ordering::SeqCst);
    assert_eq!(reader.await.expect("reader").len(), 100);
    let feed = env.store.feed();
    assert_eq!(feed.cursor("index").await, Ok(0));
    feed.set_cursor("index", 41).await.expect("set");
    feed.set_cursor("index", 42).await.expect("set");
    assert_eq!(feed.cursor("index").await, Ok(42));
}

pub async fn a_waiting_feed_reader_wakes(env: Env) {
    let feed = env.store.feed();
    let head = feed.head().await.expect("head");
    let waiter = {
        let feed = feed.clone();
        tokio::spawn(async move { feed.wait(head).await })
    };
    env.store
        .catalog()
        .put(&shop(), product("HB-1"), None)
        .await
        .expect("put");
    let woken = tokio::time::timeout(Duration::from_secs(10), waiter).await;
    let newest = woken.expect("woken").expect("task").expect("wait");
    assert!(newest > head);
    // What another process wrote is found by the poll.
    let waiter = tokio::spawn(async move { feed.wait(newest).await });
    let other = open(&env.url).await;
    other
        .catalog()
        .put(&shop(), product("HB-2"), None)
        .await
        .expect("put");
    let woken = tokio::time::timeout(Duration::from_secs(10), waiter).await;
    assert!(woken.expect("woken").expect("task").expect("wait") > newest);
}

pub async fn keys_are_shown_once_and_can_be_revoked(env: Env) {
    let keys = env.store.keys();
    let (row, text) = keys
        .create(Some(shop()), "till", Role::Operator, None)
        .await
        .expect("create");
    assert!(text.starts_with(&format!("mrc_live_{}_", row.id)));
    assert_eq!(keys.verify(&text).await, Ok(Some(row.clone())));
    let mut wrong = text.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    let unknown_id = text.replace(&row.id, "0000000000000000");
    for bad in [
        "",
        "mrc_live_",
        "mrc_live_x",
        &wrong,
        &unknown_id,
        &text[..text.len() - 1],
    ] {
        assert_eq!(keys.verify(bad).await, Ok(None), "{bad}");
    }
    let (_, ended) = keys
        .create(None, "old", Role::Owner, Some(now_ms()))
        .await
        .expect("create");
    assert_eq!(keys.verify(&ended).await, Ok(None));
    assert_eq!(keys.list(None).await.expect("list").len(), 2);
    assert_eq!(keys.list(Some(&shop())).await, Ok(vec![row.clone()]));
    assert_eq!(keys.revoke(&row.id).await, Ok(true));
    assert_eq!(keys.revoke(&row.id).await, Ok(false));
    assert_eq!(keys.verify(&text).await, Ok(None));
}

pub async fn a_repeated_request_gets_its_answer(env: Env) {
    let requests = env.store.idempotency();
    let begin = |key: &'static str, route: &'static str, hash: &'static str| {
        let requests = requests.clone();
        async move {
            requests
                .begin(&shop(), key, route, hash)
                .await
                .expect("begin")
        }
    };
    assert_eq!(begin("k", "PUT /a", "h1").await, Begin::Fresh);
    assert_eq!(begin("k", "PUT /a", "h1").await, Begin::InFlight);
    assert_eq!(begin("k", "PUT /a", "h2").await, Begin::Mismatch);
    assert_eq!(
        begin("k", "PUT /b", "h2").await,
        Begin::Fresh,
        "another route is another request"
    );
    requests
        .finish(&shop(), "k", "PUT /a", 201, b"{}".to_vec())
        .await
        .expect("finish");
    requests
        .finish(&shop(), "k", "PUT /a", 500, Vec::new())
        .await
        .expect("finish");
    let replay = Begin::Replay {
        status: 201,
        body: b"{}".to_vec(),
    };
    assert_eq!(
        begin("k", "PUT /a", "h1").await,
        replay,
        "the first answer stays"
    );
    assert_eq!(begin("k", "PUT /a", "h2").await, Begin::Mismatch);
    requests
        .abandon(&shop(), "k", "PUT /b")
        .await
        .expect("abandon");
    requests
        .abandon(&shop(), "k", "PUT /a")
        .await
        .expect("abandon");
    assert_eq!(begin("k", "PUT /b", "h3").await, Begin::Fresh);
    assert_eq!(
        begin("k", "PUT /a", "h1").await,
        replay,
        "an answer is not abandoned"
    );
}

pub async fn fifty_equal_requests_run_once(env: Env) {
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let requests = env.store.idempotency();
        tasks.push(tokio::spawn(async move {
            requests.begin(&shop(), "k", "POST /x", "h").await
        }));
    }
    let mut fresh = 0;
    for task in tasks {
        match task.await.expect("task").expect("begin") {
            Begin::Fresh => fresh += 1,
            other => assert_eq!(other, Begin::InFlight),
        }
    }
    assert_eq!(fresh, 1);
}

pub async fn a_thousand_probes_are_one_write(env: Env) {
    let probes = || async {
        // The row that a probe writes counts them.
        env.store.feed().cursor("ready").await.expect("cursor")
    };
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..1_000 {
        let store = env.store.clone();
        tasks.push(tokio::spawn(async move { store.ready().await }));
    }
    for task in tasks {
        task.await.expect("task").expect("ready");
    }
    let seconds = i64::try_from(start.elapsed().as_secs()).expect("seconds");
    let written = probes().await;
    assert!(
        (1..=1 + seconds).contains(&written),
        "{written} writes in {seconds} s"
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    env.store.ready().await.expect("ready");
    assert_eq!(probes().await, written + 1, "an old answer does not count");
}

pub async fn opening_again_finds_everything(env: Env) {
    env.store.ready().await.expect("ready");
    let value = mercer_schemas::Shop {
        id: shop(),
        name: "Highbarn".to_owned(),
        currency: "GBP".parse().expect("currency"),
        locale: "en-GB".to_owned(),
        link_hosts: vec!["highbarn.example".to_owned()],
        greeting: "Hello".to_owned(),
        introduction: None,
    };
    env.store.shops().put(value.clone()).await.expect("put");
    let again = open(&env.url).await;
    assert_eq!(again.shops().get(&shop()).await, Ok(Some(value.clone())));
    let renamed = mercer_schemas::Shop {
        name: "High Barn".to_owned(),
        ..value
    };
    again.shops().put(renamed.clone()).await.expect("put");
    assert_eq!(env.store.shops().list().await, Ok(vec![renamed]));
}

/// Processes that start at the same moment agree on a secret, and keep it.
pub async fn processes_around_one_database_share_a_secret(env: Env) {
    let others = [open(&env.url).await, open(&env.url).await];
    let ask = async |store: &mercer_store::Store, name: &str| {
        store.secrets().shared(name).await.expect("secret")
    };
    let (first, second, third) = tokio::join!(
        ask(&env.store, "nodes"),
        ask(&others[0], "nodes"),
        ask(&others[1], "nodes")
    );
    assert!(first == second && second == third);
    let later = open(&env.url).await;
    assert_eq!(ask(&later, "nodes").await, first);
    assert_ne!(ask(&env.store, "another").await, first);
}

/// There are few postcodes: a hash that anybody can compute hides none.
pub async fn what_is_written_as_a_proof_is_kept_under_a_key_that_all_processes_share(env: Env) {
    let stores = [env.store.clone(), open(&env.url).await];
    let given = |number: usize| ProofTry {
        attempt: format!("attempt-{number}"),
        channel: mercer_schemas::Channel::Webchat,
        address: format!("visitor-{number}"),
        details: vec!["ab12cd".to_owned()],
        counted: Vec::new(),
        is_proof: true,
        at_ms: now_ms(),
    };
    for number in 0..11 {
        let proofs = stores[number % 2].proofs();
        let outcome = proofs.compare(&shop(), given(number)).await;
        let expected = match number {
            10 => ProofOutcome::Closed,
            _ => ProofOutcome::Wrong(Vec::new()),
        };
        assert!(outcome.is_ok_and(|outcome| outcome == expected), "{number}");
    }
    let connection = Database::connect(&env.url).await.expect("connect");
    let sql = "SELECT DISTINCT scope FROM wrong_proof";
    let sql = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(sql).await.expect("scopes");
    let scopes: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "scope").expect("text"))
        .collect();
    assert_eq!(scopes.len(), 11, "a detail and ten addresses");
    let known = hex::encode(Sha256::digest("detail:ab12cd"));
    assert!(!scopes.contains(&known));
}
