//! `mercer serve`: run.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use mercer_inference::ChatModel;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::compose::{App, Base, Options, load_chat};
use crate::config::Config;
use crate::nodes::{self, Door};
use crate::pool::LivePool;
use crate::{observe, pool};

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
    /// The chat model, and embedder and reranker where files are configured.
    Worker,
}

/// What a process runs.
#[derive(Debug, PartialEq, Eq)]
enum Parts {
    /// Everything; the model in this process.
    Whole,
    /// Everything but the model, which a pool serves; with a worker of it in this process or not.
    Caller { worker: bool },
    /// Webhooks and chat pages, the admin API, or both.
    Door(Door),
    /// A share of the conversations; the model in this process, or in the pool, with a worker here or not.
    Conversations { worker: bool },
    /// A worker alone.
    Worker,
}

/// Says what to run.
fn parts(roles: &[Role], has_nats: bool) -> anyhow::Result<Parts> {
    let has = |role| roles.contains(&role);
    let door = Door {
        gateway: has(Role::Gateway),
        admin: has(Role::Admin),
    };
    let (conversations, worker) = (has(Role::Conversations), has(Role::Worker));
    if conversations && !has_nats && !worker {
        bail!(
            "--roles: without nats.url the model runs in this process; add the role worker, or set nats.url"
        );
    }
    match (door.gateway, door.admin, conversations) {
        (true, true, true) if has_nats => Ok(Parts::Caller { worker }),
        (true, true, true) => Ok(Parts::Whole),
        (false, false, true) => Ok(Parts::Conversations { worker }),
        (_, _, true) => bail!(
            "--roles: conversations run beside gateway and admin together, or in processes of their own"
        ),
        (false, false, false) if has(Role::Indexer) => bail!(
            "--roles: the indexer goes with conversations: each of their processes has an index of its own"
        ),
        (false, false, false) if worker && has_nats => Ok(Parts::Worker),
        (false, false, false) => bail!("--roles: a worker alone needs nats.url"),
        _ if worker => {
            bail!("--roles: a worker runs beside conversations, or in a process of its own")
        }
        _ => Ok(Parts::Door(door)),
    }
}

/// Serves until the process is asked to stop.
///
/// # Errors
/// Says which part did not start.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let parts = parts(&args.roles, !config.nats.url.is_empty())?;
    let metrics = observe::metrics()?;
    match parts {
        Parts::Worker => {
            pool::serve_worker(config, listen(config).await?, metrics, stop_on_signal()).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Parts::Door(door) => {
            let listener = listen(config).await?;
            nodes::serve_door(config, door, listener, metrics, stop_on_signal()).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Parts::Conversations { worker } => {
            let listener = listen(config).await?;
            let base = nodes::open_base(config).await?;
            let own = base.own.clone();
            let has_nats = !config.nats.url.is_empty();
            let worker = match worker && has_nats {
                true => Some(pool::start_worker(config, &own).await?),
                false => None,
            };
            let chat: Arc<dyn ChatModel> = match has_nats {
                true => pool::connect(config).await?,
                false => load_chat(config, &own).await?,
            };
            let stop = stop_on_signal();
            nodes::serve_conversations(config, base, chat, listener, metrics, stop).await?;
            if let Some(worker) = worker {
                pool::drain(worker, config).await;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Parts::Whole | Parts::Caller { .. } => {}
    }
    let base = Base::open(config).await?;
    let listener = listen(config).await?;
    let address = listener.local_addr()?;
    let worker = match parts {
        Parts::Caller { worker: true } => Some(pool::start_worker(config, &base.own).await?),
        _ => None,
    };
    let (chat, pool) = match parts {
        Parts::Caller { .. } => (
            Some(pool::connect(config).await?),
            LivePool::of(config).await?,
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
    let served = app.serve(listener, stop_on_signal()).await;
    if let Some(worker) = worker {
        pool::drain(worker, config).await;
    }
    served.map(|()| ExitCode::SUCCESS)
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
        let both = Door {
            gateway: true,
            admin: true,
        };
        let said = |roles: &[Role], nats| parts(roles, nats).map_err(|error| error.to_string());
        assert_eq!(said(&all, false), Ok(Parts::Whole));
        assert_eq!(said(&all, true), Ok(Parts::Caller { worker: true }));
        assert_eq!(said(&four, true), Ok(Parts::Caller { worker: false }));
        assert_eq!(said(&[Worker], true), Ok(Parts::Worker));
        assert_eq!(said(&[Gateway, Admin], false), Ok(Parts::Door(both)));
        assert_eq!(
            said(&[Conversations], true),
            Ok(Parts::Conversations { worker: false })
        );
        assert_eq!(
            said(&[Conversations, Indexer, Worker], false),
            Ok(Parts::Conversations { worker: true })
        );
        for (roles, nats, words) in [
            (&four[..], false, "add the role worker"),
            (&[Conversations], false, "add the role worker"),
            (&[Worker], false, "needs nats.url"),
            (&[Gateway, Worker], true, "process of its own"),
            (&[Gateway, Conversations], true, "together"),
            (&[Indexer], true, "goes with conversations"),
        ] {
            let error = said(roles, nats).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
    }
}
