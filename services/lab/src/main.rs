//! The `mercer-lab` binary: measures this machine, writes training dialogues, and makes models to measure with.
//!
//! It is for those who work on Mercer. A retailer runs `mercer`, which holds none of this; the settings of both are the
//! same.

mod bench;
mod lessons;
mod models;
mod shops;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mercer::{cli, config, observe};

/// Measures Mercer, and makes what its models are trained and measured with.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Settings file; `mercer.toml` in this folder is read if it exists.
    #[arg(long, global = true, env = "MERCER_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure this machine.
    #[command(subcommand)]
    Bench(Box<bench::Bench>),
    /// Write training dialogues, or make a model to measure with.
    #[command(subcommand)]
    Models(models::Models),
    /// Play what good assistants look up in the shops written by hand, and say what search does not find.
    Shops(shops::Args),
}

fn main() -> ExitCode {
    cli::block_on(run(Cli::parse()))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut config = config::load(cli.config.as_deref())?;
    config.log_from(match cli.command {
        // What a measurement does to a pool on purpose is not worth a warning.
        Command::Bench(_) => "error",
        // That the indexes of a shop imported just now are empty is not worth one either.
        Command::Shops(_) => "error",
        Command::Models(_) => "warn",
    });
    let _telemetry = observe::start(&config)?;
    match cli.command {
        Command::Bench(command) => bench::run(&config, *command).await,
        Command::Models(command) => models::run(&config, command).await,
        Command::Shops(args) => shops::run(&config, args).await,
    }
}
