//! Delivery: takes messages from the outbox and hands them to their channel, in order within a
//! conversation, and records how each attempt ended.
//!
//! An attempt whose end is unknown is not repeated at once: a status report from the platform may
//! settle it. After the wait an answer is sent once more, because a second copy of an answer harms
//! less than none; this is the policy for every message kind that exists so far. A message that is
//! claimed and that nobody sends, because the claim's answer got lost, waits in the same way, and is
//! then sent for the first time.

mod in_flight;

use std::sync::Arc;
use std::time::Duration;

use mercer_gateway::sender::{Progress, SendOutcome};
use mercer_schemas::BackOff;
use mercer_store::{OutboxRow, Part, Resolution};
use tokio::sync::Semaphore;

use crate::clock::{Clock, SystemClock};
use crate::context::Context;
use crate::timer::within;

pub(crate) use self::in_flight::InFlight;

/// Looks without a hint come this often.
const LOOK: Duration = Duration::from_millis(500);
/// Messages that are claimed and not sent are looked for this often: seldom enough to cost nothing,
/// and often enough beside the wait of those that it finds.
const UNATTENDED_EVERY: Duration = Duration::from_secs(5);
/// Messages claimed at once.
const CLAIM_MAX: u64 = 64;
/// Messages on their way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Attempts before a message counts as failed: with the waits between (half a minute to a minute
/// each, after the first few) about eight minutes, after which a chat reply has lost its use.
const ATTEMPTS_MAX: u32 = 15;
/// A message is sent again after an unknown outcome at most this often.
const RESENDS_MAX: u32 = 1;

/// Delivers until cancelled.
pub(crate) async fn dispatch(context: Context) {
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let outbox = context.services.store.outbox();
    let mut looked = context.timer.now();
    loop {
        resolve_unknown(&context).await;
        // Between two claims: what has been claimed is in flight, or nobody's.
        if context.timer.now() - looked >= UNATTENDED_EVERY {
            looked = context.timer.now();
            mark_unattended(&context).await;
        }
        // The wall clock, not the decisions' clock: due times are about the network.
        match outbox
            .claim(&context.owned(), CLAIM_MAX, SystemClock.now_ms())
            .await
        {
            Ok(rows) if rows.is_empty() => {
                within(&*context.timer, LOOK, context.outbox_ready.notified()).await;
            }
            Ok(rows) => {
                // All of them before the first waits for its place.
                let taken: Vec<_> = rows
                    .into_iter()
                    .map(|row| (context.in_flight.begin(&row), row))
                    .collect();
                for (in_flight, row) in taken {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                        return;
                    };
                    let context = Arc::clone(&context);
                    tokio::spawn(async move {
                        if deliver(&context, &row).await {
                            in_flight.recorded();
                        }
                        drop(place);
                        // The next message of the conversation may go now.
                        context.outbox_ready.notify_one();
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "outbox could not be read");
                context.timer.sleep(LOOK).await;
            }
        }
    }
}

/// Sends a message and records how that ended; false where that cannot be recorded.
async fn deliver(context: &Context, row: &OutboxRow) -> bool {
    mercer_store::crash_point("outbox_claimed");
    let outcome = send(context, row).await;
    mercer_store::crash_point("sent_not_recorded");
    // A message whose outcome is not recorded is unknown, and may be sent twice.
    while let Err(error) = record(context, row, &outcome).await {
        if error.is_final() {
            unrecorded(row, &error);
            return false;
        }
        tracing::error!(message.id = %row.message, %error, "outcome of sending could not be recorded; trying again");
        context.timer.sleep(LOOK).await;
    }
    mercer_store::crash_point("sent_recorded");
    true
}

/// Tells of what the database will never take: trying again would hold a place for ever.
fn unrecorded(row: &OutboxRow, error: &mercer_store::Error) {
    metrics::counter!("mercer_outbox_unrecorded_total").increment(1);
    tracing::error!(message.id = %row.message, %error, "outcome of sending cannot be recorded; it counts as unknown");
}

/// Sends in a task of its own: a sender that panics may have sent, and its message must not stay
/// on its way for ever.
async fn send(context: &Context, row: &OutboxRow) -> SendOutcome {
    let (noted, row) = (Noted(Arc::clone(context)), row.clone());
    let sent = tokio::spawn(async move { noted.0.services.channels.send(&row, &noted).await });
    sent.await.unwrap_or_else(|_| SendOutcome::Unknown {
        cause: "sender panicked".to_owned(),
    })
}

/// Notes in the outbox which parts of a message are out.
struct Noted(Context);

#[ractor::async_trait]
impl Progress for Noted {
    async fn part_sent(&self, row: &OutboxRow, part: Part, provider_id: &str) {
        let outbox = self.0.services.store.outbox();
        // Were it forgotten, the next attempt would send the part again.
        while let Err(error) = outbox.part_sent(&row.message, part, provider_id).await {
            if error.is_final() {
                return unrecorded(row, &error);
            }
            tracing::error!(message.id = %row.message, %error, "part sent could not be recorded; trying again");
            self.0.timer.sleep(LOOK).await;
        }
    }
}

async fn record(
    context: &Context,
    row: &OutboxRow,
    outcome: &SendOutcome,
) -> Result<bool, mercer_store::Error> {
    let outbox = context.services.store.outbox();
    match outcome {
        SendOutcome::Sent { provider_id } => outbox.sent(row, provider_id).await,
        SendOutcome::Retry { cause, .. } if row.attempt >= ATTEMPTS_MAX => {
            outbox.failed(row, cause).await
        }
        SendOutcome::Retry { after_ms, cause } => {
            let wait = BackOff::DELIVERY.wait(row.attempt, rand::random());
            let wait = wait.max(Duration::from_millis(*after_ms)).as_millis();
            let due = SystemClock.now_ms() + i64::try_from(wait).unwrap_or(i64::MAX / 2);
            outbox.retry(row, due, cause).await
        }
        SendOutcome::Rejected { cause } => {
            tracing::warn!(message.id = %row.message, cause, "message rejected by the platform");
            outbox.failed(row, cause).await
        }
        SendOutcome::Unknown { cause } => {
            tracing::warn!(message.id = %row.message, cause, "outcome of sending unknown");
            outbox.unknown(row, cause).await
        }
    }
}

async fn resolve_unknown(context: &Context) {
    let outbox = context.services.store.outbox();
    let now_ms = SystemClock.now_ms();
    let Ok(rows) = outbox
        .unknown_due(&context.owned(), now_ms, CLAIM_MAX)
        .await
    else {
        return;
    };
    for row in rows {
        let Some(lease) = context.lease(row.partition) else {
            continue;
        };
        let resolution = if row.was_unanswered() || row.resends < RESENDS_MAX {
            Resolution::Resend
        } else {
            Resolution::GiveUp {
                cause: "outcome unknown twice".to_owned(),
            }
        };
        if let Err(error) = outbox.resolve_unknown(&lease, &row, resolution).await {
            tracing::warn!(message.id = %row.message, %error, "unknown message could not be settled");
        }
    }
}

/// Finds messages that this node has claimed without knowing, and those whose attempt was lost.
async fn mark_unattended(context: &Context) {
    let outbox = context.services.store.outbox();
    let (owned, known) = (context.owned(), context.in_flight.known());
    match outbox.sending_unattended(&owned, known.clone()).await {
        Ok(rows) => {
            context.in_flight.forget_lost(&known);
            for row in rows {
                let cause = row.cause.as_deref();
                tracing::warn!(message.id = %row.message, cause, "message was claimed and is not being sent; outcome unknown");
            }
        }
        Err(error) => tracing::warn!(%error, "unattended messages could not be looked for"),
    }
}

#[cfg(test)]
mod tests;
