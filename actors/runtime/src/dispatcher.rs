//! Delivery: takes messages from the outbox and hands them to their channel, in order within a
//! conversation, and records how each attempt ended.
//!
//! An attempt whose end is unknown is not repeated at once: a status report from the platform may
//! settle it. After the wait an answer is sent once more, because a second copy of an answer harms
//! less than none; this is the policy for every message kind that exists so far.

use std::sync::Arc;
use std::time::Duration;

use mercer_gateway::sender::{Progress, SendOutcome};
use mercer_store::{OutboxRow, Part, Resolution};
use tokio::sync::Semaphore;

use crate::clock::{Clock, SystemClock};
use crate::context::Context;

/// Looks without a hint come this often.
const LOOK: Duration = Duration::from_millis(500);
/// Messages claimed at once.
const CLAIM_MAX: u64 = 64;
/// Messages on their way at once.
const IN_FLIGHT_MAX: usize = 64;
/// Attempts before a message counts as failed: with the waits below about ten minutes, after which
/// a chat reply has lost its use.
const ATTEMPTS_MAX: u32 = 8;
/// A message is sent again after an unknown outcome at most this often.
const RESENDS_MAX: u32 = 1;

/// Delivers until cancelled.
pub(crate) async fn dispatch(context: Context) {
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let outbox = context.services.store.outbox();
    loop {
        resolve_unknown(&context).await;
        // The wall clock, not the decisions' clock: due times are about the network.
        match outbox
            .claim(&context.owned(), CLAIM_MAX, SystemClock.now_ms())
            .await
        {
            Ok(rows) if rows.is_empty() => {
                let _ = tokio::time::timeout(LOOK, context.outbox_ready.notified()).await;
            }
            Ok(rows) => {
                for row in rows {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                        return;
                    };
                    let context = Arc::clone(&context);
                    tokio::spawn(async move {
                        deliver(&context, row).await;
                        drop(place);
                        // The next message of the conversation may go now.
                        context.outbox_ready.notify_one();
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "outbox could not be read");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn deliver(context: &Context, row: OutboxRow) {
    mercer_store::crash_point("outbox_claimed");
    let outcome = context
        .services
        .channels
        .send(&row, &Noted(Arc::clone(context)))
        .await;
    mercer_store::crash_point("sent_not_recorded");
    // An outcome that is not recorded would hold the conversation's next messages back for ever.
    while let Err(error) = record(context, &row, &outcome).await {
        tracing::error!(message.id = %row.message, %error, "outcome of sending could not be recorded; trying again");
        tokio::time::sleep(LOOK).await;
    }
    mercer_store::crash_point("sent_recorded");
}

/// Notes in the outbox which parts of a message are out.
struct Noted(Context);

#[ractor::async_trait]
impl Progress for Noted {
    async fn part_sent(&self, row: &OutboxRow, part: Part, provider_id: &str) {
        let outbox = self.0.services.store.outbox();
        // Were it forgotten, the next attempt would send the part again.
        while let Err(error) = outbox.part_sent(&row.message, part, provider_id).await {
            tracing::error!(message.id = %row.message, %error, "part sent could not be recorded; trying again");
            tokio::time::sleep(LOOK).await;
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
            let due = SystemClock.now_ms() + wait_ms(row.attempt, *after_ms);
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

/// 1 s, 2 s, 4 s … but never sooner than the platform asked for.
fn wait_ms(attempt: u32, asked_ms: u64) -> i64 {
    let back_off = 1_000_i64 << attempt.saturating_sub(1).min(9);
    back_off.max(i64::try_from(asked_ms).unwrap_or(i64::MAX / 2))
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
        let resolution = if row.resends < RESENDS_MAX {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_respect_the_platform() {
        assert_eq!(
            [1, 2, 3, 30].map(|attempt| wait_ms(attempt, 0)),
            [1_000, 2_000, 4_000, 512_000]
        );
        assert_eq!(wait_ms(1, 6_000), 6_000);
    }
}
