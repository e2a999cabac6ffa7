//! Mercer and its workers as processes of their own: whatever dies, a customer gets one answer.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::support::{Caller, Mercer, Model, Nats, PATIENCE, World};

const CALLER: &str = "gateway,conversations,admin,indexer";
const CUSTOMER: &str = "447700900801";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_a_customer_gets_one_answer() {
    let mut nats = Nats::start().await;
    let mut world = World::with_shop(Model::Reflex).await;
    world.nats = nats.url();
    let worker = async |name| {
        world
            .start_as("worker", &[("MERCER_WORKER__NAME", name)])
            .await
    };
    let (first, second) = (worker("w1").await, worker("w2").await);
    let mercer = world.start_as(CALLER, &[]).await;
    let mut caller = Caller::new(&world, &mercer, CUSTOMER);

    let turn = caller.say("a camping stove").await;
    assert!(!turn.reply.is_empty());
    assert!(written(&mercer).await > 0, "a worker wrote it");
    let pool = world.run(&["workers"]).await;
    assert_eq!(pool.code, Some(0), "{}", pool.stderr);
    for words in ["2 workers", "w1", "w2", "ready"] {
        assert!(pool.stdout.contains(words), "{}", pool.stdout);
    }

    // The second worker is out of sight, so the first gets the request and dies with it.
    second.signal("-STOP").await;
    sleep(Duration::from_millis(1_000)).await;
    first.signal("-STOP").await;
    let (turn, ()) = tokio::join!(caller.say("a coat for rain"), async {
        sleep(Duration::from_millis(400)).await;
        first.kill().await;
        second.signal("-CONT").await;
    });
    assert!(!turn.reply.is_empty());
    assert_eq!(world.graph.to(CUSTOMER).len(), 2, "one answer each");

    let before = written(&mercer).await;
    nats.restart().await;
    // The first heartbeat after the restart tells that the pool is back.
    let back = async {
        while !world.run(&["workers"]).await.stdout.contains("ready") {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, back).await.expect("the pool is back");
    let turn = caller.say("is it in stock?").await;
    assert!(!turn.reply.is_empty());
    assert!(written(&mercer).await > before, "a worker wrote it");
    assert_eq!(world.graph.to(CUSTOMER).len(), 3, "one answer each");

    second.stop().await;
    let log = mercer.stop().await;
    assert!(!log.contains(CUSTOMER));
    world.verify_replay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_that_cannot_run_say_what_to_do() {
    let world = World::empty(Model::Reflex).await;
    let alone = world.run(&["serve", "--roles", "worker"]).await;
    assert_eq!(alone.code, Some(1));
    assert!(alone.stderr.contains("nats.url"), "{}", alone.stderr);
    let half = world
        .run(&["serve", "--roles", "gateway,conversations"])
        .await;
    assert!(
        half.stderr.contains("add the role worker"),
        "{}",
        half.stderr
    );
    let door = world.run(&["serve", "--roles", "gateway"]).await;
    assert!(door.stderr.contains("PostgreSQL"), "{}", door.stderr);
    let pool = world.run(&["workers"]).await;
    assert!(pool.stderr.contains("nats.url"), "{}", pool.stderr);
}

/// Returns how many generations workers have ended for a Mercer.
async fn written(mercer: &Mercer) -> u64 {
    let metrics = mercer.get("/metrics").await;
    let ends = metrics
        .lines()
        .filter(|line| line.starts_with("mercer_pool_requests_total{outcome=\"stop\"}"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    ends.sum()
}
