//! What a process answers over HTTP: its doors, health and metrics.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use mercer_admin::Admin;
use mercer_gateway::{Channels, Gateway};
use mercer_inference::WorkerWatch;
use mercer_store::Store;
use metrics_exporter_prometheus::PrometheusHandle;

use super::adapters::{Answers, Health, Pool};
use super::link::Lines;
use super::replay::Replay;
use super::roles::Door;
use crate::pool::LivePool;

/// What the routes of a process with stores need.
pub(super) struct Served {
    /// The stores.
    pub(super) store: Store,
    /// What they tell conversations by.
    pub(super) lines: Lines,
    /// The channels.
    pub(super) channels: Channels,
    /// What answers, where this process runs conversations.
    pub(super) answers: Option<Answers>,
    /// The pool, where there is one.
    pub(super) pool: Option<LivePool>,
}

/// Returns the routes of a process with stores.
pub(super) fn of_door(door: Door, served: Served) -> Router {
    let Served {
        store,
        lines,
        channels,
        answers,
        pool,
    } = served;
    let mut router = Router::new();
    if door.gateway {
        let gateway = Gateway {
            store: store.clone(),
            hints: lines.hints.clone(),
            live: lines.live,
        };
        router = router.merge(mercer_gateway::router(gateway, &channels));
    }
    if !door.admin {
        let ready = move || {
            let (store, answers) = (store.clone(), answers.clone());
            async move {
                let (failing, beside) = answers.map_or_else(Default::default, |answers| {
                    (answers.runtime.failing(), answers.beside.problem())
                });
                readiness(store.ready().await, &failing, beside)
            }
        };
        return router.merge(health(ready));
    }
    let (admin, _) = mercer_admin::router(Admin {
        store: store.clone(),
        hints: lines.hints,
        replay: Arc::new(Replay {
            store: store.clone(),
        }),
        health: Arc::new(Health { store, answers }),
        pool: Arc::new(Pool(pool)),
    });
    router.merge(admin)
}

/// Returns the routes of a worker alone.
pub(super) fn of_worker(watch: WorkerWatch) -> Router {
    health(move || {
        std::future::ready(match watch.problem() {
            None => (StatusCode::OK, "ready".to_owned()),
            Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem),
        })
    })
}

/// Adds the metrics, where somebody records them.
pub(super) fn with_metrics(router: Router, metrics: Option<PrometheusHandle>) -> Router {
    let Some(metrics) = metrics else {
        return router;
    };
    router.route(
        "/metrics",
        get(move || std::future::ready(metrics.render())),
    )
}

/// Health in words, where the admin API does not tell it.
fn health<F>(ready: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = (StatusCode, String)> + Send + 'static,
{
    Router::new()
        .route("/health/live", get(|| std::future::ready("alive")))
        .route("/health/ready", get(ready))
}

/// Answers 200 while this process can do its work, else 503 with why it cannot.
fn readiness(
    database: Result<(), mercer_store::Error>,
    failing: &[&str],
    beside: Option<String>,
) -> (StatusCode, String) {
    if let Err(error) = database {
        tracing::warn!(%error, "database is not ready");
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "database cannot be used".to_owned(),
        );
    }
    if !failing.is_empty() {
        tracing::warn!(?failing, "tasks keep ending");
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "conversations cannot go on".to_owned(),
        );
    }
    match beside {
        // Customers are answered without it.
        Some(problem) => (StatusCode::OK, format!("ready, but {problem}")),
        None => (StatusCode::OK, "ready".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_whose_tasks_keep_ending_is_not_ready() {
        assert_eq!(readiness(Ok(()), &[], None).0, StatusCode::OK);
        let (status, reason) = readiness(Ok(()), &[], Some("notifier".to_owned()));
        assert_eq!(
            (status, reason.as_str()),
            (StatusCode::OK, "ready, but notifier")
        );
        let unready = |database, failing: &[&str], words: &str| {
            let (status, reason) = readiness(database, failing, None);
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(reason.contains(words), "{reason}");
        };
        unready(Ok(()), &["dispatcher"], "conversations");
        let gone = Err(mercer_store::Error::Unavailable("gone".to_owned()));
        unready(gone, &[], "database");
    }
}
