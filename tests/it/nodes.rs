//! A gateway, conversation nodes and workers as processes of their own, around one PostgreSQL and NATS.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use mercer_inference::Bus;
use mercer_schemas::nodes::live_subject;
use mercer_schemas::{Channel, Event, LogBody, TurnId};
use mercer_testing::{LOOK_EVERY, Nats, PATIENCE};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{Caller, Mercer, Model, World, events};

/// So many that each node and each worker gets some.
const CUSTOMERS: u32 = 16;
const PARTITIONS: u64 = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_go_on_through_two_nodes_and_three_workers_whatever_dies() {
    let nats = Nats::start().await;
    let mut world = World::with_shop_in_postgres(Model::best()).await;
    world.nats = nats.url();
    let mut workers = Vec::new();
    for name in ["w1", "w2", "w3"] {
        let env = [("MERCER_WORKER__NAME", name)];
        workers.push(world.start_as("worker", &env).await);
    }
    let gateway = world.start_as("gateway,admin", &[]).await;
    let first = node(&world, "n1").await;
    hold(&[(&first, PARTITIONS)]).await;
    let first_owner = world.owners().await.remove(&0).expect("an owner");
    let second = node(&world, "n2").await;
    hold(&[(&first, PARTITIONS / 2), (&second, PARTITIONS / 2)]).await;

    let mut callers: Vec<Caller<'_>> = (0..CUSTOMERS)
        .map(|number| Caller::new(&world, &gateway, &format!("4477009010{number:02}")))
        .collect();
    all_say(&mut callers, "a camping stove").await;
    for node in [&first, &second] {
        assert!(
            count(node, "mercer_turns_total").await > 0,
            "a node is idle"
        );
    }
    for worker in &workers {
        let written = count(worker, "mercer_inference_requests_total").await;
        assert!(written > 0, "a worker is idle");
    }
    page_shows_what_happens(&gateway, &world.nats).await;

    // A node dies while it answers.
    let phones: Vec<String> = callers.iter().map(|caller| caller.phone.clone()).collect();
    let ((), interrupted) = tokio::join!(all_say(&mut callers, "a coat for rain"), async {
        begun(&world, &phones, &first_owner).await;
        first.kill().await;
        running(&world, &phones, &first_owner).await
    });
    assert!(!interrupted.is_empty(), "it died with no turn unfinished");
    for (phone, turn) in &interrupted {
        let ends = ends_of(&world, phone, turn).await;
        let [(began, ended)] = ends[..] else {
            panic!("its turn ends once: {ends:?}")
        };
        assert!(ended > began, "under another owner");
    }
    hold(&[(&second, PARTITIONS)]).await;

    // A node is stopped for so long that another takes over, and then goes on as if nothing had been.
    let third = node(&world, "n3").await;
    hold(&[(&second, PARTITIONS / 2), (&third, PARTITIONS / 2)]).await;
    second.signal("-STOP").await;
    hold(&[(&third, PARTITIONS)]).await;
    let third_owner = world.owners().await.remove(&0).expect("an owner");
    let ((), ()) = tokio::join!(
        all_say(&mut callers, "how can I send something back"),
        async {
            begun(&world, &phones, &third_owner).await;
            second.signal("-CONT").await;
        }
    );
    hold(&[(&second, PARTITIONS / 2), (&third, PARTITIONS / 2)]).await;
    all_say(&mut callers, "a saddle for commuting").await;

    for caller in &callers {
        // A message that a node was sending when it died may be sent once more, as the policy says.
        let mut copies: BTreeMap<String, u32> = BTreeMap::new();
        for one in world.graph.to(&caller.phone) {
            *copies.entry(one.message).or_default() += 1;
        }
        assert_eq!(copies.len(), 4, "one answer each: {copies:?}");
        assert!(copies.values().all(|copies| *copies <= 2), "{copies:?}");
    }
    for mercer in [gateway, second, third].into_iter().chain(workers) {
        let log = mercer.stop().await;
        assert!(!log.contains("4477009010"), "a phone is in the log");
    }
    world.verify_replay().await;
}

/// Returns the turns that run in an owner's conversations, by phone.
async fn running(world: &World, phones: &[String], owner: &str) -> Vec<(String, TurnId)> {
    let owners = world.owners().await;
    let mut running = Vec::new();
    for phone in phones {
        let conversations = world.store().await.conversations();
        let found = conversations
            .get_by_address(&world.shop, Channel::Whatsapp, phone)
            .await;
        let Some(row) = found.expect("conversation") else {
            continue;
        };
        if owners
            .get(&row.partition)
            .is_none_or(|other| other != owner)
        {
            continue;
        }
        let log = conversations.log(&row.stream(), 0, 10_000).await;
        let log = log.expect("log");
        let mut open = None;
        for event in events(&log) {
            match event {
                Event::TurnStarted { turn, .. } => open = Some(turn.clone()),
                Event::TurnEnded { .. } => open = None,
                _ => {}
            }
        }
        running.extend(open.map(|turn| (phone.clone(), turn)));
    }
    running
}

/// Waits until an owner is at work on some turns.
async fn begun(world: &World, phones: &[String], owner: &str) {
    let begun = async {
        while running(world, phones, owner).await.len() < 2 {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(PATIENCE, begun).await.expect("turns begin");
}

/// Returns under which epochs a turn was begun and ended, for each of its ends.
async fn ends_of(world: &World, phone: &str, of: &TurnId) -> Vec<(i64, i64)> {
    let stream = world.conversation(phone).await.expect("conversation");
    let conversations = world.store().await.conversations();
    let log = conversations.log(&stream, 0, 10_000).await.expect("log");
    let (mut began, mut ends) = (0, Vec::new());
    for record in &log {
        match &record.body {
            LogBody::Event {
                event: Event::TurnStarted { turn, .. },
            } if turn == of => began = record.epoch,
            LogBody::Event {
                event: Event::TurnEnded { turn, .. },
            } if turn == of => ends.push((began, record.epoch)),
            _ => {}
        }
    }
    ends
}

/// Starts a conversation node with a folder of its own.
async fn node(world: &World, name: &str) -> Mercer {
    let data = world.folder().join(name);
    let env = [("MERCER_DATA", data.to_str().expect("a plain path"))];
    world.start_as("conversations,indexer", &env).await
}

/// Waits until nodes hold so many partitions.
async fn hold(nodes: &[(&Mercer, u64)]) {
    for (node, wanted) in nodes {
        let held = async {
            while count(node, "mercer_partitions").await != *wanted {
                sleep(Duration::from_millis(100)).await;
            }
        };
        if timeout(PATIENCE, held).await.is_err() {
            panic!("a node does not come to hold {wanted}:\n{}", node.log());
        }
    }
}

/// Returns the sum of a metric's values.
async fn count(mercer: &Mercer, metric: &str) -> u64 {
    let metrics = mercer.get("/metrics").await;
    let values = metrics
        .lines()
        .filter(|line| line.starts_with(metric))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum::<f64>() as u64
}

async fn all_say(callers: &mut [Caller<'_>], words: &str) {
    let turns = join_all(callers.iter_mut().map(|caller| caller.say(words))).await;
    assert!(turns.iter().all(|turn| !turn.reply.is_empty()));
}

/// A page at the gateway sees what a node does: that it works, and then the answer. What a stranger publishes it does not see.
async fn page_shows_what_happens(gateway: &Mercer, nats: &str) {
    /// What was told already arrives within this.
    const AT_ONCE: Duration = Duration::from_millis(200);
    let bus = Bus::connect(nats, "stranger").await.expect("NATS");
    let subject = live_subject("main");
    let mut told = bus
        .subscribe(subject.clone())
        .await
        .expect("what nodes tell");
    bus.flush().await;
    let chat = format!("{}/chat/hollinbeck", gateway.url);
    let session = gateway.http.post(format!("{chat}/session")).send().await;
    let session: serde_json::Value = session
        .expect("a session")
        .json()
        .await
        .expect("a session's token");
    let token = session["token"].as_str().expect("token").to_owned();
    let say = async |id: &str, text: &str| {
        let said = gateway
            .http
            .post(format!("{chat}/messages"))
            .bearer_auth(&token)
            .json(&json!({ "id": id, "text": text }))
            .send();
        assert_eq!(said.await.expect("an answer").status(), 202);
    };
    // The conversation begins with the first message; the page watches it from then on.
    say("m1", "a camping stove").await;
    let events = gateway
        .http
        .get(format!("{chat}/events"))
        .bearer_auth(&token)
        .send();
    let mut events = events.await.expect("events").bytes_stream();
    let mut seen = String::new();
    let mut asked = false;
    let answered = async {
        while let Some(part) = events.next().await {
            seen.push_str(&String::from_utf8_lossy(&part.expect("events go on")));
            let answers = seen.matches("event: message").count();
            if answers >= 1 && !asked {
                asked = true;
                // All of it first: what is published here comes back too.
                let mut forged = Vec::new();
                while let Ok(Some(genuine)) = timeout(AT_ONCE, told.next()).await {
                    forged.extend(forgeries(&genuine.payload));
                }
                assert!(!forged.is_empty(), "nodes told nothing");
                for message in forged {
                    assert!(bus.publish(subject.clone(), None, message).await);
                }
                bus.flush().await;
                say("m2", "a coat for rain").await;
            }
            if answers >= 2 {
                return;
            }
        }
    };
    let in_time = timeout(PATIENCE, answered).await;
    assert!(in_time.is_ok(), "the page saw only:\n{seen}");
    assert!(!seen.contains("FORGED"), "{seen}");
    // These are in no log: a node told them.
    assert!(
        seen.contains("event: typing") || seen.contains("event: sentence"),
        "{seen}"
    );
}

/// Bytes before the payload of a message that a node told: tag, sender and count.
const SEAL_BYTES: usize = 32 + 8 + 8;

/// Makes sentences for the conversation of a message that a node told: as plain JSON, and behind that message's seal.
fn forgeries(genuine: &[u8]) -> [Vec<u8>; 2] {
    let (seal, json) = genuine.split_at(SEAL_BYTES);
    let told: serde_json::Value = serde_json::from_slice(json).expect("JSON");
    let forged = json!({
        "conversation": told["conversation"],
        "event": {
            "kind": "sentence",
            "turn": TurnId::from_parts(1, 1),
            "text": "FORGED",
        },
    });
    let forged = serde_json::to_vec(&forged).expect("JSON");
    [forged.clone(), [seal, &forged].concat()]
}
