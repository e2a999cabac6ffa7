//! Workers that die, freeze or are not there: the text comes whole and once.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use mercer_inference::{BusyReason, ChatModel, Error, GenerateRequest, PoolWatch, WorkerState};
use mercer_schemas::worker::{Residency, prefix_hashes};

use crate::{forgery::Fake, support::*};

/// Disturbs the worker that writes, in the middle of each kind of text.
async fn disturb(how: impl Fn(&mut Node)) {
    for request in [bound("greedy"), drawn("drawn"), free("free")] {
        let mut world = World::new(2).await;
        let expected = world.model.undisturbed(&request).await;
        let mut reader = world.begin(&request, 4).await;
        let writes = world.nodes.iter().position(|node| {
            let load = node.engine.take_load();
            load.active > 0 || load.requests > 0
        });
        let began = Instant::now();
        how(&mut world.nodes[writes.expect("somebody writes")]);
        let completion = reader.end_whole(&expected).await;
        assert_eq!(completion.prompt_sha256, expected.prompt_sha256);
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_is_followed_by_another() {
    disturb(Node::die).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_freezes_is_followed_by_another_and_changes_nothing_when_it_wakes() {
    disturb(|node| node.freeze(Duration::from_secs(2))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_engine_has_ended_leaves_with_an_error() {
    let mut world = World::new(2).await;
    world.nodes[0].engine_ended.store(true, Ordering::Relaxed);
    until("it has left", async || world.pool.ready().len() == 1).await;
    let mut worker = world.nodes[0].worker.take().unwrap();
    assert!(matches!(worker.left().await, Err(Error::Stopped)));
    let request = bound("after");
    let expected = world.model.undisturbed(&request).await;
    world.begin(&request, 1).await.end_whole(&expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what the engine hangs at"
)]
async fn a_worker_whose_engine_hangs_is_followed_by_another_and_gets_no_more_until_it_goes_on() {
    let (nats, model, gate) = (Nats::start().await, Model::new(), Arc::new(Mutex::new(())));
    let node = Node::start_gated(&nats, &model, "hangs", &gate);
    let pool = pool(&nats).await;
    let watch = node.worker.as_ref().unwrap().watch();
    until("it takes requests", async || watch.problem().is_none()).await;
    let held = gate.lock().unwrap();
    let request = bound("a");
    let expected = model.undisturbed(&request).await;
    let mut reader = Reader::new(pool.generate(request).await.unwrap());
    until("it has the request", async || node.active() > 0).await;

    let second = Node::start(&nats, &model, "works");
    until("it is left out", async || pool.ready() == ["works"]).await;
    let problem = watch.problem().unwrap_or_default();
    assert!(problem.contains("hangs"), "{problem}");
    let mut shown = PoolWatch::connect(&nats.url(), "test").await.unwrap();
    let rows = shown.rows(Duration::from_millis(600)).await;
    let state = |name: &str| {
        let row = rows.iter().find(|row| row.heartbeat.worker == name);
        row.map(|row| row.state)
    };
    assert_eq!(state("hangs"), Some(WorkerState::Stalled));
    assert_eq!(state("works"), Some(WorkerState::Ready));
    reader.end_whole(&expected).await;
    let next = bound("b");
    let expected = model.undisturbed(&next).await;
    let mut reader = Reader::new(pool.generate(next).await.unwrap());
    reader.end_whole(&expected).await;
    assert_eq!(second.engine.take_load().requests, 2, "both were its");

    drop(held);
    until("it is back", async || pool.ready().len() == 2).await;
    until("it is ready", async || watch.problem().is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listening_is_noticed_at_once() {
    let world = World::new(1).await;
    let request = bound("a");
    // Its heartbeats promise everything, but it takes no requests. It claims to hold the very conversation, so that it is
    // asked for sure: what is held nowhere goes anywhere now and then.
    let info = world.model.engine.info();
    let starts = prefix_hashes(&info, None, &request.messages);
    let ghost = Fake::ghost_with(&world.nats, "ghost", &info, |heartbeat| {
        heartbeat.load.prefill_tokens_per_s = 1e9;
        heartbeat.residency = Residency::Snapshot { starts };
    })
    .await;
    until("the ghost is heard", async || world.pool.ready().len() == 2).await;
    let expected = world.model.undisturbed(&request).await;
    let began = Instant::now();
    let mut reader = world.begin(&request, 1).await;
    assert!(began.elapsed() < Duration::from_millis(700));
    reader.end_whole(&expected).await;
    drop(ghost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_worker_the_answer_is_honest_and_the_next_one_works() {
    let mut world = World::new(1).await;
    world.nodes[0].die();
    until("it is missed", async || world.pool.ready().is_empty()).await;
    let short = GenerateRequest {
        deadline: Duration::from_secs(1),
        ..bound("short")
    };
    let error = world.pool.generate(short).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    let request = bound("next");
    let expected = world.model.undisturbed(&request).await;
    let (nats, model) = (&world.nats, &world.model);
    let (node, generation) = tokio::join!(
        async { Node::start(nats, model, "w0") },
        world.pool.generate(request)
    );
    Reader::new(generation.unwrap()).end_whole(&expected).await;
    drop(node);
}
