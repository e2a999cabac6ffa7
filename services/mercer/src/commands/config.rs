//! `mercer config`: check or show the settings.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config;

/// Check or show the settings.
#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings; names the key that is wrong.
    Check,
    /// Print the annotated default file.
    Default,
    /// Print the JSON Schema of the settings file.
    Schema,
}

/// Runs the command.
///
/// # Errors
/// The first wrong key.
pub(crate) fn run(command: &ConfigCommand, file: Option<&Path>) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => {
            config::load(file)?;
            println!("settings are in order");
        }
        ConfigCommand::Default => print!("{}", config::DEFAULT),
        ConfigCommand::Schema => println!(
            "{}",
            serde_json::to_string_pretty(&schemars::schema_for!(config::Config))?
        ),
    }
    Ok(ExitCode::SUCCESS)
}
