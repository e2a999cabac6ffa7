use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use mercer_store::OutboxState;
use mercer_testing::until;
use ractor::Actor;

use super::*;
use crate::dispatcher;
use crate::partition::{PartitionActor, PartitionMsg};
use crate::testing::{HandTimer, World, number, picture, settle};

/// Runs a task that panics its first times.
fn panics(times: u32, timer: &Arc<HandTimer>, health: &RuntimeHealth) -> Arc<AtomicU32> {
    let begun = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&begun);
    supervise("task", timer.clone(), health.clone(), move || {
        let number = counted.fetch_add(1, Relaxed) + 1;
        async move {
            assert!(number > times, "told to panic");
            std::future::pending::<()>().await;
        }
    });
    begun
}

/// Lets the wait after a failure pass.
async fn next(timer: &HandTimer) {
    until("a wait", async || timer.sleepers() > 0).await;
    timer.advance(BackOff::TASK.longest);
    settle().await;
}

#[tokio::test]
async fn a_dispatcher_that_panics_once_is_started_again_and_the_reply_is_sent() {
    let world = World::start().await;
    let stream = world.receive(vec![picture("one")]).await;
    let (context, number) = (Arc::clone(&world.context), number(&stream));
    let handler = PartitionActor { context, number };
    let (partition, _) = Actor::spawn(None, handler, ()).await.expect("partition");
    let _ = partition.cast(PartitionMsg::Wake(stream.clone()));
    let outbox = world.context.services.store.outbox();
    let state = async || {
        let rows = outbox.list_for(&stream).await.expect("outbox");
        rows.first().map(|row| row.state)
    };
    until("a reply", async || {
        state().await == Some(OutboxState::Pending)
    })
    .await;

    let health = RuntimeHealth::default();
    let (context, begun) = (Arc::clone(&world.context), AtomicU32::new(0));
    let timer = world.timer.clone();
    supervise("dispatcher", timer, health.clone(), move || {
        let first = begun.fetch_add(1, Relaxed) == 0;
        let context = Arc::clone(&context);
        async move {
            assert!(!first, "told to panic");
            dispatcher::dispatch(context).await;
        }
    });
    next(&world.timer).await;
    until("it is sent", async || {
        state().await == Some(OutboxState::Sent)
    })
    .await;
    assert!(
        health.failing().is_empty(),
        "once is no reason to be unready"
    );
}

#[tokio::test]
async fn a_sender_that_panics_leaves_its_message_in_doubt_and_not_on_its_way_for_ever() {
    let world = World::start().await;
    world.platform.panics.store(true, Relaxed);
    let stream = world.receive(vec![picture("one")]).await;
    let (context, number) = (Arc::clone(&world.context), number(&stream));
    let handler = PartitionActor { context, number };
    let (partition, _) = Actor::spawn(None, handler, ()).await.expect("partition");
    let _ = partition.cast(PartitionMsg::Wake(stream.clone()));
    tokio::spawn(dispatcher::dispatch(Arc::clone(&world.context)));
    let outbox = world.context.services.store.outbox();
    until("it is in doubt", async || {
        let rows = outbox.list_for(&stream).await.expect("outbox");
        rows.first().map(|row| row.state) == Some(OutboxState::Unknown)
    })
    .await;
}

#[tokio::test]
async fn a_task_that_keeps_ending_makes_the_node_unready_until_it_has_recovered() {
    let (timer, health) = (HandTimer::new(), RuntimeHealth::default());
    let begun = panics(UNREADY_AFTER, &timer, &health);
    for _ in 1..UNREADY_AFTER {
        next(&timer).await;
    }
    until("unready", async || health.failing() == ["task"]).await;
    next(&timer).await;
    assert_eq!(begun.load(Relaxed), UNREADY_AFTER + 1, "it runs now");
    assert_eq!(health.failing(), ["task"], "but it may end again");
    timer.advance(STEADY);
    until("ready", async || health.failing().is_empty()).await;
}

#[tokio::test]
async fn a_task_that_never_recovers_gives_the_node_up() {
    let (timer, health) = (HandTimer::new(), RuntimeHealth::default());
    let begun = panics(u32::MAX, &timer, &health);
    let given_up = health.given_up();
    tokio::pin!(given_up);
    for _ in 1..GIVE_UP_AFTER {
        assert!(futures::poll!(&mut given_up).is_pending());
        next(&timer).await;
    }
    assert_eq!(given_up.await, "task");
    assert_eq!(begun.load(Relaxed), GIVE_UP_AFTER);
    assert_eq!(timer.sleepers(), 0, "it is not started again");
}

#[tokio::test]
async fn tasks_that_end_with_the_node_are_no_reason_to_give_up() {
    let health = RuntimeHealth::default();
    health.stopping();
    health.give_up("task");
    assert!(futures::poll!(std::pin::pin!(health.given_up())).is_pending());
}
