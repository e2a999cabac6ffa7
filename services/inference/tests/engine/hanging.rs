//! An engine whose thread hangs in a step: it says so, takes nothing new, and goes on when the step ends.

use std::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use mercer_inference::{Error, Finish, testing::StepHook};

use super::*;

/// Lets an engine's thread hang at its next step while it is held.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<()>>);

impl Gate {
    fn hold(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap()
    }

    fn hook(&self) -> StepHook {
        let gate = self.0.clone();
        StepHook::new(move || drop(gate.lock()))
    }
}

fn gated(step_patience: Duration) -> (Fixture, Gate) {
    let gate = Gate::default();
    let fixture = engine_with(|config| {
        config.step_patience = step_patience;
        config.before_step = Some(gate.hook());
    });
    (fixture, gate)
}

async fn is_stalled(engine: &LlamaEngine) {
    let began = Instant::now();
    while !engine.is_stalled() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody notices");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what the other thread hangs at"
)]
async fn an_engine_that_hangs_says_so_and_goes_on_when_its_step_ends() {
    let (fixture, gate) = gated(Duration::from_millis(100));
    let engine = &fixture.engine;
    assert!(!engine.is_stalled() && !engine.take_load().stalled);
    let held = gate.hold();
    let generation = engine
        .generate(planned("a", conversation("hello")))
        .await
        .unwrap();
    is_stalled(engine).await;
    assert!(engine.take_load().stalled);
    assert!(!engine.has_ended(), "it is there");
    let refused = engine.generate(planned("b", conversation("hello"))).await;
    assert!(matches!(refused, Err(Error::Stalled)));
    drop(held);
    assert_plan(&generation.complete().await.unwrap().text);
    while engine.is_stalled() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_plan(
        &complete(engine, planned("c", conversation("hello")))
            .await
            .text,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what the other thread hangs at"
)]
async fn a_step_that_only_takes_long_is_waited_for() {
    let (fixture, gate) = gated(EngineConfig::new("").step_patience);
    let held = gate.hold();
    let request = planned("a", conversation("hello"));
    let generation = fixture.engine.generate(request).await.unwrap();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        assert!(!fixture.engine.is_stalled());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(held);
    assert_plan(&generation.complete().await.unwrap().text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what the other thread hangs at"
)]
async fn dropping_an_engine_that_hangs_does_not_hang() {
    let (fixture, gate) = gated(Duration::from_millis(100));
    let held = gate.hold();
    let request = planned("a", conversation("hello"));
    let generation = fixture.engine.generate(request).await.unwrap();
    is_stalled(&fixture.engine).await;
    drop(fixture);
    drop(held);
    // Its thread ends by itself once it can.
    let done = generation.complete().await.unwrap();
    assert_eq!(done.finish, Finish::Cancelled);
}
