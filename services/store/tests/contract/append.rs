//! The one transaction that moves a conversation on.

use mercer_schemas::{LogBody, LogRecord, ProductId, RecordKey};
use mercer_store::{AppendError, Snapshot};

use crate::support::{Env, append, open, outgoing, product, record, shop};

pub async fn an_append_is_all_or_nothing(env: Env) {
    let (stream, inbox_id) = env.receive("447700900010", "1").await;
    let lease = env.lease("node", &stream).await;
    let conversations = env.store.conversations();
    let queued = outgoing(1);

    let mut step = append(&stream, &lease);
    step.records = vec![record(1, lease.epoch), record(2, lease.epoch)];
    step.inbox_done = vec![inbox_id];
    step.outbox = vec![queued.clone()];
    step.phase = "planning".to_owned();
    step.turns = 1;
    step.handed_over = true;
    conversations.append(step).await.expect("append");
    let row = conversations
        .get(&shop(), &stream.conversation)
        .await
        .expect("get")
        .expect("row");
    assert_eq!(
        (row.phase.as_str(), row.turns, row.handed_over),
        ("planning", 1, true)
    );

    // The same message again: the records that come with it must not stay.
    let mut step = append(&stream, &lease);
    step.records = vec![record(3, lease.epoch)];
    step.outbox = vec![queued];
    step.phase = "lost".to_owned();
    let refused = conversations.append(step).await;
    assert!(matches!(refused, Err(AppendError::Conflict)));
    let log = conversations.log(&stream, 0, 100).await.expect("log");
    assert_eq!(log.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2]);
    let row = conversations
        .get(&shop(), &stream.conversation)
        .await
        .expect("get")
        .expect("row");
    assert_eq!(row.phase, "planning");
    assert_eq!(
        env.store
            .outbox()
            .list_for(&stream)
            .await
            .expect("list")
            .len(),
        1
    );
}

pub async fn a_log_is_read_in_parts_of_bounded_size(env: Env) {
    let (stream, _) = env.receive("447700900019", "1").await;
    let lease = env.lease("node", &stream).await;
    let conversations = env.store.conversations();
    let empty = conversations.log_part(&stream, 0, 10, 100).await;
    assert!(empty.is_ok_and(|part| part.records.is_empty() && part.is_end));
    let mut step = append(&stream, &lease);
    step.records = (1..=9).map(|seq| record(seq, lease.epoch)).collect();
    let size = |record: &LogRecord| serde_json::to_vec(&record.body).expect("json").len() as u64;
    let one = size(&step.records[0]);
    conversations.append(step).await.expect("append");
    for (limit, bytes_max, parts) in [
        (100, 100 * one, vec![9]),
        (100, 4 * one + 1, vec![4, 4, 1]),
        (4, 100 * one, vec![4, 4, 1]),
        // A record alone may be larger than the bound.
        (100, 1, vec![1; 9]),
    ] {
        let (mut read, mut after) = (Vec::new(), 0);
        loop {
            let part = conversations.log_part(&stream, after, limit, bytes_max);
            let part = part.await.expect("part");
            assert!(
                part.records
                    .iter()
                    .zip(after + 1..)
                    .all(|(record, seq)| record.seq == seq)
            );
            after += part.records.len() as u64;
            read.push(part.records.len());
            if part.is_end {
                break;
            }
        }
        assert_eq!(read, parts, "{limit} {bytes_max}");
    }
}

pub async fn a_lost_lease_appends_nothing(env: Env) {
    let (stream, inbox_id) = env.receive("447700900011", "1").await;
    let old = env.lease("node-1", &stream).await;
    let new = env.lease("node-2", &stream).await;
    assert!(new.epoch > old.epoch);
    let conversations = env.store.conversations();
    let mut step = append(&stream, &old);
    step.records = vec![record(1, old.epoch)];
    step.inbox_done = vec![inbox_id];
    let refused = conversations.append(step).await;
    assert!(matches!(refused, Err(AppendError::LostLease)));
    assert!(
        conversations
            .log(&stream, 0, 10)
            .await
            .expect("log")
            .is_empty()
    );
    assert_eq!(
        env.store
            .inbox()
            .open(&stream)
            .await
            .expect("open")
            .rows
            .len(),
        1
    );

    // A lease of another partition is no lease of this conversation.
    let mut foreign = new.clone();
    foreign.partition = (foreign.partition + 1) % 256;
    let refused = conversations.append(append(&stream, &foreign)).await;
    assert!(matches!(refused, Err(AppendError::Store(_))));
}

pub async fn a_position_is_written_once(env: Env) {
    let (stream, _) = env.receive("447700900012", "1").await;
    let lease = env.lease("node", &stream).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let conversations = env.store.conversations();
        let mut step = append(&stream, &lease);
        step.records = vec![record(1, lease.epoch)];
        tasks.push(tokio::spawn(
            async move { conversations.append(step).await },
        ));
    }
    let mut done = 0;
    for task in tasks {
        match task.await.expect("task") {
            Ok(()) => done += 1,
            Err(AppendError::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(
        env.store
            .conversations()
            .log(&stream, 0, 10)
            .await
            .expect("log")
            .len(),
        1
    );
}

pub async fn inbox_rows_are_settled_once(env: Env) {
    let (stream, first) = env.receive("447700900013", "1").await;
    let (_, second) = env.receive("447700900013", "2").await;
    let (_, foreign) = env.receive("447700900014", "3").await;
    let lease = env.lease("node", &stream).await;
    let conversations = env.store.conversations();
    let step = |seq: u64, done: Vec<i64>| {
        let mut step = append(&stream, &lease);
        step.records = vec![record(seq, lease.epoch)];
        step.inbox_done = done;
        step
    };
    conversations
        .append(step(1, vec![first]))
        .await
        .expect("append");
    for done in [vec![first], vec![first, second], vec![foreign]] {
        let refused = conversations.append(step(2, done)).await;
        assert!(matches!(refused, Err(AppendError::Conflict)));
    }
    let mut quarantine = step(2, Vec::new());
    quarantine.inbox_quarantined = vec![(second, "crashed three times".to_owned())];
    conversations.append(quarantine).await.expect("append");
    assert!(
        env.store
            .inbox()
            .open(&stream)
            .await
            .expect("open")
            .rows
            .is_empty()
    );
    assert_eq!(env.store.inbox().count(&shop(), "quarantined").await, Ok(1));
    assert_eq!(env.store.inbox().count(&shop(), "done").await, Ok(1));
    let log = conversations.log(&stream, 0, 10).await.expect("log");
    assert_eq!(log.len(), 2);
}

pub async fn a_moved_version_is_stale(env: Env) {
    let catalog = env.store.catalog();
    let put = catalog
        .put(&shop(), product("HB-1"), None)
        .await
        .expect("put");
    let sku = put.value.variants[0].sku.clone();
    let (stream, _) = env.receive("447700900015", "1").await;
    let lease = env.lease("node", &stream).await;
    let key = RecordKey::Product(put.value.id.clone());
    let variant = RecordKey::Variant(sku.clone());
    let gone = RecordKey::Product(ProductId::new("GONE").expect("key"));
    let step = |seq: u64, expect: Vec<(RecordKey, i64)>| {
        let mut step = append(&stream, &lease);
        step.records = vec![record(seq, lease.epoch)];
        step.expect_versions = expect;
        step
    };
    let conversations = env.store.conversations();
    let expect = vec![(key.clone(), put.version), (variant.clone(), put.version)];
    conversations
        .append(step(1, expect.clone()))
        .await
        .expect("append");

    catalog
        .set_stock(&shop(), &sku, 0, None)
        .await
        .expect("set")
        .expect("variant");
    let expect = [expect, vec![(gone.clone(), 1)]].concat();
    match conversations.append(step(2, expect)).await {
        Err(AppendError::Stale(moved)) => assert_eq!(moved, [key.clone(), variant, gone]),
        other => panic!("{:?}", other.err()),
    }

    // Deleted and made again: the old version never comes back.
    let id = put.value.id.clone();
    assert_eq!(catalog.delete(&shop(), &id, None).await, Ok(true));
    let again = catalog
        .put(&shop(), product("HB-1"), None)
        .await
        .expect("put");
    assert!(again.version > put.version + 1);
    let refused = conversations
        .append(step(2, vec![(key, put.version)]))
        .await;
    assert!(matches!(refused, Err(AppendError::Stale(_))));
    assert_eq!(
        conversations.log(&stream, 0, 10).await.expect("log").len(),
        1
    );
}

/// Nodes take the partitions from each other while all of them append: in the log epochs never
/// fall and positions have no gap.
pub async fn racing_owners_never_interleave(env: Env) {
    let (stream, _) = env.receive("447700900016", "1").await;
    let mut nodes = Vec::new();
    for node in 0..4 {
        let store = open(&env.url).await;
        let stream = stream.clone();
        nodes.push(tokio::spawn(async move {
            let conversations = store.conversations();
            let boot_id = format!("node-{node}");
            let mut appended = 0;
            for _ in 0..6 {
                store
                    .leases()
                    .register(&boot_id, "test")
                    .await
                    .expect("register");
                let leases = store
                    .leases()
                    .claim_all(&boot_id, true)
                    .await
                    .expect("claim");
                let partition = mercer_schemas::partition_of(&stream.shop, &stream.conversation);
                let lease = leases[usize::from(partition)].clone();
                let log = conversations.log(&stream, 0, 1_000).await.expect("log");
                let mut seq = log.last().map_or(0, |last| last.seq);
                // As an actor does: any refusal ends it, nothing is read again and retried.
                for _ in 0..10 {
                    let mut step = append(&stream, &lease);
                    step.records = vec![record(seq + 1, lease.epoch)];
                    match conversations.append(step).await {
                        Ok(()) => seq += 1,
                        Err(AppendError::LostLease | AppendError::Conflict) => break,
                        Err(other) => panic!("{other}"),
                    }
                    appended += 1;
                }
            }
            appended
        }));
    }
    let mut appended = 0;
    for node in nodes {
        appended += node.await.expect("node");
    }
    let log = env
        .store
        .conversations()
        .log(&stream, 0, 1_000)
        .await
        .expect("log");
    assert_eq!(log.len(), appended);
    assert!(appended >= 4, "the nodes got nothing done: {appended}");
    for (index, record) in log.iter().enumerate() {
        assert_eq!(record.seq, index as u64 + 1);
    }
    assert!(log.windows(2).all(|pair| pair[0].epoch <= pair[1].epoch));
}

pub async fn logs_and_snapshots_come_back_as_written(env: Env) {
    let (stream, _) = env.receive("447700900017", "1").await;
    let lease = env.lease("node", &stream).await;
    let conversations = env.store.conversations();
    assert!(
        conversations
            .snapshot(&stream)
            .await
            .expect("snapshot")
            .is_none()
    );
    let written: Vec<_> = (1..=7).map(|seq| record(seq, lease.epoch)).collect();
    let mut step = append(&stream, &lease);
    step.records = written.clone();
    let snapshot = Snapshot {
        seq: 7,
        state: vec![0, 255, 7],
        hash: "ab".to_owned(),
    };
    step.snapshot = Some(snapshot.clone());
    conversations.append(step).await.expect("append");
    let log = conversations.log(&stream, 0, 100).await.expect("log");
    assert!(log == written);
    let bytes = |body: &LogBody| serde_json::to_vec(body).expect("json");
    assert!(
        log.iter()
            .zip(&written)
            .all(|(a, b)| bytes(&a.body) == bytes(&b.body))
    );
    let rest = conversations.log(&stream, 5, 1).await.expect("log");
    assert_eq!(rest.iter().map(|r| r.seq).collect::<Vec<_>>(), [6]);
    assert!(conversations.snapshot(&stream).await.expect("snapshot") == Some(snapshot.clone()));

    let mut step = append(&stream, &lease);
    step.snapshot = Some(Snapshot { seq: 8, ..snapshot });
    conversations.append(step).await.expect("append");
    let newest = conversations
        .snapshot(&stream)
        .await
        .expect("snapshot")
        .expect("one");
    assert_eq!(newest.seq, 8);
    // Another shop's name finds nothing.
    let mut foreign = stream.clone();
    foreign.shop = mercer_schemas::ShopId::new("other").expect("key");
    assert!(
        conversations
            .log(&foreign, 0, 10)
            .await
            .expect("log")
            .is_empty()
    );
    assert!(
        conversations
            .snapshot(&foreign)
            .await
            .expect("snapshot")
            .is_none()
    );
}
