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
    until("NATS is missed", async || world.pool.ready().is_empty()).await;
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
async fn a_changed_password_is_told_and_one_put_right_is_enough() {
    let mut nats = Nats::start_with("old").await;
    let model = Model::new();
    let node = Node::start_at(nats.url_with("old"), &model, "w0");
    let watch = node.worker.as_ref().unwrap().watch();
    let pool = WorkerPool::connect(PoolConfig::new(nats.url_with("old"), "test"))
        .await
        .unwrap();

    nats.change_password("new").await;
    until("the worker says what is wrong", async || {
        let problem = watch.problem();
        problem.is_some_and(|problem| problem.contains("user or password"))
    })
    .await;
    let request = GenerateRequest {
        deadline: Duration::from_secs(1),
        ..bound("refused")
    };
    let error = pool.generate(request).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    let wrong = PoolConfig {
        start_patience: Duration::from_secs(1),
        ..PoolConfig::new(nats.url_with("old"), "test")
    };
    let Err(error) = WorkerPool::connect(wrong).await else {
        panic!("the password is wrong")
    };
    let text = error.to_string();
    assert!(text.contains("user or password"), "{text}");
    assert!(!text.contains("old"), "{text}");

    nats.change_password("old").await;
    until("the worker is back", async || !pool.ready().is_empty()).await;
    let request = bound("next");
    let expected = model.undisturbed(&request).await;
    let generation = pool.generate(request).await.unwrap();
    Reader::new(generation).end_whole(&expected).await;
}
