//! A pool as what is measured: how its workers shared the work, and what it takes to lose one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use mercer::config::{Config, ModelPlace};
use mercer_inference::{
    Embedder, PoolConfig, PoolEmbedder, PoolReranker, PoolWatch, Reranker, WorkerPool, WorkerState,
};
use mercer_knowledge::SearchModels;
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::super::fleet::{Fleet, POOL};
use super::super::quantiles::{Quantiles, millis};

/// Long enough for some heartbeats of each worker.
const LISTEN: Duration = Duration::from_millis(600);
/// A worker that was started and is not there by then does not come; a large model takes a while to load.
const START_MAX: Duration = Duration::from_secs(300);

/// A pool.
pub(super) struct Pool {
    pub(super) model: Arc<WorkerPool>,
    config: PoolConfig,
    watch: Mutex<PoolWatch>,
    /// The workers, where they are this measurement's own.
    fleet: Option<Mutex<Fleet>>,
}

/// What a worker has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    incarnation: u64,
    computed: u64,
}

/// What is told of a pool. The keys are documented in `docs/benchmarks.md`.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct PoolReport {
    pub(super) workers: usize,
    /// Tokens computed by the busiest worker, over the mean of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_spread: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kills: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resumes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resume_gap_ms: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resume_gap_ms_max: Option<f64>,
    /// Replies with a piece lost, repeated or out of order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) broken: Option<usize>,
}

impl Pool {
    /// Connects to the pool of a fleet.
    ///
    /// # Errors
    /// When its workers do not come.
    pub(super) async fn of_fleet(fleet: Fleet) -> anyhow::Result<Self> {
        let (url, count) = (fleet.url(), fleet.len());
        let mut pool = Self::connect(&url, POOL).await?;
        pool.fleet = Some(Mutex::new(fleet));
        pool.wait_for(count).await?;
        Ok(pool)
    }

    /// Connects to a pool that runs.
    ///
    /// # Errors
    /// When NATS cannot be reached or no worker is there.
    pub(super) async fn connect(url: &str, name: &str) -> anyhow::Result<Self> {
        let config = PoolConfig::new(url, name);
        let model = WorkerPool::connect(config.clone()).await;
        let watch = PoolWatch::connect(url, name).await?;
        Ok(Self {
            model: Arc::new(model.context("pool")?),
            config,
            watch: Mutex::new(watch),
            fleet: None,
        })
    }

    /// Connects to its embedding model, and to its reranker where one is configured.
    ///
    /// # Errors
    /// When no worker serves one.
    pub(super) async fn models(&self, config: &Config) -> anyhow::Result<SearchModels> {
        let embedder = PoolEmbedder::connect(self.config.clone()).await;
        let embedder: Arc<dyn Embedder> = Arc::new(embedder.context("pool")?);
        let mut models = SearchModels {
            embedder: Some(embedder),
            reranker: None,
        };
        if config.models.reranker() != ModelPlace::None {
            let reranker = PoolReranker::connect(self.config.clone()).await;
            let reranker: Arc<dyn Reranker> = Arc::new(reranker.context("pool")?);
            models.reranker = Some(reranker);
        }
        Ok(models)
    }

    /// Says whether its workers may be ended.
    pub(super) fn is_own(&self) -> bool {
        self.fleet.is_some()
    }

    async fn wait_for(&self, count: usize) -> anyhow::Result<()> {
        let until = Instant::now() + START_MAX;
        while self.model.ready().len() < count {
            ensure!(
                Instant::now() < until,
                "of {count} workers only {} are there",
                self.model.ready().len()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Returns what each worker has done so far.
    pub(super) async fn done(&self) -> BTreeMap<String, Done> {
        let rows = self.watch.lock().await.rows(LISTEN).await;
        let live = rows
            .into_iter()
            .filter(|row| row.state != WorkerState::Silent);
        let done = live.map(|row| {
            let load = row.heartbeat.load;
            let computed =
                load.prompt_tokens.saturating_sub(load.cached_tokens) + load.output_tokens;
            let done = Done {
                incarnation: row.heartbeat.incarnation,
                computed,
            };
            (row.heartbeat.worker, done)
        });
        done.collect()
    }

    /// Ends a worker that is drawn every so often, as a power cut would, and starts it again, until told to stop. Returns
    /// how many were ended.
    ///
    /// # Errors
    /// When the workers are not this measurement's own, or one does not start again.
    pub(super) async fn kill(
        &self,
        every: Duration,
        seed: u64,
        stop: CancellationToken,
    ) -> anyhow::Result<usize> {
        let fleet = self.fleet.as_ref();
        let mut fleet = fleet
            .context("workers of others are not ended")?
            .lock()
            .await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut kills = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(every) => {}
            }
            let ready = self.model.ready();
            let running: Vec<usize> = (0..fleet.len())
                .filter(|worker| ready.iter().any(|name| name == fleet.name(*worker)))
                .collect();
            // One is left to go on.
            if running.len() > 1
                && let Some(worker) = running.choose(&mut rng)
            {
                fleet.kill(*worker).await?;
                kills += 1;
            }
        }
        self.wait_for(fleet.len()).await?;
        Ok(kills)
    }
}

impl PoolReport {
    /// Compares what workers had done before and after; a worker that was started anew in between makes it unknown.
    pub(super) fn of(before: &BTreeMap<String, Done>, after: &BTreeMap<String, Done>) -> Self {
        let same = before.len() == after.len()
            && after.iter().all(|(name, done)| {
                let was = before.get(name);
                was.is_some_and(|was| was.incarnation == done.incarnation)
            });
        let computed: Vec<u64> = after
            .iter()
            .map(|(name, done)| {
                let was = before.get(name).map_or(0, |was| was.computed);
                done.computed.saturating_sub(was)
            })
            .collect();
        let mean = computed.iter().sum::<u64>() as f64 / computed.len().max(1) as f64;
        let most = computed.iter().max().copied().unwrap_or_default() as f64;
        Self {
            workers: after.len(),
            load_spread: (same && mean > 0.0).then(|| most / mean),
            ..Self::default()
        }
    }

    /// Adds what became of resumes.
    pub(super) fn with_gaps(mut self, gaps: Vec<Duration>) -> Self {
        self.resumes = Some(gaps.len());
        self.resume_gap_ms_max = gaps.iter().max().copied().map(millis);
        self.resume_gap_ms = Some(Quantiles::of(gaps));
        self
    }

    /// Returns lines for eyes.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("workers", self.workers.to_string())];
        if let Some(spread) = self.load_spread {
            lines.push(("load spread", format!("{spread:.2} (busiest over mean)")));
        }
        if let (Some(kills), Some(broken)) = (self.kills, self.broken) {
            lines.push(("killed", format!("{kills} workers; {broken} texts broken")));
        }
        if let (Some(resumes), Some(gaps)) = (self.resumes, &self.resume_gap_ms) {
            let most = self.resume_gap_ms_max.unwrap_or_default();
            lines.push((
                "resumes",
                format!("{resumes}: gap {}, most {most:.1} ms", gaps.line(1)),
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(of: &[(&str, u64, u64)]) -> BTreeMap<String, Done> {
        let done = of.iter().map(|(name, incarnation, computed)| {
            let done = Done {
                incarnation: *incarnation,
                computed: *computed,
            };
            ((*name).to_owned(), done)
        });
        done.collect()
    }

    #[test]
    fn spread_is_what_was_done_in_between() {
        let before = done(&[("a", 1, 100), ("b", 2, 0)]);
        let report = PoolReport::of(&before, &done(&[("a", 1, 400), ("b", 2, 100)]));
        assert_eq!((report.workers, report.load_spread), (2, Some(1.5)));
        let restarted = done(&[("a", 1, 400), ("b", 3, 100)]);
        assert_eq!(PoolReport::of(&before, &restarted).load_spread, None);
        assert_eq!(PoolReport::of(&before, &before).load_spread, None);
    }
}
