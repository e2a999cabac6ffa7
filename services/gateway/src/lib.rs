//! The door to the outside: a folder a channel, each with an adapter that verifies, parses, renders
//! and sends.
//!
//! What comes in is stored and acknowledged, nothing more: no model, actor or bus is on that path.
//! What goes out is one attempt of an [`Adapter`]; when to attempt is decided elsewhere.
//!
//! Routes: `GET|POST /webhooks/whatsapp/{shop}`, `GET /chat`, `GET /chat/{shop}`,
//! `POST /chat/{shop}/session`, `POST /chat/{shop}/messages`, `GET /chat/{shop}/events`.
//! Not here: the admin API, rate limits, TLS.

pub mod adapter;
pub mod channels;
pub mod config;
pub mod ingress;
pub mod live;
mod problem;
pub mod sender;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use mercer_store::{Hints, Store};

pub use self::adapter::{Adapter, Limits, Receipt, Verified};
pub use self::channels::Channels;
pub use self::channels::webchat::{self, WebChatConfig};
pub use self::channels::whatsapp::{self, WhatsAppConfig};
pub use self::config::{ConfigError, GatewayConfig, Secret};
pub use self::live::{LiveEvent, LiveFeed, Subscription};
pub use self::problem::Problem;
pub use self::sender::{Progress, SendOutcome, Working};

/// Longest time for a body to arrive. Meta sends in one go; a caller that trickles holds a
/// connection and memory.
const BODY_TIMEOUT_MS: u64 = 20_000;

/// What the routes need. A cheap handle.
#[derive(Clone)]
pub struct Gateway {
    /// Where messages are stored.
    pub store: Store,
    /// Who is told that a conversation has something to do.
    pub hints: Arc<dyn Hints>,
    /// What chat pages watch.
    pub live: LiveFeed,
}

/// Builds the routes of these channels. Close the [`LiveFeed`] before a graceful shutdown: event
/// streams do not end by themselves.
pub fn router(gateway: Gateway, channels: &Channels) -> Router {
    let mut router = Router::new();
    for adapter in channels.adapters() {
        router = router
            .route(&adapter.inbound_path(), inbound(adapter))
            .merge(adapter.routes());
    }
    router
        .method_not_allowed_fallback(async || Problem::METHOD)
        .with_state(gateway)
}

/// The two requests of a platform: its question whether the address is right, and what it brings.
fn inbound(adapter: &Arc<dyn Adapter>) -> MethodRouter<Gateway> {
    let (asked, brought) = (Arc::clone(adapter), Arc::clone(adapter));
    get(move |Path(shop): Path<String>, uri: Uri| async move { greet(asked.as_ref(), &shop, &uri) })
        .post(
            move |State(gateway): State<Gateway>,
                  Path(shop): Path<String>,
                  headers: HeaderMap,
                  body: Body| async move {
                ingress::receive(gateway, brought, &shop, headers, body).await
            },
        )
}

fn greet(adapter: &dyn Adapter, shop: &str, uri: &Uri) -> Response {
    let Some(shop) = adapter.shop(shop) else {
        return Problem::NO_SUCH_SHOP.into_response();
    };
    match adapter.handshake(&shop, uri) {
        Ok(answer) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (kind, answer).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Reads a body as it came, up to a limit.
///
/// # Errors
/// 413 when it is longer or says that it will be, 400 when it breaks off or takes too long.
async fn read_body(headers: &HeaderMap, body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit_bytes as u64) {
        return Err(Problem::TOO_LARGE);
    }
    let read = collect(body, limit_bytes);
    let in_time = tokio::time::timeout(Duration::from_millis(BODY_TIMEOUT_MS), read).await;
    in_time.unwrap_or(Err(Problem::BROKEN_BODY))
}

async fn collect(body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::BROKEN_BODY)?;
        if bytes.len() + chunk.len() > limit_bytes {
            return Err(Problem::TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
