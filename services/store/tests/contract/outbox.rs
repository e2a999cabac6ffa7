//! Messages on their way: in order, never twice by themselves.

use mercer_schemas::{DeliveryStatus, MessageId, Stream};
use mercer_store::{
    KnownAttempts, Lease, Outbox, OutboxRow, OutboxState, Part, RETRY_WAIT_MAX_MS, Resolution,
    UNKNOWN_WAIT_MS,
};

use crate::support::{Env, append, now_ms, outgoing, record, shop};

/// Queues messages with the given places and returns their ids.
async fn queue(
    env: &Env,
    stream: &Stream,
    lease: &Lease,
    seq: u64,
    places: &[i64],
) -> Vec<MessageId> {
    let mut step = append(stream, lease);
    step.records = vec![record(seq, lease.epoch)];
    step.outbox = places.iter().map(|place| outgoing(*place)).collect();
    let ids = step.outbox.iter().map(|new| new.message.clone()).collect();
    env.store
        .conversations()
        .append(step)
        .await
        .expect("append");
    ids
}

async fn claim(outbox: &Outbox, leases: &[Lease], at_ms: i64) -> Vec<OutboxRow> {
    let rows = outbox.claim(leases, 10, at_ms).await.expect("claim");
    assert!(rows.iter().all(|row| row.state == OutboxState::Sending));
    rows
}

fn names(rows: &[OutboxRow]) -> Vec<MessageId> {
    rows.iter().map(|row| row.message.clone()).collect()
}

/// Claims the only message that is due, which must be this one.
async fn claim_one(
    outbox: &Outbox,
    leases: &[Lease],
    at_ms: i64,
    message: &MessageId,
) -> OutboxRow {
    let mut rows = claim(outbox, leases, at_ms).await;
    assert_eq!(names(&rows), std::slice::from_ref(message));
    rows.remove(0)
}

pub async fn messages_are_claimed_in_order_per_conversation(env: Env) {
    let (first, _) = env.receive("447700900020", "1").await;
    let (second, _) = env.receive("447700900021", "2").await;
    let leases = env.leases("node").await;
    let lease_of = |stream: &Stream| {
        leases[usize::from(mercer_schemas::partition_of(
            &stream.shop,
            &stream.conversation,
        ))]
        .clone()
    };
    let a = queue(&env, &first, &lease_of(&first), 1, &[5, 9]).await;
    let b = queue(&env, &second, &lease_of(&second), 1, &[2]).await;
    let outbox = env.store.outbox();
    let heads = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(heads.len(), 2);
    assert!(names(&heads).contains(&b[0]));
    let head = heads.iter().find(|row| row.message == a[0]).expect("a's");
    assert!(
        claim(&outbox, &leases, now_ms()).await.is_empty(),
        "its head is being sent"
    );
    assert_eq!(outbox.sent(head, "wamid.a0").await, Ok(true));
    assert_eq!(outbox.sent(head, "wamid.a0").await, Ok(false));
    claim_one(&outbox, &leases, now_ms(), &a[1]).await;

    let rows = outbox.list_for(&first).await.expect("list");
    assert_eq!(
        rows.iter().map(|row| row.order_no).collect::<Vec<_>>(),
        [5, 9]
    );
    assert_eq!(rows[0].provider_id.as_deref(), Some("wamid.a0"));
    assert_eq!((rows[0].state, rows[0].attempt), (OutboxState::Sent, 1));
    assert_eq!(rows[1].content.text.expose(), "answer 9");
}

pub async fn retries_wait_and_failures_free_the_next(env: Env) {
    let (stream, _) = env.receive("447700900022", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease];
    let now = now_ms();
    let first = claim_one(&outbox, &leases, now, &ids[0]).await;
    assert_eq!(
        outbox.retry(&first, now + 5_000, "rate_limit").await,
        Ok(true)
    );
    assert!(
        claim(&outbox, &leases, now + 4_999).await.is_empty(),
        "the next must not overtake"
    );
    let first = claim_one(&outbox, &leases, now + 5_000, &ids[0]).await;
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!(
        (rows[0].attempt, rows[0].cause.as_deref()),
        (2, Some("rate_limit"))
    );
    assert_eq!(outbox.failed(&first, "rejected").await, Ok(true));
    assert_eq!(outbox.failed(&first, "rejected").await, Ok(false));
    claim_one(&outbox, &leases, now + 5_000, &ids[1]).await;
}

pub async fn unknown_messages_are_not_sent_again_by_themselves(env: Env) {
    let (stream, _) = env.receive("447700900023", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease.clone()];
    let first = claim_one(&outbox, &leases, now_ms(), &ids[0]).await;
    assert_eq!(outbox.unknown(&first, "timeout").await, Ok(true));
    assert!(claim(&outbox, &leases, now_ms()).await.is_empty());
    let due = outbox.unknown_due(&leases, now_ms(), 10).await;
    assert!(due.expect("due").is_empty(), "the report may still come");
    let later = now_ms() + UNKNOWN_WAIT_MS;
    assert!(
        claim(&outbox, &leases, later).await.is_empty(),
        "the next waits until the first is resolved"
    );
    let due = outbox.unknown_due(&leases, later, 10).await.expect("due");
    assert_eq!(names(&due), [ids[0].clone()]);
    let resend = outbox
        .resolve_unknown(&lease, &due[0], Resolution::Resend)
        .await;
    assert_eq!(resend, Ok(true));
    let again = claim_one(&outbox, &leases, now_ms(), &ids[0]).await;
    assert_eq!((again.attempt, again.resends), (2, 1));
    assert_eq!(outbox.unknown(&again, "timeout").await, Ok(true));
    let give_up = || {
        let cause = "expired".to_owned();
        outbox.resolve_unknown(&lease, &again, Resolution::GiveUp { cause })
    };
    assert_eq!(give_up().await, Ok(true));
    assert_eq!(give_up().await, Ok(false));
    claim_one(&outbox, &leases, now_ms(), &ids[1]).await;
}

/// More than a dispatcher resolves in one round.
const UNKNOWNS: usize = 200;

pub async fn no_message_passes_one_of_many_unknown_ones(env: Env) {
    let mut streams = Vec::new();
    for number in 0..UNKNOWNS {
        let provider_id = number.to_string();
        let (stream, _) = env
            .receive(&format!("4477009{number:05}"), &provider_id)
            .await;
        streams.push(stream);
    }
    let leases = env.leases("node").await;
    let lease_of = |stream: &Stream| {
        let partition = mercer_schemas::partition_of(&stream.shop, &stream.conversation);
        leases[usize::from(partition)].clone()
    };
    let mut queued = Vec::new();
    for stream in &streams {
        queued.push(queue(&env, stream, &lease_of(stream), 1, &[1, 2]).await);
    }
    let outbox = env.store.outbox();
    let heads = outbox.claim(&leases, 1_000, now_ms()).await.expect("claim");
    assert_eq!(heads.len(), UNKNOWNS);
    for head in &heads {
        assert_eq!(outbox.unknown(head, "timeout").await, Ok(true));
    }
    // As a dispatcher does, with a bound on each round.
    let later = now_ms() + UNKNOWN_WAIT_MS + 1;
    let mut sent = Vec::new();
    loop {
        let due = outbox.unknown_due(&leases, later, 64).await.expect("due");
        for row in &due {
            let lease = &leases[usize::from(row.partition)];
            let resend = outbox.resolve_unknown(lease, row, Resolution::Resend).await;
            assert_eq!(resend, Ok(true));
        }
        let claimed = outbox.claim(&leases, 64, later).await.expect("claim");
        if claimed.is_empty() && due.is_empty() {
            break;
        }
        for row in claimed {
            assert_eq!(outbox.sent(&row, row.message.as_str()).await, Ok(true));
            sent.push(row.message);
        }
    }
    assert_eq!(sent.len(), 2 * UNKNOWNS);
    let place = |message: &MessageId| sent.iter().position(|other| other == message);
    for ids in &queued {
        assert!(place(&ids[0]) < place(&ids[1]), "a message was overtaken");
    }
}

pub async fn an_owner_that_was_frozen_undoes_nothing(env: Env) {
    let (stream, row) = env.receive("447700900027", "1").await;
    let old = env.lease("node-1", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let frozen = claim_one(&outbox, std::slice::from_ref(&old), now_ms(), &ids[0]).await;

    let all = env.leases("node-2").await;
    let new = all[usize::from(frozen.partition)].clone();
    outbox
        .sending_left_over(&all, KnownAttempts::default())
        .await
        .expect("left over");
    let later = now_ms() + UNKNOWN_WAIT_MS + 1;
    let theirs = outbox.unknown_due(std::slice::from_ref(&old), later, 10);
    let theirs = theirs.await.expect("due");
    let resend = |lease| outbox.resolve_unknown(lease, &theirs[0], Resolution::Resend);
    assert_eq!(resend(&old).await, Ok(false), "its lease is lost");
    assert_eq!(resend(&new).await, Ok(true));
    let current = claim_one(&outbox, std::slice::from_ref(&new), now_ms(), &ids[0]).await;

    // The first node thaws in the middle of its call.
    assert_eq!(outbox.retry(&frozen, now_ms(), "timeout").await, Ok(false));
    assert_eq!(outbox.failed(&frozen, "rejected").await, Ok(false));
    assert_eq!(outbox.unknown(&frozen, "timeout").await, Ok(false));
    assert_eq!(outbox.sent(&frozen, "wamid.old").await, Ok(false));
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!((rows[0].state, rows[0].attempt), (OutboxState::Sending, 2));
    assert_eq!(outbox.sent(&current, "wamid.new").await, Ok(true));
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!(rows[0].provider_id.as_deref(), Some("wamid.new"));

    // Nor does it count attempts at what the new owner works on.
    let inbox = env.store.inbox();
    assert_eq!(inbox.begin_attempt(&old, &[row]).await, Ok(None));
    let counted = inbox.begin_attempt(&new, &[row]).await;
    assert_eq!(counted, Ok(Some(vec![(row, 1)])));
}

pub async fn what_a_frozen_owner_did_send_counts_until_it_is_sent_again(env: Env) {
    let (stream, _) = env.receive("447700900028", "1").await;
    let old = env.lease("node-1", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let outbox = env.store.outbox();
    let frozen = claim_one(&outbox, &[old], now_ms(), &ids[0]).await;
    let all = env.leases("node-2").await;
    outbox
        .sending_left_over(&all, KnownAttempts::default())
        .await
        .expect("left over");
    assert_eq!(outbox.sent(&frozen, "wamid.old").await, Ok(true));
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!(rows[0].state, OutboxState::Sent);
}

pub async fn a_clock_that_steps_back_holds_no_message(env: Env) {
    let (stream, _) = env.receive("447700900029", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1]).await;
    let outbox = env.store.outbox();
    let leases = [lease.clone()];
    // The clock as it is from now on; what is stored was dated an hour later.
    let stepped = now_ms() - 3_600_000;
    let first = claim_one(&outbox, &leases, stepped, &ids[0]).await;

    let due = now_ms() + 1_000;
    assert_eq!(outbox.retry(&first, due, "busy").await, Ok(true));
    let second = claim_one(&outbox, &leases, stepped, &ids[0]).await;

    assert_eq!(outbox.unknown(&second, "timeout").await, Ok(true));
    let due = outbox.unknown_due(&leases, stepped, 10).await.expect("due");
    assert_eq!(names(&due), ids);

    // A wait that a platform asks for is kept, within reason.
    let resend = outbox
        .resolve_unknown(&lease, &due[0], Resolution::Resend)
        .await;
    assert_eq!(resend, Ok(true));
    let third = claim_one(&outbox, &leases, now_ms(), &ids[0]).await;
    let asked = now_ms() + 10 * RETRY_WAIT_MAX_MS;
    assert_eq!(outbox.retry(&third, asked, "busy").await, Ok(true));
    assert!(claim(&outbox, &leases, now_ms()).await.is_empty());
    let waited = now_ms() + RETRY_WAIT_MAX_MS;
    claim_one(&outbox, &leases, waited, &ids[0]).await;
}

pub async fn messages_of_a_dead_owner_become_unknown(env: Env) {
    let (stream, _) = env.receive("447700900024", "1").await;
    let old = env.lease("node-1", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let outbox = env.store.outbox();
    claim_one(&outbox, std::slice::from_ref(&old), now_ms(), &ids[0]).await;
    let own = outbox
        .sending_left_over(&[old], KnownAttempts::default())
        .await
        .expect("left over");
    assert!(own.is_empty(), "its owner is alive");
    let new = env.leases("node-2").await;
    let left = outbox
        .sending_left_over(&new, KnownAttempts::default())
        .await
        .expect("left over");
    assert_eq!(
        left.iter()
            .map(|row| row.message.clone())
            .collect::<Vec<_>>(),
        ids
    );
    assert_eq!(left[0].state, OutboxState::Unknown);
    assert!(
        outbox
            .sending_left_over(&new, KnownAttempts::default())
            .await
            .expect("left over")
            .is_empty()
    );
}

pub async fn a_claim_that_nobody_heard_of_becomes_unknown(env: Env) {
    let (first, _) = env.receive("447700900040", "1").await;
    let (second, _) = env.receive("447700900041", "2").await;
    let leases = env.leases("node").await;
    for stream in [&first, &second] {
        let partition = mercer_schemas::partition_of(&stream.shop, &stream.conversation);
        queue(&env, stream, &leases[usize::from(partition)], 1, &[1]).await;
    }
    let outbox = env.store.outbox();
    let claimed = claim(&outbox, &leases, now_ms()).await;
    let making = |made: &[(MessageId, u32)]| KnownAttempts {
        made: made.iter().cloned().collect(),
        ..KnownAttempts::default()
    };
    let all: Vec<(MessageId, u32)> = claimed.iter().map(attempt).collect();
    let found = outbox.sending_unattended(&leases, making(&all)).await;
    assert!(found.expect("look").is_empty(), "all are being sent");

    // Of the second an earlier attempt is still on its way: that is not this one.
    let (known, other) = (all[0].clone(), claimed[1].message.clone());
    let known = making(&[known, (other.clone(), 0)]);
    let look = outbox.sending_unattended(&leases, known).await;
    let found = look.expect("look");
    assert_eq!(names(&found), [other]);
    assert_eq!(found[0].state, OutboxState::Unknown);
    assert!(found[0].was_unanswered());
    // Nothing was sent, so it is no second time.
    let partition = usize::from(found[0].partition);
    let resend = outbox.resolve_unknown(&leases[partition], &found[0], Resolution::Resend);
    assert_eq!(resend.await, Ok(true));
    let again = claim(&outbox, &leases, now_ms()).await;
    assert_eq!((again[0].attempt, again[0].resends), (2, 0));

    // An attempt that was begun may have sent it.
    let lost = KnownAttempts {
        made: [all[0].clone()].into(),
        lost: [attempt(&again[0])].into(),
    };
    let found = outbox
        .sending_unattended(&leases, lost)
        .await
        .expect("look");
    assert!(!found[0].was_unanswered());
    let resend = outbox.resolve_unknown(&leases[partition], &found[0], Resolution::Resend);
    assert_eq!(resend.await, Ok(true));
    let again = claim(&outbox, &leases, now_ms()).await;
    assert_eq!((again[0].attempt, again[0].resends), (3, 1));

    // What others claimed is theirs to know.
    let theirs = env.leases("node-2").await;
    let found = outbox
        .sending_unattended(&theirs, KnownAttempts::default())
        .await;
    assert!(found.expect("look").is_empty());
}

fn attempt(row: &OutboxRow) -> (MessageId, u32) {
    (row.message.clone(), row.attempt)
}

pub async fn what_a_node_still_sends_is_no_left_over_of_its_own(env: Env) {
    let (stream, _) = env.receive("447700900044", "1").await;
    let old = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let outbox = env.store.outbox();
    let claimed = claim_one(&outbox, &[old], now_ms(), &ids[0]).await;
    // The lease is lost and comes back under another epoch, while the message is on its way.
    let again = env.leases("node").await;
    let known = KnownAttempts {
        made: [attempt(&claimed)].into(),
        ..KnownAttempts::default()
    };
    let left = outbox.sending_left_over(&again, known.clone()).await;
    assert!(left.expect("look").is_empty());
    let left = outbox.sending_unattended(&again, known).await;
    assert!(left.expect("look").is_empty());
    assert_eq!(outbox.sent(&claimed, "wamid.1").await, Ok(true));
}

pub async fn what_a_node_sent_under_a_lease_before_is_found_when_it_is_lost(env: Env) {
    let (stream, _) = env.receive("447700900045", "1").await;
    let old = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let outbox = env.store.outbox();
    let claimed = claim_one(&outbox, &[old], now_ms(), &ids[0]).await;
    let again = env.leases("node").await;
    let lost = KnownAttempts {
        lost: [attempt(&claimed)].into(),
        ..KnownAttempts::default()
    };
    let found = outbox.sending_unattended(&again, lost).await.expect("look");
    assert_eq!(names(&found), ids);
    assert_eq!(found[0].cause.as_deref(), Some("attempt_lost"));
}

pub async fn a_message_that_cannot_be_read_holds_up_no_other(env: Env) {
    let (first, _) = env.receive("447700900042", "1").await;
    let (second, _) = env.receive("447700900043", "2").await;
    let leases = env.leases("node").await;
    let mut queued = Vec::new();
    for stream in [&first, &second] {
        let partition = mercer_schemas::partition_of(&stream.shop, &stream.conversation);
        let lease = &leases[usize::from(partition)];
        queued.push(queue(&env, stream, lease, 1, &[1, 2, 3]).await);
    }
    let outbox = env.store.outbox();
    let garble = async |message: &MessageId, column: &str| {
        let sql = format!("UPDATE outbox SET {column} = '{{my words' WHERE message = '{message}'");
        env.sql(&sql).await;
    };
    let claimed_of = |rows: &[OutboxRow], stream: &Stream| -> Vec<MessageId> {
        let theirs = rows.iter().filter(|row| row.stream == *stream);
        theirs.map(|row| row.message.clone()).collect()
    };
    garble(&queued[0][0], "channel").await;
    let rows = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(names(&rows), [queued[1][0].clone()], "the other one goes");

    // The next of its conversation may go now. This one cannot be read once it was sent.
    let rows = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(claimed_of(&rows, &first), [queued[0][1].clone()]);
    assert_eq!(outbox.unknown(&rows[0], "timeout").await, Ok(true));
    garble(&queued[0][1], "parts").await;
    let later = now_ms() + UNKNOWN_WAIT_MS + 1;
    let due = outbox.unknown_due(&leases, later, 10).await.expect("due");
    assert!(due.is_empty());
    let third = claim_one(&outbox, &leases, now_ms(), &queued[0][2]).await;
    assert_eq!(outbox.sent(&third, "wamid.3").await, Ok(true));

    // Nor does one keep a node from going on with what the node before it left.
    garble(&queued[1][0], "delivery").await;
    let new = env.leases("node-2").await;
    let left = outbox
        .sending_left_over(&new, KnownAttempts::default())
        .await
        .expect("left over");
    assert!(left.is_empty());
    claim_one(&outbox, &new, now_ms(), &queued[1][1]).await;

    let sql = "UPDATE outbox SET channel = 'whatsapp', parts = NULL, delivery = NULL";
    env.sql(sql).await;
    for (stream, message, cause) in [
        (&first, &queued[0][0], "outbox.channel cannot be read"),
        (&first, &queued[0][1], "outbox.parts cannot be read"),
        (&second, &queued[1][0], "outbox.delivery cannot be read"),
    ] {
        let row = row_of(&outbox, stream, message).await;
        assert_eq!(row.state, OutboxState::Failed);
        assert_eq!(row.cause.as_deref(), Some(cause));
    }
}

/// SQLite keeps what does not fit its column's type.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_a_value_of_another_type_holds_up_no_other() {
    let env = Env::sqlite().await;
    let (first, _) = env.receive("447700900042", "1").await;
    let (second, _) = env.receive("447700900043", "2").await;
    let leases = env.leases("node").await;
    let mut queued = Vec::new();
    for stream in [&first, &second] {
        let partition = mercer_schemas::partition_of(&stream.shop, &stream.conversation);
        let lease = &leases[usize::from(partition)];
        queued.push(queue(&env, stream, lease, 1, &[1, 2]).await);
    }
    let outbox = env.store.outbox();
    let garble = async |message: &MessageId, column: &str| {
        let sql = format!("UPDATE outbox SET {column} = 'my words' WHERE message = '{message}'");
        env.sql(&sql).await;
    };
    garble(&queued[0][0], "created_at_ms").await;
    let rows = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(names(&rows), [queued[1][0].clone()], "the other one goes");
    assert_eq!(outbox.unknown(&rows[0], "timeout").await, Ok(true));

    let rows = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(names(&rows), [queued[0][1].clone()], "the next may go");
    assert_eq!(outbox.unknown(&rows[0], "timeout").await, Ok(true));
    garble(&queued[0][1], "resends").await;
    let later = now_ms() + UNKNOWN_WAIT_MS + 1;
    let due = outbox.unknown_due(&leases, later, 10).await.expect("due");
    assert_eq!(names(&due), [queued[1][0].clone()]);

    env.sql("UPDATE outbox SET created_at_ms = 1, resends = 0")
        .await;
    for message in &queued[0] {
        let row = row_of(&outbox, &first, message).await;
        assert_eq!(row.state, OutboxState::Failed);
        assert_eq!(row.cause.as_deref(), Some("outbox column cannot be read"));
    }
}

pub async fn reports_form_a_lattice(env: Env) {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    let (stream, _) = env.receive("447700900025", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease];
    let first = claim_one(&outbox, &leases, now_ms(), &ids[0]).await;
    assert_eq!(outbox.sent(&first, "wamid.out").await, Ok(true));
    let steps = [
        (Delivered, Delivered, true),
        (Sent, Delivered, false),
        (Read, Read, true),
        (Delivered, Read, false),
        (Failed, Read, false),
    ];
    for (status, known, changed) in steps {
        let report = outbox
            .report(&shop(), None, None, "wamid.out", status)
            .await
            .expect("report");
        let report = report.expect("known");
        assert_eq!(
            (report.status, report.changed),
            (Some(known), changed),
            "{status:?}"
        );
        assert_eq!(
            (report.message, report.stream),
            (ids[0].clone(), stream.clone())
        );
    }
    let nobody = outbox
        .report(&shop(), None, None, "wamid.nobody", Sent)
        .await;
    assert_eq!(nobody, Ok(None));
    let other = mercer_schemas::ShopId::new("other").expect("key");
    assert_eq!(
        outbox
            .report(&other, Some(&ids[0]), None, "wamid.out", Sent)
            .await,
        Ok(None)
    );

    // A report settles a message that nobody knew the fate of, by our own id.
    let second = claim_one(&outbox, &leases, now_ms(), &ids[1]).await;
    outbox.unknown(&second, "timeout").await.expect("unknown");
    let report = outbox
        .report(&shop(), Some(&ids[1]), None, "wamid.late", Delivered)
        .await;
    assert!(report.expect("report").is_some_and(|report| report.changed));
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!(
        (rows[1].state, rows[1].delivery),
        (OutboxState::Sent, Some(Delivered))
    );
    assert_eq!(rows[1].provider_id.as_deref(), Some("wamid.late"));
}

async fn row_of(outbox: &Outbox, stream: &Stream, message: &MessageId) -> OutboxRow {
    let rows = outbox.list_for(stream).await.expect("list");
    let found = rows.into_iter().find(|row| row.message == *message);
    found.expect("row")
}

pub async fn a_message_of_parts_is_settled_when_all_are(env: Env) {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    let (stream, _) = env.receive("447700900027", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease];
    let report = async |message: &MessageId, number, of, provider_id: &str, status| {
        let part = Part::new(number, of);
        let shop = shop();
        let report = outbox.report(&shop, Some(message), part, provider_id, status);
        report.await.expect("report").expect("known").status
    };
    let part = |number| Part::new(number, 2).expect("part");

    // The second part is refused for now: what is out stays out for the next attempt.
    let first = claim_one(&outbox, &leases, now_ms(), &ids[0]).await;
    outbox
        .part_sent(&ids[0], part(1), "wamid.p1")
        .await
        .expect("noted");
    assert_eq!(outbox.retry(&first, now_ms(), "rate").await, Ok(true));
    // Its report says nothing about the second.
    assert_eq!(report(&ids[0], 1, 2, "wamid.p1", Delivered).await, None);
    let rows = outbox.claim(&leases, 10, now_ms()).await.expect("claim");
    let out: Vec<bool> = rows[0].parts.iter().map(|part| part.is_out()).collect();
    assert_eq!(out, [true, false]);
    // The attempt ends in silence; a report on the first part does not settle that either.
    outbox.unknown(&rows[0], "timeout").await.expect("unknown");
    assert_eq!(report(&ids[0], 1, 2, "wamid.p1", Read).await, None);
    assert_eq!(
        row_of(&outbox, &stream, &ids[0]).await.state,
        OutboxState::Unknown
    );
    // One on the second does, and the message got as far as its last part.
    assert_eq!(report(&ids[0], 2, 2, "wamid.p2", Sent).await, Some(Sent));
    let row = row_of(&outbox, &stream, &ids[0]).await;
    assert_eq!((row.state, row.delivery), (OutboxState::Sent, Some(Sent)));
    assert_eq!(row.provider_id.as_deref(), Some("wamid.p1"));
    assert_eq!(report(&ids[0], 2, 2, "wamid.p2", Read).await, Some(Read));
    // Of another division of the message: changes nothing.
    assert_eq!(report(&ids[0], 3, 3, "wamid.p3", Failed).await, Some(Read));

    // A part that will not arrive is a message that will not.
    claim(&outbox, &leases, now_ms()).await;
    assert_eq!(
        report(&ids[1], 2, 2, "wamid.q2", Failed).await,
        Some(Failed)
    );
    let row = row_of(&outbox, &stream, &ids[1]).await;
    assert_eq!(
        (row.state, row.delivery),
        (OutboxState::Failed, Some(Failed))
    );
}

pub async fn a_claim_needs_a_lease(env: Env) {
    let (stream, _) = env.receive("447700900026", "1").await;
    let old = env.lease("node-1", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let new = env.lease("node-2", &stream).await;
    let outbox = env.store.outbox();
    assert!(claim(&outbox, &[old], now_ms()).await.is_empty());
    assert!(claim(&outbox, &[], now_ms()).await.is_empty());
    claim_one(&outbox, &[new], now_ms(), &ids[0]).await;
}
