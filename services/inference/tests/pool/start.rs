//! How a caller starts: with a worker, without one, and with what an earlier run knew.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use mercer_inference::{
    BusyReason, ChatModel, Error, GenerateRequest, PoolConfig, WorkerConfig, WorkerPool,
};

use crate::support::*;

fn remembering(nats: &Nats, folder: &Path) -> PoolConfig {
    PoolConfig {
        memory: Some(folder.join("pool-test.json")),
        ..PoolConfig::new(nats.url(), "test")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_a_start_takes_the_model_that_was_there_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(1).await;
    let first = WorkerPool::connect(remembering(&world.nats, folder.path()))
        .await
        .unwrap();
    until("it is kept", async || {
        folder.path().join("pool-test.json").exists()
    })
    .await;
    drop(first);
    world.nats.kill();

    let began = Instant::now();
    let pool = WorkerPool::connect(remembering(&world.nats, folder.path()))
        .await
        .unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(*pool.info(), *world.model.engine.info());
    let short = GenerateRequest {
        deadline: Duration::from_secs(1),
        ..bound("short")
    };
    let error = pool.generate(short).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );

    world.nats.restart().await;
    until("the worker is heard", async || !pool.ready().is_empty()).await;
    let request = bound("next");
    let expected = world.model.undisturbed(&request).await;
    let generation = pool.generate(request).await.unwrap();
    Reader::new(generation).end_whole(&expected).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_is_ready_only_while_it_takes_requests() {
    let mut world = World::new(1).await;
    let watch = world.nodes[0].worker.as_ref().unwrap().watch();
    assert_eq!(watch.problem(), None);
    world.nats.kill();
    let says = async |words: &str| {
        watch
            .problem()
            .is_some_and(|problem| problem.contains(words))
    };
    until("NATS is missed", async || says("cannot be reached").await).await;
    world.nats.restart().await;
    until("it is ready again", async || watch.problem().is_none()).await;
    let _running = world.begin(&bound("slow"), 2).await;
    world.nodes[0].worker.as_ref().unwrap().drain();
    assert!(says("drains").await, "{:?}", watch.problem());
}

#[test]
fn a_password_is_in_no_debug_output() {
    let url = "nats://mercer:s3cr3t@127.0.0.1:4222".to_owned();
    let pool = PoolConfig::new(url.clone(), "test");
    let worker = WorkerConfig {
        url,
        pool: "test".to_owned(),
        name: "w0".to_owned(),
    };
    for text in [format!("{pool:?}"), format!("{worker:?}")] {
        assert!(text.contains("test") && !text.contains("s3cr3t"), "{text}");
    }
}
