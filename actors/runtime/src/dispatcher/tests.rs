use mercer_schemas::Stream;
use mercer_store::OutboxState;
use mercer_testing::until;
use ractor::Actor;

use super::*;
use crate::partition::{PartitionActor, PartitionMsg};
use crate::testing::{World, number, picture, settle};

const SECOND: Duration = Duration::from_secs(1);

/// Lets a customer write something, and returns the conversation once its reply is to be sent.
async fn reply(world: &World) -> Stream {
    let stream = world.receive(vec![picture("one")]).await;
    let (context, number) = (Arc::clone(&world.context), number(&stream));
    let handler = PartitionActor { context, number };
    let (partition, _) = Actor::spawn(None, handler, ()).await.expect("partition");
    let _ = partition.cast(PartitionMsg::Wake(stream.clone()));
    until("a reply", async || {
        state(world, &stream).await == Some(OutboxState::Pending)
    })
    .await;
    stream
}

async fn state(world: &World, stream: &Stream) -> Option<OutboxState> {
    let rows = world.context.services.store.outbox().list_for(stream).await;
    rows.expect("outbox").first().map(|row| row.state)
}

async fn claim(world: &World) -> Vec<OutboxRow> {
    let (outbox, owned) = (world.context.services.store.outbox(), world.context.owned());
    let claimed = outbox.claim(&owned, 10, SystemClock.now_ms()).await;
    claimed.expect("claim")
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_holds_no_reply() {
    let world = World::start().await;
    let stream = reply(&world).await;
    // It is committed, and nobody hears of it.
    assert_eq!(claim(&world).await.len(), 1);
    tokio::spawn(dispatch(Arc::clone(&world.context)));
    world
        .pass(SECOND, "it is found", async || {
            state(&world, &stream).await == Some(OutboxState::Unknown)
        })
        .await;
    world.sql("UPDATE outbox SET due_at_ms = 0").await;
    world
        .pass(SECOND, "it is sent", async || {
            state(&world, &stream).await == Some(OutboxState::Sent)
        })
        .await;
}

#[tokio::test]
async fn a_message_that_is_being_sent_is_left_alone_however_long_that_takes() {
    let world = World::start().await;
    let stream = reply(&world).await;
    let claimed = claim(&world).await;
    let sending = world.context.in_flight.begin(&claimed[0]);
    tokio::spawn(dispatch(Arc::clone(&world.context)));
    for _ in 0..30 {
        until("a wait", async || world.timer.sleepers() > 0).await;
        world.timer.advance(SECOND);
        settle().await;
    }
    assert_eq!(state(&world, &stream).await, Some(OutboxState::Sending));
    // Whoever sent it has died.
    drop(sending);
    world
        .pass(SECOND, "it is found", async || {
            state(&world, &stream).await == Some(OutboxState::Unknown)
        })
        .await;
}

#[tokio::test]
async fn an_outcome_that_the_database_never_takes_holds_no_place_and_ends_as_given_up() {
    let world = World::start().await;
    let stream = reply(&world).await;
    world
        .sql(
            "CREATE TRIGGER refuse BEFORE UPDATE OF state ON outbox WHEN NEW.state = 'sent' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .await;
    tokio::spawn(dispatch(Arc::clone(&world.context)));
    for _ in 0..2 {
        world
            .pass(SECOND, "it is unknown", async || {
                state(&world, &stream).await == Some(OutboxState::Unknown)
            })
            .await;
        assert!(world.context.in_flight.known().made.is_empty());
        world.sql("UPDATE outbox SET due_at_ms = 0").await;
        world
            .pass(SECOND, "it is settled", async || {
                state(&world, &stream).await != Some(OutboxState::Unknown)
            })
            .await;
    }
    assert_eq!(state(&world, &stream).await, Some(OutboxState::Failed));
}
