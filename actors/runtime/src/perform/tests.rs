use std::time::Duration;

use mercer_schemas::BackOff;
use mercer_testing::until;
use ractor::{Actor, ActorRef};

use super::look_up::looked_up;
use super::*;
use crate::partition::{PartitionActor, PartitionMsg};
use crate::testing::{Says, World, number, says, settle};
use crate::timer::Timer;

const MS: Duration = Duration::from_millis(1);

/// A model that refuses everything leaves the plain search and the template.
async fn world_without_a_model() -> World {
    let world = World::start().await;
    world.model.says(Says::No);
    // What the tools read breaks below; what a turn knows of its shop is read before.
    let shop = crate::testing::shop().id;
    assert!(world.context.shops.view(&shop).await.is_ok());
    world
}

async fn ask(world: &World, id: &'static str) -> Stream {
    let stream = world.receive(vec![says(id, "is HB-1042 in stock")]).await;
    let (context, number) = (Arc::clone(&world.context), number(&stream));
    let handler = PartitionActor { context, number };
    let (partition, _): (ActorRef<PartitionMsg>, _) =
        Actor::spawn(None, handler, ()).await.expect("partition");
    let _ = partition.cast(PartitionMsg::Wake(stream.clone()));
    stream
}

#[tokio::test]
async fn a_look_up_that_fails_is_tried_again_and_nothing_of_it_is_recorded() {
    let world = world_without_a_model().await;
    world.break_table("product").await;
    let stream = ask(&world, "one").await;
    until("the first try failed", async || {
        let is_short = |wait: &Duration| *wait <= BackOff::LOOK_UP.first;
        world.timer.waits().iter().any(is_short)
    })
    .await;
    world.mend("product").await;
    world
        .pass(50 * MS, "an answer", async || {
            world.events(&stream).await.contains(&"turn_ended")
        })
        .await;
    let failures = world.failures(&stream).await;
    assert_eq!(failures, ["model_refused", "model_refused"]);
    let events = world.events(&stream).await;
    assert!(events.contains(&"evidence_gathered"), "{events:?}");
    assert!(!events.contains(&"handed_over"), "{events:?}");
}

#[tokio::test]
async fn a_look_up_that_fails_for_good_is_said_and_the_second_in_a_row_calls_a_person() {
    let world = world_without_a_model().await;
    world.break_table("product").await;
    let stream = ask(&world, "one").await;
    let ended = async |turns| {
        world
            .pass(25 * MS, "the turn ends", async || {
                let ended = |event: &mercer_schemas::Event| {
                    matches!(event, mercer_schemas::Event::TurnEnded { .. })
                };
                world.count(&stream, ended).await == turns
            })
            .await;
    };
    ended(1).await;
    let failures = world.failures(&stream).await;
    assert_eq!(failures, ["model_refused", "tool_error"]);
    assert!(!world.events(&stream).await.contains(&"handed_over"));
    ask(&world, "two").await;
    ended(2).await;
    assert!(world.events(&stream).await.contains(&"handed_over"));
}

#[tokio::test]
async fn a_look_up_ends_with_its_time_however_often_it_fails() {
    let world = World::start().await;
    let began = world.timer.now();
    let tries = std::sync::Mutex::new(0);
    let look_up = looked_up(&world.context, FailureCause::ToolError, || async {
        *tries.lock().expect("lock") += 1;
        Err::<(), _>("no")
    });
    let ended = async {
        loop {
            settle().await;
            world.timer.advance(10 * MS);
        }
    };
    let found = tokio::select! {
        found = look_up => found,
        () = ended => Ok(()),
    };
    assert_eq!(found, Err(FailureCause::ToolError));
    assert!(world.timer.now() - began <= world.context.config.tools);
    let tries = *tries.lock().expect("lock");
    assert!((5..=20).contains(&tries), "{tries} tries");
}
