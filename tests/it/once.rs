//! Whatever a platform repeats, reorders or mixes: one row, one turn and one reply for each message.

use std::collections::BTreeSet;

use mercer_schemas::{DeliveryStatus, Event};
use mercer_store::OutboxState;
use mercer_testing::PATIENCE;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Caller, Mercer, Message, Model, Status, World, batch, events};

const EARLIER: &str = "447700900700";
const CUSTOMERS: [&str; 3] = ["447700900701", "447700900702", "447700900703"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_batch_five_times_in_parallel_and_reordered_is_taken_once() {
    let world = World::with_shop(Model::Reflex).await;
    let mercer = world.start().await;
    // A reply that the batch can report on.
    Caller::new(&world, &mercer, EARLIER)
        .say("a coat for quincewood weather")
        .await;
    let [reply] = &world.graph.to(EARLIER)[..] else {
        panic!("one reply")
    };
    let status = |status| Status {
        provider_id: reply.provider_id.clone(),
        message: reply.message.clone(),
        status,
    };
    let stranger = Status {
        provider_id: "wamid.not.ours".to_owned(),
        message: String::new(),
        status: "sent",
    };
    let statuses = [
        status("sent"),
        status("delivered"),
        status("read"),
        stranger,
    ];
    let messages = CUSTOMERS.map(|phone| {
        Message::new(
            phone,
            &format!("wamid.batch.{phone}"),
            "a camping stove for quincewood",
        )
    });

    let answers = futures::future::join_all(
        orders(&messages, &statuses)
            .iter()
            .map(|body| mercer.webhook(body)),
    )
    .await;
    assert_eq!(answers, vec![Some(200); 5]);
    let answered = world.graph.until(|all| {
        CUSTOMERS
            .iter()
            .all(|phone| all.iter().any(|one| one.to == *phone))
    });
    timeout(PATIENCE, answered)
        .await
        .expect("every customer gets a reply");
    settled(&world, &mercer).await;
    // Hours later the platform tries once more.
    assert_eq!(
        mercer.webhook(&batch(&messages, &statuses)).await,
        Some(200)
    );
    settled(&world, &mercer).await;

    let inbox = world.store().await.inbox();
    let count = async |state| inbox.count(&world.shop, state).await.expect("count");
    assert_eq!(
        count("done").await,
        1 + 3 + 3,
        "messages and reports, once each"
    );
    assert_eq!(
        count("parked").await,
        1,
        "the report on a message that is not ours"
    );
    assert_eq!(count("quarantined").await, 0);
    for (phone, message) in CUSTOMERS.iter().zip(&messages) {
        once(&world, phone, &message.id).await;
    }
    let stream = world.conversation(EARLIER).await.expect("conversation");
    let rows = world
        .store()
        .await
        .outbox()
        .list_for(&stream)
        .await
        .expect("outbox");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].delivery,
        Some(DeliveryStatus::Read),
        "reports join, whatever their order"
    );
    assert_eq!(
        world.graph.accepted().len(),
        4,
        "one reply for each message and no more"
    );

    let log = mercer.stop().await;
    for personal in [
        "quincewood",
        EARLIER,
        CUSTOMERS[0],
        CUSTOMERS[1],
        CUSTOMERS[2],
    ] {
        assert!(!log.contains(personal), "the log holds `{personal}`");
    }
    world.verify_replay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stops_in_order_and_starts_again_goes_on_where_it_was() {
    let world = World::with_shop(Model::Reflex).await;
    let mercer = world.start().await;
    Caller::new(&world, &mercer, CUSTOMERS[0])
        .say("a camping stove")
        .await;
    mercer.stop().await;
    let mercer = world.start().await;
    let message = Message::new(CUSTOMERS[0], "wamid.after", "a second stove");
    assert_eq!(mercer.webhook(&batch(&[message], &[])).await, Some(200));
    timeout(PATIENCE, world.graph.until(|all| all.len() == 2))
        .await
        .expect("a second reply");
    settled(&world, &mercer).await;
    mercer.stop().await;
    world.verify_replay().await;
}

/// Writes the same batch in five orders, with different splits into entries and changes.
fn orders(messages: &[Message], statuses: &[Status]) -> [Value; 5] {
    let backwards: Vec<Message> = messages.iter().rev().cloned().collect();
    let late_first: Vec<Status> = statuses.iter().rev().cloned().collect();
    let mut singles: Vec<Value> = messages
        .iter()
        .map(|one| batch(std::slice::from_ref(one), &[]))
        .collect();
    singles.extend(
        statuses
            .iter()
            .map(|one| batch(&[], std::slice::from_ref(one))),
    );
    let mut mixed = singles.clone();
    mixed.rotate_left(2);
    mixed.reverse();
    [
        batch(messages, statuses),
        batch(&backwards, &late_first),
        join(&[batch(&[], statuses), batch(messages, &[])]),
        join(&singles),
        join(&mixed),
    ]
}

/// Joins bodies into one with all their entries.
fn join(bodies: &[Value]) -> Value {
    let entries = bodies
        .iter()
        .flat_map(|body| body["entry"].as_array().cloned().unwrap_or_default());
    json!({ "object": "whatsapp_business_account", "entry": entries.collect::<Vec<Value>>() })
}

/// Checks that a message became one turn with one reply that was sent once.
async fn once(world: &World, phone: &str, id: &str) {
    let stream = world.conversation(phone).await.expect("conversation");
    let records = world
        .store()
        .await
        .conversations()
        .log(&stream, 0, 1_000)
        .await
        .expect("log");
    let mut turns = BTreeSet::new();
    let (mut received, mut replies) = (0, 0);
    for event in events(&records) {
        match event {
            Event::MessageReceived { message } => {
                assert_eq!(message.provider_id, id);
                received += 1;
            }
            Event::TurnStarted { turn, .. } => {
                turns.insert(turn.clone());
            }
            Event::ReplyQueued { .. } => replies += 1,
            _ => {}
        }
    }
    assert_eq!((received, turns.len(), replies), (1, 1, 1));
    let rows = world
        .store()
        .await
        .outbox()
        .list_for(&stream)
        .await
        .expect("outbox");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, OutboxState::Sent);
    assert_eq!(world.graph.to(phone).len(), 1);
}

/// Waits until nothing is left to do.
async fn settled(world: &World, mercer: &Mercer) {
    let idle = async {
        loop {
            let open = world
                .store()
                .await
                .inbox()
                .count(&world.shop, "open")
                .await
                .expect("count");
            if open == 0 && outbox_settled(world).await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, idle)
        .await
        .unwrap_or_else(|_| panic!("work is left over:\n{}", mercer.log()));
}

async fn outbox_settled(world: &World) -> bool {
    let streams = world
        .store()
        .await
        .conversations()
        .all_streams(None, None)
        .await
        .expect("streams");
    for stream in streams.items {
        let rows = world
            .store()
            .await
            .outbox()
            .list_for(&stream)
            .await
            .expect("outbox");
        if rows.iter().any(|row| row.state != OutboxState::Sent) {
            return false;
        }
    }
    true
}
