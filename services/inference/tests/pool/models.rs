//! Pools whose workers have different models: a request goes only where it can be done.

use std::time::Duration;

use futures::StreamExt;
use mercer_inference::{BusyReason, ChatModel, Error, GenerateRequest, ModelInfo};
use mercer_schemas::worker::request_subject;

use crate::{forgery::Fake, support::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_for_prompts_of_another_style_is_not_asked() {
    let mut world = World::new(1).await;
    let own = world.model.engine.info();
    assert_eq!(own.prompt_style, "compact");
    let other = ModelInfo {
        prompt_style: "full".to_owned(),
        sha256: "f".repeat(64),
        ..own.as_ref().clone()
    };
    let client = client(&world.nats).await;
    let mut asked = client.subscribe(request_subject("other")).await.unwrap();
    // Idle and fast by its own account, and it joined last.
    let ghost = Fake::ghost(&world.nats, "other", &other).await;
    until("the other one is heard", async || {
        world.pool.ready().len() == 2
    })
    .await;
    assert_eq!(world.pool.info().prompt_style, "compact");
    for id in ["a", "b", "c"] {
        let request = bound(id);
        let expected = world.model.undisturbed(&request).await;
        world.begin(&request, 1).await.end_whole(&expected).await;
    }

    world.nodes[0].die();
    until("it is missed", async || world.pool.ready().len() == 1).await;
    let request = GenerateRequest {
        deadline: Duration::from_secs(1),
        ..bound("alone")
    };
    let error = world.pool.generate(request).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    assert_eq!(world.pool.info().prompt_style, "compact");
    let none = tokio::time::timeout(Duration::from_millis(50), asked.next()).await;
    assert!(none.is_err(), "nobody asked it");
    drop(ghost);
}
