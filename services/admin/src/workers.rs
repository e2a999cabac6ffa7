//! `GET /v1/workers`: the live pool of workers, what `mercer workers` shows. Nothing about shops or customers is told.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Admin;
use crate::answer::Sample;
use crate::problem::Problem;
use crate::seams::{PoolState, WorkerRecord, WorkerState};

/// The workers of the pool.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WorkerList {
    /// Name of the pool; null where the model runs inside this process.
    pool: Option<String>,
    /// The workers, by name; those that left or fell silent stay for a minute.
    items: Vec<WorkerRecord>,
}

impl Sample for WorkerList {
    const SCHEMA: &'static str = "WorkerList";

    fn sample() -> Self {
        Self {
            pool: Some("main".to_owned()),
            items: vec![WorkerRecord {
                name: "gpu-1".to_owned(),
                state: WorkerState::Ready,
                slots: 4,
                active: 2,
                waiting: 0,
                waiting_max: 64,
                cache_used_tokens: 2048,
                cache_tokens: 32_768,
                hit_rate: 0.94,
                tokens_per_s: 61.5,
                stall_ms_max: 40.5,
                model: "mercer-chat@0123456789ab".to_owned(),
                prompt_style: "compact".to_owned(),
                embedder: Some("mercer-embed@0123456789ab".to_owned()),
                embeds_waiting: 0,
                reranker: None,
                reranks_waiting: 0,
            }],
        }
    }
}

/// List workers
///
/// The live pool of llama.cpp workers with their load, cache and speed, as they told it within the last seconds. 503
/// while NATS cannot be reached.
#[utoipa::path(
    get,
    path = "/v1/workers",
    tag = "workers",
    responses((status = 200, description = "the workers", body = WorkerList)),
    security(("admin_key" = ["workers:read"])),
)]
pub(crate) async fn list_workers(State(admin): State<Admin>) -> Result<Json<WorkerList>, Problem> {
    match admin.pool.state() {
        PoolState::None => Ok(Json(WorkerList {
            pool: None,
            items: Vec::new(),
        })),
        PoolState::Live { name, workers } => Ok(Json(WorkerList {
            pool: Some(name),
            items: workers,
        })),
        PoolState::Unreachable => Err(Problem::unavailable("NATS cannot be reached")),
    }
}
