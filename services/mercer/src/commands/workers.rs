//! `mercer workers`: the live pool, from its heartbeats.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Parser;
use mercer_inference::{PoolWatch, WorkerRow, WorkerState};
use mercer_schemas::worker::TextModelState;

use crate::commands::serve::stop_on_signal;
use crate::config::Config;

/// Long enough for a few heartbeats of each worker.
const LISTEN: Duration = Duration::from_millis(1_100);

/// Show the live pool of workers: slots, queue, cache, speed, texts to embed, draining.
#[derive(Parser)]
pub(crate) struct Args {
    /// Show it again each second until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Print JSON, a line each time.
    #[arg(long)]
    json: bool,
}

/// Prints the pool.
///
/// # Errors
/// When NATS is not configured or cannot be reached.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    if config.nats.url.is_empty() {
        bail!("nats.url is empty: without NATS the model runs inside `mercer serve`");
    }
    let mut watch = PoolWatch::connect(&config.nats.url, &config.pool.name).await?;
    let stop = stop_on_signal();
    loop {
        let rows = tokio::select! {
            rows = watch.rows(LISTEN) => rows,
            () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
        };
        let problem = watch.problem().filter(|_| !args.watch);
        if let Some(problem) = problem {
            bail!("nats.url {problem}");
        }
        let text = if args.json {
            serde_json::to_string(&rows)? + "\n"
        } else {
            table(&config.pool.name, watch.problem(), &rows)
        };
        // Clears the screen, so that the table stays in its place.
        let clear = if args.watch && !args.json {
            "\x1b[2J\x1b[H"
        } else {
            ""
        };
        print!("{clear}{text}");
        std::io::stdout().flush()?;
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn table(pool: &str, problem: Option<&str>, rows: &[WorkerRow]) -> String {
    let mut text = format!("pool {pool}: {} workers\n", rows.len());
    if let Some(problem) = problem {
        return text + &format!("nats.url {problem}\n");
    }
    if rows.is_empty() {
        return text + "none is heard; start one with `mercer serve --roles worker`\n";
    }
    text.push_str(&line(
        &[
            "worker", "state", "slots", "queue", "cache", "hits", "tokens/s", "stall", "embeds",
            "reranks", "models",
        ]
        .map(str::to_owned),
    ));
    for row in rows {
        let load = &row.heartbeat.load;
        let waiting = |model: &Option<TextModelState>| match model {
            Some(model) => format!("{}/{}", model.waiting, model.waiting_max),
            None => "-".to_owned(),
        };
        let (embedder, reranker) = (&row.heartbeat.embedder, &row.heartbeat.reranker);
        let chat = row.heartbeat.model.label();
        let others = embedder
            .iter()
            .chain(reranker)
            .map(|model| model.id.clone());
        let models = std::iter::once(chat)
            .chain(others)
            .collect::<Vec<_>>()
            .join(", ");
        text.push_str(&line(&[
            row.heartbeat.worker.clone(),
            row.state.as_str().to_owned(),
            format!("{}/{}", load.active, load.slots),
            format!("{}/{}", load.waiting, load.waiting_max),
            format!(
                "{:.0} %",
                100.0 * load.kv_used as f64 / load.kv_total.max(1) as f64
            ),
            format!("{:.0} %", 100.0 * row.hit_rate),
            format!("{:.1}", row.tokens_per_s),
            format!("{:.0} ms", load.stall_ms_max),
            waiting(embedder),
            waiting(reranker),
            models,
        ]));
    }
    for row in rows.iter().filter(|row| row.state == WorkerState::Twin) {
        text.push_str(&format!(
            "two workers share the name {}: set worker.name of one of them to another\n",
            row.heartbeat.worker
        ));
    }
    text
}

fn line(cells: &[String; 11]) -> String {
    let [
        worker,
        state,
        slots,
        queue,
        cache,
        hits,
        speed,
        stall,
        embeds,
        reranks,
        models,
    ] = cells;
    format!(
        "{worker:<24} {state:<9} {slots:>7} {queue:>7} {cache:>6} {hits:>6} {speed:>9} {stall:>8} {embeds:>7} {reranks:>7}  {models}\n"
    )
}
