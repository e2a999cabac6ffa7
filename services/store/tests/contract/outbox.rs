//! Messages on their way: in order, never twice by themselves.

use mercer_schemas::{DeliveryStatus, MessageId, Stream};
use mercer_store::{Lease, Outbox, OutboxRow, OutboxState, Part, Resolution, UNKNOWN_WAIT_MS};

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

async fn claim(outbox: &Outbox, leases: &[Lease], at_ms: i64) -> Vec<MessageId> {
    let rows = outbox.claim(leases, 10, at_ms).await.expect("claim");
    assert!(rows.iter().all(|row| row.state == OutboxState::Sending));
    rows.into_iter().map(|row| row.message).collect()
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
    assert!(
        outbox
            .next_due_ms()
            .await
            .expect("due")
            .is_some_and(|due| due <= now_ms())
    );

    let heads = claim(&outbox, &leases, now_ms()).await;
    assert_eq!(heads.len(), 2);
    assert!(heads.contains(&a[0]) && heads.contains(&b[0]));
    assert!(
        claim(&outbox, &leases, now_ms()).await.is_empty(),
        "its head is being sent"
    );
    assert_eq!(outbox.sent(&a[0], "wamid.a0").await, Ok(true));
    assert_eq!(outbox.sent(&a[0], "wamid.a0").await, Ok(false));
    assert_eq!(claim(&outbox, &leases, now_ms()).await, [a[1].clone()]);

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
    assert_eq!(claim(&outbox, &leases, now).await, [ids[0].clone()]);
    assert_eq!(
        outbox.retry(&ids[0], now + 5_000, "rate_limit").await,
        Ok(true)
    );
    assert!(
        claim(&outbox, &leases, now + 4_999).await.is_empty(),
        "the next must not overtake"
    );
    assert_eq!(claim(&outbox, &leases, now + 5_000).await, [ids[0].clone()]);
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!(
        (rows[0].attempt, rows[0].cause.as_deref()),
        (2, Some("rate_limit"))
    );
    assert_eq!(outbox.failed(&ids[0], "rejected").await, Ok(true));
    assert_eq!(outbox.failed(&ids[0], "rejected").await, Ok(false));
    assert_eq!(claim(&outbox, &leases, now + 5_000).await, [ids[1].clone()]);
}

pub async fn unknown_messages_are_not_sent_again_by_themselves(env: Env) {
    let (stream, _) = env.receive("447700900023", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease];
    assert_eq!(claim(&outbox, &leases, now_ms()).await, [ids[0].clone()]);
    assert_eq!(outbox.unknown(&ids[0], "timeout").await, Ok(true));
    assert!(
        claim(&outbox, &leases, now_ms()).await.is_empty(),
        "the next waits for the report"
    );
    assert!(
        outbox
            .unknown_due(now_ms(), 10)
            .await
            .expect("due")
            .is_empty()
    );
    let later = now_ms() + UNKNOWN_WAIT_MS + 1;
    let due = outbox.unknown_due(later, 10).await.expect("due");
    assert_eq!(
        due.iter().map(|row| &row.message).collect::<Vec<_>>(),
        [&ids[0]]
    );
    assert_eq!(
        claim(&outbox, &leases, later).await,
        [ids[1].clone()],
        "the wait is over"
    );

    assert_eq!(
        outbox.resolve_unknown(&ids[0], Resolution::Resend).await,
        Ok(true)
    );
    assert_eq!(claim(&outbox, &leases, now_ms()).await, [ids[0].clone()]);
    let rows = outbox.list_for(&stream).await.expect("list");
    assert_eq!((rows[0].attempt, rows[0].resends), (2, 1));
    assert_eq!(outbox.unknown(&ids[0], "timeout").await, Ok(true));
    let give_up = Resolution::GiveUp {
        cause: "expired".to_owned(),
    };
    assert_eq!(
        outbox.resolve_unknown(&ids[0], give_up.clone()).await,
        Ok(true)
    );
    assert_eq!(outbox.resolve_unknown(&ids[0], give_up).await, Ok(false));
}

pub async fn messages_of_a_dead_owner_become_unknown(env: Env) {
    let (stream, _) = env.receive("447700900024", "1").await;
    let old = env.lease("node-1", &stream).await;
    let ids = queue(&env, &stream, &old, 1, &[1]).await;
    let outbox = env.store.outbox();
    assert_eq!(
        claim(&outbox, std::slice::from_ref(&old), now_ms()).await,
        ids
    );
    let own = outbox.sending_left_over(&[old]).await.expect("left over");
    assert!(own.is_empty(), "its owner is alive");
    let new = env.leases("node-2").await;
    let left = outbox.sending_left_over(&new).await.expect("left over");
    assert_eq!(
        left.iter()
            .map(|row| row.message.clone())
            .collect::<Vec<_>>(),
        ids
    );
    assert_eq!(left[0].state, OutboxState::Unknown);
    assert!(
        outbox
            .sending_left_over(&new)
            .await
            .expect("left over")
            .is_empty()
    );
}

pub async fn reports_form_a_lattice(env: Env) {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    let (stream, _) = env.receive("447700900025", "1").await;
    let lease = env.lease("node", &stream).await;
    let ids = queue(&env, &stream, &lease, 1, &[1, 2]).await;
    let outbox = env.store.outbox();
    let leases = [lease];
    claim(&outbox, &leases, now_ms()).await;
    assert_eq!(outbox.sent(&ids[0], "wamid.out").await, Ok(true));
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
    assert_eq!(claim(&outbox, &leases, now_ms()).await, [ids[1].clone()]);
    outbox.unknown(&ids[1], "timeout").await.expect("unknown");
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
    claim(&outbox, &leases, now_ms()).await;
    outbox
        .part_sent(&ids[0], part(1), "wamid.p1")
        .await
        .expect("noted");
    assert_eq!(outbox.retry(&ids[0], now_ms(), "rate").await, Ok(true));
    // Its report says nothing about the second.
    assert_eq!(report(&ids[0], 1, 2, "wamid.p1", Delivered).await, None);
    let rows = outbox.claim(&leases, 10, now_ms()).await.expect("claim");
    let out: Vec<bool> = rows[0].parts.iter().map(|part| part.is_out()).collect();
    assert_eq!(out, [true, false]);
    // The attempt ends in silence; a report on the first part does not settle that either.
    outbox.unknown(&ids[0], "timeout").await.expect("unknown");
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
    assert_eq!(claim(&outbox, &[new], now_ms()).await, ids);
}
