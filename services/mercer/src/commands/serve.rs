//! `mercer serve`: run.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::compose::{Options, Parts, Role, Roles};
use crate::config::Config;
use crate::observe;

/// Run Mercer: webhooks, chat page, conversations, admin API.
#[derive(Parser)]
pub(crate) struct Args {
    /// What this process does; all of it by default. Processes with some of the roles share a PostgreSQL, and a worker
    /// of its own needs nats.url. Several processes with the role conversations share them.
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

/// Serves until the process is asked to stop.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let roles = Roles::of(&args.roles, !config.nats.url.is_empty())?;
    let options = Options {
        metrics: Some(observe::metrics()?),
        take_over: args.take_over,
        ..Options::default()
    };
    // A port that is taken is told before models are loaded.
    let listener = listen(config).await?;
    let parts = Parts::start(config, roles, options).await?;
    parts.run(listener, stop_on_signal()).await?;
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
