//! `mercer serve`: run.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::compose::{App, Base, Options};
use crate::config::Config;
use crate::pool::LivePool;
use crate::{observe, pool};

/// How often the pool is shown anew: its speeds are means over this time.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Run Mercer: webhooks, chat page, conversations, admin API.
#[derive(Parser)]
pub(crate) struct Args {
    /// What this process does. A worker needs nats.url; the other four go together for now.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "gateway,conversations,admin,indexer,worker"
    )]
    roles: Vec<Role>,
    /// Start although another Mercer seems to own this database (it died less than 6 s ago, or
    /// runs on another machine that must be stopped first).
    #[arg(long)]
    take_over: bool,
}

/// A part that a process can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Webhooks and the chat page.
    Gateway,
    /// Conversations.
    Conversations,
    /// The admin API.
    Admin,
    /// The search indexes.
    Indexer,
    /// The chat model.
    Worker,
}

/// What a process runs.
#[derive(Debug, PartialEq, Eq)]
enum Parts {
    /// Everything, the model in this process.
    Whole,
    /// Everything but the model, which a pool serves; with a worker of it in this process or not.
    Caller { worker: bool },
    /// A worker alone.
    Worker,
}

/// Says what to run.
fn parts(roles: &[Role], has_nats: bool) -> anyhow::Result<Parts> {
    let has = |role: &Role| roles.contains(role);
    let callers = [
        Role::Gateway,
        Role::Conversations,
        Role::Admin,
        Role::Indexer,
    ];
    let worker = has(&Role::Worker);
    match (callers.iter().filter(|role| has(role)).count(), has_nats) {
        (0, true) => Ok(Parts::Worker),
        (0, false) => bail!("--roles: a worker alone needs nats.url"),
        (4, true) => Ok(Parts::Caller { worker }),
        (4, false) if worker => Ok(Parts::Whole),
        (4, false) => bail!(
            "--roles: without nats.url the model runs in this process; add the role worker, or set nats.url"
        ),
        _ => bail!(
            "--roles: gateway, conversations, admin and indexer must be given together for now"
        ),
    }
}

/// Serves until the process is asked to stop.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let parts = parts(&args.roles, !config.nats.url.is_empty())?;
    let metrics = observe::metrics()?;
    if parts == Parts::Worker {
        pool::serve_worker(config, listen(config).await?, metrics, stop_on_signal()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let base = Base::open(config).await?;
    let listener = listen(config).await?;
    let address = listener.local_addr()?;
    let worker = match parts {
        Parts::Caller { worker: true } => Some(pool::start_worker(config).await?),
        _ => None,
    };
    let (chat, pool) = match parts {
        Parts::Caller { .. } => (
            Some(pool::connect(config).await?),
            Some(LivePool::start(&config.nats.url, &config.pool.name, SHOW_EVERY).await?),
        ),
        _ => (None, None),
    };
    let options = Options {
        metrics: Some(metrics),
        take_over: args.take_over,
        chat,
        pool,
        ..Options::default()
    };
    let app = App::start(config, base, options).await?;
    tracing::info!(%address, "serving");
    app.serve(listener, stop_on_signal()).await?;
    if let Some(worker) = worker {
        pool::drain(worker, config).await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Binds the configured address.
///
/// # Errors
/// Names the setting.
pub(crate) async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(&config.http.listen)
        .await
        .with_context(|| {
            format!(
                "http.listen: {} cannot be bound; is another program using the port?",
                config.http.listen
            )
        })
}

/// Returns a token that is cancelled on Ctrl-C and on SIGTERM.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(
            tokio::signal::unix::SignalKind::terminate(),
        ) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be watched; only Ctrl-C stops gracefully");
                let _ = tokio::signal::ctrl_c().await;
                return cancelled.cancel();
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        cancelled.cancel();
    });
    stop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_that_cannot_run_say_what_to_do() {
        use Role::{Admin, Conversations, Gateway, Indexer, Worker};
        let four = [Gateway, Conversations, Admin, Indexer];
        let all = [Gateway, Conversations, Admin, Indexer, Worker];
        let said = |roles: &[Role], nats| parts(roles, nats).map_err(|error| error.to_string());
        assert_eq!(said(&all, false), Ok(Parts::Whole));
        assert_eq!(said(&all, true), Ok(Parts::Caller { worker: true }));
        assert_eq!(said(&four, true), Ok(Parts::Caller { worker: false }));
        assert_eq!(said(&[Worker], true), Ok(Parts::Worker));
        for (roles, nats, words) in [
            (&four[..], false, "add the role worker"),
            (&[Worker], false, "needs nats.url"),
            (&[Gateway, Worker], true, "together"),
        ] {
            let error = said(roles, nats).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }
}
