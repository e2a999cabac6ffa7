//! `mercer-lab models`: training dialogues, and models to measure with.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use mercer::config::Config;
use mercer_random_model::{RandomBert, RandomModel, TensorType};

/// Write training dialogues for the small chat model, or make a model to measure with.
#[derive(Subcommand)]
pub(crate) enum Models {
    /// Write training dialogues: generated shops and customers, through Mercer's own prompt code.
    Corpus(CorpusArgs),
    /// Write what a chat model learns from the conversations that were written by hand.
    Lessons(crate::lessons::Args),
    /// Make a model with random weights and the shape of a well-known one: as fast, and without sense.
    Random(RandomArgs),
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

/// Make a model with random weights and the shape of a well-known one.
#[derive(Parser)]
#[command(after_help = "\
The file has the layers, widths, heads and vocabulary size of the model it is like, so it computes as long; what it
says is noise, or with --quotes what stands in its prompt. Special tokens and chat template are Mercer's own, and the words of the vocabulary are made up.

Sizes with q8_0: mercer-chat 4 MB, qwen2.5-0.5b 0.5 GB, llama3.2-1b 1.3 GB, qwen2.5-1.5b 1.6 GB, llama3-8b 8.5 GB;
the reranker ms-marco-minilm-l6 26 MB.

Example:
  mercer-lab models random --like qwen2.5-0.5b --out q.gguf
  mercer-lab bench inference --model q.gguf --workload W1")]
pub(crate) struct RandomArgs {
    /// The model whose shape it has.
    #[arg(long, value_parser = [RandomModel::NAMES.as_slice(), &RandomBert::NAMES].concat())]
    like: String,
    /// File that is written, GGUF; one that is there is replaced.
    #[arg(long)]
    out: PathBuf,
    /// How weights are stored.
    #[arg(long = "type", value_enum, default_value_t = Weights::Q8_0)]
    weights: Weights,
    /// Let it quote its prompt, as grounded answers do, so that drafts can be measured. Not for mercer-chat or a reranker.
    #[arg(long)]
    quotes: bool,
    /// The same seed gives the same file.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Weights {
    /// A byte each and a scale for every 32.
    #[value(name = "q8_0")]
    Q8_0,
    /// Two bytes each.
    F16,
    /// Four bytes each.
    F32,
}

impl From<Weights> for TensorType {
    fn from(weights: Weights) -> Self {
        match weights {
            Weights::Q8_0 => Self::Q8_0,
            Weights::F16 => Self::F16,
            Weights::F32 => Self::F32,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Names the file that cannot be written.
pub(crate) async fn run(config: &Config, command: Models) -> anyhow::Result<ExitCode> {
    match command {
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
        Models::Lessons(args) => return crate::lessons::run(config, args).await,
        Models::Random(args) => tokio::task::spawn_blocking(move || random(&args)).await??,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a random model and says what it is.
fn random(args: &RandomArgs) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {bytes}/{total_bytes} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let began = Instant::now();
    let chat = RandomModel::like(&args.like).map(|shape| RandomModel {
        quotes: args.quotes,
        weights: args.weights.into(),
        seed: args.seed,
        ..shape
    });
    ensure!(
        !args.quotes || chat.as_ref().is_some_and(RandomModel::can_quote),
        "--quotes: a model like {} is too small for it, or writes nothing; choose another one with --like",
        args.like
    );
    let written = match chat {
        Some(shape) => shape.write(&args.out, &mut progress),
        None => {
            let shape = RandomBert::like(&args.like)
                .with_context(|| format!("--like: no shape is known for {}", args.like))?;
            let shape = RandomBert {
                weights: args.weights.into(),
                seed: args.seed,
                ..shape
            };
            shape.write(&args.out, &mut progress)
        }
    }
    .with_context(|| {
        format!(
            "cannot write {}; check that its folder exists and the disk has room",
            args.out.display()
        )
    })?;
    bar.finish_and_clear();
    println!(
        "{}  {:.1} M parameters  {} bytes  {:.1} s",
        args.out.display(),
        written.parameters as f64 / 1e6,
        written.bytes,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
