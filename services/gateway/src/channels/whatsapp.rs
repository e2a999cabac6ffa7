//! WhatsApp Cloud API: the webhook, and sending.

mod callback;
mod config;
mod deliver;
mod parse;
mod render;
mod verify;

use std::collections::HashMap;

use async_trait::async_trait;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri};
use mercer_schemas::{Channel, DeliveryStatus, InboundMessage, OutboundMessage, Personal, ShopId};
use mercer_store::{InboxItem, OutboxRow, Part};

pub(crate) use self::config::check;
pub use self::config::{SEND_TIMEOUT_MS, WhatsAppConfig};
use self::deliver::GraphApi;
pub use self::parse::{Item, parse};
pub use self::render::{TEXT_UNITS_MAX, parts};
pub use self::verify::{Handshake, SIGNATURE_HEADER, SignatureError, sign, signature};
use crate::adapter::{Adapter, Limits, Verified};
use crate::config::GatewayConfig;
use crate::ingress::{self, Incoming, Taken};
use crate::problem::Problem;
use crate::sender::{SendOutcome, Working, rejected};

const WRONG_SIGNATURE: Problem = Problem::new(
    StatusCode::UNAUTHORIZED,
    "signature",
    "the signature is missing or wrong",
);
const WRONG_TOKEN: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "verification_refused",
    "the verification token is not the configured one",
);

/// The numbers of all shops.
pub struct WhatsApp {
    accounts: HashMap<ShopId, WhatsAppConfig>,
    body_bytes_max: usize,
    graph: GraphApi,
}

impl WhatsApp {
    /// Builds the adapter.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: &GatewayConfig) -> Result<Self, reqwest::Error> {
        let accounts = config.whatsapp.iter();
        Ok(Self {
            accounts: accounts.map(|a| (a.shop.clone(), a.clone())).collect(),
            body_bytes_max: config.body_limit_bytes,
            graph: GraphApi::new()?,
        })
    }

    fn account(&self, shop: &ShopId) -> Result<&WhatsAppConfig, Problem> {
        self.accounts.get(shop).ok_or(Problem::NO_SUCH_SHOP)
    }
}

#[async_trait]
impl Adapter for WhatsApp {
    fn channel(&self) -> Channel {
        Channel::Whatsapp
    }

    fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: self.body_bytes_max,
        }
    }

    fn shop(&self, name: &str) -> Option<ShopId> {
        let mut shops = self.accounts.keys();
        shops.find(|shop| shop.as_str() == name).cloned()
    }

    fn handshake(&self, shop: &ShopId, uri: &Uri) -> Result<String, Problem> {
        let asked = Query::<Handshake>::try_from_uri(uri).map_err(|_| WRONG_TOKEN)?;
        let answer = asked.0.answer(&self.account(shop)?.verify_token);
        answer.ok_or(WRONG_TOKEN)
    }

    fn verify(&self, shop: &ShopId, headers: &HeaderMap, body: &[u8]) -> Result<Verified, Problem> {
        match signature(headers, body, &self.account(shop)?.app_secrets) {
            Ok(()) => Ok(Verified::default()),
            Err(error) => {
                tracing::warn!(shop.id = %shop, error = %error, body_bytes = body.len(), "webhook refused");
                Err(WRONG_SIGNATURE)
            }
        }
    }

    fn parse(
        &self,
        shop: &ShopId,
        _: &Verified,
        body: &[u8],
        received_at_ms: i64,
    ) -> Result<Vec<Incoming>, Problem> {
        let items = parse(body, &self.account(shop)?.phone_number_id).into_iter();
        Ok(items.map(|item| incoming(item, received_at_ms)).collect())
    }

    fn render(&self, content: &OutboundMessage) -> Vec<OutboundMessage> {
        let text = |text: String| OutboundMessage {
            text: text.into(),
            cards: Vec::new(),
        };
        parts(content).into_iter().map(text).collect()
    }

    async fn send(&self, row: &OutboxRow, content: &OutboundMessage, part: Part) -> SendOutcome {
        match self.accounts.get(&row.stream.shop) {
            Some(account) => self.graph.send(account, row, content, part).await,
            None => rejected("shop has no WhatsApp number"),
        }
    }

    async fn working(&self, work: &Working) {
        if let Some(account) = self.accounts.get(&work.stream.shop) {
            self.graph.working(account, work).await;
        }
    }
}

fn incoming(item: Item, received_at_ms: i64) -> Incoming {
    match item {
        Item::Message(message) => {
            let sent_at_ms = message.sent_at_ms.unwrap_or(received_at_ms);
            Incoming {
                provider_id: message.provider_id.clone(),
                address: message.address,
                sent_at_ms,
                item: Taken::Item(InboxItem::Message(InboundMessage {
                    id: ingress::mint_message_id(received_at_ms),
                    provider_id: message.provider_id,
                    sent_at_ms,
                    cut_from_chars: None,
                    content: message.content,
                })),
            }
        }
        Item::Status(status) => Incoming {
            // The report's own id: each stage of a message is reported once.
            provider_id: format!("{}:{}", status.provider_message_id, word_of(status.status)),
            address: status.address.unwrap_or_default(),
            sent_at_ms: status.sent_at_ms.unwrap_or(received_at_ms),
            item: Taken::Item(InboxItem::Status {
                message: status.message,
                part: status.part,
                provider_message_id: status.provider_message_id,
                status: status.status,
                error: status.error,
            }),
        },
        Item::Parked(parked) => Incoming {
            provider_id: parked.provider_id,
            address: Personal::default(),
            sent_at_ms: received_at_ms,
            item: Taken::Parked {
                reason: parked.reason,
                raw: parked.raw,
            },
        },
    }
}

fn word_of(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Read => "read",
        DeliveryStatus::Failed => "failed",
    }
}
