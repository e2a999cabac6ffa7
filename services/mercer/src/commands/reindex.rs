//! `mercer reindex`: the search indexes from the database.

use std::process::ExitCode;

use clap::Parser;
use mercer_knowledge::Progress;

use crate::compose::Base;
use crate::config::Config;

/// Rebuild the search indexes from the database. Safe at any time while Mercer is stopped.
#[derive(Parser)]
pub(crate) struct Args {}

/// Rebuilds.
///
/// # Errors
/// When the database cannot be read or an index cannot be written.
pub(crate) async fn run(config: &Config, _: Args) -> anyhow::Result<ExitCode> {
    let base = Base::open(config).await?;
    base.knowledge.reindex(&Progress::bars()).await?;
    println!(
        "indexes hold everything up to change {}",
        base.knowledge.indexed_seq()
    );
    Ok(ExitCode::SUCCESS)
}
