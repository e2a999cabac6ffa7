//! `mercer-lab bench chaos`: a pool whose workers and NATS are killed, frozen, restarted and drained at random while
//! callers keep asking. Every request must come out whole and once, or with an honest error before its deadline.

mod callers;
mod check;
mod disturb;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mercer::config::Config;
use mercer::pool::LivePool;
use mercer_inference::{LlamaEngine, PoolConfig, Tokenizer, WorkerPool};
use tokio_util::sync::CancellationToken;

use self::callers::{Callers, Followed};
use self::disturb::{Disturbances, Disturber};
use self::report::{Compared, Report};
use super::fleet::{Fleet, POOL};

/// Kill, freeze, restart and drain workers and NATS at random, and check that no text is lost or repeated.
#[derive(Parser)]
#[command(after_help = "\
Starts a nats-server and workers of its own; nothing else on the machine is touched. Ends with 1 where a text was lost,
repeated or changed, where a request did not end, or where a worker ended by itself.")]
pub(crate) struct ChaosArgs {
    /// Workers ended as by a power cut while they write.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Workers frozen for up to three seconds while they write.
    #[arg(long, default_value_t = 50)]
    stops: usize,
    /// Times that NATS is ended and started again.
    #[arg(long, default_value_t = 50)]
    restarts: usize,
    /// Times that all workers are drained and started again, one after the other.
    #[arg(long, default_value_t = 20)]
    drains: usize,
    /// Workers.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Conversations that each worker computes at once.
    #[arg(long, default_value_t = 4)]
    slots: u32,
    /// Requests under way at the same time.
    #[arg(long, default_value_t = 6)]
    callers: usize,
    /// Model file, GGUF; the configured chat model if left out.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Seconds that a request may take.
    #[arg(long, default_value_t = 30.0)]
    deadline_s: f64,
    /// Milliseconds from one disturbance to the next, on average.
    #[arg(long, default_value_t = 700)]
    pause_ms: u64,
    /// Whole replies that are compared with those of an engine that nothing disturbs: so many that paused longest, and
    /// so many that paused least.
    #[arg(long, default_value_t = 50)]
    compare: usize,
    /// The same seed disturbs and asks in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When a part does not start, or a worker ends by itself.
pub(super) async fn run(config: &Config, args: ChaosArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.workers >= 1, "--workers: must be at least 1");
    ensure!(args.callers >= 1, "--callers: must be at least 1");
    ensure!(
        (1.0..=3_600.0).contains(&args.deadline_s),
        "--deadline-s: must be between 1 and 3600 seconds"
    );
    let mut config = config.clone();
    config.models.slots = args.slots;
    if let Some(model) = &args.model {
        config.models.chat = model.clone();
    }
    config.models.chat = std::path::absolute(&config.models.chat)?;
    // Texts are not what is disturbed here.
    config.models.embedder = PathBuf::new();
    config.models.reranker = PathBuf::new();
    let file = config.models.chat.clone();
    let tokenizer = tokio::task::spawn_blocking(move || Tokenizer::load(file))
        .await?
        .context("--model")?;
    let fleet = Fleet::start(&config, args.workers).await?;
    let pool = WorkerPool::connect(PoolConfig::new(fleet.url(), POOL)).await;
    let pool = Arc::new(pool.context("workers of the bench")?);
    let live = LivePool::start(&fleet.url(), POOL, Duration::from_millis(300)).await?;
    let mut disturber = Disturber::new(fleet, pool.clone(), live, args.seed);
    disturber.all_ready().await?;

    let callers = Arc::new(Callers {
        pool: pool.clone(),
        tokenizer: Arc::new(tokenizer),
        seed: args.seed,
        deadline: Duration::from_secs_f64(args.deadline_s),
        stop: CancellationToken::new(),
    });
    let wanted = Disturbances {
        kills: args.kills,
        stops: args.stops,
        restarts: args.restarts,
        drains: args.drains,
        pause: Duration::from_millis(args.pause_ms),
    };
    let bar = progress(wanted.steps());
    let began = Instant::now();
    let asking = callers.clone().run(args.callers);
    let disturbing = async {
        let disturbed = disturber.run(&wanted, &bar).await;
        callers.stop.cancel();
        disturbed
    };
    let (followed, disturbed) = tokio::join!(asking, disturbing);
    bar.finish_and_clear();
    let (followed, disturbed) = (followed?, disturbed?);
    let wall = began.elapsed();
    disturber.end();
    let gaps = pool.take_gaps();
    let compared = compare(&config, args.compare, &followed).await?;
    let report = Report::new(&args, &followed, disturbed, gaps, compared, wall);
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", report.table());
    }
    if report.requests == 0 {
        bail!("nothing was asked");
    }
    Ok(if report.violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Asks an engine that nothing disturbs for the replies that paused longest, which went on elsewhere, and for those that
/// paused least. One that is not the same is no fault by itself: what is computed beside a request, or again at a
/// resume, can tip the balance between two tokens that are about as likely. How often a resume does that by itself is
/// told by an engine alone that resumes its own text at its middle, everything computed again.
async fn compare(
    config: &Config,
    count: usize,
    followed: &[Followed],
) -> anyhow::Result<[Compared; 3]> {
    let mut whole: Vec<&Followed> = followed
        .iter()
        .filter(|one| one.tokens().is_some())
        .collect();
    whole.sort_by_key(|one| one.pause);
    let count = count.min(whole.len() / 2);
    if count == 0 {
        return Ok([Compared::default(); 3]);
    }
    let mut engine = config.engine();
    engine.slots = 1;
    let mut forgetful = engine.clone();
    (forgetful.parked, forgetful.prefixes, forgetful.host_cache) = (0, 0, 0);
    let engines = tokio::task::spawn_blocking(move || {
        Ok::<_, mercer_inference::Error>((
            LlamaEngine::load(engine)?,
            LlamaEngine::load(forgetful)?,
        ))
    });
    let (engine, forgetful) = engines.await?.context("--model")?;
    let bar = progress(2 * count);
    let [mut paused, mut smooth, mut resumed] = [Compared::default(); 3];
    for one in &whole[whole.len() - count..] {
        let expected = one.undisturbed(&engine, Vec::new()).await?.tokens;
        paused.add(one.tokens() == Some(&expected));
        let half = expected[..expected.len() / 2].to_vec();
        resumed.add(one.undisturbed(&forgetful, half).await?.tokens == expected);
        bar.inc(1);
    }
    for one in &whole[..count] {
        let expected = one.undisturbed(&engine, Vec::new()).await?.tokens;
        smooth.add(one.tokens() == Some(&expected));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok([paused, smooth, resumed])
}

/// Shows a bar on standard error where that is a terminal.
fn progress(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
