//! `mercer eval`: measure answers against dialogues, and search against judgments.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mercer_knowledge::{Progress, SearchConfig, beir};
use mercer_runtime::{Clock, FixedDayClock, SystemClock};
use mercer_schemas::{CustomerId, Personal};
use serde::Serialize;

use crate::compose::{Chat, OwnModels};
use crate::config::{Bases, Config};
use crate::evaluation::dialogue::{self, Dialogue};
use crate::evaluation::driver::Line;
use crate::evaluation::judge::{TurnResult, course, judge};
use crate::evaluation::stage::{Setting, Stage};

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
    /// Print JSON.
    #[arg(long)]
    json: bool,
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

/// Totals over all dialogues.
#[derive(Serialize)]
struct Report {
    dialogues: usize,
    turns: usize,
    turns_right: usize,
    replies: usize,
    replies_ungrounded: usize,
    turn_ms_p50: u64,
    turn_ms_p95: u64,
    model: String,
    results: Vec<TurnResult>,
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
    let report = play(&stage.line, &dialogues, model).await?;
    stage.strike().await?;
    print(&report, args.json)?;
    let share = report.turns_right as f64 / report.turns.max(1) as f64;
    Ok(
        if share >= args.min_right && report.replies_ungrounded == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}

async fn play(line: &Line, dialogues: &[Dialogue], model: String) -> anyhow::Result<Report> {
    let turns = dialogues
        .iter()
        .map(|dialogue| dialogue.turns.len())
        .sum::<usize>();
    let bar = indicatif::ProgressBar::new(turns as u64).with_message("turns");
    let mut results = Vec::new();
    let mut times: Vec<u64> = Vec::new();
    for (number, dialogue) in dialogues.iter().enumerate() {
        // Every dialogue has a number of its own, so no two share a conversation.
        let phone = format!("4479{number:08}");
        if let Some(who) = &dialogue.customer {
            give_number(line, &who.whatsapp, &phone)
                .await
                .with_context(|| dialogue.name.clone())?;
        }
        let mut caller = line.caller(&phone);
        let mut said = String::new();
        for (turn, step) in dialogue.turns.iter().enumerate() {
            said.push_str(&step.customer);
            said.push('\n');
            let started = std::time::Instant::now();
            let played = caller
                .say(&step.customer)
                .await
                .with_context(|| format!("{} turn {}", dialogue.name, turn + 1))?;
            times.push(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
            let (faults, grounded, tools) =
                judge(&line.store, &line.shop, &said, &step.expect, &played)
                    .await
                    .with_context(|| dialogue.name.clone())?;
            let course = course(&played);
            results.push(TurnResult {
                dialogue: dialogue.name.clone(),
                turn: turn + 1,
                right: faults.is_empty(),
                grounded,
                faults,
                tools,
                plan: course.plan,
                intents: course.intents,
                found: course.found,
                blocked: course.blocked,
                replies: played.replies,
            });
            bar.inc(1);
        }
        if let Some(who) = &dialogue.customer {
            give_number(line, &phone, &who.whatsapp).await?;
        }
    }
    bar.finish_and_clear();
    times.sort_unstable();
    let quantile = |share: f64| {
        times
            .get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)))
            .copied()
    };
    Ok(Report {
        dialogues: dialogues.len(),
        turns,
        turns_right: results.iter().filter(|result| result.right).count(),
        replies: results.iter().map(|result| result.replies.len()).sum(),
        replies_ungrounded: results.iter().filter(|result| !result.grounded).count(),
        turn_ms_p50: quantile(0.5).unwrap_or_default(),
        turn_ms_p95: quantile(0.95).unwrap_or_default(),
        model,
        results,
    })
}

/// Moves a customer to another phone number.
async fn give_number(line: &Line, from: &str, to: &str) -> anyhow::Result<()> {
    let found: Option<CustomerId> = line
        .store
        .customers()
        .by_channel_identity(&line.shop, mercer_schemas::Channel::Whatsapp, from)
        .await?;
    // An unknown number stays a stranger's.
    let Some(id) = found else { return Ok(()) };
    let Some(mut customer) = line.store.customers().get(&line.shop, &id).await? else {
        return Ok(());
    };
    customer.phone = Some(Personal::new(format!("+{}", to.trim_start_matches('+'))));
    line.store
        .customers()
        .put_many(&line.shop, vec![customer])
        .await?;
    Ok(())
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    for result in &report.results {
        let mark = if result.right { "ok   " } else { "WRONG" };
        println!("{mark} {} turn {}", result.dialogue, result.turn);
        for fault in &result.faults {
            println!("        {fault}");
        }
        if !result.right {
            for reply in &result.replies {
                println!("        reply: {}", reply.replace('\n', " / "));
            }
        }
    }
    let share = 100.0 * report.turns_right as f64 / report.turns.max(1) as f64;
    println!(
        "{} of {} turns right ({share:.1} %), {} replies, {} with a figure that nothing backs; turn p50 {} ms, p95 {} ms",
        report.turns_right,
        report.turns,
        report.replies,
        report.replies_ungrounded,
        report.turn_ms_p50,
        report.turn_ms_p95
    );
    Ok(())
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
