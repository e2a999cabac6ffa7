//! The one way in that all channels share: verify, parse, store a batch, wake the owners,
//! acknowledge, count. No conversation, model or platform is touched on the way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mercer_schemas::{Channel, MessageId, Personal, ShopId, Stream};
use mercer_store::inbox::parked_payload;
use mercer_store::{InboxItem, InboxKind, Inserted, NewInbox};

use crate::adapter::{Adapter, Receipt, Verified};
use crate::problem::Problem;
use crate::{Gateway, read_body};

/// One thing that came in, on its way to the inbox.
pub struct Incoming {
    /// Names it at its platform; unique per shop and channel.
    pub provider_id: String,
    /// Whose conversation it belongs to; empty where that is not known.
    pub address: Personal<String>,
    /// The platform's time, UTC milliseconds.
    pub sent_at_ms: i64,
    /// What it is.
    pub item: Taken,
}

/// Something to process, or something to set aside.
pub enum Taken {
    /// To process.
    Item(InboxItem),
    /// To set aside.
    Parked {
        /// Why.
        reason: &'static str,
        /// As it came.
        raw: Vec<u8>,
    },
}

impl Incoming {
    fn into_row(self, channel: Channel, received_at_ms: i64) -> NewInbox {
        let (kind, payload) = match self.item {
            Taken::Item(item) => {
                let item = bounded(item, channel);
                (kind_of(&item), item.to_payload())
            }
            Taken::Parked { reason, raw } => (InboxKind::Parked, parked_payload(reason, &raw)),
        };
        NewInbox {
            channel,
            provider_id: self.provider_id,
            address: self.address,
            kind,
            payload,
            received_at_ms,
            sent_at_ms: self.sent_at_ms,
        }
    }
}

/// Cuts a message to what is kept of one on its channel.
fn bounded(item: InboxItem, channel: Channel) -> InboxItem {
    match item {
        InboxItem::Message(message) => InboxItem::Message(message.cut_to(channel)),
        other => other,
    }
}

fn kind_of(item: &InboxItem) -> InboxKind {
    match item {
        InboxItem::Message(_) => InboxKind::Message,
        InboxItem::Status { .. } => InboxKind::Status,
        InboxItem::Command(_) => InboxKind::Command,
    }
}

/// Returns the outcome's word for metrics.
fn outcome_of(kind: InboxKind, inserted: &Inserted) -> &'static str {
    match (kind, inserted.new) {
        (_, false) => "duplicate",
        (InboxKind::Message, true) => "accepted",
        (InboxKind::Status, true) => "status",
        (InboxKind::Command, true) => "command",
        (InboxKind::Parked, true) => "parked",
    }
}

/// Takes a request in: its adapter says who calls and what was sent, and all of it is stored in one
/// call before it is acknowledged.
pub(crate) async fn receive(
    gateway: Gateway,
    adapter: Arc<dyn Adapter>,
    shop: &str,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let channel = adapter.channel();
    let _timer = Timer::start(channel);
    match take_in(gateway, adapter, shop, headers, body).await {
        Ok(response) => response,
        Err(problem) => {
            count(channel, problem.outcome());
            problem.into_response()
        }
    }
}

async fn take_in(
    gateway: Gateway,
    adapter: Arc<dyn Adapter>,
    shop: &str,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let shop = adapter.shop(shop).ok_or(Problem::NO_SUCH_SHOP)?;
    let body = read_body(&headers, body, adapter.limits().body_bytes_max).await?;
    let from = adapter.verify(&shop, &headers, &body)?;
    // A task of its own: a sender that hangs up must not keep us from storing and waking.
    let stored = tokio::spawn(store(gateway, adapter, shop, from, body));
    stored.await.map_err(|_| Problem::UNAVAILABLE)?
}

async fn store(
    gateway: Gateway,
    adapter: Arc<dyn Adapter>,
    shop: ShopId,
    from: Verified,
    body: Bytes,
) -> Result<Response, Problem> {
    let received_at_ms = now_ms();
    let batch = adapter.parse(&shop, &from, &body, received_at_ms)?;
    let provider_ids = batch.iter().map(|one| one.provider_id.clone()).collect();
    let channel = adapter.channel();
    let new = gateway.take(&shop, channel, batch, received_at_ms).await?;
    Ok(adapter.acknowledge(&Receipt { provider_ids, new }))
}

impl Gateway {
    /// Stores a batch in one call and wakes the owners of its conversations. Returns how many
    /// were new.
    ///
    /// # Errors
    /// 503 when the store did not commit; nothing may be acknowledged then.
    async fn take(
        &self,
        shop: &ShopId,
        channel: Channel,
        batch: Vec<Incoming>,
        received_at_ms: i64,
    ) -> Result<usize, Problem> {
        let mut kinds = Vec::with_capacity(batch.len());
        let mut rows = Vec::with_capacity(batch.len());
        let mut writers = BTreeSet::new();
        for incoming in batch {
            if let Taken::Parked { reason, .. } = &incoming.item {
                tracing::warn!(shop.id = %shop, channel = channel.as_str(), reason, "input set aside");
            }
            let row = incoming.into_row(channel, received_at_ms);
            if row.kind == InboxKind::Message {
                writers.insert(row.address.expose().clone());
            }
            kinds.push(row.kind);
            rows.push(row);
        }
        mercer_store::crash_point("webhook_verified");
        let inserted = match self.store.inbox().insert(shop, rows).await {
            Ok(inserted) => inserted,
            Err(error) => {
                tracing::error!(shop.id = %shop, error = %error, "input was not stored");
                return Err(Problem::UNAVAILABLE);
            }
        };
        mercer_store::crash_point("inbox_committed");
        // Duplicates wake too: they may be there because the first hint was lost.
        let streams: BTreeSet<&Stream> =
            inserted.iter().filter_map(|i| i.stream.as_ref()).collect();
        for stream in streams {
            self.hints.wake(stream);
        }
        // A page that watches its first message's conversation begin; other channels have no pages.
        for address in &writers {
            self.live.publish_opened(shop, address);
        }
        for (kind, one) in kinds.iter().zip(&inserted) {
            count(channel, outcome_of(*kind, one));
        }
        Ok(inserted.iter().filter(|one| one.new).count())
    }
}

/// Counts one message or refused request. The outcome is one of a fixed set of words.
fn count(channel: Channel, outcome: &'static str) {
    metrics::counter!(
        "mercer_ingress_messages_total",
        "channel" => channel.as_str(),
        "outcome" => outcome,
    )
    .increment(1);
}

/// Measures a request until it is dropped, whatever way it ends.
struct Timer {
    channel: Channel,
    started: Instant,
}

impl Timer {
    fn start(channel: Channel) -> Self {
        Self {
            channel,
            started: Instant::now(),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        metrics::histogram!("mercer_ingress_seconds", "channel" => self.channel.as_str())
            .record(self.started.elapsed().as_secs_f64());
    }
}

/// Returns the time, UTC milliseconds.
fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |time| {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Makes the id of a message that came in.
pub fn mint_message_id(at_ms: i64) -> MessageId {
    MessageId::from_parts(at_ms, rand::random())
}
