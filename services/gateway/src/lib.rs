//! The door to the outside: a folder a channel, each with verify, parse, render and deliver.
//!
//! What comes in is stored and acknowledged, nothing more: no model, actor or bus is on that path.
//! What goes out is one attempt behind [`ChannelSender`]; when to attempt is decided elsewhere.
//!
//! Routes: `GET|POST /webhooks/whatsapp/{shop}`, `GET /chat`, `GET /chat/{shop}`,
//! `POST /chat/{shop}/session`, `POST /chat/{shop}/messages`, `GET /chat/{shop}/events`.
//! Not here: the admin API, rate limits, TLS.

pub mod config;
mod ingress;
pub mod live;
mod problem;
pub mod sender;
pub mod webchat;
pub mod whatsapp;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use mercer_store::{Hints, Store};

pub use self::config::{ConfigError, GatewayConfig, Secret, WebChatConfig, WhatsAppConfig};
pub use self::live::{LiveEvent, LiveFeed, Subscription};
pub use self::problem::Problem;
pub use self::sender::{ChannelSender, Progress, SendOutcome, Senders, Working};

/// Longest time for a body to arrive. Meta sends in one go; a caller that trickles holds a
/// connection and memory.
const BODY_TIMEOUT_MS: u64 = 20_000;

/// What the routes need. A cheap handle.
#[derive(Clone)]
pub struct Gateway {
    /// Where messages are stored.
    pub store: Store,
    /// Channels and limits; see [`GatewayConfig::check`].
    pub config: Arc<GatewayConfig>,
    /// Who is told that a conversation has something to do.
    pub hints: Arc<dyn Hints>,
    /// What chat pages watch.
    pub live: LiveFeed,
}

/// Builds the routes of all channels. Close the [`LiveFeed`] before a graceful shutdown: event
/// streams do not end by themselves.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route(
            "/webhooks/whatsapp/{shop}",
            get(whatsapp::verify_webhook).post(whatsapp::receive_webhook),
        )
        .route("/chat", get(webchat::default_page))
        .route("/chat/{shop}", get(webchat::shop_page))
        .route("/chat/{shop}/session", post(webchat::open_session))
        .route("/chat/{shop}/messages", post(webchat::receive_message))
        .route("/chat/{shop}/events", get(webchat::stream_events))
        .method_not_allowed_fallback(async || Problem::METHOD)
        .with_state(gateway)
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
