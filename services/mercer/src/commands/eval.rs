//! `mercer eval`: measure answers against dialogues, and search against judgments.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mercer_knowledge::{Progress, SearchConfig, beir};
use mercer_runtime::{Clock, FixedDayClock, SystemClock};

use crate::compose::{Chat, OwnModels};
use crate::config::{Bases, Config};
use crate::evaluation::dialogue;
use crate::evaluation::play::play;
use crate::evaluation::report::Report;
use crate::evaluation::stage::{Setting, Stage};

/// Most dialogues at a time: as many as a model can have slots.
const JOBS_MAX: i64 = 64;

/// Measure answers or search against expectations.
#[derive(Subcommand)]
pub(crate) enum Eval {
    /// Play dialogue files against a shop and judge every turn.
    Dialogues(DialoguesArgs),
    /// Measure search on a dataset in BEIR layout.
    Retrieval(RetrievalArgs),
}

/// Play dialogue files against a shop and judge every turn. docs/dialogues.md tells how to write them.
#[derive(Parser)]
pub(crate) struct DialoguesArgs {
    /// A dialogue file, or a folder of them.
    path: PathBuf,
    /// Folder with the shop's import files.
    #[arg(long, default_value = "fixtures/shop")]
    catalog: PathBuf,
    /// The day that the shop's policies and promotions are judged at, YYYY-MM-DD; today when left out.
    #[arg(long)]
    today: Option<String>,
    /// Ask the pool of workers at nats.url instead of a model in this process.
    #[arg(long)]
    pool: bool,
    /// How many dialogues are played at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=JOBS_MAX))]
    jobs: u16,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Also write the report as a page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Exit 1 when less than this share of turns is right, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    min_right: f64,
}

/// Measure search on a dataset in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.
#[derive(Parser)]
pub(crate) struct RetrievalArgs {
    /// Folder of the dataset.
    #[arg(long)]
    dataset: PathBuf,
    /// How a judgment counts in nDCG: as it is, or as 2^judgment - 1.
    #[arg(long, value_enum, default_value = "linear")]
    gain: GainArg,
    /// Embedding model; the configured one when left out.
    #[arg(long)]
    embedder: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum GainArg {
    Linear,
    Exponential,
}

/// Runs the command.
///
/// # Errors
/// When files are broken or Mercer does not start.
pub(crate) async fn run(config: &Config, command: Eval) -> anyhow::Result<ExitCode> {
    match command {
        Eval::Dialogues(args) => dialogues(config, args).await,
        Eval::Retrieval(args) => retrieval(config, args).await,
    }
}

async fn dialogues(config: &Config, args: DialoguesArgs) -> anyhow::Result<ExitCode> {
    let dialogues = dialogue::read(&args.path)?;
    let folder = tempfile::tempdir()?;
    let mut config = config.clone();
    config.data = folder.path().to_owned();
    config.store.url.clear();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    ensure!(
        !args.pool || !config.nats.url.is_empty(),
        "--pool: nats.url is empty, so there is no pool"
    );
    let chat = match args.pool {
        true => Chat::Pool { worker: false },
        false => Chat::Here,
    };
    let setting = Setting {
        catalog: Bases::of(None).find(&args.catalog),
        clock: clock(args.today.as_deref())?,
        chat,
        metrics: None,
    };
    let stage = Stage::set(config.clone(), listener, setting).await?;
    let model = match chat {
        Chat::Pool { .. } => stage.model.clone(),
        Chat::Here => config.models.chat.display().to_string(),
    };
    let played = play(&stage.line, &dialogues, usize::from(args.jobs)).await?;
    stage.strike().await?;
    let report = Report::of(played, model);
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{}", report.text()),
    }
    write(args.html.as_deref(), || report.html())?;
    write(args.junit.as_deref(), || report.junit())?;
    Ok(
        if report.share() >= args.min_right && report.replies_ungrounded == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}

fn write(file: Option<&Path>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()).with_context(|| format!("report {}", file.display()))
}

/// Returns the machine's clock, or one that reads noon of the given day now.
///
/// # Errors
/// When the day is not YYYY-MM-DD.
pub(crate) fn clock(today: Option<&str>) -> anyhow::Result<Arc<dyn Clock>> {
    let Some(day) = today else {
        return Ok(Arc::new(SystemClock));
    };
    let at_ms = noon_ms(day)
        .with_context(|| format!("--today: `{day}` is not a date such as 2026-11-23"))?;
    Ok(Arc::new(FixedDayClock::starting_at(at_ms)))
}

/// Returns noon UTC of a day of the calendar, milliseconds; none for what is no such day.
fn noon_ms(day: &str) -> Option<i64> {
    // A date alone: the parser would take a time behind it, too.
    let date: Date = day
        .parse()
        .ok()
        .filter(|date: &Date| date.to_string() == day)?;
    let noon = TimeZone::UTC.to_timestamp(date.at(12, 0, 0, 0)).ok()?;
    Some(noon.as_millisecond())
}

async fn retrieval(config: &Config, args: RetrievalArgs) -> anyhow::Result<ExitCode> {
    let mut config = config.clone();
    config.models.embedder = args.embedder.unwrap_or(config.models.embedder);
    let models = OwnModels::load(&config).await?.for_search(&config).await?;
    let gain = match args.gain {
        GainArg::Linear => beir::Gain::Linear,
        GainArg::Exponential => beir::Gain::Exponential,
    };
    let report = beir::evaluate(
        &args.dataset,
        gain,
        models,
        SearchConfig::default(),
        &Progress::bars(),
    )
    .await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{} documents, {} queries", report.documents, report.queries);
        for (name, leg) in [
            ("lexical", Some(&report.lexical)),
            ("vector", report.vector.as_ref()),
            ("hybrid", Some(&report.hybrid)),
        ] {
            let Some(leg) = leg else { continue };
            println!(
                "{name:<8} nDCG@10 {:.4}  recall@10 {:.4}  recall@100 {:.4}  MRR@10 {:.4}  p50 {:.1} ms  p95 {:.1} ms",
                leg.ndcg_at_10,
                leg.recall_at_10,
                leg.recall_at_100,
                leg.mrr_at_10,
                leg.p50_ms,
                leg.p95_ms
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::noon_ms;

    #[test]
    fn days_are_counted_as_calendars_do() {
        assert_eq!(noon_ms("1970-01-01"), Some(43_200_000));
        assert_eq!(noon_ms("2026-11-23"), Some(1_795_435_200_000));
        assert_eq!(noon_ms("2024-02-29"), Some(1_709_208_000_000));
        for no_day in [
            "yesterday",
            "2026-13-01",
            "2026-02-31",
            "2025-02-29",
            "2026-11-23T10:00",
            "2026-1-1",
        ] {
            assert_eq!(noon_ms(no_day), None, "{no_day}");
        }
    }
}
