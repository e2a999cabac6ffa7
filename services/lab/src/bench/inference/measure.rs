//! Runs workloads on a target and reports each.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use mercer_inference::{ChatMessage, Role};
use mercer_knowledge::SearchModels;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::counted;
use super::drive;
use super::plan::is_plan;
use super::pool::{Pool, PoolReport};
use super::prose::{Measure, Prose};
use super::report::{self, Objective, Report};
use super::target::{Ask, Ending, Outcome, Target};
use super::workload::{Amounts, Builder, STREAMS, Workload};

/// Hits that one search has read again in W9.
const HITS_A_SEARCH: usize = 30;
/// Texts embedded by one call in W9.
const TEXTS_A_CALL: usize = 16;

/// A target and how much to ask of it.
pub(super) struct Bench {
    pub(super) target: Arc<Target>,
    pub(super) measure: Measure,
    pub(super) slots: usize,
    pub(super) seed: u64,
    pub(super) amounts: Amounts,
    pub(super) every: Duration,
    pub(super) concurrency: Option<usize>,
    pub(super) objective: Objective,
    /// What W9 uses beside the chat model.
    pub(super) models: SearchModels,
    pub(super) pool: Option<Arc<Pool>>,
}

/// What came of all requests, and how long it took.
struct Found {
    outcomes: Vec<Outcome>,
    wall: Duration,
}

impl Bench {
    /// Asks for a few words that no workload asks for, so that nothing is cold and a broken target is found at once.
    ///
    /// # Errors
    /// When the target does not answer.
    pub(super) async fn warm_up(&self) -> anyhow::Result<()> {
        let mut asks = [Ask {
            id: format!("warm-up-{}", self.seed),
            conversation: String::new(),
            messages: vec![ChatMessage::new(Role::User, "Are you there?")],
            output_max: 4,
            schema: None,
            lark: None,
            deadline: Duration::from_secs(120),
            cancel_at: None,
            tokens: Vec::new(),
        }];
        self.target.tokenize(&mut asks)?;
        let [ask] = asks;
        match self.target.follow(ask).await.ending {
            Ending::Whole => Ok(()),
            Ending::Failed(error) => bail!("{} does not answer: {error}", self.target.name()),
            _ => bail!("{} did not answer within 120 s", self.target.name()),
        }
    }

    /// Runs a workload. Some report twice.
    ///
    /// # Errors
    /// When it cannot run on this target; requests that fail are counted instead.
    pub(super) async fn run(&self, workload: Workload) -> anyhow::Result<Vec<Report>> {
        let Some(pool) = &self.pool else {
            return self.measure(workload).await;
        };
        let before = pool.done().await;
        let mut reports = self.measure(workload).await?;
        // Where there are two reports nobody can tell what was done for which.
        if let [report] = &mut reports[..]
            && report.pool.is_none()
        {
            report.pool = Some(PoolReport::of(&before, &pool.done().await));
        }
        Ok(reports)
    }

    async fn measure(&self, workload: Workload) -> anyhow::Result<Vec<Report>> {
        let reports = match workload {
            Workload::W1 => {
                let asks = self.builder(workload, 0).new_chats(self.amounts.requests);
                let clients = asks.len();
                vec![self.closed(workload, asks, clients).await?]
            }
            Workload::W2 | Workload::W8 => {
                let mut builder = self.builder(workload, 0);
                let (conversations, turns) = (self.amounts.conversations, self.amounts.turns);
                let mut asks = builder.conversations(conversations, turns);
                if workload == Workload::W8 {
                    builder.cancel_a_third(&mut asks);
                }
                vec![self.closed(workload, asks, 2 * self.slots).await?]
            }
            Workload::W3 => vec![self.stall().await?],
            Workload::W4 => self.grounded().await?,
            Workload::W5 => vec![self.plans().await?],
            Workload::W6 => vec![self.arrivals().await?],
            Workload::W7 => vec![self.kills().await?],
            Workload::W9 => vec![self.beside_embeddings().await?],
        };
        Ok(reports)
    }

    /// Sends requests by so many clients and reports.
    async fn closed(
        &self,
        workload: Workload,
        asks: Vec<Ask>,
        clients: usize,
    ) -> anyhow::Result<Report> {
        let found = self.send(workload, asks, clients).await?;
        Ok(self.report(workload, Some(clients), &found))
    }

    async fn send(
        &self,
        workload: Workload,
        mut asks: Vec<Ask>,
        clients: usize,
    ) -> anyhow::Result<Found> {
        self.target.tokenize(&mut asks)?;
        let bar = progress(workload, asks.len());
        let began = Instant::now();
        let outcomes = drive::closed(&self.target, asks, clients, None, &bar).await?;
        let wall = began.elapsed();
        bar.finish_and_clear();
        Ok(Found { outcomes, wall })
    }

    async fn stall(&self) -> anyhow::Result<Report> {
        let workload = Workload::W3;
        let seconds = self.amounts.seconds;
        let (mut streams, mut long) = self
            .builder(workload, 0)
            .streams_and_long_prompts(seconds, self.every);
        self.target.tokenize(&mut streams)?;
        for (_, ask) in &mut long {
            self.target.tokenize(std::slice::from_mut(ask))?;
        }
        let bar = progress(workload, streams.len() + long.len());
        let began = Instant::now();
        let until = began + Duration::from_secs(seconds.into());
        let (streams, long) = tokio::join!(
            drive::closed(&self.target, streams, STREAMS, Some(until), &bar),
            drive::open(&self.target, long, began, &bar),
        );
        let (streams, long) = (streams?, long?);
        let wall = began.elapsed();
        bar.finish_and_clear();
        let stall_ms_max = report::stall_ms_max(&streams);
        let long_prompt_ttft_ms = Some(report::ttft(&long));
        let outcomes = streams.into_iter().chain(long).collect();
        let found = Found { outcomes, wall };
        Ok(Report {
            stall_ms_max,
            long_prompt_ttft_ms,
            ..self.report(workload, Some(STREAMS), &found)
        })
    }

    async fn grounded(&self) -> anyhow::Result<Vec<Report>> {
        let concurrencies = self
            .concurrency
            .map_or(vec![1, self.slots], |one| vec![one]);
        let mut reports = Vec::new();
        for (block, clients) in (0..).zip(concurrencies) {
            // Other prompts each time, or the second measurement would find those of the first in the cache.
            let mut builder = self.builder(Workload::W4, block);
            let asks = builder.grounded(self.amounts.requests);
            reports.push(self.closed(Workload::W4, asks, clients).await?);
        }
        Ok(reports)
    }

    async fn plans(&self) -> anyhow::Result<Report> {
        let clients = self.concurrency.unwrap_or(self.slots);
        let asks = self.builder(Workload::W5, 0).plans(self.amounts.requests);
        let found = self.send(Workload::W5, asks, clients).await?;
        let ended: Vec<&Outcome> = found
            .outcomes
            .iter()
            .filter(|outcome| outcome.ending == Ending::Whole)
            .collect();
        let valid = ended
            .iter()
            .filter(|outcome| is_plan(&outcome.text))
            .count();
        Ok(Report {
            valid: Some(valid as f64 / ended.len().max(1) as f64),
            ..self.report(Workload::W5, Some(clients), &found)
        })
    }

    async fn arrivals(&self) -> anyhow::Result<Report> {
        let mut asks = self.builder(Workload::W6, 0).arrivals(&self.amounts);
        for (_, ask) in &mut asks {
            self.target.tokenize(std::slice::from_mut(ask))?;
        }
        let bar = progress(Workload::W6, asks.len());
        let began = Instant::now();
        let outcomes = drive::open(&self.target, asks, began, &bar).await?;
        let wall = began.elapsed();
        bar.finish_and_clear();
        Ok(self.report(Workload::W6, None, &Found { outcomes, wall }))
    }

    async fn kills(&self) -> anyhow::Result<Report> {
        let workload = Workload::W7;
        let pool = self
            .pool
            .clone()
            .filter(|pool| pool.is_own())
            .context("W7 ends workers of its own; say how many with --workers")?;
        let seconds = self.amounts.seconds;
        let mut asks = self.builder(workload, 0).counted(seconds);
        self.target.tokenize(&mut asks)?;
        pool.model.take_gaps();
        let stop = CancellationToken::new();
        let killing = tokio::spawn({
            let (pool, every, seed, stop) = (pool.clone(), self.every, self.seed, stop.clone());
            async move { pool.kill(every, seed, stop).await }
        });
        let bar = progress(workload, asks.len());
        let began = Instant::now();
        let until = began + Duration::from_secs(seconds.into());
        let outcomes = drive::closed(&self.target, asks, STREAMS, Some(until), &bar).await;
        let wall = began.elapsed();
        bar.finish_and_clear();
        stop.cancel();
        let kills = killing.await??;
        let outcomes = outcomes?;
        let ended = outcomes.iter().filter(|one| one.ending == Ending::Whole);
        let broken = ended.filter(|one| !counted::is_whole(&one.text)).count();
        let of_pool = PoolReport {
            workers: pool.model.ready().len(),
            kills: Some(kills),
            broken: Some(broken),
            ..PoolReport::default()
        };
        Ok(Report {
            pool: Some(of_pool.with_gaps(pool.model.take_gaps())),
            ..self.report(workload, Some(STREAMS), &Found { outcomes, wall })
        })
    }

    async fn beside_embeddings(&self) -> anyhow::Result<Report> {
        let workload = Workload::W9;
        let embedder = self
            .models
            .embedder
            .clone()
            .context("W9 needs an embedding model; set models.embedder")?;
        let asks = self
            .builder(workload, 0)
            .conversations(self.amounts.conversations, self.amounts.turns);
        let passages = self.builder(workload, 1).passages(TEXTS_A_CALL);
        let stop = CancellationToken::new();
        let embedding = per_second(stop.clone(), {
            let passages = passages.clone();
            move || {
                let (embedder, passages) = (embedder.clone(), passages.clone());
                async move { Ok(embedder.embed(passages).await?.len()) }
            }
        });
        let ranking = self.models.reranker.clone().map(|reranker| {
            let (query, hits) = (
                passages[0].clone(),
                self.builder(workload, 2).passages(HITS_A_SEARCH),
            );
            per_second(stop.clone(), move || {
                let (reranker, query, hits) = (reranker.clone(), query.clone(), hits.clone());
                async move { Ok(reranker.scores(&query, hits).await?.len()) }
            })
        });
        let found = self.send(workload, asks, 2 * self.slots).await;
        stop.cancel();
        let embeddings_per_s = embedding.await??;
        let reranked_per_s = match ranking {
            Some(ranking) => Some(ranking.await??),
            None => None,
        };
        Ok(Report {
            embeddings_per_s: Some(embeddings_per_s),
            reranked_per_s,
            ..self.report(workload, Some(2 * self.slots), &found?)
        })
    }

    fn scale(&self, workload: Workload) -> f64 {
        workload.scale(&self.amounts, self.target.context_tokens())
    }

    /// Starts inventing for a workload; each `block` of one invents other texts.
    fn builder(&self, workload: Workload, block: u64) -> Builder {
        let seed = self.seed.wrapping_mul(1_000) + 10 * workload as u64 + block;
        let prose = Prose::new(seed, self.measure.clone(), self.scale(workload));
        Builder::new(prose, format!("{}-{}-{block}", workload.name(), self.seed))
    }

    fn report(&self, workload: Workload, clients: Option<usize>, found: &Found) -> Report {
        let scale = self.scale(workload);
        Report {
            workload: workload.name(),
            target: self.target.name(),
            concurrency: clients,
            seed: self.seed,
            scaled: Some(scale).filter(|scale| *scale < 1.0),
            ..Report::of(&found.outcomes, found.wall, self.objective)
        }
    }
}

/// Shows a bar on standard error where that is a terminal.
fn progress(workload: Workload, requests: usize) -> ProgressBar {
    let bar = ProgressBar::new(requests as u64).with_prefix(workload.name());
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:32}] {pos}/{len} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Does something again and again until told to stop, and returns how many texts a second that were.
fn per_second<F>(
    stop: CancellationToken,
    mut again: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<Result<f64, mercer_inference::Error>>
where
    F: Future<Output = Result<usize, mercer_inference::Error>> + Send + 'static,
{
    tokio::spawn(async move {
        let (mut count, began) = (0, Instant::now());
        while !stop.is_cancelled() {
            count += again().await?;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    })
}

#[cfg(test)]
mod tests {
    use mercer_inference::{EngineConfig, LlamaEngine, Tokenizer};
    use mercer_random_model::{RandomModel, write_random_model};
    use tempfile::TempDir;

    use super::*;

    fn bench() -> (Bench, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("random.gguf");
        write_random_model(&path, &RandomModel::default()).unwrap();
        let tokenizer = Arc::new(Tokenizer::load(&path).unwrap());
        let engine = LlamaEngine::load(EngineConfig::for_testing(&path)).unwrap();
        let bench = Bench {
            target: Arc::new(Target::model(Arc::new(engine), tokenizer.clone())),
            measure: Measure::Tokens(tokenizer),
            slots: 2,
            seed: 1,
            amounts: Amounts {
                requests: 3,
                conversations: 2,
                turns: 2,
                seconds: 1,
                rate: 5.0,
                deadline: Duration::from_secs(60),
            },
            every: Duration::from_secs(1),
            concurrency: None,
            objective: Objective {
                ttft: Duration::from_secs(100),
                gap: Duration::from_secs(100),
            },
            models: SearchModels::default(),
            pool: None,
        };
        (bench, folder)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn new_chats_share_their_rules_in_the_engine() {
        let (bench, _folder) = bench();
        bench.warm_up().await.unwrap();
        let reports = bench.run(Workload::W1).await.unwrap();
        let [report] = reports.as_slice() else {
            panic!("one report")
        };
        assert_eq!((report.requests, report.errors), (3, 0), "{report:?}");
        assert!(report.scaled.is_some(), "512 tokens hold no 1,500");
        assert_eq!(
            report.prompt_tokens,
            report.prefill_tokens + report.reused_tokens
        );
        let unique = report.unique_prompt_tokens.unwrap();
        assert!(
            unique * 2 < report.prompt_tokens && unique <= report.prefill_tokens + 1,
            "{report:?}"
        );
        assert!(report.output_tokens > 0 && report.goodput_per_s > 0.0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn plans_of_a_random_model_follow_the_schema() {
        let (bench, _folder) = bench();
        let reports = bench.run(Workload::W5).await.unwrap();
        assert_eq!(reports[0].errors, 0, "{:?}", reports[0]);
        assert_eq!(reports[0].valid, Some(1.0), "{:?}", reports[0]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_other_workload_runs_to_its_end() {
        let (bench, _folder) = bench();
        for workload in [
            Workload::W2,
            Workload::W3,
            Workload::W4,
            Workload::W6,
            Workload::W8,
        ] {
            for report in bench.run(workload).await.unwrap() {
                assert!(report.requests > 0, "{report:?}");
                assert_eq!(report.errors, 0, "{report:?}");
            }
        }
        assert!(bench.run(Workload::W7).await.is_err());
        assert!(bench.run(Workload::W9).await.is_err());
    }
}
