//! `mercer replay`: what a conversation did, and proof that logs explain themselves.

use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Parser;
use mercer_replay::{Entry, Timeline, Verification};
use mercer_schemas::{ConversationId, ShopId, Stream};
use mercer_store::Store;

use crate::compose::open_store;
use crate::config::Config;

/// Show what a conversation did, or prove that logs explain themselves. No model is called.
///
/// The timeline shows inputs, prompts, plans, evidence, tokens, checks and timings. It holds the
/// customer's words: handle it accordingly.
#[derive(Parser)]
pub(crate) struct Args {
    /// The conversation, `conv_…`.
    #[arg(required_unless_present = "all")]
    conversation: Option<ConversationId>,
    /// Its shop; found by itself where the id is in one shop only.
    #[arg(long)]
    shop: Option<ShopId>,
    /// All conversations (of --shop, or of all shops).
    #[arg(long, conflicts_with = "conversation")]
    all: bool,
    /// Fold, and decide again on every input, byte for byte; exit 1 on the first divergence.
    #[arg(long)]
    verify: bool,
}

/// Replays.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = open_store(config).await?;
    let streams = streams(&store, &args).await?;
    let bar = indicatif::ProgressBar::new(streams.len() as u64);
    let (mut good, mut bad) = (0_u64, 0_u64);
    for stream in streams {
        bar.inc(1);
        match replay(&store, &stream, &args).await {
            Ok(()) => good += 1,
            Err(error) => {
                bad += 1;
                bar.suspend(|| eprintln!("{} of {}: {error:#}", stream.conversation, stream.shop));
            }
        }
    }
    bar.finish_and_clear();
    if args.verify {
        println!("{good} conversations verified, {bad} diverged");
    }
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn replay(store: &Store, stream: &Stream, args: &Args) -> anyhow::Result<()> {
    let snapshot = match args.verify {
        true => store.conversations().snapshot(stream).await?,
        false => None,
    };
    let mut verification = args.verify.then(|| Verification::new(snapshot));
    let mut timeline = (!args.all).then(Timeline::default);
    let records = mercer_replay::read(store, stream, |record| {
        if let Some(timeline) = &mut timeline {
            print(&timeline.take(record));
        }
        if let Some(verification) = &mut verification {
            verification.take(record);
        }
        ControlFlow::Continue(())
    });
    ensure!(
        records.await? > 0,
        "no log of conversation {}",
        stream.conversation
    );
    if let Some(verification) = verification {
        let replayed = verification.end()?;
        if !args.all {
            println!(
                "{} records, {} decisions, state {}",
                replayed.records, replayed.decided, replayed.state_sha256
            );
        }
    }
    Ok(())
}

fn print(entry: &Entry) {
    println!(
        "{:>5}  {}  {:<20} {}",
        entry.seq, entry.at_ms, entry.kind, entry.title
    );
    for line in &entry.detail {
        println!(
            "{:>44}{}",
            "",
            line.replace('\n', "\n                                            ")
        );
    }
}

async fn streams(store: &Store, args: &Args) -> anyhow::Result<Vec<Stream>> {
    if let Some(conversation) = &args.conversation {
        let shops = match &args.shop {
            Some(shop) => vec![shop.clone()],
            None => store
                .shops()
                .list()
                .await?
                .into_iter()
                .map(|shop| shop.id)
                .collect(),
        };
        for shop in shops {
            if store
                .conversations()
                .get(&shop, conversation)
                .await?
                .is_some()
            {
                return Ok(vec![Stream {
                    shop,
                    conversation: conversation.clone(),
                }]);
            }
        }
        bail!("no conversation {conversation} in this database");
    }
    let mut streams = Vec::new();
    let mut cursor = None;
    loop {
        let page = store
            .conversations()
            .all_streams(args.shop.as_ref(), cursor.as_deref())
            .await?;
        streams.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(streams);
        }
    }
}
