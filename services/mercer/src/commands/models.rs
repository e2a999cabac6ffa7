//! `mercer models`: look at models.

use std::process::ExitCode;

use clap::Subcommand;
use mercer_inference::ChatModel;

use crate::compose::{OwnModels, load_chat};
use crate::config::Config;

/// Look at models.
#[derive(Subcommand)]
pub(crate) enum Models {
    /// Show the configured models.
    List,
}

/// Runs the command.
///
/// # Errors
/// Names the file that cannot be read.
pub(crate) async fn run(config: &Config, command: Models) -> anyhow::Result<ExitCode> {
    let Models::List = command;
    let own = OwnModels::load(config).await?;
    let chat = load_chat(config, &own).await?;
    let models = own.for_search(config).await?;
    let info = chat.info();
    println!(
        "chat      {}  {:.1} M parameters  context {}  prompt {}  {}",
        info.label(),
        info.n_params as f64 / 1e6,
        info.n_ctx,
        info.prompt_style,
        config.models.chat.display()
    );
    if let Some(embedder) = models.embedder {
        println!(
            "embedder  {}  {} numbers  {}",
            embedder.info().id,
            embedder.info().dim,
            config.models.embedder.display()
        );
    }
    if let Some(reranker) = models.reranker {
        println!(
            "reranker  {}  {}",
            reranker.id(),
            config.models.reranker.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
