//! `mercer serve`: run.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::compose::{App, Base, Options};
use crate::config::Config;
use crate::observe;

/// Run Mercer: webhooks, chat page, conversations, admin API.
#[derive(Parser)]
pub(crate) struct Args {
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
    let metrics = observe::metrics()?;
    let base = Base::open(config).await?;
    let listener = listen(config).await?;
    let address = listener.local_addr()?;
    let options = Options {
        metrics: Some(metrics),
        take_over: args.take_over,
        ..Options::default()
    };
    let app = App::start(config, base, options).await?;
    tracing::info!(%address, "serving");
    app.serve(listener, stop_on_signal()).await?;
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
