//! What the retailer is told: stored with its cause, in order, never lost.

use mercer_schemas::{ActionBy, Notice, NoticeKind, Stream};
use mercer_store::{Claimed, DeliveryFilter, DeliveryState, Notices, Outcome, TargetName};

use crate::support::{Env, append, now_ms, outgoing, record, shop};

fn desk() -> TargetName {
    TargetName::of_all(shop(), "desk")
}

fn taken_over(stream: &Stream, key_id: &str) -> Notice {
    Notice::TakenOver {
        shop: stream.shop.clone(),
        conversation: stream.conversation.clone(),
        by: ActionBy {
            key_id: key_id.to_owned(),
        },
    }
}

/// Appends one record with notices that tell of the given keys.
async fn tell(env: &Env, stream: &Stream, seq: u64, keys: &[&str]) {
    let lease = env.lease("node", stream).await;
    let mut step = append(stream, &lease);
    step.records = vec![record(seq, lease.epoch)];
    step.notices = keys.iter().map(|key| taken_over(stream, key)).collect();
    let conversations = env.store.conversations();
    conversations.append(step).await.expect("append");
}

async fn claim(notices: &Notices, at_ms: i64) -> Vec<Claimed> {
    notices
        .claim(&shop(), "desk", 10, at_ms)
        .await
        .expect("claim")
}

fn key_of(claimed: &Claimed) -> String {
    match serde_json::from_slice(claimed.payload.expose()) {
        Ok(Notice::TakenOver { by, .. }) => by.key_id,
        _ => panic!("another notice"),
    }
}

pub async fn notices_go_out_in_order_per_conversation(env: Env) {
    let (first, _) = env.receive("447700900030", "1").await;
    let (second, _) = env.receive("447700900031", "2").await;
    tell(&env, &first, 1, &["a", "b"]).await;
    tell(&env, &second, 1, &["c"]).await;
    let notices = env.store.notices();
    assert_eq!(notices.address(&[desk()]).await, Ok(3));
    assert_eq!(notices.address(&[desk()]).await, Ok(0), "addressed once");

    let heads = claim(&notices, now_ms()).await;
    let mut keys: Vec<String> = heads.iter().map(key_of).collect();
    keys.sort();
    assert_eq!(keys, ["a", "c"], "b waits for a");
    assert!(claim(&notices, now_ms()).await.is_empty());
    let a = heads.iter().find(|one| key_of(one) == "a").expect("a");
    let later = now_ms() + 5_000;
    let outcome = Outcome {
        status: Some(500),
        cause: Some("status".to_owned()),
    };
    assert_eq!(notices.retry(&a.row, &outcome, later).await, Ok(true));
    assert!(
        claim(&notices, now_ms()).await.is_empty(),
        "a is not due, and b still waits for it"
    );
    let again = claim(&notices, later).await;
    assert_eq!(again.iter().map(key_of).collect::<Vec<_>>(), ["a"]);
    assert_eq!(
        again[0].row.notice, a.row.notice,
        "a repetition keeps its id"
    );
    assert_eq!(again[0].row.attempt, 2);
    let outcome = Outcome::default();
    let done = notices.delivered(&again[0].row, &outcome, later);
    assert_eq!(done.await, Ok(true));
    let next = claim(&notices, later).await;
    assert_eq!(next.iter().map(key_of).collect::<Vec<_>>(), ["b"]);
}

pub async fn a_notice_that_nobody_wants_is_settled(env: Env) {
    let (stream, _) = env.receive("447700900032", "1").await;
    tell(&env, &stream, 1, &["a"]).await;
    let notices = env.store.notices();
    let mut elsewhere = desk();
    elsewhere.shop = mercer_schemas::ShopId::new("elsewhere").expect("key");
    let mut picky = desk();
    picky.kinds = vec![NoticeKind::HandedOver];
    assert_eq!(notices.address(&[elsewhere, picky]).await, Ok(1));
    assert_eq!(notices.address(&[desk()]).await, Ok(0));
    assert!(claim(&notices, now_ms()).await.is_empty());
}

pub async fn a_frozen_sender_changes_nothing_any_more(env: Env) {
    let (stream, _) = env.receive("447700900033", "1").await;
    tell(&env, &stream, 1, &["a"]).await;
    let notices = env.store.notices();
    notices.address(&[desk()]).await.expect("addressed");
    let frozen = claim(&notices, now_ms()).await.remove(0);
    let after_claim = frozen.row.due_at_ms;
    let second = claim(&notices, after_claim).await.remove(0);
    assert_eq!(second.row.attempt, 2);
    let outcome = Outcome::default();
    let late = notices.dead(&frozen.row, &outcome, after_claim);
    assert_eq!(late.await, Ok(false));
    let done = notices.delivered(&second.row, &outcome, after_claim);
    assert_eq!(done.await, Ok(true));
}

pub async fn what_was_given_up_is_listed_and_can_be_sent_again(env: Env) {
    let (stream, _) = env.receive("447700900034", "1").await;
    tell(&env, &stream, 1, &["a"]).await;
    let notices = env.store.notices();
    notices.address(&[desk()]).await.expect("addressed");
    let tried = claim(&notices, now_ms()).await.remove(0);
    let id = tried.row.id.clone();
    assert_eq!(
        notices.resend(&shop(), &id, now_ms()).await,
        Ok(false),
        "it is being sent"
    );
    let outcome = Outcome {
        status: None,
        cause: Some("timeout".to_owned()),
    };
    assert_eq!(notices.dead(&tried.row, &outcome, now_ms()).await, Ok(true));
    let dead = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..DeliveryFilter::default()
    };
    let page = notices.list(&shop(), &dead, None, 10).await.expect("list");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].outcome, outcome);
    let elsewhere = mercer_schemas::ShopId::new("elsewhere").expect("key");
    let other = notices.list(&elsewhere, &dead, None, 10).await;
    assert!(other.expect("list").items.is_empty());
    assert_eq!(notices.resend(&elsewhere, &id, now_ms()).await, Ok(false));
    assert_eq!(notices.resend(&shop(), &id, now_ms()).await, Ok(true));
    let again = claim(&notices, now_ms()).await.remove(0);
    assert_eq!((again.row.attempt, again.row.attempt_base), (2, 1));
}

pub async fn a_message_that_fails_is_told_with_its_cause(env: Env) {
    let (stream, _) = env.receive("447700900035", "1").await;
    let leases = env.leases("node").await;
    let lease = env.lease("node", &stream).await;
    let mut step = append(&stream, &lease);
    step.records = vec![record(1, lease.epoch)];
    step.outbox = vec![outgoing(1)];
    let message = step.outbox[0].message.clone();
    let conversations = env.store.conversations();
    conversations.append(step).await.expect("append");
    drop(leases);
    let leases = env.leases("node").await;
    let outbox = env.store.outbox();
    let claimed = outbox.claim(&leases, 10, now_ms()).await.expect("claim");
    assert_eq!(outbox.failed(&claimed[0], "rejected").await, Ok(true));
    let notices = env.store.notices();
    assert_eq!(notices.address(&[desk()]).await, Ok(1));
    let told = claim(&notices, now_ms()).await.remove(0);
    let notice: Notice = serde_json::from_slice(told.payload.expose()).expect("a notice");
    assert!(
        matches!(notice, Notice::DeliveryFailed { message: of, cause, .. } if of == message && cause == "rejected")
    );
}
