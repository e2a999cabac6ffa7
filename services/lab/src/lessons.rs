//! `mercer-lab models lessons`: what a chat model learns from conversations written by hand.
//!
//! Each is played through the conversation core and the real tools on its shop's own records, so a
//! model learns on the prompts that it will meet. A turn that cannot be played as it was written ends
//! its conversation there, and is counted by what stood in its way.

mod calls;
mod known;
mod missing;
mod reply;
mod school;
mod stage;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mercer::compose::OwnModels;
use mercer::config::Config;
use mercer_corpus::written;
use mercer_schemas::ChatMessage;
use serde::Serialize;

use self::school::School;
use crate::shops::{open, shops};

/// Write what a chat model learns from conversations written by hand.
#[derive(Parser)]
#[command(after_help = "\
A line is a conversation as the model meets it: {\"messages\":[{\"role\":\"system\",\"content\":\"…\"}, …]}. Of the
assistant's messages those are learnt that do not say \"learn\":false.

Example:
  mercer-lab models lessons fixtures/shops/train --out train.jsonl")]
pub(crate) struct Args {
    /// Folders of shops, or of sets of shops.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// File that is written.
    #[arg(long, default_value = "lessons.jsonl")]
    out: PathBuf,
    /// Also play the conversations of `rewordings.yaml`: the same ones in other customers' words.
    #[arg(long)]
    rewordings: bool,
    /// List what could not be played. Not for shops that are measured with.
    #[arg(long)]
    misses: bool,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    messages: Vec<Lesson<'a>>,
}

/// A message, and whether a model is to learn to write it.
#[derive(Serialize)]
struct Lesson<'a> {
    #[serde(flatten)]
    message: &'a ChatMessage,
    #[serde(skip_serializing_if = "is_learnt")]
    learn: bool,
}

fn is_learnt(learn: &bool) -> bool {
    *learn
}

#[derive(Default)]
struct Report {
    conversations: usize,
    turns: usize,
    written: usize,
    blocked: usize,
    ended_by: BTreeMap<&'static str, usize>,
    /// How many replies each rule would block; one may be blocked by several.
    blocked_by: BTreeMap<String, usize>,
    misses: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Names the folder that is no shop, or the file that cannot be read or written.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let shops = shops(&args.folders)?;
    let models = OwnModels::load(config).await?.for_search(config).await?;
    let file = File::create(&args.out).with_context(|| args.out.display().to_string())?;
    let mut out = BufWriter::new(file);
    let bar = ProgressBar::new(shops.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut report = Report::default();
    for folder in &shops {
        bar.set_message(folder.display().to_string());
        let place = tempfile::tempdir()?;
        let opened = open(folder, place.path(), &models).await?;
        let mut dialogues = written::dialogues(folder)?;
        if args.rewordings {
            dialogues.extend(written::reworded(folder, &dialogues)?);
        }
        let school = School::of(opened).await?;
        for dialogue in &dialogues {
            school.teach(dialogue, &mut out, &mut report).await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    out.flush()?;
    println!(
        "{} of {} turns in {} conversations; {} replies that the rules would block are not learnt",
        report.written, report.turns, report.conversations, report.blocked
    );
    for (what, count) in &report.ended_by {
        println!("{count:>5} ended by: {what}");
    }
    for (rule, count) in &report.blocked_by {
        println!("{count:>5} blocked by: {rule}");
    }
    if args.misses {
        report.misses.iter().for_each(|miss| println!("{miss}"));
    }
    Ok(ExitCode::SUCCESS)
}
