//! The pool of workers.

use mercer_admin::{PoolState, WorkerRecord, WorkerState};
use serde_json::{Value, json};

use crate::support::Server;

fn worker(name: &str, state: WorkerState) -> WorkerRecord {
    WorkerRecord {
        name: name.to_owned(),
        state,
        slots: 4,
        active: 1,
        waiting: 0,
        waiting_max: 64,
        cache_used_tokens: 100,
        cache_tokens: 8_192,
        hit_rate: 0.5,
        tokens_per_s: 12.5,
        stall_ms_max: 40.0,
        model: "m@0123456789ab".to_owned(),
        prompt_style: "compact".to_owned(),
        embedder: Some("embed@0123456789ab".to_owned()),
        embeds_waiting: 2,
        reranker: None,
        reranks_waiting: 0,
    }
}

#[tokio::test]
async fn the_pool_is_shown_as_it_is() {
    let server = Server::start().await;
    let set = |state| *server.pool.0.lock().expect("pool") = state;
    let alone = server.get("/v1/workers").await;
    assert_eq!(alone.status, 200);
    assert_eq!(alone.json, json!({ "pool": null, "items": [] }));

    set(PoolState::Live {
        name: "main".to_owned(),
        workers: vec![
            worker("w1", WorkerState::Ready),
            worker("w2", WorkerState::Twin),
        ],
    });
    let live = server.get("/v1/workers").await;
    assert_eq!(live.status, 200);
    assert_eq!(live.json["pool"], "main");
    let of = |at: usize, key: &str| live.json["items"][at][key].clone();
    assert_eq!(of(0, "name"), "w1");
    assert_eq!(of(0, "state"), "ready");
    assert_eq!(of(1, "state"), "twin");
    assert_eq!(of(1, "tokens_per_s"), 12.5);

    set(PoolState::Unreachable);
    let away = server.get("/v1/workers").await;
    assert_eq!(away.status, 503);
    assert_ne!(away.json["detail"], Value::Null);
    assert!(!away.header("retry-after").is_empty());
}
