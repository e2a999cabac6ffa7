//! A shop with a router, a store of its own and a key for every role.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use mercer_admin::{
    Admin, ConversationReplay, HealthSource, PartHealth, PoolSource, PoolState, ReplayError,
    ReplayReport, TimelineEntry,
};
use mercer_schemas::{
    ConversationId, LogBody, Money, Personal, Product, ProductId, Shop, ShopId, Sku, Stream,
    Variant,
};
use mercer_store::{NoHints, Role, Store, StoreConfig};
use mercer_testing::sqlite_url;
use serde_json::Value;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

pub(crate) const ROLES: [Role; 4] = [
    Role::Owner,
    Role::Operator,
    Role::Analyst,
    Role::Integration,
];

/// The server with its store and keys; the database goes with it.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) api: OpenApi,
    pub(crate) store: Store,
    pub(crate) index_ready: Arc<AtomicBool>,
    pub(crate) pool: Arc<Pool>,
    keys: Vec<String>,
    pub(crate) other_shop_key: String,
    _dir: tempfile::TempDir,
}

/// A response, read to its end.
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let config = StoreConfig::new(sqlite_url(dir.path()));
        let store = Store::open(&config).await.expect("store");
        for id in ["highbarn", "elsewhere"] {
            store.shops().put(shop(id)).await.expect("shop");
        }
        let (known, mut keys) = (store.keys(), Vec::new());
        for role in ROLES {
            let made = known.create(Some(shop_id()), "test", role, None);
            keys.push(made.await.expect("key").1);
        }
        let elsewhere = Some(ShopId::new("elsewhere").expect("id"));
        let made = known.create(elsewhere, "test", Role::Owner, None);
        let other_shop_key = made.await.expect("key").1;
        let index_ready = Arc::new(AtomicBool::new(true));
        let pool = Arc::new(Pool(Mutex::new(PoolState::None)));
        let (router, api) = mercer_admin::router(Admin {
            store: store.clone(),
            hints: Arc::new(NoHints),
            replay: Arc::new(Titles(store.clone())),
            health: Arc::new(Index(index_ready.clone())),
            pool: pool.clone(),
        });
        Self {
            router,
            api,
            store,
            index_ready,
            pool,
            keys,
            other_shop_key,
            _dir: dir,
        }
    }

    pub(crate) fn key(&self, role: Role) -> &str {
        let place = ROLES.iter().position(|known| *known == role);
        &self.keys[place.expect("every role has a key")]
    }

    /// Sends a request with a key and headers, and checks that an error is a problem.
    pub(crate) async fn send(
        &self,
        request: &str,
        key: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> TestResponse {
        let (method, path) = request.split_once(' ').expect("METHOD path");
        let mut builder = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            builder = builder.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let request = builder.body(body.into()).expect("request");
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("a response").into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("body");
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let response = TestResponse {
            status: parts.status,
            headers: parts.headers,
            json,
        };
        if response.status.is_client_error() || response.status.is_server_error() {
            assert_eq!(response.header("content-type"), "application/problem+json");
            assert_eq!(response.json["status"], response.status.as_u16());
            for name in ["type", "title", "detail", "errors"] {
                assert!(
                    !response.json[name].is_null(),
                    "{name} in {}",
                    response.json
                );
            }
        }
        response
    }

    /// Sends JSON as the shop's owner.
    pub(crate) async fn json(&self, request: &str, body: Value) -> TestResponse {
        self.json_with(request, &[], body).await
    }

    pub(crate) async fn json_with(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> TestResponse {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        let key = self.key(Role::Owner);
        self.send(request, Some(key), &all, body.to_string()).await
    }

    /// Reads as the shop's owner.
    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        let request = format!("GET {path}");
        let key = self.key(Role::Owner);
        self.send(&request, Some(key), &[], Body::empty()).await
    }
}

pub(crate) fn shop_id() -> ShopId {
    ShopId::new("highbarn").expect("id")
}

fn shop(id: &str) -> Shop {
    Shop {
        id: ShopId::new(id).expect("id"),
        name: "High Barn".to_owned(),
        currency: "GBP".parse().expect("code"),
        locale: "en-GB".to_owned(),
        link_hosts: Vec::new(),
        greeting: String::new(),
        introduction: None,
    }
}

/// A product with one variant, `ID-1`.
pub(crate) fn product(id: &str) -> Product {
    Product {
        id: ProductId::new(id).expect("id"),
        title: "Kettle".to_owned(),
        brand: String::new(),
        category: "Kitchen > Kettles".to_owned(),
        description: String::new(),
        attributes: [("material".to_owned(), "steel".to_owned())].into(),
        visible: true,
        variants: vec![Variant {
            sku: Sku::new(format!("{id}-1")).expect("sku"),
            ean: None,
            options: Default::default(),
            price: Money {
                minor: 4599,
                currency: "GBP".parse().expect("code"),
            },
            list_price: None,
            stock: 12,
        }],
    }
}

pub(crate) fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("json")
}

/// Replays by naming what the log holds.
struct Titles(Store);

#[async_trait]
impl ConversationReplay for Titles {
    async fn replay(
        &self,
        shop: &ShopId,
        conversation: &ConversationId,
    ) -> Result<ReplayReport, ReplayError> {
        let conversations = self.0.conversations();
        if conversations.get(shop, conversation).await?.is_none() {
            return Err(ReplayError::NotFound);
        }
        let stream = Stream {
            shop: shop.clone(),
            conversation: conversation.clone(),
        };
        let log = conversations.log(&stream, 0, 1000).await?;
        let timeline = log.iter().map(|record| {
            let (kind, title) = match &record.body {
                LogBody::Input { input, .. } => ("input", input.type_name()),
                LogBody::Event { event } => ("event", event.type_name()),
            };
            TimelineEntry {
                seq: record.seq,
                at_ms: record.at_ms,
                kind: kind.to_owned(),
                title: title.to_owned(),
                detail: Personal::new(Value::Object(Default::default())),
            }
        });
        Ok(ReplayReport {
            timeline: timeline.collect(),
            verified: true,
            divergence: None,
        })
    }
}

/// A pool that is what a test says.
pub(crate) struct Pool(pub(crate) Mutex<PoolState>);

impl PoolSource for Pool {
    fn state(&self) -> PoolState {
        self.0.lock().expect("no test panicked").clone()
    }
}

/// An index that may be behind.
struct Index(Arc<AtomicBool>);

#[async_trait]
impl HealthSource for Index {
    async fn parts(&self) -> Vec<PartHealth> {
        let ready = self.0.load(Ordering::SeqCst);
        let reason = if ready {
            "0 changes behind"
        } else {
            "4 changes behind"
        };
        vec![PartHealth {
            name: "index".to_owned(),
            ready,
            reason: reason.to_owned(),
        }]
    }
}
