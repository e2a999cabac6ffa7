//! Forgetting: what is old and settled goes, in batches, and nothing that is still needed does.

use mercer_schemas::{Channel, DeliveryStatus, Stream};
use mercer_store::retention::{BATCH, DEDUPE_MS, Forgotten, Table};
use mercer_store::{
    Begin, ChangeKind, ConversationFilter, InboxItem, InboxKind, NewInbox, OutboxState, Outcome,
    ProofTry, Snapshot, TargetName, UNKNOWN_WAIT_MS,
};

use crate::support::{Env, append, message, now_ms, outgoing, product, record, shop};

/// The phases that these conversations rest in.
const RESTING: [&str; 1] = ["idle"];

/// Forgets all that is older than a moment and returns how much it was.
async fn forget_all(env: &Env, table: Table, before_ms: i64) -> u64 {
    let mut rows = 0;
    loop {
        let batch = forget(env, table, before_ms).await;
        rows += batch.rows;
        if !batch.more {
            return rows;
        }
    }
}

async fn forget(env: &Env, table: Table, before_ms: i64) -> Forgotten {
    let retention = env.store.retention();
    let forgotten = retention.forget(table, before_ms, &RESTING).await;
    forgotten.expect("forget")
}

/// The distant future: everything is older, as far as age goes.
fn ages() -> i64 {
    now_ms() + 1_000 * DEDUPE_MS
}

fn received(address: &str, provider_id: &str, age_ms: i64) -> NewInbox {
    let mut new = message(address, provider_id, now_ms() - age_ms);
    new.received_at_ms = now_ms() - age_ms;
    new
}

pub async fn what_came_in_stays_as_long_as_it_may_come_again(env: Env) {
    let inbox = env.store.inbox();
    let day_ms = 24 * 3_600_000;
    let items = vec![
        received("447700900060", "ancient", 30 * day_ms),
        received("447700900060", "ancient-open", 30 * day_ms),
        received("447700900060", "in-the-window", 7 * day_ms),
    ];
    let rows = inbox.insert(&shop(), items.clone()).await.expect("insert");
    let stream = rows[0].stream.clone().expect("a conversation");
    let lease = env.lease("node", &stream).await;
    let mut settle = append(&stream, &lease);
    settle.records = vec![record(1, lease.epoch)];
    settle.inbox_done = vec![rows[0].inbox_id, rows[2].inbox_id];
    let done = env.store.conversations().append(settle).await;
    done.expect("append");

    assert_eq!(forget_all(&env, Table::Inbox, ages()).await, 1);
    let again = inbox.insert(&shop(), items).await.expect("insert");
    let new: Vec<bool> = again.iter().map(|row| row.new).collect();
    assert_eq!(
        new,
        [true, false, false],
        "an open row, or one that Meta may post again, was forgotten"
    );
    assert_eq!(inbox.open(&stream).await.expect("open").rows.len(), 2);
}

pub async fn what_came_in_goes_in_batches(env: Env) {
    let count = 2 * usize::try_from(BATCH).expect("size") + 7;
    let items: Vec<NewInbox> = (0..count)
        .map(|number| NewInbox {
            kind: InboxKind::Parked,
            ..received("447700900061", &number.to_string(), 2 * DEDUPE_MS)
        })
        .collect();
    env.store
        .inbox()
        .insert(&shop(), items)
        .await
        .expect("insert");
    let full = Forgotten {
        rows: BATCH,
        more: true,
    };
    let last = Forgotten {
        rows: 7,
        more: false,
    };
    for expected in [full, full, last, Forgotten::default()] {
        assert_eq!(forget(&env, Table::Inbox, ages()).await, expected);
    }
}

pub async fn only_settled_messages_are_forgotten(env: Env) {
    let (stream, _) = env.receive("447700900062", "1").await;
    let lease = env.lease("node", &stream).await;
    let mut step = append(&stream, &lease);
    step.records = vec![record(1, lease.epoch)];
    step.outbox = (1..=4).map(outgoing).collect();
    env.store
        .conversations()
        .append(step)
        .await
        .expect("append");
    let outbox = env.store.outbox();
    let leases = [lease.clone()];
    let next = async || {
        outbox
            .claim(&leases, 1, now_ms())
            .await
            .expect("claim")
            .remove(0)
    };
    outbox.sent(&next().await, "wamid.1").await.expect("sent");
    outbox.failed(&next().await, "no").await.expect("failed");
    outbox.unknown(&next().await, "?").await.expect("unknown");
    let states = async || {
        let rows = outbox.list_for(&stream).await.expect("list");
        rows.iter().map(|row| row.state).collect::<Vec<_>>()
    };
    assert_eq!(forget_all(&env, Table::Outbox, now_ms() - 60_000).await, 0);
    assert_eq!(states().await.len(), 4, "they are young");
    assert_eq!(forget_all(&env, Table::Outbox, ages()).await, 2);
    assert_eq!(
        states().await,
        [OutboxState::Unknown, OutboxState::Pending],
        "what is on its way stays"
    );
    // Nor is a message that is being sent touched.
    let due = outbox
        .unknown_due(&leases, now_ms() + UNKNOWN_WAIT_MS + 1, 1)
        .await
        .expect("due");
    let resend = mercer_store::Resolution::Resend;
    let resolved = outbox.resolve_unknown(&lease, &due[0], resend).await;
    assert_eq!(resolved, Ok(true));
    next().await;
    assert_eq!(forget_all(&env, Table::Outbox, ages()).await, 0);
    // A late report on a message that is gone is no error.
    let read = DeliveryStatus::Read;
    let report = outbox.report(&shop(), None, None, "wamid.1", read).await;
    assert_eq!(report, Ok(None));
}

pub async fn answers_for_repeated_requests_are_forgotten(env: Env) {
    let requests = env.store.idempotency();
    for key in ["a", "b"] {
        for route in ["PUT /a", "PUT /b"] {
            let begun = requests.begin(&shop(), key, route, "h").await;
            assert_eq!(begun, Ok(Begin::Fresh));
        }
    }
    let before = now_ms() - 3_600_000;
    assert_eq!(forget_all(&env, Table::Idempotency, before).await, 0);
    assert_eq!(forget_all(&env, Table::Idempotency, ages()).await, 4);
    let again = requests.begin(&shop(), "a", "PUT /a", "other").await;
    assert_eq!(again, Ok(Begin::Fresh));
}

pub async fn wrong_proofs_are_forgotten(env: Env) {
    for number in 0..3 {
        let given = ProofTry {
            attempt: format!("attempt-{number}"),
            channel: Channel::Webchat,
            address: "visitor".to_owned(),
            details: vec!["a@b.example".to_owned()],
            counted: Vec::new(),
            is_proof: true,
            at_ms: now_ms(),
        };
        let outcome = env.store.proofs().compare(&shop(), given).await;
        assert!(outcome.is_ok());
    }
    let before = now_ms() - 3_600_000;
    assert_eq!(forget_all(&env, Table::WrongProofs, before).await, 0);
    let all = forget_all(&env, Table::WrongProofs, ages()).await;
    assert_eq!(
        all, 6,
        "each counts against an address and an e-mail address"
    );
}

pub async fn changes_that_a_reader_needs_and_the_newest_stay(env: Env) {
    let catalog = env.store.catalog();
    for number in 0..10 {
        let product = product(&format!("P-{number}"));
        catalog.put(&shop(), product, None).await.expect("put");
    }
    let feed = env.store.feed();
    let all = feed.read(0, 100).await.expect("read");
    assert!(all.iter().all(|change| change.kind == ChangeKind::Text));
    let head = feed.head().await.expect("head");
    // Probes of readiness and a reader that is not done.
    env.store.ready().await.expect("ready");
    feed.set_cursor("reader", all[3].seq).await.expect("cursor");
    assert_eq!(
        forget_all(&env, Table::Changes, 0).await,
        0,
        "all are young"
    );
    assert_eq!(feed.forgotten().await, Ok(0));
    assert_eq!(forget_all(&env, Table::Changes, ages()).await, 4);
    assert_eq!(feed.forgotten().await, Ok(all[3].seq));
    let rest = feed.read(all[3].seq, 100).await.expect("read");
    assert_eq!(rest, all[4..]);
    feed.set_cursor("reader", head).await.expect("cursor");
    assert_eq!(forget_all(&env, Table::Changes, ages()).await, 5);
    assert_eq!(feed.head().await, Ok(head), "the head never falls");
    assert_eq!(feed.forgotten().await, Ok(all[8].seq));
    assert_eq!(forget_all(&env, Table::Changes, ages()).await, 0);
}

pub async fn dead_nodes_are_forgotten_and_living_owners_are_not(env: Env) {
    let leases = env.store.leases();
    for node in ["dead", "owner", "living"] {
        leases.register(node, "a").await.expect("register");
    }
    leases.claim_all("owner", false).await.expect("claim");
    assert_eq!(forget_all(&env, Table::Nodes, now_ms()).await, 0);
    let sql = "UPDATE node SET expires_at_ms = expires_at_ms - 7200000 \
               WHERE boot_id IN ('dead', 'owner')";
    env.sql(sql).await;
    assert_eq!(
        forget_all(&env, Table::Nodes, now_ms() - 3_600_000).await,
        1
    );
    assert_eq!(leases.heartbeat("dead").await, Ok(false));
    assert_eq!(leases.heartbeat("owner").await, Ok(true));
    assert_eq!(leases.heartbeat("living").await, Ok(true));
}

/// Makes a conversation with a log, a snapshot and an answer, all of it this old.
async fn lived(env: &Env, address: &str, age_ms: i64, records: u64) -> Stream {
    let item = received(address, address, age_ms);
    let rows = env.store.inbox().insert(&shop(), vec![item]).await;
    let rows = rows.expect("insert");
    let stream = rows[0].stream.clone().expect("a conversation");
    let lease = env.lease("node", &stream).await;
    let mut step = append(&stream, &lease);
    step.records = (1..=records)
        .map(|seq| mercer_schemas::LogRecord {
            at_ms: now_ms() - age_ms,
            ..record(seq, lease.epoch)
        })
        .collect();
    step.inbox_done = vec![rows[0].inbox_id];
    step.outbox = vec![outgoing(1)];
    step.snapshot = Some(Snapshot {
        seq: 1,
        state: b"{}".to_vec(),
        hash: String::new(),
    });
    env.store
        .conversations()
        .append(step)
        .await
        .expect("append");
    let leases = [lease];
    let claimed = env.store.outbox().claim(&leases, 10, now_ms()).await;
    for row in claimed.expect("claim") {
        let sent = env.store.outbox().sent(&row, row.message.as_str()).await;
        assert_eq!(sent, Ok(true));
    }
    stream
}

pub async fn snapshots_of_quiet_conversations_can_go(env: Env) {
    let old = lived(&env, "447700900063", 3 * DEDUPE_MS, 3).await;
    let young = lived(&env, "447700900064", 0, 3).await;
    let before = now_ms() - DEDUPE_MS;
    assert_eq!(forget_all(&env, Table::Snapshots, before).await, 1);
    let conversations = env.store.conversations();
    assert!(conversations.snapshot(&old).await.expect("read").is_none());
    assert!(
        conversations
            .snapshot(&young)
            .await
            .expect("read")
            .is_some()
    );
    assert_eq!(conversations.log(&old, 0, 10).await.expect("log").len(), 3);
}

pub async fn quiet_conversations_go_whole(env: Env) {
    let long = BATCH + 10;
    let old = lived(&env, "447700900065", 3 * DEDUPE_MS, long).await;
    let young = lived(&env, "447700900066", DEDUPE_MS / 2, 3).await;
    let waiting = lived(&env, "447700900067", 3 * DEDUPE_MS, 3).await;
    let running = lived(&env, "447700900068", 3 * DEDUPE_MS, 3).await;
    let item = received("447700900067", "open", 3 * DEDUPE_MS);
    let open = env.store.inbox().insert(&shop(), vec![item]).await;
    open.expect("insert");
    let sql = format!(
        "UPDATE conversation SET phase = 'composing' WHERE id = '{}'",
        running.conversation
    );
    env.sql(&sql).await;

    let conversations = env.store.conversations();
    let first = forget(&env, Table::Conversations, ages()).await;
    assert_eq!(
        first,
        Forgotten {
            rows: 0,
            more: true
        },
        "a long log takes more than a batch"
    );
    let left = conversations.log(&old, 0, 1_000).await.expect("log");
    let seqs: Vec<u64> = left.iter().map(|record| record.seq).collect();
    assert_eq!(
        seqs,
        (1..=10).collect::<Vec<u64>>(),
        "what is left is a whole beginning"
    );
    // The customer writes again in the middle of it.
    let (again, _) = env.receive("447700900065", "new").await;
    assert_ne!(again, old);
    assert_eq!(forget_all(&env, Table::Conversations, ages()).await, 1);

    assert!(
        conversations
            .log(&old, 0, 10)
            .await
            .expect("log")
            .is_empty()
    );
    assert!(conversations.snapshot(&old).await.expect("read").is_none());
    let outbox = env.store.outbox();
    assert!(outbox.list_for(&old).await.expect("list").is_empty());
    let gone = conversations.get(&shop(), &old.conversation).await;
    assert!(gone.expect("read").is_none());
    for stream in [&young, &waiting, &running] {
        let log = conversations.log(stream, 0, 10).await.expect("log");
        assert_eq!(log.len(), 3, "{}", stream.conversation);
        assert_eq!(outbox.list_for(stream).await.expect("list").len(), 1);
    }
    let listed = conversations
        .list(&shop(), &ConversationFilter::default(), None, 10)
        .await;
    assert_eq!(listed.expect("list").items.len(), 4);
}

/// Messages that come in for a conversation while it is forgotten are in the old one, which then
/// stays, or in a new one; none is lost.
pub async fn nobody_who_writes_is_forgotten(env: Env) {
    for round in 0..20 {
        let address = format!("4477009001{round:02}");
        let old = lived(&env, &address, 3 * DEDUPE_MS, 2).await;
        let retention = env.store.retention();
        let forgetting = tokio::spawn(async move {
            retention
                .forget(Table::Conversations, ages(), &RESTING)
                .await
        });
        let status = NewInbox {
            kind: InboxKind::Status,
            payload: InboxItem::Status {
                message: None,
                part: None,
                provider_message_id: "wamid.unheard-of".to_owned(),
                status: DeliveryStatus::Read,
                error: None,
            }
            .to_payload(),
            ..received(&address, &format!("status-{round}"), 0)
        };
        let items = vec![received(&address, &format!("again-{round}"), 0), status];
        let inserted = env.store.inbox().insert(&shop(), items).await;
        let stream = inserted.expect("insert")[0].stream.clone().expect("placed");
        forgetting.await.expect("task").expect("forget");
        let conversations = env.store.conversations();
        let found = conversations
            .get_by_address(&shop(), Channel::Whatsapp, &address)
            .await;
        let found = found.expect("read").expect("a conversation");
        assert_eq!(found.stream(), stream, "round {round}");
        let log = conversations.log(&stream, 0, 10).await.expect("log");
        let expected = if stream == old { 2 } else { 0 };
        assert_eq!(log.len(), expected, "round {round}");
        let open = env.store.inbox().open(&stream).await.expect("open").rows;
        assert_eq!(open.len(), 1, "round {round}");
    }
}

pub async fn notices_go_after_their_last_delivery(env: Env) {
    let old = lived(&env, "447700900069", 3 * DEDUPE_MS, 3).await;
    let lease = env.lease("node", &old).await;
    let mut step = append(&old, &lease);
    step.records = vec![mercer_schemas::LogRecord {
        at_ms: now_ms() - 3 * DEDUPE_MS,
        ..record(4, lease.epoch)
    }];
    let by = mercer_schemas::ActionBy {
        key_id: "k".to_owned(),
    };
    step.notices = vec![mercer_schemas::Notice::TakenOver {
        shop: old.shop.clone(),
        conversation: old.conversation.clone(),
        by,
    }];
    let appended = env.store.conversations().append(step).await;
    appended.expect("append");
    // Neither the notice nor its conversation goes while it is to be told.
    let nothing_goes = async || {
        assert_eq!(forget_all(&env, Table::Notices, ages()).await, 0);
        assert_eq!(forget_all(&env, Table::Conversations, ages()).await, 0);
    };
    nothing_goes().await;
    let notices = env.store.notices();
    let desk = TargetName::of_all(shop(), "desk");
    assert_eq!(notices.address(&[desk]).await, Ok(1));
    nothing_goes().await;
    let claimed = notices.claim(&shop(), "desk", 10, now_ms()).await;
    let claimed = claimed.expect("claim");
    nothing_goes().await;
    let (row, outcome) = (&claimed[0].row, Outcome::default());
    let told = notices.delivered(row, &outcome, now_ms()).await;
    assert_eq!(told, Ok(true));
    assert_eq!(forget_all(&env, Table::Notices, now_ms() - 60_000).await, 0);
    // The delivery, then the notice.
    assert_eq!(forget_all(&env, Table::Notices, ages()).await, 2);
    assert_eq!(forget_all(&env, Table::Conversations, ages()).await, 1);
}
