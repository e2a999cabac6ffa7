//! The worker pool as this process plays it: a worker, a caller, or both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use mercer_inference::{ChatModel, LlamaEngine, PoolConfig, Worker, WorkerConfig, WorkerPool};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Connects to the pool and waits for its first worker.
///
/// # Errors
/// Says what to start or to mend.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<Arc<dyn ChatModel>> {
    let pool = PoolConfig::new(&config.nats.url, &config.pool.name);
    let pool = WorkerPool::connect(pool).await.context("worker pool")?;
    Ok(Arc::new(pool))
}

/// Loads the chat model and serves it to the pool.
///
/// # Errors
/// Names the file or the setting.
pub(crate) async fn start_worker(config: &Config) -> anyhow::Result<Worker> {
    let engine = config.engine();
    let engine = tokio::task::spawn_blocking(move || LlamaEngine::load(engine))
        .await?
        .context("models.chat")?;
    let worker = WorkerConfig {
        url: config.nats.url.clone(),
        pool: config.pool.name.clone(),
        name: name(&config.worker.name),
    };
    Worker::start(worker, Arc::new(engine))
        .await
        .context("worker")
}

/// Lets a worker end what it is writing, as long as that may take.
pub(crate) async fn drain(mut worker: Worker, config: &Config) {
    worker.drain();
    let patience = Duration::from_secs(config.worker.drain_s);
    if tokio::time::timeout(patience, worker.left()).await.is_err() {
        tracing::warn!("worker leaves before everything was written; others go on with it");
    }
}

/// Runs a worker alone until it is asked to stop or told to drain. HTTP serves health and metrics only.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn serve_worker(
    config: &Config,
    listener: TcpListener,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut worker = start_worker(config).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/health/live", get(|| std::future::ready("alive")))
        .route("/health/ready", get(|| std::future::ready("ready")))
        .route(
            "/metrics",
            get(move || std::future::ready(metrics.render())),
        );
    let http = tokio::spawn(async move { axum::serve(listener, router).await });
    tracing::info!(%address, "serving");
    tokio::select! {
        () = stop.cancelled() => drain(worker, config).await,
        sound = worker.left() => anyhow::ensure!(sound, "the worker was ended by a fault of its own"),
    }
    http.abort();
    Ok(())
}

/// Returns a worker's name: the configured one, or the machine's with a random number.
fn name(configured: &str) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let machine = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let machine: String = machine
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(40)
        .collect();
    let machine = if machine.is_empty() {
        "worker"
    } else {
        &machine
    };
    format!("{machine}-{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_name_can_be_one() {
        assert!(mercer_schemas::worker::is_name(&name("")));
        assert_eq!(name("gpu-1"), "gpu-1");
    }
}
