//! One gateway on a store of its own, and the requests that tests make.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use mercer_gateway::whatsapp::{SIGNATURE_HEADER, sign};
use mercer_gateway::{Channels, Gateway, GatewayConfig, LiveFeed, Secret, router};
use mercer_schemas::{Channel, ShopId, Stream};
use mercer_store::{Hints, InboxRow, Store, StoreConfig};
use mercer_testing::sqlite_url;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const SECRET: &str = "northwind-app-secret";
pub(crate) const OLD_SECRET: &str = "northwind-old-secret";
pub(crate) const OTHER_SECRET: &str = "harbour-app-secret";

/// Keeps the hints that were given.
#[derive(Default)]
pub(crate) struct Woken(Mutex<Vec<Stream>>);

impl Hints for Woken {
    fn wake(&self, stream: &Stream) {
        self.0.lock().expect("lock").push(stream.clone());
    }
}

impl Woken {
    pub(crate) fn count(&self) -> usize {
        self.0.lock().expect("lock").len()
    }
}

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) live: LiveFeed,
    pub(crate) woken: Arc<Woken>,
    pub(crate) shop: ShopId,
    _dir: TempDir,
}

pub(crate) fn config(graph_base_url: &str) -> GatewayConfig {
    let account = |shop: &str, number: &str, secrets: &[&str]| {
        json!({
            "shop": shop, "phone_number_id": number, "verify_token": format!("{shop}-verify"),
            "app_secrets": secrets, "access_token": format!("{shop}-access"),
            "graph_base_url": graph_base_url, "send_timeout_ms": 1_000
        })
    };
    let config: GatewayConfig = serde_json::from_value(json!({
        "whatsapp": [
            account("northwind", NUMBER, &[SECRET, OLD_SECRET]),
            account("harbour", "222", &[OTHER_SECRET]),
        ],
        "webchat": [{ "shop": "northwind" }, { "shop": "harbour", "enabled": false }],
    }))
    .expect("config");
    config.check().expect("valid config");
    config
}

pub(crate) async fn open_store(dir: &TempDir) -> Store {
    let config = StoreConfig::new(sqlite_url(dir.path()));
    Store::open(&config).await.expect("store")
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let store = open_store(&dir).await;
        Self::on(store, dir).await
    }

    /// Builds one with these channels instead of the configured ones.
    pub(crate) async fn with(channels: &Channels) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let store = open_store(&dir).await;
        Self::build(store, dir, LiveFeed::new(), channels).await
    }

    pub(crate) async fn on(store: Store, dir: TempDir) -> Self {
        let live = LiveFeed::new();
        let channels = Channels::new(&config("http://127.0.0.1:9"), &live).expect("channels");
        Self::build(store, dir, live, &channels).await
    }

    async fn build(store: Store, dir: TempDir, live: LiveFeed, channels: &Channels) -> Self {
        let shop = json!({ "id": "northwind", "name": "Northwind <Outdoor>", "currency": "GBP",
            "locale": "en-GB", "greeting": "Hello!" });
        // A store that cannot be written refuses this, too; some tests want one.
        let _ = store
            .shops()
            .put(serde_json::from_value(shop).expect("shop"))
            .await;
        let woken = Arc::new(Woken::default());
        let gateway = Gateway {
            store: store.clone(),
            hints: woken.clone(),
            live: live.clone(),
        };
        Self {
            router: router(gateway, channels),
            store,
            live,
            woken,
            shop: ShopId::new("northwind").expect("key"),
            _dir: dir,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("answer")
    }

    /// Posts a webhook signed as Meta would.
    pub(crate) async fn webhook(&self, body: impl AsRef<[u8]>) -> StatusCode {
        self.send(signed(body.as_ref())).await.status()
    }

    pub(crate) async fn rows(&self, state: &str) -> u64 {
        self.store
            .inbox()
            .count(&self.shop, state)
            .await
            .expect("count")
    }

    pub(crate) async fn stream_of(&self, channel: Channel, address: &str) -> Option<Stream> {
        let found = self
            .store
            .conversations()
            .get_by_address(&self.shop, channel, address)
            .await;
        found.expect("read").map(|row| row.stream())
    }

    pub(crate) async fn open(&self, channel: Channel, address: &str) -> Vec<InboxRow> {
        let stream = self
            .stream_of(channel, address)
            .await
            .expect("conversation");
        self.store.inbox().open(&stream).await.expect("rows").rows
    }
}

pub(crate) fn webhook_request(body: &[u8]) -> axum::http::request::Builder {
    Request::post("/webhooks/whatsapp/northwind").header(header::CONTENT_LENGTH, body.len())
}

pub(crate) fn signed(body: &[u8]) -> Request<Body> {
    let signature = sign(body, &Secret::new(SECRET));
    webhook_request(body)
        .header(SIGNATURE_HEADER, signature)
        .body(Body::from(body.to_vec()))
        .expect("request")
}

/// Reads an answer and checks that an error is problem+json with its own status in it.
pub(crate) async fn read(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("body");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(kind.expect("type"), "application/problem+json");
        let problem: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(problem["status"], status.as_u16());
        assert!(problem["detail"].is_string() && problem["code"].is_string());
    }
    (status, text)
}

pub(crate) fn payload(name: &str) -> String {
    let path = format!("{}/tests/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("payload")
}
