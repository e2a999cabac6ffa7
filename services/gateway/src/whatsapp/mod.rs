//! WhatsApp Cloud API: the webhook, and sending.
//!
//! The webhook does four things: verify, parse, store, acknowledge. No conversation, model or
//! platform is touched on the way; the answer depends on the store alone.

mod callback;
mod deliver;
mod parse;
mod render;
mod verify;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mercer_schemas::{Channel, DeliveryStatus, InboundMessage, Personal, ShopId};
use mercer_store::InboxItem;

pub use self::deliver::WhatsAppSender;
pub use self::parse::{Item, parse};
pub use self::render::{TEXT_UNITS_MAX, parts};
pub use self::verify::{Handshake, SIGNATURE_HEADER, SignatureError, sign, signature};
use crate::ingress::{self, Incoming, Taken};
use crate::problem::Problem;
use crate::{Gateway, read_body};

/// Answers Meta's verification handshake.
pub(crate) async fn verify_webhook(
    State(gateway): State<Gateway>,
    Path(shop): Path<String>,
    Query(handshake): Query<Handshake>,
) -> Response {
    let Some(account) = gateway.config.whatsapp_of(&shop) else {
        return Problem::NO_SUCH_SHOP.into_response();
    };
    match handshake.answer(&account.verify_token) {
        Some(challenge) => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            challenge,
        )
            .into_response(),
        None => Problem::new(
            StatusCode::FORBIDDEN,
            "verification_refused",
            "the verification token is not the configured one",
        )
        .into_response(),
    }
}

/// Takes a webhook: verifies the raw bytes, stores all of it in one call, then acknowledges.
pub(crate) async fn receive_webhook(
    State(gateway): State<Gateway>,
    Path(shop): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let _timer = ingress::Timer::start(Channel::Whatsapp);
    let Some(account) = gateway.config.whatsapp_of(&shop) else {
        ingress::count(Channel::Whatsapp, "no_such_shop");
        return Problem::NO_SUCH_SHOP.into_response();
    };
    let shop = account.shop.clone();
    let body = match read_body(&headers, body, gateway.config.body_limit_bytes).await {
        Ok(body) => body,
        Err(problem) => {
            ingress::count(Channel::Whatsapp, problem.code);
            return problem.into_response();
        }
    };
    if let Err(error) = signature(&headers, &body, &account.app_secrets) {
        ingress::count(Channel::Whatsapp, "unauthorised");
        tracing::warn!(shop.id = %shop, error = %error, body_bytes = body.len(), "webhook refused");
        return Problem::new(
            StatusCode::UNAUTHORIZED,
            "signature",
            "the signature is missing or wrong",
        )
        .into_response();
    }
    let phone_number_id = account.phone_number_id.clone();
    // A task of its own: a sender that hangs up must not keep us from storing and waking.
    let taken = tokio::spawn(async move { take(&gateway, &shop, &phone_number_id, body).await });
    match taken.await {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::UNAVAILABLE.into_response(),
    }
}

async fn take(
    gateway: &Gateway,
    shop: &ShopId,
    phone_number_id: &str,
    body: Bytes,
) -> Result<(), Problem> {
    let received_at_ms = ingress::now_ms();
    let items = parse(&body, phone_number_id);
    let batch = items.into_iter().map(|item| incoming(item, received_at_ms));
    gateway
        .take(shop, Channel::Whatsapp, batch.collect(), received_at_ms)
        .await
        .map(|_| ())
}

fn incoming(item: Item, received_at_ms: i64) -> Incoming {
    match item {
        Item::Message(message) => {
            let sent_at_ms = message.sent_at_ms.unwrap_or(received_at_ms);
            Incoming {
                provider_id: message.provider_id.clone(),
                address: message.address,
                sent_at_ms,
                item: Taken::Item(InboxItem::Message(
                    InboundMessage {
                        id: ingress::mint_message_id(received_at_ms),
                        provider_id: message.provider_id,
                        sent_at_ms,
                        cut_from_chars: None,
                        content: message.content,
                    }
                    .cut_to(Channel::Whatsapp),
                )),
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
