//! The command line, and what starts a command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{commands, config, observe};

/// Answers a retailer's customers on their messaging channels.
#[derive(Parser)]
#[command(
    version,
    about,
    long_about = "Mercer answers a retailer's customers on WhatsApp and web chat: it finds the product, \
knows the live price and stock, quotes the policy in force, reports the order, and calls a person when it should.\n\n\
First steps:\n  mercer demo                   load the demo shop and watch a conversation\n  mercer import FOLDER          load your own shop\n  \
mercer admin key create NAME  make a key for the admin API\n  mercer serve                  run"
)]
struct Cli {
    /// Settings file; `mercer.toml` in this folder is read if it exists.
    #[arg(long, global = true, env = "MERCER_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Mercer: webhooks, chat page, conversations, admin API.
    Serve(commands::serve::Args),
    /// Load the demo shop, play a conversation through the WhatsApp webhook, then keep serving.
    Demo(commands::demo::Args),
    /// Chat with a running Mercer in the terminal.
    Chat(commands::chat::Args),
    /// Import a shop's files: catalog, policies, customers, orders.
    Import(commands::import::Args),
    /// Rebuild the search indexes from the database.
    Reindex(commands::reindex::Args),
    /// List conversations, without what was said.
    Conversations(commands::conversations::Args),
    /// Show what a conversation did, or prove that logs explain themselves. No model is called.
    Replay(commands::replay::Args),
    /// Measure answers or search against expectations.
    #[command(subcommand)]
    Eval(commands::eval::Eval),
    /// Manage keys of the admin API.
    #[command(subcommand)]
    Admin(commands::admin::Admin),
    /// Try the webhooks and e-mails that call a person, or make a secret for one.
    #[command(subcommand)]
    Webhooks(commands::webhooks::Webhooks),
    /// Look at models, and bring them.
    #[command(subcommand)]
    Models(commands::models::Models),
    /// Show the live pool of workers: slots, queue, cache, speed, draining.
    Workers(commands::workers::Args),
    /// Check this machine and the settings, and say what to mend.
    Doctor,
    /// Check or show the settings.
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    /// Print completions for a shell.
    Completions(commands::completions::Args),
}

/// Runs the command that the command line names.
pub fn main() -> ExitCode {
    block_on(run(Cli::parse()))
}

/// Runs a command to its end on threads of its own, and tells a person why it failed.
pub fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: threads could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Command::Config(command) = &cli.command {
        return commands::config::run(command, cli.config.as_deref());
    }
    if let Command::Completions(args) = &cli.command {
        return Ok(commands::completions::run(args, Cli::command()));
    }
    let mut config = config::load(cli.config.as_deref())?;
    // Only a server's log is for machines; commands speak to a person, and warn only.
    if !matches!(cli.command, Command::Serve(_)) {
        config.log_from("warn");
    }
    let _telemetry = observe::start(&config)?;
    match cli.command {
        Command::Serve(args) => commands::serve::run(&config, args).await,
        Command::Demo(args) => commands::demo::run(config, args).await,
        Command::Chat(args) => commands::chat::run(args).await,
        Command::Import(args) => commands::import::run(&config, args).await,
        Command::Reindex(args) => commands::reindex::run(&config, args).await,
        Command::Conversations(args) => commands::conversations::run(&config, args).await,
        Command::Replay(args) => commands::replay::run(&config, args).await,
        Command::Eval(command) => commands::eval::run(&config, command).await,
        Command::Admin(command) => commands::admin::run(&config, command).await,
        Command::Webhooks(command) => commands::webhooks::run(&config, command).await,
        Command::Models(command) => commands::models::run(&config, command).await,
        Command::Workers(args) => commands::workers::run(&config, args).await,
        Command::Doctor => commands::doctor::run(&config).await,
        Command::Config(_) | Command::Completions(_) => Ok(ExitCode::SUCCESS),
    }
}
