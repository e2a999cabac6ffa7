//! The one way in that all channels share: store a batch, wake the owners, count.

use std::collections::BTreeSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mercer_schemas::{Channel, MessageId, Personal, ShopId, Stream};
use mercer_store::inbox::parked_payload;
use mercer_store::{InboxItem, InboxKind, Inserted, NewInbox};

use crate::Gateway;
use crate::problem::Problem;

/// One thing that came in, on its way to the inbox.
pub(crate) struct Incoming {
    /// Names it at its platform; unique per shop and channel.
    pub(crate) provider_id: String,
    /// Whose conversation it belongs to; empty where that is not known.
    pub(crate) address: Personal<String>,
    /// The platform's time, UTC milliseconds.
    pub(crate) sent_at_ms: i64,
    /// What it is.
    pub(crate) item: Taken,
}

/// Something to process, or something to set aside.
pub(crate) enum Taken {
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
            Taken::Item(item) => (kind_of(&item), item.to_payload()),
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

impl Gateway {
    /// Stores a batch in one call and wakes the owners of its conversations. Returns how many
    /// were new.
    ///
    /// # Errors
    /// 503 when the store did not commit; nothing may be acknowledged then.
    pub(crate) async fn take(
        &self,
        shop: &ShopId,
        channel: Channel,
        batch: Vec<Incoming>,
        received_at_ms: i64,
    ) -> Result<usize, Problem> {
        let mut kinds = Vec::with_capacity(batch.len());
        let mut rows = Vec::with_capacity(batch.len());
        for incoming in batch {
            if let Taken::Parked { reason, .. } = &incoming.item {
                tracing::warn!(shop.id = %shop, channel = channel.as_str(), reason, "input set aside");
            }
            let row = incoming.into_row(channel, received_at_ms);
            kinds.push(row.kind);
            rows.push(row);
        }
        mercer_store::crash_point("webhook_verified");
        let inserted = match self.store.inbox().insert(shop, rows).await {
            Ok(inserted) => inserted,
            Err(error) => {
                tracing::error!(shop.id = %shop, error = %error, "input was not stored");
                count(channel, "unavailable");
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
        for (kind, one) in kinds.iter().zip(&inserted) {
            count(channel, outcome_of(*kind, one));
        }
        Ok(inserted.iter().filter(|one| one.new).count())
    }
}

/// Counts one message or refused request. The outcome is one of a fixed set of words.
pub(crate) fn count(channel: Channel, outcome: &'static str) {
    metrics::counter!(
        "mercer_ingress_messages_total",
        "channel" => channel.as_str(),
        "outcome" => outcome,
    )
    .increment(1);
}

/// Measures a request until it is dropped, whatever way it ends.
pub(crate) struct Timer {
    channel: Channel,
    started: Instant,
}

impl Timer {
    pub(crate) fn start(channel: Channel) -> Self {
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
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |time| {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Makes the id of a message that came in.
pub(crate) fn mint_message_id(at_ms: i64) -> MessageId {
    MessageId::from_parts(at_ms, rand::random())
}
