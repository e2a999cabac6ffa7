//! `mercer demo`: the demo shop, a conversation to watch, then a server to try.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::commands::eval::clock;
use crate::commands::serve::{listen, stop_on_signal};
use crate::compose::Chat;
use crate::config::{Bases, Config};
use crate::evaluation::dialogue;
use crate::evaluation::judge::judge;
use crate::evaluation::shelf::Shelf;
use crate::evaluation::stage::{Setting, Stage};
use crate::observe;

/// Load the demo shop, play a conversation through the WhatsApp webhook, then keep serving.
#[derive(Parser)]
pub(crate) struct Args {
    /// End after the conversation; exit 1 if a reply missed what was expected of it.
    #[arg(long)]
    once: bool,
    /// Folder with the shop's import files.
    #[arg(long, default_value = "fixtures/shop")]
    catalog: PathBuf,
    /// The conversation to play.
    #[arg(long, default_value = "fixtures/dialogues/demo.yaml")]
    dialogue: PathBuf,
    /// The day that policies and promotions are judged at, YYYY-MM-DD; today when left out.
    #[arg(long)]
    today: Option<String>,
}

/// Plays and serves.
///
/// # Errors
/// When a part does not start.
pub(crate) async fn run(mut config: Config, args: Args) -> anyhow::Result<ExitCode> {
    // The demo's own files are where the program was unpacked or built.
    let bases = Bases::of(None);
    let dialogues = dialogue::read(&bases.find(&args.dialogue))?;
    // The demo's data stays apart from a real shop's.
    config.data = config.data.join("demo");
    let admin_key = admin_key(&config, &program());
    config.store.url.clear();
    let metrics = observe::metrics()?;
    let listener = listen(&config).await?;
    let setting = Setting {
        catalog: bases.find(&args.catalog),
        clock: clock(args.today.as_deref())?,
        chat: Chat::Here,
        metrics: Some(metrics),
    };
    let stage = Stage::set(config, listener, setting).await?;
    let shelf = Shelf::open(&stage.line.store, &stage.line.shop).await?;
    shelf.check(&dialogues).await?;
    let mut wrong = 0;
    for dialogue in &dialogues {
        let phone = format!("4477009{:05}", rand::random::<u32>() % 100_000);
        println!("\nA customer writes on WhatsApp:\n");
        let mut caller = stage.line.caller(&phone);
        let mut said = String::new();
        for step in &dialogue.turns {
            println!("  customer  {}", step.customer);
            said.push_str(&step.customer);
            said.push('\n');
            let started = std::time::Instant::now();
            let played = caller
                .say(&step.customer)
                .await
                .context("the conversation broke off")?;
            for reply in &played.replies {
                println!("  shop      {}", reply.replace('\n', "\n            "));
            }
            println!("            ({} ms)", started.elapsed().as_millis());
            let faults = judge(&shelf, &said, &step.expect, &played).await?.faults;
            for fault in &faults {
                println!("  ! {fault}");
            }
            wrong += usize::from(!faults.is_empty());
        }
    }
    let turns: usize = dialogues.iter().map(|dialogue| dialogue.turns.len()).sum();
    println!("\n{} of {turns} replies as expected", turns - wrong);
    if args.once {
        stage.strike().await?;
        return Ok(if wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let url = &stage.line.url;
    println!(
        "\nTry it yourself:\n  chat page    {url}/chat\n  admin API    {url}/docs\n  metrics      {url}/metrics"
    );
    println!("  admin key    {admin_key}\n\nCtrl-C ends.");
    stage.serve_until(stop_on_signal()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns how this program was called.
fn program() -> String {
    let called = std::env::args_os().next();
    called.map_or_else(
        || "mercer".to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}

/// Returns the command that makes an admin key for the demo's data, to be pasted into a shell.
fn admin_key(config: &Config, program: &str) -> String {
    // A configured database is not the demo's.
    let url = if config.store.url.is_empty() {
        ""
    } else {
        "MERCER_STORE__URL= "
    };
    let data = quoted(&config.data.display().to_string());
    let program = quoted(program);
    format!("{url}MERCER_DATA={data} {program} admin key create me --role owner")
}

/// Puts into quotes what a shell would take apart.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+:@".contains(&b);
    if word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_the_folder_and_the_program_as_they_are() {
        let mut config = crate::config::load(None).expect("defaults");
        config.store.url.clear();
        config.data = "data/demo".into();
        assert_eq!(
            admin_key(&config, "target/debug/mercer"),
            "MERCER_DATA=data/demo target/debug/mercer admin key create me --role owner"
        );
        config.data = "/tmp/Ann's shop/demo".into();
        config.store.url = "postgres://shop".to_owned();
        assert_eq!(
            admin_key(&config, "mercer"),
            r"MERCER_STORE__URL= MERCER_DATA='/tmp/Ann'\''s shop/demo' mercer admin key create me --role owner"
        );
    }
}
