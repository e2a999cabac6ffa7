//! Web chat: a page, its session, its messages in, and its event stream out.
//!
//! A session is a token that the browser keeps; the server keeps nothing of it. The conversation's
//! address is the token's SHA-256, so whoever reads our tables cannot take a chat over.
//!
//! A message that goes out is in the store already, and a page that is away reads it there when it
//! comes back. So delivery is telling whoever is watching, and cannot fail.

mod config;
mod events;
mod messages;
mod page;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use mercer_schemas::{Channel, OutboundMessage, ShopId};
use mercer_store::{OutboxRow, Part};

use self::config::Pages;
pub use self::config::WebChatConfig;
pub(crate) use self::config::check;
pub use self::messages::provider_id;
pub use self::session::{SessionToken, new_token};
use crate::Gateway;
use crate::adapter::{Adapter, Limits, Receipt, Verified};
use crate::config::GatewayConfig;
use crate::ingress::Incoming;
use crate::live::{LiveEvent, LiveFeed};
use crate::problem::Problem;
use crate::sender::{SendOutcome, Working};

/// The chat pages of all shops.
pub struct WebChat {
    pages: Arc<Pages>,
    live: LiveFeed,
}

impl WebChat {
    /// Builds the adapter; what goes out is told to the watchers of this feed.
    pub fn new(config: &GatewayConfig, live: LiveFeed) -> Self {
        Self {
            pages: Arc::new(Pages::of(&config.webchat)),
            live,
        }
    }
}

#[async_trait]
impl Adapter for WebChat {
    fn channel(&self) -> Channel {
        Channel::Webchat
    }

    fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: messages::BODY_BYTES_MAX,
        }
    }

    fn shop(&self, name: &str) -> Option<ShopId> {
        self.pages.find(name).cloned()
    }

    fn inbound_path(&self) -> String {
        "/chat/{shop}/messages".to_owned()
    }

    fn verify(&self, _: &ShopId, headers: &HeaderMap, _: &[u8]) -> Result<Verified, Problem> {
        let address = SessionToken::of_headers(headers)?.address();
        Ok(Verified {
            address: Some(address.into()),
        })
    }

    fn parse(
        &self,
        _: &ShopId,
        from: &Verified,
        body: &[u8],
        received_at_ms: i64,
    ) -> Result<Vec<Incoming>, Problem> {
        messages::parse(from, body, received_at_ms)
    }

    fn acknowledge(&self, receipt: &Receipt) -> Response {
        messages::acknowledge(receipt)
    }

    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage> {
        vec![content.clone()]
    }

    async fn send(&self, row: &OutboxRow, content: &OutboundMessage, _: Part) -> SendOutcome {
        let event = LiveEvent::Message {
            message: row.message.clone(),
            turn: row.turn.clone(),
            content: content.clone(),
        };
        self.live.publish(&row.stream.conversation, event);
        SendOutcome::Sent {
            provider_id: row.message.as_str().to_owned(),
        }
    }

    async fn working(&self, work: &Working) {
        self.live
            .publish(&work.stream.conversation, LiveEvent::Typing);
    }

    fn routes(&self) -> Router<Gateway> {
        Router::new()
            .route("/chat", get(page::default_page))
            .route("/chat/{shop}", get(page::shop_page))
            .route("/chat/{shop}/session", post(session::open_session))
            .route("/chat/{shop}/events", get(events::stream_events))
            .layer(axum::Extension(Arc::clone(&self.pages)))
    }
}
