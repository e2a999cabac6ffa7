//! Two workers of one name: the later one leaves and says why, and nobody else notices.

use std::time::Duration;

use mercer_inference::{ChatModel, Error, PoolWatch, WorkerState};

use crate::{forgery::Fake, support::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_worker_of_a_name_leaves_and_the_earlier_one_is_not_disturbed() {
    let world = World::new(1).await;
    let request = bound("a");
    let expected = world.model.undisturbed(&request).await;
    let mut reader = world.begin(&request, 3).await;
    let mut later = Node::start(&world.nats, &world.model, "w0");
    let mut worker = later.worker.take().unwrap();
    let left = tokio::time::timeout(PATIENCE, worker.left()).await;
    let error = left.expect("it leaves").unwrap_err();
    assert!(
        matches!(
            error,
            Error::Config {
                key: "worker.name",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("`w0` is taken"), "{error}");
    reader.end_whole(&expected).await;
    assert_eq!(world.pool.dropped().get("twin"), None, "it never spoke");
    assert_eq!(
        world.nodes[0].worker.as_ref().unwrap().watch().problem(),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_both_stay_the_pool_shows_it_and_callers_keep_to_one() {
    let world = World::new(1).await;
    // A program that does not look whether its name is free.
    let rude = Fake::ghost(&world.nats, "w0", &world.model.engine.info()).await;
    let mut watch = PoolWatch::connect(&world.nats.url(), "test").await.unwrap();
    until("it is counted", async || {
        world.pool.dropped().contains_key("twin")
    })
    .await;
    let rows = watch.rows(Duration::from_secs(1)).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, WorkerState::Twin);
    drop(rude);
}
