//! A gateway, conversation nodes and workers as processes of their own, around one PostgreSQL and NATS.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{Caller, Mercer, Model, Nats, PATIENCE, World};

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
    let (first, second) = (node(&world, "n1").await, node(&world, "n2").await);
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
    page_shows_what_happens(&gateway).await;

    // A node dies while it answers.
    let ((), ()) = tokio::join!(all_say(&mut callers, "a coat for rain"), async {
        sleep(Duration::from_millis(300)).await;
        first.kill().await;
    });
    hold(&[(&second, PARTITIONS)]).await;

    // A node is stopped for so long that another takes over, and then goes on as if nothing had been.
    let third = node(&world, "n3").await;
    hold(&[(&second, PARTITIONS / 2), (&third, PARTITIONS / 2)]).await;
    second.signal("-STOP").await;
    hold(&[(&third, PARTITIONS)]).await;
    let ((), ()) = tokio::join!(
        all_say(&mut callers, "how can I send something back"),
        async {
            sleep(Duration::from_millis(300)).await;
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

/// A page at the gateway sees what a node does: that it works, and then the answer.
async fn page_shows_what_happens(gateway: &Mercer) {
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
                say("m2", "a coat for rain").await;
            }
            if answers >= 2 {
                return;
            }
        }
    };
    let in_time = timeout(PATIENCE, answered).await;
    assert!(in_time.is_ok(), "the page saw only:\n{seen}");
    // These are in no log: a node told them.
    assert!(
        seen.contains("event: typing") || seen.contains("event: sentence"),
        "{seen}"
    );
}
