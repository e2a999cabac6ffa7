use std::sync::atomic::Ordering::Relaxed;

use mercer_schemas::{ActionBy, ConversationId, Event};
use mercer_store::Command;
use mercer_testing::until;

use super::*;
use crate::testing::{BREAKS, REFUSES, Says, World, number, picture, says, settle, shop, wishes};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// PostgreSQL's code for a disk without room.
const DISK_FULL: &str = "53100";

async fn partition(world: &World, number: u16) -> ActorRef<PartitionMsg> {
    let context = Arc::clone(&world.context);
    let handler = PartitionActor { context, number };
    let (actor, _) = Actor::spawn(None, handler, ()).await.expect("partition");
    actor
}

fn wake(partition: &ActorRef<PartitionMsg>, stream: &Stream) {
    partition
        .cast(PartitionMsg::Wake(stream.clone()))
        .expect("wake");
}

fn loaded(world: &World) -> usize {
    world.context.loaded_count.load(Relaxed)
}

fn live(world: &World) -> usize {
    world.context.live_count.load(Relaxed)
}

#[tokio::test]
async fn a_crashed_conversation_comes_back_after_its_wait_and_progress_resets_the_wait() {
    let world = World::start().await;
    let stream = world.receive(vec![picture("one")]).await;
    let partition = partition(&world, number(&stream)).await;
    world.break_table("log").await;
    wake(&partition, &stream);
    until("a crash", async || world.timer.sleepers() == 1).await;

    // A hint meanwhile changes nothing.
    world.mend("log").await;
    wake(&partition, &stream);
    world.timer.advance(BackOff::CRASH.first / 2 - MS);
    settle().await;
    assert_eq!((loaded(&world), world.timer.sleepers()), (0, 1));
    world.timer.advance(BackOff::CRASH.first / 2 + MS);
    until("the answer", async || world.rows("done").await == 1).await;

    // It committed something: the next crash is a first one again.
    world.receive(vec![picture("two")]).await;
    world.break_table("log").await;
    wake(&partition, &stream);
    until("another crash", async || world.timer.sleepers() == 1).await;
    world.mend("log").await;
    world.timer.advance(BackOff::CRASH.first);
    until("the second answer", async || world.rows("done").await == 2).await;
}

#[tokio::test]
async fn waits_grow_while_nothing_is_committed() {
    let world = World::start().await;
    let stream = world.receive(vec![picture("one")]).await;
    let partition = partition(&world, number(&stream)).await;
    world.break_table("log").await;
    wake(&partition, &stream);
    for crashes in 1..=6 {
        let waits = async || world.timer.waits().len();
        until("a crash", async || waits().await == crashes as usize).await;
        world.timer.advance(BackOff::CRASH.wait(crashes, 0) - MS);
        settle().await;
        assert_eq!(world.timer.sleepers(), 1, "back too early");
        world.timer.advance(BackOff::CRASH.wait(crashes, u32::MAX));
    }
}

#[tokio::test]
async fn a_storm_gives_the_partition_up_and_its_conversations_come_back_slowly() {
    let world = World::start().await;
    let streams: Vec<Stream> = (0..=STORM_CRASHES as u128)
        .map(|n| Stream {
            shop: shop().id,
            conversation: ConversationId::from_parts(1, n),
        })
        .collect();
    let lease = world.context.lease(7).expect("owned");
    let partition = partition(&world, 7).await;
    world.break_table("log").await;
    for stream in &streams {
        wake(&partition, stream);
    }
    until("the partition is given up", async || {
        world.context.lease(7).is_none()
    })
    .await;
    until("all wait", async || world.timer.sleepers() == streams.len()).await;

    // The node gets it back at once, and the poller wakes them all.
    world.mend("log").await;
    world.context.take_leases(&[lease]);
    for stream in &streams {
        wake(&partition, stream);
    }
    world.timer.advance(BackOff::CRASH.first / 2 - MS);
    settle().await;
    assert_eq!((loaded(&world), live(&world)), (0, 0), "the storm is back");

    let mut waiting = Vec::new();
    for _ in 0..51 {
        world.timer.advance(10 * MS);
        settle().await;
        waiting.push(world.timer.sleepers());
    }
    assert_eq!(waiting.last(), Some(&0));
    waiting.dedup();
    assert!(waiting.len() > 5, "they come back together: {waiting:?}");
    until("all are loaded", async || loaded(&world) == streams.len()).await;
}

#[tokio::test]
async fn a_conversation_leaves_when_it_is_idle_and_a_hint_on_its_way_out_is_not_lost() {
    let world = World::start().await;
    let stream = world.receive(vec![picture("p0")]).await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    until("an answer", async || world.rows("done").await == 1).await;

    // Not before its time.
    let idle = 120 * SECOND;
    let sweep = || partition.cast(PartitionMsg::Sweep(idle)).expect("sweep");
    world.timer.advance(idle - SECOND);
    sweep();
    settle().await;
    assert_eq!(live(&world), 1);
    world.timer.advance(SECOND);
    sweep();
    until("it leaves", async || live(&world) == 0).await;

    // A hint before, between and after being asked to leave, in all orders of arrival.
    let ids = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"];
    for (round, id) in ids.into_iter().enumerate() {
        wake(&partition, &stream);
        until("it is back", async || live(&world) == 1).await;
        if round % 4 < 2 {
            settle().await;
        }
        world.receive(vec![picture(id)]).await;
        let leave = || {
            let idle = PartitionMsg::Idle(stream.clone());
            partition.cast(idle).expect("idle");
        };
        if round % 2 == 0 {
            leave();
            wake(&partition, &stream);
        } else {
            wake(&partition, &stream);
            leave();
        }
        // The last one lost would be found by no poller: there is none here.
        let done = round as u64 + 2;
        until("an answer", async || world.rows("done").await == done).await;
        leave();
        until("it leaves", async || {
            let _ = partition.cast(PartitionMsg::Idle(stream.clone()));
            live(&world) == 0
        })
        .await;
    }
}

#[tokio::test]
async fn only_the_row_that_is_refused_is_set_aside_and_its_neighbours_are_answered() {
    only_the_poisonous_row_is_set_aside(REFUSES).await;
}

#[tokio::test]
async fn only_the_row_that_breaks_a_statement_is_set_aside_and_its_neighbours_are_answered() {
    only_the_poisonous_row_is_set_aside(BREAKS).await;
}

async fn only_the_poisonous_row_is_set_aside(poison: &str) {
    let world = World::start().await;
    let stream = world
        .receive(vec![
            says("before", "a kettle"),
            says("bad", "poison"),
            says("after", "and a lamp"),
        ])
        .await;
    world.poison("bad", poison).await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    world
        .pass(100 * MS, "the poison is set aside", async || {
            world.rows("quarantined").await == 1 && world.rows("open").await == 0
        })
        .await;
    assert_eq!(world.rows("done").await, 2);
    let received = world
        .count(&stream, |event| {
            matches!(event, Event::MessageReceived { .. })
        })
        .await;
    assert_eq!(received, 2);
    let told = world
        .count(&stream, |event| matches!(event, Event::ReplyQueued { .. }))
        .await;
    assert_eq!(told, 1, "the customer is told once");
}

#[tokio::test]
async fn a_database_that_fails_in_the_middle_of_an_attempt_brings_no_row_nearer_to_quarantine() {
    let world = World::start_on_postgres().await;
    let stream = world
        .receive(vec![picture("one"), says("two", "a kettle")])
        .await;
    // Attempts are counted, and there is no room for what follows from them.
    world.fail_with(DISK_FULL, "log", "true").await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    let crashes_max = world.context.config.crashes_max as usize;
    world
        .pass(SECOND, "crashes", async || {
            world.timer.waits().len() > 2 * crashes_max
        })
        .await;
    world.heal().await;
    world
        .pass(SECOND, "both are taken", async || {
            world.rows("open").await == 0
        })
        .await;
    assert_eq!(world.rows("quarantined").await, 0);
    assert_eq!(world.rows("done").await, 2);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_set_aside_and_its_neighbours_are_answered() {
    let world = World::start().await;
    let stream = world
        .receive(vec![
            picture("before"),
            says("bad", "a kettle"),
            picture("after"),
        ])
        .await;
    world
        .sql("UPDATE inbox SET payload = x'7b' WHERE provider_id = 'bad'")
        .await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    world
        .pass(100 * MS, "it is set aside", async || {
            world.rows("quarantined").await == 1 && world.rows("open").await == 0
        })
        .await;
    assert_eq!(world.rows("done").await, 2);
    let events = world.events(&stream).await;
    let count = |name| events.iter().filter(|event| **event == name).count();
    assert_eq!(count("message_received"), 2, "{events:?}");
    assert_eq!(count("input_quarantined"), 1);
    assert_eq!(count("handed_over"), 1, "a person is called");
    assert_eq!(loaded(&world), 1, "nothing crashed");
}

#[tokio::test]
async fn with_a_person_a_poisonous_message_takes_no_answer_of_theirs_with_it() {
    let by = ActionBy {
        key_id: "key_1".to_owned(),
    };
    let answer = |text: &str| Command::Answer {
        by: by.clone(),
        text: text.into(),
    };
    let world = World::start().await;
    let stream = world.receive(vec![picture("first")]).await;
    let take_over = Command::TakeOver { by: by.clone() };
    world.receive(vec![wishes("over", take_over)]).await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    until("a person has it", async || world.rows("done").await == 2).await;
    world
        .receive(vec![
            wishes("answer", answer("Hello, Ann here.")),
            says("bad", "poison"),
            wishes("lost", answer("This one cannot be taken.")),
            wishes("later", answer("Anything else?")),
        ])
        .await;
    world.poison("bad", REFUSES).await;
    world.poison("lost", REFUSES).await;
    wake(&partition, &stream);
    world
        .pass(100 * MS, "both are set aside", async || {
            world.rows("quarantined").await == 2 && world.rows("open").await == 0
        })
        .await;
    assert_eq!(world.rows("done").await, 4, "both answers of the person");
    let events = world.events(&stream).await;
    let count = |name| events.iter().filter(|event| **event == name).count();
    assert_eq!(count("input_quarantined"), 2);
    assert_eq!(count("handed_over"), 2, "the person is told of each");
    // The picture's, two of the person, and a sentence on the message that could not be taken.
    assert_eq!(count("reply_queued"), 4, "{events:?}");
}

#[tokio::test]
async fn an_effect_whose_answer_crashes_is_given_up_and_the_turn_goes_on() {
    let world = World::start().await;
    world.model.says(Says::Text(r#"{"calls":[]}"#));
    world
        .sql(
            "CREATE TRIGGER poison BEFORE INSERT ON log \
             WHEN CAST(NEW.payload AS TEXT) LIKE '%\"type\":\"generated\"%/write0/%' \
             BEGIN SELECT RAISE(ABORT, 'poison'); END",
        )
        .await;
    let stream = world.receive(vec![says("one", "a kettle")]).await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    world
        .pass(100 * MS, "the turn ends", async || {
            world.events(&stream).await.contains(&"turn_ended")
        })
        .await;
    assert_eq!(world.failures(&stream).await[0], "crashes");
    assert_eq!(world.rows("quarantined").await, 0);
    let all = world.model.asked();
    let asked = all.iter().filter(|id| id.contains("/write0/")).count();
    assert_eq!(asked, 3, "{all:?}");
}

#[tokio::test]
async fn a_database_that_fails_brings_no_effect_nearer_to_being_given_up() {
    let world = World::start_on_postgres().await;
    world.model.says(Says::Text(r#"{"calls":[]}"#));
    let is_written = r#"position('"type":"generated"' in convert_from(NEW.payload, 'UTF8')) > 0"#;
    world.fail_with(DISK_FULL, "log", is_written).await;
    let stream = world.receive(vec![says("one", "a kettle")]).await;
    let partition = partition(&world, number(&stream)).await;
    wake(&partition, &stream);
    let crashes_max = world.context.config.crashes_max as usize;
    world
        .pass(SECOND, "crashes", async || {
            world.timer.waits().len() > 2 * crashes_max
        })
        .await;
    world.heal().await;
    world
        .pass(SECOND, "the turn ends", async || {
            world.events(&stream).await.contains(&"turn_ended")
        })
        .await;
    let failures = world.failures(&stream).await;
    assert!(!failures.contains(&"crashes".to_owned()), "{failures:?}");
}
