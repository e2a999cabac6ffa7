//! Keeping the leases of this node alive.

use std::time::{Duration, Instant};

use crate::context::Context;

/// Heartbeats come four times within the lease's 6 s.
const HEARTBEAT: Duration = Duration::from_millis(1_500);
/// Without a good heartbeat for this long the node stops writing, before others may claim. Only
/// politeness: the database refuses a stale owner anyway.
const SELF_FENCE: Duration = Duration::from_secs(4);

/// Renews the node's lease until cancelled.
pub(crate) async fn keep(context: Context, boot_id: String) {
    let mut last_good = Instant::now();
    let mut ticks = tokio::time::interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let started = Instant::now();
        match context.services.store.leases().heartbeat(&boot_id).await {
            Ok(true) => {
                last_good = started;
                // A partition that was given up, or a claim that failed, is claimed again here.
                if context.owned().len() < usize::from(mercer_schemas::ids::PARTITIONS) {
                    reclaim(&context, &boot_id).await;
                }
            }
            Ok(false) => {
                tracing::error!("this node's lease expired and is gone; claiming again");
                if context
                    .services
                    .store
                    .leases()
                    .register(&boot_id, "embedded")
                    .await
                    .is_ok()
                {
                    reclaim(&context, &boot_id).await;
                }
            }
            Err(error) => tracing::warn!(%error, "heartbeat failed"),
        }
        if last_good.elapsed() > SELF_FENCE {
            context.drop_leases();
        }
    }
}

/// Claims all partitions again under a new epoch; actors of the old epoch end at their next write.
async fn reclaim(context: &Context, boot_id: &str) {
    match context
        .services
        .store
        .leases()
        .claim_all(boot_id, false)
        .await
    {
        Ok(leases) => {
            let mut known = context
                .leases
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for lease in leases {
                let at = usize::from(lease.partition);
                if let Some(slot) = known.get_mut(at) {
                    *slot = Some(lease);
                }
            }
        }
        Err(error) => tracing::error!(%error, "partitions could not be claimed"),
    }
}
