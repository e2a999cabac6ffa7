//! A channel that only this test knows: an adapter and a line in the registry, and messages come in
//! and go out.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use mercer_gateway::ingress::{Incoming, Taken, mint_message_id};
use mercer_gateway::{
    Adapter, Channels, Limits, Problem, Progress, SendOutcome, Verified, Working,
};
use mercer_schemas::{Channel, Content, InboundMessage, OutboundMessage, ShopId};
use mercer_store::{InboxItem, OutboxRow, Part};

use crate::sending::row;
use crate::world::{World, read};

/// Stored records name a channel that there is; the test borrows one.
const CHANNEL: Channel = Channel::Webchat;
const KEY: &str = "echo-key";

/// `ADDRESS|ID|WORDS` comes in; words go out one by one.
#[derive(Default)]
struct Echo {
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl Adapter for Echo {
    fn channel(&self) -> Channel {
        CHANNEL
    }

    fn limits(&self) -> Limits {
        Limits { body_bytes_max: 64 }
    }

    fn shop(&self, name: &str) -> Option<ShopId> {
        (name == "northwind").then(|| ShopId::new(name).expect("key"))
    }

    fn inbound_path(&self) -> String {
        "/webhooks/echo/{shop}".to_owned()
    }

    fn verify(&self, _: &ShopId, headers: &HeaderMap, _: &[u8]) -> Result<Verified, Problem> {
        match headers.get("x-echo-key") {
            Some(key) if key == KEY => Ok(Verified::default()),
            _ => Err(Problem::new(StatusCode::UNAUTHORIZED, "key", "wrong key")),
        }
    }

    fn parse(
        &self,
        _: &ShopId,
        _: &Verified,
        body: &[u8],
        received_at_ms: i64,
    ) -> Result<Vec<Incoming>, Problem> {
        let text = String::from_utf8_lossy(body);
        let mut parts = text.splitn(3, '|');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (address, provider_id, words) = (next(), next(), next());
        let message = InboundMessage {
            id: mint_message_id(received_at_ms),
            provider_id: provider_id.clone(),
            sent_at_ms: received_at_ms,
            cut_from_chars: None,
            content: Content::Text { text: words.into() },
        };
        Ok(vec![Incoming {
            provider_id,
            address: address.into(),
            sent_at_ms: received_at_ms,
            item: Taken::Item(InboxItem::Message(message)),
        }])
    }

    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage> {
        let words = content.text.expose().split_whitespace();
        let part = |word: &str| OutboundMessage {
            text: word.into(),
            cards: Vec::new(),
        };
        words.map(part).collect()
    }

    async fn send(&self, row: &OutboxRow, content: &OutboundMessage, part: Part) -> SendOutcome {
        let (to, text) = (row.address.expose(), content.text.expose());
        let sent = format!("{to} {text} {}of{}", part.number, part.of);
        self.sent.lock().expect("lock").push(sent);
        SendOutcome::Sent {
            provider_id: format!("echo-{}", part.number),
        }
    }

    async fn working(&self, _: &Working) {}
}

/// Forgets which parts are out.
struct Forgetful;

#[async_trait]
impl Progress for Forgetful {
    async fn part_sent(&self, _: &OutboxRow, _: Part, _: &str) {}
}

fn post(shop: &str, key: &str, body: &str) -> Request<Body> {
    Request::post(format!("/webhooks/echo/{shop}"))
        .header("x-echo-key", key)
        .body(Body::from(body.to_owned()))
        .expect("request")
}

#[tokio::test]
async fn a_channel_is_an_adapter_and_a_line_in_the_registry() {
    let echo = Arc::new(Echo::default());
    let mut channels = Channels::default();
    channels.register(Arc::clone(&echo) as Arc<dyn Adapter>);
    let world = World::with(&channels).await;

    // In: limits, verification and storing are those of every channel.
    let long = "x".repeat(65);
    for (shop, key, body, status) in [
        ("nobody", KEY, "a|1|hi", StatusCode::NOT_FOUND),
        ("northwind", "wrong", "a|1|hi", StatusCode::UNAUTHORIZED),
        (
            "northwind",
            KEY,
            long.as_str(),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("northwind", KEY, "ann|m1|a kettle?", StatusCode::OK),
        ("northwind", KEY, "ann|m1|a kettle?", StatusCode::OK),
    ] {
        assert_eq!(world.send(post(shop, key, body)).await.status(), status);
    }
    let asked = Request::get("/webhooks/echo/northwind");
    let asked = world
        .send(asked.body(Body::empty()).expect("request"))
        .await;
    assert_eq!(read(asked).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let rows = world.open(CHANNEL, "ann").await;
    assert_eq!(rows.len(), 1, "the same message again changes nothing");
    assert!(matches!(&rows[0].item, InboxItem::Message(m)
        if m.content.words().is_some_and(|words| words.expose() == "a kettle?")));
    assert_eq!(world.woken.count(), 2);

    // Out: rendered in parts, each sent once.
    let outcome = channels
        .send(&row(CHANNEL, "ann", "Yes, red"), &Forgetful)
        .await;
    let sent = SendOutcome::Sent {
        provider_id: "echo-1".to_owned(),
    };
    assert_eq!(outcome, sent);
    let sent = echo.sent.lock().expect("lock").clone();
    assert_eq!(sent, ["ann Yes, 1of2", "ann red 2of2"]);
}
