//! `mercer-lab bench actors`: memory of conversations, and how long one takes to come back.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use mercer::compose::start_bare;
use mercer::config::Config;
use mercer_knowledge::{Knowledge, SearchConfig, SearchModels};
use mercer_runtime::RuntimeConfig;
use mercer_schemas::{Channel, Content, InboundMessage, MessageId, Personal, ShopId, Stream};
use mercer_store::{InboxItem, InboxKind, NewInbox, Store};
use serde::Serialize;

use super::shop_in;

/// Memory of live and passivated conversations, and how long one takes to come back.
#[derive(Parser)]
pub(crate) struct ActorsArgs {
    /// Conversations.
    #[arg(long, default_value_t = 10_000)]
    conversations: usize,
    /// Conversations that are brought back one by one.
    #[arg(long, default_value_t = 1_000)]
    activations: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ActorsReport {
    conversations: usize,
    bytes_per_live: i64,
    bytes_per_passivated: i64,
    activation_ms_p50: f64,
    activation_ms_p99: f64,
    created_per_s: f64,
}

/// Runs the command.
///
/// # Errors
/// When a part does not start.
pub(super) async fn run(config: &Config, args: ActorsArgs) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let (store, shop) = shop_in(folder.path(), 64).await?;
    let knowledge = Knowledge::open(
        &folder.path().join("index"),
        store.clone(),
        SearchModels::default(),
        SearchConfig::default(),
    )
    .await?;
    let runtime_config = RuntimeConfig {
        live_max: args.conversations * 2,
        idle: Duration::from_secs(3_600),
        ..RuntimeConfig::default()
    };
    let runtime = start_bare(config, runtime_config, store.clone(), knowledge).await?;
    let before = resident_bytes()?;
    let started = Instant::now();
    let streams = write_to_all(&store, &shop, args.conversations).await?;
    wait_until(|| runtime.live_conversations() >= args.conversations).await?;
    wait_until_empty(&store).await?;
    let created_per_s = args.conversations as f64 / started.elapsed().as_secs_f64();
    let with_live = resident_bytes()?;
    runtime.passivate(Duration::ZERO);
    wait_until(|| runtime.live_conversations() == 0).await?;
    let with_none = resident_bytes()?;
    let mut activations_ms = Vec::with_capacity(args.activations);
    for stream in streams.iter().take(args.activations) {
        let loaded = runtime.loaded_conversations();
        let woken = Instant::now();
        runtime.wake(stream.clone());
        while runtime.loaded_conversations() == loaded {
            ensure!(
                woken.elapsed() < Duration::from_secs(60),
                "a conversation does not come back"
            );
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        activations_ms.push(woken.elapsed().as_secs_f64() * 1_000.0);
    }
    activations_ms.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let at = (activations_ms.len() as f64 * share) as usize;
        activations_ms.get(at).copied().unwrap_or_default()
    };
    let each = |bytes: i64| bytes / i64::try_from(args.conversations.max(1)).unwrap_or(1);
    let report = ActorsReport {
        conversations: args.conversations,
        bytes_per_live: each(with_live - before),
        bytes_per_passivated: each(with_none - before),
        activation_ms_p50: quantile(0.5),
        activation_ms_p99: quantile(0.99),
        created_per_s,
    };
    runtime.stop().await;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("conversations          {}", report.conversations);
        println!(
            "memory, live           {} bytes each (of this process, database caches included)",
            report.bytes_per_live
        );
        println!(
            "memory, passivated     {} bytes each (what the allocator kept)",
            report.bytes_per_passivated
        );
        println!(
            "activation p50 / p99   {:.2} / {:.2} ms",
            report.activation_ms_p50, report.activation_ms_p99
        );
        println!(
            "created and answered   {:.0} per second",
            report.created_per_s
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// One picture message in each of many conversations: it is answered without a model.
async fn write_to_all(store: &Store, shop: &ShopId, count: usize) -> anyhow::Result<Vec<Stream>> {
    let mut streams = Vec::with_capacity(count);
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(500) {
        let items = chunk.iter().map(|number| picture(*number)).collect();
        let inserted = store.inbox().insert(shop, items).await?;
        streams.extend(inserted.into_iter().filter_map(|inserted| inserted.stream));
    }
    Ok(streams)
}

fn picture(number: usize) -> NewInbox {
    let provider_id = format!("bench-{number}");
    let message = InboundMessage {
        id: MessageId::from_parts(1_000, number as u128),
        provider_id: provider_id.clone(),
        sent_at_ms: 1_000,
        cut_from_chars: None,
        content: Content::Unsupported {
            kind_name: "image".to_owned(),
            quiet: false,
        },
    };
    NewInbox {
        channel: Channel::Webchat,
        provider_id,
        address: Personal::new(format!("bench-{number}")),
        kind: InboxKind::Message,
        payload: InboxItem::Message(message).to_payload(),
        received_at_ms: 1_000,
        sent_at_ms: 1_000,
    }
}

async fn wait_until(mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    let patience = Instant::now();
    while !done() {
        ensure!(
            patience.elapsed() < Duration::from_secs(600),
            "nothing moved for ten minutes"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn wait_until_empty(store: &Store) -> anyhow::Result<()> {
    let patience = Instant::now();
    while store.inbox().oldest_open_age_ms().await?.is_some() {
        ensure!(
            patience.elapsed() < Duration::from_secs(600),
            "nothing moved for ten minutes"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Resident memory of this process, from /proc.
fn resident_bytes() -> anyhow::Result<i64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    let kilobytes: i64 = line.split_whitespace().nth(1).context("VmRSS")?.parse()?;
    Ok(kilobytes * 1_024)
}
