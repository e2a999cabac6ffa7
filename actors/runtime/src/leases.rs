//! Keeping this node's leases: its heartbeat, its share of the partitions, and what follows when one comes or goes.

use std::sync::Arc;
use std::time::Duration;

use mercer_conversation::Phase;
use mercer_schemas::partition_of;
use mercer_store::{ConversationFilter, Lease, PAGE_MAX, Want};
use ractor::ActorRef;
use tokio::task::JoinSet;

use crate::config::Sharing;
use crate::context::Context;
use crate::root::RootMsg;

/// Heartbeats come four times within the lease's 6 s.
const HEARTBEAT: Duration = Duration::from_millis(1_500);
/// Without a good heartbeat for this long the node stops writing, before others may claim. Only
/// politeness: the database refuses a stale owner anyway.
const SELF_FENCE: Duration = Duration::from_secs(4);

/// Renews the node's lease and keeps its share until cancelled. Where it is started `again`, what the one before may
/// have left is begun anew.
pub(crate) async fn keep(context: Context, root: ActorRef<RootMsg>, boot_id: String, again: bool) {
    let leases = context.services.store.leases();
    let mut last_good = context.timer.now();
    // What may wait behind others at the store. Heartbeats may not.
    let mut aside = JoinSet::new();
    let mut left_over = again;
    loop {
        while let Some(ended) = aside.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "work beside the heartbeat failed");
                left_over = true;
            }
        }
        if std::mem::take(&mut left_over) {
            let owned = context.owned();
            aside.spawn(begin_gained(Arc::clone(&context), root.clone(), owned));
        }
        let started = context.timer.now();
        let known = match leases.heartbeat(&boot_id).await {
            Ok(false) => {
                tracing::error!("this node's lease expired and is gone; claiming again");
                leases.register(&boot_id, NO_ADDRESS).await.map(|()| true)
            }
            other => other,
        };
        match known {
            Ok(_) => {
                last_good = started;
                if let Err(error) = share(&context, &root, &boot_id, &mut aside).await {
                    tracing::error!(%error, "partitions could not be claimed");
                }
            }
            Err(error) => tracing::warn!(%error, "heartbeat failed"),
        }
        if context.timer.now() - last_good > SELF_FENCE {
            leave(&context, &root, &context.owned());
        }
        let next = (started + HEARTBEAT).saturating_duration_since(context.timer.now());
        context.timer.sleep(next).await;
    }
}

/// Nodes are not called by others, so their address is of no use.
pub(crate) const NO_ADDRESS: &str = "none";

/// Brings this node to its share.
async fn share(
    context: &Context,
    root: &ActorRef<RootMsg>,
    boot_id: &str,
    aside: &mut JoinSet<()>,
) -> Result<(), mercer_store::Error> {
    let leases = context.services.store.leases();
    let want = match context.config.sharing {
        Sharing::Alone { .. } => Want::All,
        Sharing::Fair => Want::FairShare,
    };
    let share = leases.share(boot_id, &context.owned(), want).await?;
    if !share.lost.is_empty() {
        tracing::warn!(
            partitions = share.lost.len(),
            "another node took partitions over"
        );
        leave(context, root, &share.lost);
    }
    if !share.surplus.is_empty() {
        tracing::info!(
            partitions = share.surplus.len(),
            "giving partitions up to other nodes"
        );
        leave(context, root, &share.surplus);
        let store = context.services.store.clone();
        aside.spawn(async move {
            // The next round gives up what this cannot.
            if let Err(error) = store.leases().give_up(&share.surplus).await {
                tracing::warn!(%error, "partitions could not be given up; trying again");
            }
        });
    }
    if !share.gained.is_empty() {
        tracing::info!(partitions = share.gained.len(), "partitions gained");
        context.take_leases(&share.gained);
        aside.spawn(begin_gained(
            Arc::clone(context),
            root.clone(),
            share.gained,
        ));
    }
    // Not where leases are dropped: this node may have them back at once, with all its open rows.
    context.uncounted.retain(|stream| {
        context
            .lease(partition_of(&stream.shop, &stream.conversation))
            .is_some()
    });
    metrics::gauge!("mercer_partitions").set(context.owned().len() as f64);
    Ok(())
}

/// Goes on with what earlier owners left, as soon as the store can be read and for as long as the leases hold.
async fn begin_gained(context: Context, root: ActorRef<RootMsg>, mut gained: Vec<Lease>) {
    loop {
        gained.retain(|lease| context.lease(lease.partition).as_ref() == Some(lease));
        if gained.is_empty() {
            return;
        }
        match begin(&context, &root, &gained).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "unfinished work could not be read; trying again");
            }
        }
        context.timer.sleep(HEARTBEAT).await;
    }
}

/// Forgets leases and lets their conversations leave memory. Whatever they had not committed follows from the log,
/// wherever it goes on.
fn leave(context: &Context, root: &ActorRef<RootMsg>, leases: &[Lease]) {
    context.drop_leases(leases);
    for lease in leases {
        let _ = root.cast(RootMsg::Leave(lease.partition));
    }
}

/// Goes on with what earlier owners of these partitions left: messages on their way, and turns that run.
///
/// # Errors
/// When the store cannot be read; calling again does no harm.
pub(crate) async fn begin(
    context: &Context,
    root: &ActorRef<RootMsg>,
    gained: &[Lease],
) -> Result<(), mercer_store::Error> {
    let store = &context.services.store;
    let known = context.in_flight.known();
    store.outbox().sending_left_over(gained, known).await?;
    context.outbox_ready.notify_one();
    for shop in store.shops().list().await? {
        for phase in Phase::RUNNING_NAMES {
            let filter = ConversationFilter {
                phase: Some(phase.to_owned()),
                ..ConversationFilter::default()
            };
            let mut cursor = None;
            loop {
                let page = store
                    .conversations()
                    .list(&shop.id, &filter, cursor.as_deref(), PAGE_MAX)
                    .await?;
                for row in &page.items {
                    // The root drops those of partitions that this node does not own.
                    let _ = root.cast(RootMsg::Wake(row.stream()));
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
    }
    Ok(())
}
