//! The pool while everything works: the same words as in one process, freed slots, draining, rolling on.

use std::time::{Duration, Instant};

use mercer_inference::{BusyReason, ChatModel, Error, Finish, GenerateRequest};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_writes_what_the_engine_writes() {
    let world = World::new(1).await;
    assert_eq!(*world.pool.info(), *world.model.engine.info());
    for request in [bound("a"), drawn("b"), free("c")] {
        let expected = world.model.undisturbed(&request).await;
        let mut reader = world.begin(&request, 1).await;
        let completion = reader.end_whole(&expected).await;
        assert_eq!(completion.prompt_sha256, expected.prompt_sha256);
        assert_eq!(completion.model, expected.model);
        assert_eq!(completion.usage.prompt_tokens, expected.usage.prompt_tokens);
        assert_eq!(completion.usage.output_tokens, expected.usage.output_tokens);
    }
    assert_eq!(world.pool.dropped().get("forged"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_comes_back_to_the_worker_that_holds_it() {
    let world = World::new(2).await;
    let first = bound("first");
    world.begin(&first, 1).await.end().await.unwrap();
    // The next heartbeat tells where it is.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let second = GenerateRequest {
        request_id: "second".to_owned(),
        ..first
    };
    let completion = world.begin(&second, 1).await.end().await.unwrap();
    let usage = completion.usage;
    assert!(usage.cached_tokens + 1 >= usage.prompt_tokens, "{usage:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_and_dropping_free_the_slot() {
    let world = World::new(1).await;
    let mut reader = world.begin(&bound("cancelled"), 3).await;
    reader.generation.cancel_handle().cancel();
    let completion = reader.end().await.unwrap();
    assert_eq!(completion.finish, Finish::Cancelled);
    assert!(completion.tokens.len() >= 3);
    drop(world.begin(&bound("dropped"), 3).await);
    until("the slot is free", async || world.nodes[0].active() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_worker_finds_wrong_comes_back_by_its_kind() {
    let world = World::new(1).await;
    let wrong = GenerateRequest {
        grammar: Some(mercer_inference::Grammar::Lark("start: (".to_owned())),
        ..bound("grammar")
    };
    let generation = world.pool.generate(wrong).await.unwrap();
    let error = Reader::new(generation).end().await.unwrap_err();
    let Error::Grammar(fault) = error else {
        panic!("{error:?}")
    };
    assert_eq!(fault.detail(), "");
    let long = GenerateRequest {
        messages: conversation(&"word ".repeat(4_000)),
        ..bound("long")
    };
    let generation = world.pool.generate(long).await.unwrap();
    let error = Reader::new(generation).end().await.unwrap_err();
    assert!(matches!(error, Error::PromptTooLong { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_to_another_model_ends_what_runs_and_loses_nothing() {
    let mut world = World::new(1).await;
    let request = bound("old");
    let expected = world.model.undisturbed(&request).await;
    let mut running = world.begin(&request, 3).await;
    let newer = Model::with_seed(2);
    let node = Node::start(&world.nats, &newer, "w1");
    until("the new worker is heard", async || {
        world.pool.ready().len() == 2
    })
    .await;
    world.nodes[0].worker.as_ref().unwrap().drain();
    // Asked at once, when not every caller may know yet.
    let next = bound("new");
    let completion = world.begin(&next, 1).await.end().await.unwrap();
    assert_eq!(completion.model, newer.engine.info().label());
    running.end_whole(&expected).await;
    let mut worker = world.nodes[0].worker.take().unwrap();
    tokio::time::timeout(PATIENCE, worker.left())
        .await
        .expect("it leaves")
        .unwrap();
    assert_eq!(world.pool.info().sha256, newer.engine.info().sha256);
    drop(node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_in_time_is_told_at_once() {
    let nats = Nats::start().await;
    let busy = crate::forgery::Fake::start(&nats, "busy", |load| {
        (load.slots, load.active) = (1, 1);
        (load.waiting, load.waiting_max) = (20, 64);
        load.service_ms = 1_000.0;
    })
    .await;
    let pool = pool(&nats).await;
    let hurry = GenerateRequest {
        deadline: Duration::from_secs(3),
        ..bound("hurry")
    };
    let began = Instant::now();
    let error = pool.generate(hurry).await.unwrap_err();
    let Error::Busy(BusyReason::TooLate { retry_after }) = error else {
        panic!("{error:?}")
    };
    assert!(retry_after > Duration::from_secs(10), "{retry_after:?}");
    assert!(began.elapsed() < Duration::from_secs(1));
    drop(busy);
}
