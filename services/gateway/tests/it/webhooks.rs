//! What comes of a webhook that was rightly signed.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::stream;
use mercer_gateway::Secret;
use mercer_gateway::whatsapp::{SIGNATURE_HEADER, sign};
use mercer_schemas::{Channel, Content};
use mercer_store::{InboxItem, InboxRow};
use serde_json::json;
use tower::ServiceExt;

use crate::world::{NUMBER, SECRET, World, open_store, payload, read, signed, webhook_request};

fn describe(row: &InboxRow) -> String {
    match &row.item {
        InboxItem::Message(message) => match &message.content {
            Content::Text { text } => format!("text {}", text.expose()),
            Content::Choice { id, title } => format!("choice {id} {}", title.expose()),
            Content::Unsupported { kind_name, quiet } => {
                format!(
                    "{} {kind_name}",
                    if *quiet { "quiet" } else { "unsupported" }
                )
            }
        },
        InboxItem::Status { status, .. } => format!("status {status:?}"),
        InboxItem::Command(_) => "command".to_owned(),
    }
}

async fn described(world: &World, address: &str) -> Vec<String> {
    let rows = world.open(Channel::Whatsapp, address).await;
    rows.iter().map(describe).collect()
}

#[tokio::test]
async fn a_text_becomes_one_row_with_metas_id_and_time() {
    let world = World::new().await;
    assert_eq!(world.webhook(payload("text")).await, StatusCode::OK);
    let rows = world.open(Channel::Whatsapp, "447700900123").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].provider_id, "wamid.HBgMTEXT0001");
    assert_eq!(rows[0].sent_at_ms, 1_760_000_000_000);
    assert_eq!(
        describe(&rows[0]),
        "text Do you have a kettle under £40? ☕"
    );
    assert_eq!(world.woken.count(), 1);
}

#[tokio::test]
async fn a_text_beyond_the_channels_limit_is_cut_and_says_so() {
    let world = World::new().await;
    let body = payload("text");
    let long = body.replace("Do you have", &"é".repeat(65_536));
    assert_eq!(world.webhook(long).await, StatusCode::OK);
    let rows = world.open(Channel::Whatsapp, "447700900123").await;
    let InboxItem::Message(message) = &rows[0].item else {
        panic!("no message")
    };
    let words = message.content.words().expect("words").expose();
    assert_eq!(
        words.chars().count(),
        Channel::Whatsapp.capabilities().text_chars_max
    );
    let behind = " a kettle under £40? ☕".chars().count();
    assert_eq!(message.cut_from_chars, Some((65_536 + behind) as u32));
}

#[tokio::test]
async fn all_entries_changes_and_messages_of_a_batch_are_taken() {
    let world = World::new().await;
    assert_eq!(world.webhook(payload("batch")).await, StatusCode::OK);
    assert_eq!(
        described(&world, "447700900123").await,
        ["text hello", "text a tent please"]
    );
    assert_eq!(
        described(&world, "GB.10471234567890").await,
        ["choice more Show more"]
    );
    assert_eq!(
        described(&world, "447700900124").await,
        ["unsupported image"]
    );
    assert!(
        world
            .stream_of(Channel::Whatsapp, "447700900125")
            .await
            .is_none()
    );
    // No sender, another number, a field that is not read.
    assert_eq!(
        (world.rows("open").await, world.rows("parked").await),
        (4, 3)
    );
    assert_eq!(world.woken.count(), 3);
}

#[tokio::test]
async fn every_kind_of_message_is_kept_for_an_answer() {
    let world = World::new().await;
    assert_eq!(world.webhook(payload("kinds")).await, StatusCode::OK);
    let expected = [
        "unsupported audio",
        "unsupported video",
        "unsupported document",
        "quiet sticker",
        "unsupported location",
        "unsupported contacts",
        "quiet reaction",
        "unsupported order",
        "quiet system",
        "unsupported unsupported",
        "choice row-2 Tents",
        "choice yes Yes, please",
        "unsupported hologram",
    ];
    assert_eq!(described(&world, "447700900123").await, expected);
}

#[tokio::test]
async fn each_stage_of_a_message_is_reported_once() {
    let world = World::new().await;
    for _ in 0..3 {
        assert_eq!(world.webhook(payload("statuses")).await, StatusCode::OK);
    }
    // We never sent these messages, so the reports wait, set aside: sent, delivered, failed, and
    // one word that is not known.
    assert_eq!(
        (world.rows("open").await, world.rows("parked").await),
        (0, 4)
    );
}

#[tokio::test]
async fn what_is_not_understood_is_acknowledged_and_set_aside_once() {
    let bodies: [&[u8]; 7] = [
        b"{",
        b"",
        b"null",
        b"\xff\xfe\x00",
        b"{\"object\":\"page\"}",
        b"{\"object\":\"whatsapp_business_account\",\"entry\":[]}",
        b"{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":7}]}]}",
    ];
    let world = World::new().await;
    for (index, body) in bodies.iter().enumerate() {
        for _ in 0..2 {
            assert_eq!(world.webhook(body).await, StatusCode::OK);
        }
        assert_eq!(world.rows("parked").await, index as u64 + 1);
    }
    assert_eq!(world.rows("open").await, 0);
    assert_eq!(world.woken.count(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let world = World::new().await;
    let limit = 4 * 1024 * 1024;
    let large = vec![b' '; limit + 1];
    assert_eq!(world.webhook(&large).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.webhook(&large[..limit]).await, StatusCode::OK);
    let signature = sign(&large, &Secret::new(SECRET));
    let chunks = large
        .chunks(65_536)
        .map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c)));
    let chunks: Vec<_> = chunks.collect();
    let request = Request::post("/webhooks/whatsapp/northwind").header(SIGNATURE_HEADER, signature);
    let request = request
        .body(Body::from_stream(stream::iter(chunks)))
        .expect("request");
    let (status, _) = read(world.send(request).await).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.rows("parked").await, 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let world = World::new().await;
    let body = payload("text");
    let signature = sign(body.as_bytes(), &Secret::new(SECRET));
    let half = Bytes::copy_from_slice(&body.as_bytes()[..body.len() / 2]);
    let broken = stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
    let request = webhook_request(body.as_bytes()).header(SIGNATURE_HEADER, signature);
    let request = request.body(Body::from_stream(broken)).expect("request");
    let (status, _) = read(world.send(request).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(world.rows("open").await + world.rows("parked").await, 0);
}

#[tokio::test]
async fn the_same_post_many_times_at_once_is_one_row_a_message() {
    let world = World::new().await;
    let (batch, text, statuses) = (payload("batch"), payload("text"), payload("statuses"));
    let mut posts = Vec::new();
    for _ in 0..5 {
        for body in [&batch, &text, &statuses] {
            posts.push(world.webhook(body));
        }
    }
    for status in futures::future::join_all(posts).await {
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(
        (world.rows("open").await, world.rows("parked").await),
        (5, 7)
    );
}

#[tokio::test]
async fn a_thousand_messages_fit_in_one_post() {
    let world = World::new().await;
    let messages: Vec<_> = (0..1000)
        .map(|n| {
            json!({ "from": "447700900123", "id": format!("wamid.{n}"), "timestamp": (1_760_000_000 + n).to_string(),
                "type": "text", "text": { "body": format!("message {n}") } })
        })
        .collect();
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "field": "messages",
        "value": { "metadata": { "phone_number_id": NUMBER }, "messages": messages } }] }] });
    assert_eq!(world.webhook(body.to_string()).await, StatusCode::OK);
    assert_eq!(world.rows("open").await, 1000);
    assert_eq!(world.woken.count(), 1);
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_undo_what_it_sent() {
    let world = World::new().await;
    let body = payload("text");
    // Polled until it waits for the store, then dropped, as a server does when the peer is gone.
    let mut answer = Box::pin(world.router.clone().oneshot(signed(body.as_bytes())));
    let polled = futures::poll!(answer.as_mut());
    assert!(
        polled.is_pending(),
        "the store answered before it could be left"
    );
    drop(answer);
    // The row is there once the hint was given; nothing else is waited for.
    let woken = async {
        while world.woken.count() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(10), woken).await;
    assert!(in_time.is_ok(), "the conversation was not woken");
    assert_eq!(world.rows("open").await, 1);
}

#[test]
fn nothing_is_acknowledged_while_the_store_cannot_be_written() {
    let dir = tempfile::tempdir().expect("folder");
    // The store's tasks end with the runtime that it was opened in.
    let gone = tokio::runtime::Runtime::new().expect("runtime");
    let store = gone.block_on(open_store(&dir));
    gone.shutdown_background();
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        let world = World::on(store, dir).await;
        for name in ["text", "batch", "statuses"] {
            let response = world.send(signed(payload(name).as_bytes())).await;
            assert_eq!(response.headers().get("retry-after").expect("header"), "1");
            let (status, _) = read(response).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        }
        assert_eq!(world.woken.count(), 0);
    });
}

#[tokio::test]
async fn unknown_shops_and_methods_are_problems_too() {
    let world = World::new().await;
    let body = payload("text");
    let signature = sign(body.as_bytes(), &Secret::new(SECRET));
    let post = |path: &str| {
        Request::post(path)
            .header(SIGNATURE_HEADER, &signature)
            .body(Body::from(body.clone()))
            .expect("request")
    };
    let (status, _) = read(world.send(post("/webhooks/whatsapp/nobody")).await).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // The other shop's route, with this shop's secret.
    let (status, _) = read(world.send(post("/webhooks/whatsapp/harbour")).await).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let put = Request::put("/webhooks/whatsapp/northwind")
        .body(Body::empty())
        .expect("request");
    let (status, _) = read(world.send(put).await).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}
