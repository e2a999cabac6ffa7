//! The worker pool as this process plays it: a worker, a caller, or both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mercer_inference::{
    ChatModel, Embedder, PoolConfig, PoolEmbedder, PoolReranker, PoolWatch, Reranker, Worker,
    WorkerConfig, WorkerPool, WorkerRow,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::compose::{OwnModels, load_chat};
use crate::config::Config;

/// How often the pool is shown anew: its speeds are means over this time.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Connects to the pool and waits for its first worker.
///
/// # Errors
/// Says what to start or to mend.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<Arc<dyn ChatModel>> {
    let pool = pool_config(config, "");
    let pool = WorkerPool::connect(pool).await.context("worker pool")?;
    Ok(Arc::new(pool))
}

/// Connects to the embedding model that the pool serves.
///
/// # Errors
/// Says what to start or to mend.
pub(crate) async fn connect_embedder(config: &Config) -> anyhow::Result<Arc<dyn Embedder>> {
    let pool = pool_config(config, "-embedder");
    let embedder = PoolEmbedder::connect(pool)
        .await
        .context("models.embedder")?;
    Ok(Arc::new(embedder))
}

/// Connects to the reranker that the pool serves.
///
/// # Errors
/// Says what to start or to mend.
pub(crate) async fn connect_reranker(config: &Config) -> anyhow::Result<Arc<dyn Reranker>> {
    let pool = pool_config(config, "-reranker");
    let reranker = PoolReranker::connect(pool)
        .await
        .context("models.reranker")?;
    Ok(Arc::new(reranker))
}

/// Returns where the pool is. What is known of its model is kept in the data folder.
fn pool_config(config: &Config, model: &str) -> PoolConfig {
    let name = &config.pool.name;
    let memory = config.data.join(format!("pool-{name}{model}.json"));
    PoolConfig {
        memory: Some(memory),
        ..PoolConfig::new(&config.nats.url, name)
    }
}

/// Loads the chat model and serves it to the pool, and with it the text models of this process.
///
/// # Errors
/// Names the file or the setting.
pub(crate) async fn start_worker(config: &Config, own: &OwnModels) -> anyhow::Result<Worker> {
    let engine = load_chat(config, own).await?;
    let worker = WorkerConfig {
        url: config.nats.url.clone(),
        pool: config.pool.name.clone(),
        name: name(&config.worker.name),
    };
    Worker::start(worker, engine, own.served())
        .await
        .context("worker")
}

/// The pool as it is now, from its heartbeats.
#[derive(Clone)]
pub struct LivePool {
    name: String,
    rows: watch::Receiver<Option<Vec<WorkerRow>>>,
    // Ends with the last clone.
    _listening: Arc<JoinSet<()>>,
}

impl LivePool {
    /// Begins to listen. What is told is renewed, and speeds are measured, `every` so often.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub async fn start(url: &str, pool: &str, every: Duration) -> anyhow::Result<Self> {
        let name = pool.to_owned();
        let mut pool = PoolWatch::connect(url, pool).await?;
        let (told, rows) = watch::channel(None);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            loop {
                let rows = pool.rows(every).await;
                let rows = Some(rows).filter(|_| pool.problem().is_none());
                if told.send(rows).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            name,
            rows,
            _listening: Arc::new(listening),
        })
    }

    /// Begins to listen to the configured pool, if there is one.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub(crate) async fn of(config: &Config) -> anyhow::Result<Option<Self>> {
        if config.nats.url.is_empty() {
            return Ok(None);
        }
        let live = Self::start(&config.nats.url, &config.pool.name, SHOW_EVERY).await?;
        Ok(Some(live))
    }

    /// Returns the pool's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the workers by name; nothing while NATS is away or was not listened to yet.
    pub fn rows(&self) -> Option<Vec<WorkerRow>> {
        self.rows.borrow().clone()
    }
}

/// Lets a worker end what it is writing, as long as that may take.
pub(crate) async fn drain(worker: &mut Worker, patience: Duration) {
    worker.drain();
    if tokio::time::timeout(patience, worker.left()).await.is_err() {
        tracing::warn!("worker leaves before everything was written; others go on with it");
    }
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
