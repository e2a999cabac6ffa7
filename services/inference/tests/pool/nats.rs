//! NATS gone, and back: generations wait and go on by themselves.

use std::time::{Duration, Instant};

use mercer_inference::{BusyReason, ChatModel, Error, GenerateRequest, PoolConfig, WorkerPool};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_nats_in_the_middle_loses_no_word() {
    for gone in [Duration::ZERO, Duration::from_secs(2)] {
        let mut world = World::new(2).await;
        let request = bound("a");
        let expected = world.model.undisturbed(&request).await;
        let mut reader = world.begin(&request, 4).await;
        world.nats.kill();
        tokio::time::sleep(gone).await;
        world.nats.restart().await;
        reader.end_whole(&expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_a_request_is_refused_and_the_next_one_works_when_it_is_back() {
    let mut world = World::new(1).await;
    world.nats.kill();
    let began = Instant::now();
    let short = GenerateRequest {
        deadline: Duration::from_secs(2),
        ..bound("short")
    };
    let error = world.pool.generate(short).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(4));
    world.nats.restart().await;
    let request = bound("next");
    let expected = world.model.undisturbed(&request).await;
    until("the worker is heard again", async || {
        !world.pool.ready().is_empty()
    })
    .await;
    world.begin(&request, 1).await.end_whole(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_workers_ends_with_what_to_do() {
    let nats = Nats::start().await;
    let config = PoolConfig {
        start_patience: Duration::from_millis(300),
        ..PoolConfig::new(nats.url(), "empty")
    };
    let Err(error) = WorkerPool::connect(config).await else {
        panic!("there is no worker")
    };
    let text = error.to_string();
    assert!(text.contains("mercer serve --roles worker"), "{text}");
}
