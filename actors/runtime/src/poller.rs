//! Finding work without a hint: open inbox rows, idle conversations, and the load signal.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor::ActorRef;

use crate::context::Context;
use crate::root::RootMsg;

/// How often idle conversations are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// Polls until cancelled.
pub(crate) async fn poll(context: Context, root: ActorRef<RootMsg>) {
    let mut swept = context.timer.now();
    loop {
        let partitions: Vec<u16> = context
            .owned()
            .iter()
            .map(|lease| lease.partition)
            .collect();
        match context
            .services
            .store
            .inbox()
            .open_partitions(&partitions)
            .await
        {
            Ok(streams) => {
                for stream in streams {
                    let _ = root.cast(RootMsg::Wake(stream));
                }
            }
            Err(error) => tracing::warn!(%error, "inbox could not be polled"),
        }
        if let Ok(age) = context.services.store.inbox().oldest_open_age_ms().await {
            metrics::gauge!("mercer_inbox_lag_seconds").set(age.unwrap_or(0) as f64 / 1_000.0);
        }
        let now = context.timer.now();
        if now - swept >= SWEEP.min(context.config.idle) {
            swept = now;
            let crowded = context.live_count.load(Ordering::Relaxed) > context.config.live_max;
            // Over the cap everything that is not working leaves.
            let idle = if crowded {
                Duration::ZERO
            } else {
                context.config.idle
            };
            let _ = root.cast(RootMsg::Sweep(idle));
        }
        context.timer.sleep(context.config.poll).await;
    }
}
