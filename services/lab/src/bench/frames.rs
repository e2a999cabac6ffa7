//! `mercer-lab bench frames`: what the way over NATS adds to each piece of text.
//!
//! A metronome takes the model's place: it writes a token at fixed times and notes when. Worker, caller and clock are in
//! this process, the frames go through a real nats-server, so the difference of two times is the way alone, and no
//! model's noise is in it.

use std::collections::{BTreeSet, HashMap};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use clap::Parser;
use futures::StreamExt;
use mercer::config::Config;
use mercer_inference::{
    ChatMessage, ChatModel, Chunk, Completion, Error, Finish, GenerateRequest, Generation,
    ModelInfo, PoolConfig, Priority, Role, TextModels, Timings, Usage, Worker, WorkerConfig,
    WorkerEngine, WorkerPool,
};
use mercer_schemas::worker::Load;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::fleet::{Fleet, POOL};
use super::quantiles::Quantiles;

/// Time that NATS adds to each piece of text, with no model in the way.
#[derive(Parser)]
pub(crate) struct FramesArgs {
    /// Replies written at the same time.
    #[arg(long, default_value_t = 8)]
    streams: usize,
    /// Tokens of each.
    #[arg(long, default_value_t = 300)]
    tokens: u32,
    /// Milliseconds from one token to the next. Tokens that come within 20 ms of each other share a frame.
    #[arg(long, default_value_t = 30)]
    every_ms: u64,
    /// URL of a NATS that runs; one is started for this where left out.
    #[arg(long)]
    pool: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Times from writing a token to reading it, milliseconds.
#[derive(Debug, Serialize)]
struct Way {
    tokens: usize,
    first_token_ms: Quantiles,
    token_ms: Quantiles,
    token_ms_max: f64,
}

#[derive(Debug, Serialize)]
struct FramesReport {
    streams: usize,
    every_ms: u64,
    in_process: Way,
    nats: Way,
    /// What NATS adds at p99.
    added_p99_ms: f64,
}

/// Runs the command.
///
/// # Errors
/// When a part does not start or a reply does not come whole.
pub(super) async fn run(config: &Config, args: FramesArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.every_ms > 0, "--every-ms: must be at least 1");
    let metronome = Arc::new(Metronome {
        every: Duration::from_millis(args.every_ms),
        info: info(),
        written: Written::default(),
    });
    let in_process = measure(metronome.clone(), &metronome, &args, "a").await?;
    let fleet = match &args.pool {
        Some(_) => None,
        None => Some(Fleet::start(config, 0).await?),
    };
    let url = fleet
        .as_ref()
        .map(Fleet::url)
        .or(args.pool.clone())
        .unwrap_or_default();
    // Nobody else may have these names at a NATS that others use too.
    let name = format!("{POOL}-{:08x}", rand::random::<u32>());
    let worker = WorkerConfig {
        url: url.clone(),
        pool: name.clone(),
        name: name.clone(),
    };
    let worker = Worker::start(worker, metronome.clone(), TextModels::default())
        .await
        .context("worker")?;
    let pool = WorkerPool::connect(PoolConfig::new(url, name)).await?;
    let nats = measure(Arc::new(pool), &metronome, &args, "b").await?;
    drop(worker);
    let report = FramesReport {
        streams: args.streams,
        every_ms: args.every_ms,
        added_p99_ms: nats.token_ms.p99 - in_process.token_ms.p99,
        in_process,
        nats,
    };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} replies at once, a token each {} ms: from written to read",
        report.streams, report.every_ms
    );
    for (name, way) in [
        ("in process", &report.in_process),
        ("over NATS", &report.nats),
    ] {
        println!(
            "  {name:<11} {} tokens: {}, most {:.2} ms; first token: {}",
            way.tokens,
            way.token_ms.line(2),
            way.token_ms_max,
            way.first_token_ms.line(2)
        );
    }
    println!("  added at p99: {:.2} ms", report.added_p99_ms);
    Ok(ExitCode::SUCCESS)
}

async fn measure(
    model: Arc<dyn ChatModel>,
    metronome: &Arc<Metronome>,
    args: &FramesArgs,
    run: &str,
) -> anyhow::Result<Way> {
    let mut reading = JoinSet::new();
    for number in 0..args.streams.max(1) {
        let (model, written) = (model.clone(), metronome.written.clone());
        let request = request(format!("{run}-{number}"), args.tokens);
        reading.spawn(async move {
            let id = request.request_id.clone();
            let mut generation = model.generate(request).await?;
            let mut took = Vec::new();
            while let Some(chunk) = generation.next().await {
                if let Chunk::Text { tokens, .. } = chunk? {
                    let now = Instant::now();
                    took.extend(tokens.iter().map(|token| now - written.at(&id, *token)));
                }
            }
            Ok::<_, Error>(took)
        });
        // Streams that all write in the same moment would wait for each other.
        tokio::time::sleep(metronome.every / args.streams.max(1) as u32).await;
    }
    let (mut first, mut all) = (Vec::new(), Vec::new());
    while let Some(took) = reading.join_next().await {
        let took = took??;
        ensure!(
            took.len() == args.tokens as usize,
            "a reply did not come whole"
        );
        first.extend(took.first().copied());
        all.extend(took);
    }
    Ok(Way {
        tokens: all.len(),
        first_token_ms: Quantiles::of(first),
        token_ms_max: all
            .iter()
            .max()
            .map_or(0.0, |most| most.as_secs_f64() * 1_000.0),
        token_ms: Quantiles::of(all),
    })
}

fn request(id: String, tokens: u32) -> GenerateRequest {
    GenerateRequest {
        conversation_key: id.clone(),
        request_id: id,
        adapter: None,
        messages: vec![ChatMessage::new(Role::User, "Are you there?")],
        resume: Vec::new(),
        grammar: None,
        max_tokens: tokens.max(1),
        temperature: 0.0,
        top_p: 1.0,
        deadline: Duration::from_secs(3_600),
        priority: Priority::Interactive,
    }
}

fn info() -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: "metronome".to_owned(),
        sha256: "0".repeat(64),
        n_ctx: u32::MAX,
        n_vocab: u32::MAX,
        n_params: 0,
        prompt_style: "full".to_owned(),
        template_sha256: String::new(),
        adapters: Vec::new(),
    })
}

/// Writes the numbers from 0 at fixed times.
struct Metronome {
    every: Duration,
    info: Arc<ModelInfo>,
    written: Written,
}

/// When each token of each request was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<HashMap<String, Vec<Instant>>>>);

impl Written {
    fn note(&self, request: &str) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written
            .entry(request.to_owned())
            .or_default()
            .push(Instant::now());
    }

    fn at(&self, request: &str, token: u32) -> Instant {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written[request][token as usize]
    }
}

fn whole(tokens: u32) -> Completion {
    Completion {
        text: "x".repeat(tokens as usize),
        tokens: (0..tokens).collect(),
        finish: Finish::Length,
        usage: Usage {
            prompt_tokens: 1,
            cached_tokens: 0,
            output_tokens: tokens,
        },
        timings: Timings::default(),
        prompt_sha256: String::new(),
        model: String::new(),
    }
}

#[async_trait]
impl ChatModel for Metronome {
    fn info(&self) -> Arc<ModelInfo> {
        self.info.clone()
    }

    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error> {
        let (sink, generation) = Generation::channel();
        let (every, written) = (self.every, self.written.clone());
        tokio::spawn(async move {
            sink.send(Ok(Chunk::Started {
                prompt_tokens: 1,
                cached_tokens: 0,
            }));
            let mut beat = interval(every);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for token in 0..request.max_tokens {
                beat.tick().await;
                written.note(&request.request_id);
                sink.send(Ok(Chunk::Text {
                    text: "x".to_owned(),
                    tokens: vec![token],
                }));
            }
            sink.send(Ok(Chunk::Done(whole(request.max_tokens))));
        });
        Ok(generation)
    }
}

impl WorkerEngine for Metronome {
    fn take_load(&self) -> Load {
        Load {
            slots: 1_024,
            waiting_max: 1_024,
            prefill_tokens_per_s: 1e6,
            ..Load::default()
        }
    }

    fn starts(&self) -> BTreeSet<u64> {
        BTreeSet::new()
    }
}
