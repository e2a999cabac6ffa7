//! Taking things in: nothing twice, nothing lost.

use std::collections::BTreeSet;
use std::time::Duration;

use mercer_schemas::{ActionBy, Channel, DeliveryStatus};
use mercer_store::inbox::parked_payload;
use mercer_store::{Command, Error, InboxItem, InboxKind, Lease, NewInbox};
use rand::Rng;

use crate::support::{Env, append, message, open, outgoing, product, record, shop};

pub async fn identical_inserts_in_parallel_are_one_row(env: Env) {
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let inbox = env.store.inbox();
        tasks.push(tokio::spawn(async move {
            inbox
                .insert(&shop(), vec![message("447700900001", "wamid.same", 5)])
                .await
        }));
    }
    let mut ids = BTreeSet::new();
    let mut new = 0;
    for task in tasks {
        let inserted = task.await.expect("task").expect("insert");
        ids.insert(inserted[0].inbox_id);
        new += usize::from(inserted[0].new);
        assert!(inserted[0].stream.is_some());
    }
    assert_eq!((ids.len(), new), (1, 1));
    assert_eq!(env.store.inbox().count(&shop(), "open").await, Ok(1));
}

pub async fn a_failing_command_harms_no_other_of_its_group(env: Env) {
    let catalog = env.store.catalog();
    catalog
        .put(&shop(), product("TAKEN"), None)
        .await
        .expect("put");
    let mut tasks = Vec::new();
    for number in 0..60 {
        let store = env.store.clone();
        tasks.push(tokio::spawn(async move {
            if number % 3 == 0 {
                // Fails after it has written its product row.
                let mut bad = product(&format!("BAD-{number}"));
                bad.variants[1].sku = product("TAKEN").variants[0].sku.clone();
                let refused = store.catalog().put(&shop(), bad, None).await;
                assert!(matches!(refused, Err(Error::Invalid { field: "sku", .. })));
            } else {
                let item = message("447700900002", &format!("wamid.{number}"), number);
                let inserted = store
                    .inbox()
                    .insert(&shop(), vec![item])
                    .await
                    .expect("insert");
                assert!(inserted[0].new);
            }
        }));
    }
    for task in tasks {
        task.await.expect("task");
    }
    assert_eq!(env.store.inbox().count(&shop(), "open").await, Ok(40));
    let stored = catalog
        .list(&shop(), &Default::default(), None, 100)
        .await
        .expect("list");
    let ids: Vec<_> = stored
        .items
        .iter()
        .map(|item| item.value.id.as_str())
        .collect();
    assert_eq!(ids, ["TAKEN"], "a refused product left rows");
}

pub async fn callers_that_go_away_lose_nothing(env: Env) {
    let shop = shop();
    let mut acknowledged = BTreeSet::new();
    for number in 0..300_u32 {
        // This caller goes away somewhere between its first poll and its answer.
        let patience = Duration::from_micros(rand::rng().random_range(0..4_000));
        let inbox = env.store.inbox();
        let dropped = format!("wamid.dropped.{number}");
        let insert = inbox.insert(&shop, vec![message("447700900003", &dropped, 1)]);
        if let Ok(done) = tokio::time::timeout(patience, insert).await {
            done.expect("insert");
            acknowledged.insert(dropped);
        }
        // The next one stays: what it was told must be true.
        let kept = format!("wamid.kept.{number}");
        let insert = inbox.insert(&shop, vec![message("447700900003", &kept, 2)]);
        insert.await.expect("insert");
        acknowledged.insert(kept);
    }
    // A store of its own sees committed rows only.
    let other = open(&env.url).await;
    for provider_id in &acknowledged {
        let again = other
            .inbox()
            .insert(&shop, vec![message("447700900003", provider_id, 1)])
            .await
            .expect("insert");
        assert!(!again[0].new, "{provider_id} was acknowledged and is gone");
    }
    assert!(acknowledged.len() >= 300);
}

pub async fn rows_open_in_the_order_they_were_sent(env: Env) {
    let items = vec![
        message("447700900004", "c", 30),
        message("447700900004", "a", 10),
        message("447700900004", "b1", 20),
        message("447700900004", "b2", 20),
        message("447700900005", "other", 1),
    ];
    let inserted = env
        .store
        .inbox()
        .insert(&shop(), items)
        .await
        .expect("insert");
    let stream = inserted[0].stream.clone().expect("stream");
    let rows = env.store.inbox().open(&stream).await.expect("open").rows;
    let order: Vec<_> = rows.iter().map(|row| row.provider_id.as_str()).collect();
    assert_eq!(order, ["a", "b1", "b2", "c"]);
    assert_eq!(rows[0].address.expose(), "447700900004");

    let all: Vec<u16> = (0..256).collect();
    let waiting = env.store.inbox().open_partitions(&all).await.expect("open");
    let other = inserted[4].stream.clone().expect("stream");
    assert_eq!(waiting, [stream.clone(), other.clone()]);
    let row = env
        .store
        .conversations()
        .get(&shop(), &other.conversation)
        .await;
    let partition = row.expect("get").expect("row").partition;
    let of_other = env
        .store
        .inbox()
        .open_partitions(&[partition])
        .await
        .expect("open");
    assert!(of_other.contains(&other));
    assert_eq!(env.store.inbox().open_partitions(&[]).await, Ok(vec![]));
    let age = env.store.inbox().oldest_open_age_ms().await.expect("age");
    assert!(age.is_some_and(|age| (0..60_000).contains(&age)));
}

pub async fn statuses_go_to_the_conversation_of_their_message(env: Env) {
    let (stream, inbox_id) = env.receive("447700900006", "wamid.1").await;
    let lease = env.lease("node", &stream).await;
    let reply = outgoing(1);
    let id = reply.message.clone();
    let mut step = append(&stream, &lease);
    step.records = vec![record(1, lease.epoch)];
    step.inbox_done = vec![inbox_id];
    step.outbox = vec![reply];
    env.store
        .conversations()
        .append(step)
        .await
        .expect("append");

    let status = |provider_id: &str, message, ours: &str| NewInbox {
        channel: Channel::Whatsapp,
        provider_id: provider_id.to_owned(),
        address: "".into(),
        kind: InboxKind::Status,
        payload: InboxItem::Status {
            message,
            part: None,
            provider_message_id: ours.to_owned(),
            status: DeliveryStatus::Delivered,
            error: None,
        }
        .to_payload(),
        received_at_ms: 1,
        sent_at_ms: 1,
    };
    let by_our_id = status("s1", Some(id.clone()), "wamid.out");
    let too_early = status("s2", None, "wamid.out");
    let foreign = status("s3", None, "wamid.of-nobody");
    let items = vec![by_our_id, too_early, foreign];
    let inserted = env
        .store
        .inbox()
        .insert(&shop(), items)
        .await
        .expect("insert");
    assert_eq!(inserted[0].stream, Some(stream.clone()));
    assert_eq!((&inserted[1].stream, &inserted[2].stream), (&None, &None));

    // The platform's id is noted after its first report came in: the report is opened.
    let claimed = env
        .store
        .outbox()
        .claim(&[lease], 10, i64::MAX)
        .await
        .expect("claim");
    assert_eq!(claimed.len(), 1);
    let sent = env.store.outbox().sent(&claimed[0], "wamid.out").await;
    assert_eq!(sent, Ok(true));
    let open = env.store.inbox().open(&stream).await.expect("open").rows;
    let ids: Vec<_> = open.iter().map(|row| row.provider_id.as_str()).collect();
    assert_eq!(ids, ["s1", "s2"]);
    assert_eq!(env.store.inbox().count(&shop(), "parked").await, Ok(1));
}

pub async fn what_cannot_be_processed_is_parked_with_its_reason(env: Env) {
    let mut broken = message("447700900007", "broken", 1);
    broken.payload = b"{".to_vec();
    let mut other_kind = message("447700900007", "other-kind", 1);
    other_kind.kind = InboxKind::Command;
    let mut parked = message("447700900007", "parked", 1);
    parked.kind = InboxKind::Parked;
    parked.payload = parked_payload("unknown kind of event", b"\xff\x00");
    let mut command = message("447700900007", "command", 1);
    command.kind = InboxKind::Command;
    let by = ActionBy {
        key_id: "k".to_owned(),
    };
    command.payload = InboxItem::Command(Command::TakeOver { by }).to_payload();
    let items = vec![broken, other_kind, parked, command];
    let inserted = env
        .store
        .inbox()
        .insert(&shop(), items)
        .await
        .expect("insert");
    assert!(inserted.iter().all(|row| row.new));
    assert!(inserted[..3].iter().all(|row| row.stream.is_none()));
    assert!(inserted[3].stream.is_some());
    assert_eq!(env.store.inbox().count(&shop(), "parked").await, Ok(3));
    assert_eq!(env.store.inbox().count(&shop(), "open").await, Ok(1));
}

pub async fn attempts_are_counted_before_processing(env: Env) {
    let (_, first) = env.receive("447700900008", "1").await;
    let (stream, second) = env.receive("447700900008", "2").await;
    let lease = env.lease("node", &stream).await;
    let inbox = env.store.inbox();
    let one = inbox.begin_attempt(&lease, &[first]).await;
    assert_eq!(one, Ok(Some(vec![(first, 1)])));
    let both = inbox.begin_attempt(&lease, &[first, second]).await;
    assert_eq!(both, Ok(Some(vec![(first, 2), (second, 1)])));
    let rows = inbox.open(&stream).await.expect("open").rows;
    assert_eq!(
        rows.iter().map(|row| row.attempts).collect::<Vec<_>>(),
        [2, 1]
    );
}

pub async fn an_attempt_is_taken_back_once(env: Env) {
    let (_, first) = env.receive("447700900010", "1").await;
    let (stream, second) = env.receive("447700900010", "2").await;
    let old = env.lease("node-1", &stream).await;
    let inbox = env.store.inbox();
    let begin = async |lease: &Lease, ids: &[i64]| {
        let begun = inbox.begin_attempt(lease, ids).await;
        begun.expect("begin").is_some()
    };
    let attempts = async || {
        let rows = inbox.open(&stream).await.expect("open").rows;
        rows.iter().map(|row| row.attempts).collect::<Vec<_>>()
    };
    assert!(begin(&old, &[first]).await);
    assert!(begin(&old, &[first, second]).await);
    assert_eq!(attempts().await, [2, 1]);
    let before = [(first, 1), (second, 0)];
    for _ in 0..2 {
        assert_eq!(inbox.take_back_attempt(&old, &before).await, Ok(true));
        assert_eq!(attempts().await, [1, 0]);
    }
    let new = env.lease("node-2", &stream).await;
    assert!(begin(&new, &[second]).await);
    assert_eq!(inbox.take_back_attempt(&old, &before).await, Ok(false));
    assert_eq!(attempts().await, [1, 1], "it is theirs now");
}

pub async fn a_row_that_cannot_be_read_hides_no_other(env: Env) {
    let (_, bad) = env.receive("447700900009", "bad").await;
    let (stream, good) = env.receive("447700900009", "good").await;
    let garble = async |column: &str| {
        let sql = format!("UPDATE inbox SET {column} = 'my words' WHERE id = {bad}");
        env.sql(&sql).await;
    };
    let inbox = env.store.inbox();
    for (column, what) in [("kind", "inbox.kind"), ("channel", "inbox.channel")] {
        garble(column).await;
        let open = inbox.open(&stream).await.expect("open");
        assert_eq!(open.rows.len(), 1);
        assert_eq!(open.rows[0].id, good);
        assert_eq!(open.unreadable.len(), 1);
        assert_eq!(
            (open.unreadable[0].id, open.unreadable[0].what),
            (bad, what)
        );
    }
    // What it is can be told as far as the row still says.
    env.sql(&format!(
        "UPDATE inbox SET kind = 'message' WHERE id = {bad}"
    ))
    .await;
    let unreadable = inbox
        .open(&stream)
        .await
        .expect("open")
        .unreadable
        .remove(0);
    assert_eq!(unreadable.kind, Some(InboxKind::Message));
    assert!(unreadable.channel.is_none());
}

/// SQLite keeps what does not fit its column's type.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_with_a_value_of_another_type_hides_no_other() {
    let env = Env::sqlite().await;
    let (_, bad) = env.receive("447700900009", "bad").await;
    let (stream, good) = env.receive("447700900009", "good").await;
    let sql = format!("UPDATE inbox SET received_at_ms = 'my words' WHERE id = {bad}");
    env.sql(&sql).await;
    let open = env.store.inbox().open(&stream).await.expect("open");
    assert_eq!((open.rows.len(), open.rows[0].id), (1, good));
    let unreadable = &open.unreadable[0];
    assert_eq!(
        (unreadable.id, unreadable.what, unreadable.kind),
        (bad, "inbox column", Some(InboxKind::Message))
    );
    assert_eq!(unreadable.address.expose(), "447700900009");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_names_no_conversation_hides_no_other() {
    let env = Env::sqlite().await;
    let (_, bad) = env.receive("447700900008", "bad").await;
    let (stream, _) = env.receive("447700900009", "good").await;
    let sql = format!("UPDATE inbox SET conversation = 'my words' WHERE id = {bad}");
    env.sql(&sql).await;
    let all: Vec<u16> = (0..mercer_schemas::ids::PARTITIONS).collect();
    let open = env.store.inbox().open_partitions(&all).await;
    assert_eq!(open, Ok(vec![stream]));
}
