//! `mercer-lab bench inference`: the chat model under workloads that a shop's conversations make.
//!
//! The same requests go to the engine in this process or to a server at a URL, one workload after the other.

mod drive;
mod endpoint;
mod events;
mod measure;
mod plan;
mod pool;
pub(super) mod prose;
mod report;
mod target;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};
use mercer::compose::OwnModels;
use mercer::config::Config;
use mercer_inference::{ChatModel, LlamaEngine, Tokenizer};
use mercer_knowledge::SearchModels;

use self::endpoint::{Endpoint, Form};
use self::measure::Bench;
use self::pool::Pool;
use self::prose::Measure;
use self::report::Objective;
use self::target::Target;
use self::workload::{Amounts, Workload};
use super::fleet::Fleet;

/// Requests that may wait for the engine: more than any workload sends at once, so that none is refused.
const QUEUE: usize = 4096;

/// Measure the chat model: here, or at a llama-server or any server with OpenAI's chat completions.
#[derive(Parser)]
#[command(after_help = "\
Examples:
  mercer-lab bench inference --workload W1,W5
      the configured chat model, in this process
  mercer-lab models random --like qwen2.5-0.5b --out q.gguf && mercer-lab bench inference --model q.gguf
      the speed of a real size without downloading it
  mercer-lab bench inference --model q.gguf --endpoint http://127.0.0.1:8081 --json
      the same prompts, as token ids, to a llama-server that runs the same file
  mercer-lab bench inference --model q.gguf --workers 3 --workload W2,W7
      a pool: starts a nats-server and three workers for it, and ends some of them in W7

Give each round its own --seed where a server keeps running: it has the prompts of the last round in its cache.
Keys of --json and what each workload asks: docs/benchmarks.md.")]
pub(crate) struct InferenceArgs {
    /// Workloads, separated by commas; all that can run here if left out.
    #[arg(long, value_enum, value_delimiter = ',', ignore_case = true)]
    workload: Vec<Workload>,
    /// Model file, GGUF; the configured chat model if left out. With --endpoint: the file that the server runs, for
    /// its vocabulary and chat template alone.
    #[arg(long)]
    model: Option<PathBuf>,
    /// URL of a server, such as http://127.0.0.1:8081; measures the engine in this process if left out.
    #[arg(long)]
    endpoint: Option<String>,
    /// URL of a NATS; measures the pool that is there, of the configured name. With --model: the file of its workers.
    #[arg(long, conflicts_with = "endpoint")]
    pool: Option<String>,
    /// Workers to start, with a nats-server, for measuring a pool of them.
    #[arg(long, conflicts_with_all = ["endpoint", "pool"], value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// How prompts are sent to the server; `ids` where --model is given, else `chat`.
    #[arg(long = "as", value_enum, requires = "endpoint")]
    form: Option<Form>,
    /// Conversations computed at once, by each worker of a pool; for a server: what it was started with. As configured
    /// if left out.
    #[arg(long)]
    slots: Option<u32>,
    /// Threads of llama.cpp in this process, or in each worker started here; 0 chooses. As configured if left out.
    #[arg(long)]
    threads: Option<u32>,
    /// Tokens that one conversation may hold; 0 takes what the model allows, at most 8192. As configured if left
    /// out.
    #[arg(long)]
    context_tokens: Option<u32>,
    /// Tokens that the cache holds for all conversations; 0 takes four times the context. As configured
    /// if left out.
    #[arg(long)]
    cache_tokens: Option<u32>,
    /// Mebibytes of main memory for caches that left the context; 0 for none. As configured if left out.
    #[arg(long)]
    host_cache_mb: Option<u64>,
    /// Mebibytes of files for more such caches; 0 for none. As configured if left out.
    #[arg(long)]
    disk_cache_mb: Option<u64>,
    /// Tokens drafted from the prompt in one step at most; 0 for none. As configured if left out.
    #[arg(long)]
    draft_tokens: Option<u32>,
    /// Conversations whose cache stays in the context between their turns. As configured if left out.
    #[arg(long)]
    parked: Option<u32>,
    /// The same seed asks the same.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Requests of W1, W4 and W5.
    #[arg(long, default_value_t = 16)]
    requests: usize,
    /// Conversations of W2, W8 and W9.
    #[arg(long, default_value_t = 40)]
    conversations: usize,
    /// Turns of each of these conversations.
    #[arg(long, default_value_t = 6)]
    turns: u32,
    /// Requests at once in W4 and W5; W4 takes 1 and then the slots if left out, W5 the slots.
    #[arg(long)]
    concurrency: Option<usize>,
    /// Seconds of W3, W6 and W7.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Seconds from one long prompt of W3 to the next, and from one end of a worker in W7 to the next.
    #[arg(long, default_value_t = 5.0)]
    every_s: f64,
    /// Requests a second in W6.
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// Seconds that a request of W6 may take.
    #[arg(long, default_value_t = 10.0)]
    deadline_s: f64,
    /// Milliseconds to the first text that count as in time.
    #[arg(long, default_value_t = 1000)]
    slo_ttft_ms: u64,
    /// Milliseconds between two pieces of text, on average, that count as in time.
    #[arg(long, default_value_t = 200)]
    slo_gap_ms: u64,
    /// Print JSON: one object a line, one line a measurement.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the target cannot be used, or a workload cannot run on it.
pub(crate) async fn run(config: &Config, args: InferenceArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    let workloads = args.workloads(config)?;
    let slots = args.slots.unwrap_or(config.models.slots);
    let mut config = config.clone();
    if !workloads.contains(&Workload::W9) {
        // Nobody loads what nothing asks for.
        config.models.embedder = PathBuf::new();
        config.models.reranker = PathBuf::new();
    }
    let config = &config;
    let pool = args.pool(config, slots).await?;
    let mut models = SearchModels::default();
    let (target, measure) = match (&pool, &args.endpoint) {
        (Some(pool), _) => {
            if workloads.contains(&Workload::W9) {
                models = pool.models(config).await?;
            }
            args.caller(config, pool).await?
        }
        (None, url) => {
            let own = OwnModels::load(config).await?;
            models = own.for_search(config).await?;
            match url {
                Some(url) => args.endpoint(url, slots).await?,
                None => args.engine(config, slots, own.threads()).await?,
            }
        }
    };
    let workers = pool.as_ref().map_or(1, |pool| pool.model.ready().len());
    let bench = Bench {
        target: Arc::new(target),
        measure,
        slots: slots as usize * workers,
        seed: args.seed,
        amounts: args.amounts(),
        every: Duration::from_secs_f64(args.every_s),
        concurrency: args.concurrency,
        objective: Objective {
            ttft: Duration::from_millis(args.slo_ttft_ms),
            gap: Duration::from_millis(args.slo_gap_ms),
        },
        models,
        pool,
    };
    bench.warm_up().await?;
    let mut answered = false;
    for workload in workloads {
        for report in bench.run(workload).await? {
            answered |= report.errors < report.requests;
            if args.json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                println!("{}\n", report.table());
            }
        }
    }
    Ok(if answered {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl InferenceArgs {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.rate.is_finite() && self.rate > 0.0,
            "--rate: must be more than 0"
        );
        for (name, seconds) in [
            ("--every-s", self.every_s),
            ("--deadline-s", self.deadline_s),
        ] {
            ensure!(
                (0.001..=86_400.0).contains(&seconds),
                "{name}: must be between 0.001 and 86400 seconds"
            );
        }
        ensure!(self.slots != Some(0), "--slots: must be at least 1");
        ensure!(
            (1..=1_000).contains(&self.turns),
            "--turns: must be between 1 and 1000"
        );
        ensure!(
            self.form == Some(Form::Chat) || self.form.is_none() || self.model.is_some(),
            "--as ids and --as text: name the file that the server runs with --model, or use --as chat"
        );
        Ok(())
    }

    fn amounts(&self) -> Amounts {
        Amounts {
            requests: self.requests,
            conversations: self.conversations,
            turns: self.turns,
            seconds: self.seconds,
            rate: self.rate,
            deadline: Duration::from_secs_f64(self.deadline_s),
        }
    }

    /// Returns the workloads to run: those named, or all that can run.
    fn workloads(&self, config: &Config) -> anyhow::Result<Vec<Workload>> {
        let no_embedder = config.models.embedder.as_os_str().is_empty();
        let workers = self.workers.unwrap_or_default();
        if self.workload.contains(&Workload::W7) && workers < 2 {
            bail!(
                "W7 ends workers of its own while they write; say how many with --workers, 2 at least"
            );
        }
        if self.workload.contains(&Workload::W9) && no_embedder {
            bail!("W9 needs an embedding model; set models.embedder, or leave W9 out");
        }
        if !self.workload.is_empty() {
            return Ok(self.workload.clone());
        }
        let runs = |workload: &Workload| match workload {
            Workload::W7 => workers > 1,
            Workload::W9 => !no_embedder,
            _ => true,
        };
        Ok(Workload::value_variants()
            .iter()
            .copied()
            .filter(runs)
            .collect())
    }

    async fn endpoint(&self, url: &str, slots: u32) -> anyhow::Result<(Target, Measure)> {
        let form = self.form.unwrap_or(match self.model {
            Some(_) => Form::Ids,
            None => Form::Chat,
        });
        let endpoint = Endpoint::connect(url, form).await?;
        if let Some(serves) = endpoint
            .slots()
            .filter(|serves| *serves != u64::from(slots))
        {
            eprintln!(
                "the server computes {serves} conversations at once; consider --slots {serves}"
            );
        }
        let tokenizer = match self.model.clone() {
            Some(model) => Some(load_tokenizer(model).await?),
            None => None,
        };
        let measure = tokenizer.clone().map_or(Measure::Bytes, Measure::Tokens);
        Ok((Target::endpoint(endpoint, tokenizer), measure))
    }

    /// Returns the pool to measure, if it is one.
    async fn pool(&self, config: &Config, slots: u32) -> anyhow::Result<Option<Arc<Pool>>> {
        if let Some(url) = &self.pool {
            let pool = Pool::connect(url, &config.pool.name).await?;
            return Ok(Some(Arc::new(pool)));
        }
        let Some(workers) = self.workers else {
            return Ok(None);
        };
        let mut settings = self.settings(config, slots);
        settings.models.chat = std::path::absolute(&settings.models.chat)?;
        let fleet = Fleet::start(&settings, workers as usize).await?;
        Ok(Some(Arc::new(Pool::of_fleet(fleet).await?)))
    }

    async fn caller(&self, config: &Config, pool: &Pool) -> anyhow::Result<(Target, Measure)> {
        let tokenizer = load_tokenizer(self.settings(config, 1).models.chat).await?;
        let model = pool.model.clone();
        let name = format!("{} in a pool", model.info().label());
        let target = Target::model(model, tokenizer.clone()).named(name);
        Ok((target, Measure::Tokens(tokenizer)))
    }

    /// Returns the settings of an engine: the configured ones, and what the command line says instead.
    fn settings(&self, config: &Config, slots: u32) -> Config {
        let mut config = config.clone();
        let models = &mut config.models;
        models.chat = self.model.clone().unwrap_or(models.chat.clone());
        models.slots = slots;
        models.threads = self.threads.unwrap_or(models.threads);
        models.context_tokens = self.context_tokens.unwrap_or(models.context_tokens);
        models.cache_tokens = self.cache_tokens.unwrap_or(models.cache_tokens);
        models.parked = self.parked.unwrap_or(models.parked);
        models.host_cache_mb = self.host_cache_mb.unwrap_or(models.host_cache_mb);
        models.disk_cache_mb = self.disk_cache_mb.unwrap_or(models.disk_cache_mb);
        models.draft_tokens = self.draft_tokens.unwrap_or(models.draft_tokens);
        config
    }

    async fn engine(
        &self,
        config: &Config,
        slots: u32,
        cores_taken: u32,
    ) -> anyhow::Result<(Target, Measure)> {
        let mut engine = self.settings(config, slots).engine();
        engine.cores_taken = cores_taken;
        engine.queue = QUEUE;
        engine.batch = engine
            .batch
            .max(engine.slots + engine.parked + engine.prefixes);
        let tokenizer = load_tokenizer(engine.model.clone()).await?;
        let engine = tokio::task::spawn_blocking(move || LlamaEngine::load(engine))
            .await?
            .context("chat model could not be loaded")?;
        let target = Target::model(Arc::new(engine), tokenizer.clone());
        Ok((target, Measure::Tokens(tokenizer)))
    }
}

async fn load_tokenizer(model: PathBuf) -> anyhow::Result<Arc<Tokenizer>> {
    let tokenizer = tokio::task::spawn_blocking(move || Tokenizer::load(model))
        .await?
        .context("--model")?;
    Ok(Arc::new(tokenizer))
}
