//! Sending through a Graph API of our own making: every way that an attempt can end.

use std::sync::Mutex;

use async_trait::async_trait;
use mercer_gateway::{Channels, LiveEvent, LiveFeed, Progress, SendOutcome, Working};
use mercer_schemas::{
    Channel, ConversationId, MessageId, OutboundMessage, Personal, ShopId, Stream,
};
use mercer_store::{OutboxRow, OutboxState, Part, PartState};
use mercer_testing::{Graph, free_port};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{NUMBER, config};

fn sent(id: &str) -> (u16, Value) {
    let body = json!({ "messaging_product": "whatsapp", "contacts": [{ "input": "44", "wa_id": "44" }], "messages": [{ "id": id }] });
    (200, body)
}

fn refused(status: u16, code: i64) -> (u16, Value) {
    (
        status,
        json!({ "error": { "message": "words that may name a person", "code": code } }),
    )
}

pub(crate) fn row(channel: Channel, address: &str, text: &str) -> OutboxRow {
    let stream = Stream {
        shop: ShopId::new("northwind").expect("key"),
        conversation: ConversationId::from_parts(1, 1),
    };
    OutboxRow {
        message: MessageId::from_parts(2, 2),
        partition: 0,
        stream,
        channel,
        address: Personal::new(address.to_owned()),
        turn: None,
        content: OutboundMessage {
            text: Personal::new(text.to_owned()),
            cards: Vec::new(),
        },
        order_no: 1,
        state: OutboxState::Sending,
        delivery: None,
        attempt: 1,
        resends: 0,
        claimed_by: None,
        due_at_ms: 0,
        provider_id: None,
        parts: Vec::new(),
        cause: None,
        created_at_ms: 0,
    }
}

async fn attempt(base: &str, row: &OutboxRow) -> SendOutcome {
    let channels = Channels::new(&config(base), &LiveFeed::new()).expect("channels");
    channels.send(row, &Noted::default()).await
}

/// Keeps which parts are out, as the outbox does.
#[derive(Default)]
struct Noted(Mutex<Vec<(Part, String)>>);

#[async_trait]
impl Progress for Noted {
    async fn part_sent(&self, _: &OutboxRow, part: Part, provider_id: &str) {
        let mut noted = self.0.lock().expect("lock");
        noted.push((part, provider_id.to_owned()));
    }
}

impl Noted {
    /// Returns what the outbox would say of the parts at the next attempt.
    fn parts(&self) -> Vec<PartState> {
        let noted = self.0.lock().expect("lock");
        let of = noted.first().map_or(0, |(part, _)| part.of);
        let mut parts = vec![PartState::default(); of as usize];
        for (part, provider_id) in noted.iter() {
            parts[part.number as usize - 1].provider_id = Some(provider_id.clone());
        }
        parts
    }
}

/// A server that reads a request, writes these bytes, and closes the connection or keeps it open.
async fn raw_server(answer: &'static [u8], close: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
            if !close {
                kept.push(socket);
            }
        }
    });
    address
}

#[tokio::test]
async fn a_text_is_sent_in_the_documented_form() {
    let graph = Graph::scripted(vec![sent("wamid.OUT1"), sent("wamid.OUT2")]).await;
    let outcome = attempt(
        &graph.url,
        &row(Channel::Whatsapp, "447700900123", "Hello!"),
    )
    .await;
    assert_eq!(
        outcome,
        SendOutcome::Sent {
            provider_id: "wamid.OUT1".to_owned()
        }
    );
    attempt(&graph.url, &row(Channel::Whatsapp, "GB.1047", "Hello!")).await;
    let asked = graph.asked();
    assert_eq!(asked[0].path, format!("/v23.0/{NUMBER}/messages"));
    assert_eq!(asked[0].authorization, "Bearer northwind-access");
    assert_eq!(
        asked[0].body,
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "447700900123",
            "type": "text", "text": { "preview_url": false, "body": "Hello!" },
            "biz_opaque_callback_data": MessageId::from_parts(2, 2).as_str(),
        })
    );
    assert_eq!(asked[1].body["recipient"], "GB.1047");
    assert!(asked[1].body.get("to").is_none());
}

#[tokio::test]
async fn every_answer_has_one_outcome() {
    let retry = |after_ms, cause: &str| SendOutcome::Retry {
        after_ms,
        cause: cause.to_owned(),
    };
    let rejected = |cause: &str| SendOutcome::Rejected {
        cause: cause.to_owned(),
    };
    let unknown = |cause: &str| SendOutcome::Unknown {
        cause: cause.to_owned(),
    };
    let cases = [
        ((200, json!({})), unknown("http 200 without a message id")),
        ((429, json!({})), retry(7_000, "http 429")),
        (refused(400, 130_429), retry(0, "http 400 code 130429")),
        (refused(400, 131_056), retry(6_000, "http 400 code 131056")),
        (refused(400, 131_047), rejected("http 400 code 131047")),
        (refused(400, 131_026), rejected("http 400 code 131026")),
        (refused(403, 10), rejected("http 403 code 10")),
        (refused(401, 190), retry(60_000, "http 401 code 190")),
        (refused(500, 131_000), retry(0, "http 500 code 131000")),
        ((503, json!({})), retry(0, "http 503")),
        ((504, json!({})), unknown("http 504")),
        ((302, json!({})), rejected("http 302")),
    ];
    for (answer, expected) in cases {
        let graph = Graph::scripted(vec![answer]).await;
        assert_eq!(
            attempt(&graph.url, &row(Channel::Whatsapp, "44", "Hello!")).await,
            expected
        );
        assert_eq!(graph.asked().len(), 1, "one attempt, no redirect followed");
    }
}

#[tokio::test]
async fn a_connection_that_was_not_made_has_sent_nothing() {
    let base = format!("http://127.0.0.1:{}", free_port());
    let outcome = attempt(&base, &row(Channel::Whatsapp, "44", "Hello!")).await;
    assert_eq!(
        outcome,
        SendOutcome::Retry {
            after_ms: 0,
            cause: "no connection".to_owned()
        }
    );
}

#[tokio::test]
async fn after_the_request_silence_and_resets_are_unknown() {
    let cases: [(&'static [u8], bool, &str); 4] = [
        (b"", false, "timeout"),
        (b"", true, "connection lost"),
        (b"HTTP/1.1 20", true, "connection lost"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"messages\":[{\"id\":",
            true,
            "http 200 without a message id",
        ),
    ];
    for (answer, close, cause) in cases {
        let base = raw_server(answer, close).await;
        let outcome = attempt(&base, &row(Channel::Whatsapp, "44", "Hello!")).await;
        assert_eq!(
            outcome,
            SendOutcome::Unknown {
                cause: cause.to_owned()
            }
        );
    }
}

fn of_two_parts() -> OutboxRow {
    let text = format!("{}\n\n{}", "a".repeat(4000), "b".repeat(4000));
    row(Channel::Whatsapp, "44", &text)
}

#[tokio::test]
async fn a_long_message_goes_on_after_the_parts_that_are_out_even_in_another_process() {
    let answers = vec![sent("wamid.P1"), refused(400, 130_429), sent("wamid.P2")];
    let graph = Graph::scripted(answers).await;
    let noted = Noted::default();
    let mut row = of_two_parts();
    for outcome in ["retry", "sent"] {
        let channels = Channels::new(&config(&graph.url), &LiveFeed::new()).expect("channels");
        row.parts = noted.parts();
        let ended = channels.send(&row, &noted).await;
        assert_eq!(ended.as_str(), outcome);
        if let SendOutcome::Sent { provider_id } = ended {
            assert_eq!(provider_id, "wamid.P1");
        }
    }
    let text = |field: &Value| field.as_str().expect("text").to_owned();
    let asked: Vec<(String, String)> = graph
        .asked()
        .iter()
        .map(|asked| {
            let body = text(&asked.body["text"]["body"]);
            (
                body[..1].to_owned(),
                text(&asked.body["biz_opaque_callback_data"]),
            )
        })
        .collect();
    let message = row.message.as_str();
    let (first, second) = (format!("{message}/1of2"), format!("{message}/2of2"));
    assert_eq!(
        asked,
        [
            ("a".to_owned(), first),
            ("b".to_owned(), second.clone()),
            ("b".to_owned(), second)
        ],
        "each part says which it is"
    );
}

#[tokio::test]
async fn parts_of_another_division_are_all_sent() {
    let graph = Graph::scripted(vec![sent("wamid.P1"), sent("wamid.P2")]).await;
    let mut row = of_two_parts();
    let out = PartState {
        provider_id: Some("wamid.OLD".to_owned()),
        delivery: None,
    };
    row.parts = vec![out.clone(), out.clone(), out];
    let outcome = attempt(&graph.url, &row).await;
    assert_eq!(outcome.as_str(), "sent");
    assert_eq!(graph.asked().len(), 2);
}

#[tokio::test]
async fn a_later_part_refused_says_which() {
    let graph = Graph::scripted(vec![sent("wamid.P1"), refused(400, 131_047)]).await;
    let outcome = attempt(&graph.url, &of_two_parts()).await;
    assert_eq!(
        outcome,
        SendOutcome::Rejected {
            cause: "part 2 of 2: http 400 code 131047".to_owned()
        }
    );
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_is_rejected_without_a_call() {
    let graph = Graph::scripted(vec![]).await;
    let mut other = row(Channel::Whatsapp, "44", "Hello!");
    other.stream.shop = ShopId::new("nobody").expect("key");
    assert_eq!(attempt(&graph.url, &other).await.as_str(), "rejected");
    assert_eq!(
        attempt(&graph.url, &row(Channel::Whatsapp, "44", " "))
            .await
            .as_str(),
        "rejected"
    );
    assert_eq!(
        Channels::default()
            .send(&row(Channel::Whatsapp, "44", "x"), &Noted::default())
            .await
            .as_str(),
        "rejected"
    );
    assert!(graph.asked().is_empty());
}

#[tokio::test]
async fn working_marks_the_message_read_and_shows_typing() {
    let graph = Graph::scripted(vec![(200, json!({ "success": true })), refused(400, 100)]).await;
    let channels = Channels::new(&config(&graph.url), &LiveFeed::new()).expect("channels");
    let mut work = Working {
        stream: row(Channel::Whatsapp, "44", "").stream,
        channel: Channel::Whatsapp,
        address: "44".into(),
        provider_message_id: Some("wamid.IN1".to_owned()),
    };
    channels.working(&work).await;
    channels.working(&work).await; // a refusal is no failure
    work.provider_message_id = None;
    channels.working(&work).await;
    let asked = graph.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[0].body,
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN1", "typing_indicator": { "type": "text" } })
    );
}

#[tokio::test]
async fn web_chat_tells_whoever_watches_and_never_fails() {
    let live = LiveFeed::new();
    let channels = Channels::new(&config("http://127.0.0.1:9"), &live).expect("channels");
    let row = row(Channel::Webchat, "00", "Hello!");
    let sent = SendOutcome::Sent {
        provider_id: row.message.as_str().to_owned(),
    };
    let noted = Noted::default();
    assert_eq!(channels.send(&row, &noted).await, sent, "nobody watches");
    let mut watcher = live.subscribe(&row.stream.conversation);
    assert_eq!(channels.send(&row, &noted).await, sent);
    assert!(
        matches!(watcher.next().await, Some(LiveEvent::Message { message, .. }) if message == row.message)
    );
}
