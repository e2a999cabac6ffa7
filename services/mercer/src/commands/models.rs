//! `mercer models`: look at models, and bring them.

mod fetch;

use std::process::ExitCode;

use clap::Subcommand;
use mercer_inference::ChatModel;

use crate::compose::{OwnModels, load_chat};
use crate::config::Config;

/// Look at models, and bring them.
#[derive(Subcommand)]
pub(crate) enum Models {
    /// Show the configured models, and what lies in the cache folder.
    List(fetch::Place),
    /// Bring a model file to the cache folder: the base model, or any GGUF by its address.
    #[command(long_about = fetch::LONG_ABOUT)]
    Fetch(Box<fetch::Args>),
}

/// Runs the command.
///
/// # Errors
/// Names the file that cannot be read or brought.
pub(crate) async fn run(config: &Config, command: Models) -> anyhow::Result<ExitCode> {
    match command {
        Models::List(place) => list(config, place).await,
        Models::Fetch(args) => fetch::run(*args).await,
    }
}

async fn list(config: &Config, place: fetch::Place) -> anyhow::Result<ExitCode> {
    // First, as it needs no model: one that cannot be loaded is no reason to hide the others.
    let folder = place.folder();
    if let Ok(folder) = &folder {
        for listed in folder.list()? {
            let path = folder.path().join(&listed.name);
            let state = if listed.whole { "fetched" } else { "part" };
            println!(
                "{state:<9} {:.1} MB  {}",
                listed.bytes as f64 / 1e6,
                path.display()
            );
        }
    }
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
