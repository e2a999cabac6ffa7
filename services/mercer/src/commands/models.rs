//! `mercer models`: look at models, and write training dialogues.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::compose::{load_chat, load_embedder};
use crate::config::Config;

/// Look at models, or write training dialogues for the small chat model.
#[derive(Subcommand)]
pub(crate) enum Models {
    /// Show the configured models.
    List,
    /// Write training dialogues: generated shops and customers, through Mercer's own prompt code.
    Corpus(CorpusArgs),
}

/// Write training dialogues.
#[derive(Parser)]
pub(crate) struct CorpusArgs {
    /// Folder that train.jsonl and heldout.jsonl are written to.
    #[arg(long, default_value = "corpus")]
    out: PathBuf,
    /// Dialogues for training.
    #[arg(long, default_value_t = 30_000)]
    dialogues: usize,
    /// Dialogues held out, with words and brands of their own.
    #[arg(long, default_value_t = 1_500)]
    heldout: usize,
    /// The same seed gives the same files.
    #[arg(long, default_value_t = 20_261_123)]
    seed: u64,
}

/// Runs the command.
///
/// # Errors
/// Names the file that cannot be read or written.
pub(crate) async fn run(config: &Config, command: Models) -> anyhow::Result<ExitCode> {
    match command {
        Models::List => {
            let chat = load_chat(config).await?;
            let info = chat.info();
            println!(
                "chat      {}  {:.1} M parameters  context {}  prompt {}  {}",
                info.label(),
                info.n_params as f64 / 1e6,
                info.n_ctx,
                info.prompt_style,
                config.models.chat.display()
            );
            if let Some(embedder) = load_embedder(&config.models.embedder).await? {
                println!(
                    "embedder  {}  {} numbers  {}",
                    embedder.info().id,
                    embedder.info().dim,
                    config.models.embedder.display()
                );
            }
        }
        Models::Corpus(args) => {
            std::fs::create_dir_all(&args.out)?;
            let written = tokio::task::spawn_blocking(move || {
                mercer_corpus::write(&args.out, args.dialogues, args.seed, args.heldout)
            })
            .await??;
            println!(
                "{} dialogues for training ({} bytes), {} held out",
                written.train, written.train_bytes, written.heldout
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
