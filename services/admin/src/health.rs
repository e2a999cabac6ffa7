//! `/health/live` and `/health/ready`, for load balancers and people. No key is needed and
//! nothing about shops or customers is told.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Admin;
use crate::answer::Sample;
use crate::problem::{FieldError, Problem};
use crate::seams::PartHealth;

/// Longest wait for one part's answer: load balancers give up after about 5 s.
const PART_WAIT: Duration = Duration::from_secs(3);

/// Says that the process runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Liveness {
    /// Always `live`.
    status: String,
    /// Version of the program.
    version: String,
}

/// Says that every part can do its work.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Readiness {
    /// Always `ready`; otherwise the answer is 503.
    status: String,
    /// The parts.
    parts: Vec<PartHealth>,
}

impl Sample for Liveness {
    const SCHEMA: &'static str = "Liveness";

    fn sample() -> Self {
        Self {
            status: "live".to_owned(),
            version: "0.1.0".to_owned(),
        }
    }
}

impl Sample for Readiness {
    const SCHEMA: &'static str = "Readiness";

    fn sample() -> Self {
        let part = |name: &str, reason: &str| PartHealth {
            name: name.to_owned(),
            ready: true,
            reason: reason.to_owned(),
        };
        Self {
            status: "ready".to_owned(),
            parts: vec![
                part("database", "writes and reads"),
                part("index", "0 changes behind"),
            ],
        }
    }
}

/// Say that the process runs
///
/// Answers as long as the process can answer at all; restart it when this fails.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses((status = 200, description = "the process runs", body = Liveness)),
    security(()),
)]
pub(crate) async fn live() -> Json<Liveness> {
    Json(Liveness {
        status: "live".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Say whether messages can be answered
///
/// Checks that the database can be written and read, and asks every other part. With 503 the
/// `errors` name the parts that cannot do their work, with the reason.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses((status = 200, description = "every part can do its work", body = Readiness)),
    security(()),
)]
pub(crate) async fn ready(State(admin): State<Admin>) -> Result<Json<Readiness>, Problem> {
    let database = match tokio::time::timeout(PART_WAIT, admin.store.ready()).await {
        Ok(Ok(())) => (true, "writes and reads"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "database is not ready");
            (false, "cannot be written or read")
        }
        Err(_) => (false, "does not answer in time"),
    };
    let mut parts = vec![PartHealth {
        name: "database".to_owned(),
        ready: database.0,
        reason: database.1.to_owned(),
    }];
    match tokio::time::timeout(PART_WAIT, admin.health.parts()).await {
        Ok(others) => parts.extend(others),
        Err(_) => parts.push(PartHealth {
            name: "other parts".to_owned(),
            ready: false,
            reason: "do not answer in time".to_owned(),
        }),
    }
    let failing: Vec<FieldError> = parts
        .iter()
        .filter(|part| !part.ready)
        .map(|part| FieldError::new(part.name.clone(), part.reason.clone()))
        .collect();
    if !failing.is_empty() {
        return Err(Problem::unavailable("not every part can do its work").with_errors(failing));
    }
    Ok(Json(Readiness {
        status: "ready".to_owned(),
        parts,
    }))
}
