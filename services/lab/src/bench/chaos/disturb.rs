//! Disturbs a fleet: one disturbance after the other, in an order drawn from a seed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use indicatif::ProgressBar;
use mercer::pool::LivePool;
use mercer_inference::WorkerPool;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::fleet::Fleet;

/// A worker that was started and is not there by then does not come.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a worker that writes is waited for.
const WRITES_MAX: Duration = Duration::from_secs(3);
const FROZEN_MS: std::ops::Range<u64> = 300..3_000;
const NATS_GONE_MS: std::ops::Range<u64> = 0..1_000;

/// How often what is done.
#[derive(Debug, Clone)]
pub(super) struct Disturbances {
    pub(super) kills: usize,
    pub(super) stops: usize,
    pub(super) restarts: usize,
    pub(super) drains: usize,
    /// Time from one to the next, on average.
    pub(super) pause: Duration,
}

impl Disturbances {
    /// Returns how many disturbances it has.
    pub(super) fn steps(&self) -> usize {
        self.kills + self.stops + self.restarts + self.drains
    }

    fn shuffled(&self, rng: &mut StdRng) -> Vec<Step> {
        let mut steps = [
            vec![Step::Kill; self.kills],
            vec![Step::Stop; self.stops],
            vec![Step::RestartNats; self.restarts],
            vec![Step::Drain; self.drains],
        ]
        .concat();
        steps.shuffle(rng);
        steps
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Kill,
    Stop,
    RestartNats,
    Drain,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Disturbed {
    pub(super) kills: usize,
    /// Kills of a worker that wrote by its last heartbeat.
    pub(super) kills_mid_stream: usize,
    pub(super) stops: usize,
    pub(super) restarts: usize,
    pub(super) drains: usize,
}

/// Disturbs.
pub(super) struct Disturber {
    fleet: Fleet,
    pool: Arc<WorkerPool>,
    live: LivePool,
    rng: StdRng,
    /// Workers that are frozen, and until when.
    frozen: Vec<(Instant, usize)>,
}

impl Disturber {
    pub(super) fn new(fleet: Fleet, pool: Arc<WorkerPool>, live: LivePool, seed: u64) -> Self {
        Self {
            fleet,
            pool,
            live,
            rng: StdRng::seed_from_u64(seed),
            frozen: Vec::new(),
        }
    }

    /// Waits until every worker takes requests.
    ///
    /// # Errors
    /// When one does not come, or has ended by itself.
    pub(super) async fn all_ready(&mut self) -> anyhow::Result<()> {
        self.ready(self.fleet.len()).await
    }

    /// Does all that is wanted, then waits until everything is well again.
    ///
    /// # Errors
    /// When a worker ends by itself or does not come back.
    pub(super) async fn run(
        &mut self,
        wanted: &Disturbances,
        bar: &ProgressBar,
    ) -> anyhow::Result<Disturbed> {
        let mut done = Disturbed::default();
        for step in wanted.shuffled(&mut self.rng) {
            let pause = wanted.pause.mul_f64(self.rng.random_range(0.3..1.7));
            self.rest(pause).await?;
            match step {
                Step::Kill => {
                    let (worker, writes) = self.choose().await?;
                    self.fleet.kill(worker).await?;
                    done.kills += 1;
                    done.kills_mid_stream += usize::from(writes);
                }
                Step::Stop => {
                    let (worker, _) = self.choose().await?;
                    self.fleet.signal(worker, "STOP").await?;
                    let frozen = Duration::from_millis(self.rng.random_range(FROZEN_MS));
                    self.frozen.push((Instant::now() + frozen, worker));
                    done.stops += 1;
                }
                Step::RestartNats => {
                    let gone = Duration::from_millis(self.rng.random_range(NATS_GONE_MS));
                    self.fleet.restart_nats(gone).await?;
                    done.restarts += 1;
                }
                Step::Drain => {
                    self.drain().await?;
                    done.drains += 1;
                }
            }
            bar.inc(1);
        }
        self.thaw().await?;
        self.all_ready().await?;
        Ok(done)
    }

    /// Ends the fleet.
    pub(super) fn end(self) {
        drop(self.fleet);
    }

    /// Lets time pass, and frozen workers go on when it is time.
    async fn rest(&mut self, pause: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + pause;
        loop {
            let next = self.frozen.iter().map(|(at, _)| *at).min();
            let next = next.filter(|at| *at <= until);
            sleep_until(next.unwrap_or(until)).await;
            let now = Instant::now();
            let (due, frozen): (Vec<_>, Vec<_>) = std::mem::take(&mut self.frozen)
                .into_iter()
                .partition(|(at, _)| *at <= now);
            self.frozen = frozen;
            for (_, worker) in due {
                self.fleet.signal(worker, "CONT").await?;
            }
            if next.is_none() {
                return self.nobody_fell();
            }
        }
    }

    async fn thaw(&mut self) -> anyhow::Result<()> {
        while let Some(last) = self.frozen.iter().map(|(at, _)| *at).max() {
            self.rest(last.saturating_duration_since(Instant::now()))
                .await?;
        }
        Ok(())
    }

    fn nobody_fell(&mut self) -> anyhow::Result<()> {
        if let Some((name, status, log)) = self.fleet.fallen() {
            bail!("worker {name} ended by itself ({status}):\n{log}");
        }
        Ok(())
    }

    /// Draws a worker that writes, while another one could go on; after a while any that runs.
    async fn choose(&mut self) -> anyhow::Result<(usize, bool)> {
        let until = Instant::now() + WRITES_MAX;
        loop {
            let ready = self.pool.ready();
            let rows = self.live.rows().unwrap_or_default();
            let running: Vec<usize> = (0..self.fleet.len())
                .filter(|worker| !self.frozen.iter().any(|(_, frozen)| frozen == worker))
                .filter(|worker| ready.iter().any(|name| name == self.fleet.name(*worker)))
                .collect();
            let writing: Vec<usize> = running
                .iter()
                .copied()
                .filter(|worker| {
                    let own = rows
                        .iter()
                        .find(|row| row.heartbeat.worker == self.fleet.name(*worker));
                    own.is_some_and(|row| row.heartbeat.load.decoding > 0)
                })
                .collect();
            let enough = running.len() > 1 || self.fleet.len() == 1;
            if enough && let Some(worker) = writing.choose(&mut self.rng) {
                return Ok((*worker, true));
            }
            if Instant::now() >= until
                && enough
                && let Some(worker) = running.choose(&mut self.rng)
            {
                return Ok((*worker, false));
            }
            ensure!(
                Instant::now() < until + START_MAX,
                "workers that were started again do not come back"
            );
            self.rest(Duration::from_millis(50)).await?;
        }
    }

    /// Drains and restarts all workers, one after the other.
    async fn drain(&mut self) -> anyhow::Result<()> {
        for worker in 0..self.fleet.len() {
            self.thaw().await?;
            self.all_ready().await?;
            self.fleet.restart(worker).await?;
        }
        self.all_ready().await
    }

    async fn ready(&mut self, count: usize) -> anyhow::Result<()> {
        let until = Instant::now() + START_MAX;
        while self.pool.ready().len() < count {
            self.nobody_fell()?;
            ensure!(
                Instant::now() < until,
                "of {count} workers only {} are there",
                self.pool.ready().len()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_disturbs_in_the_same_order() {
        let wanted = Disturbances {
            kills: 5,
            stops: 3,
            restarts: 2,
            drains: 1,
            pause: Duration::ZERO,
        };
        let order = |seed| wanted.shuffled(&mut StdRng::seed_from_u64(seed));
        assert_eq!(order(1).len(), wanted.steps());
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
