//! `mercer bench`: what this machine does, with a baseline in the same run.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use mercer_commerce::Tools;
use mercer_gateway::whatsapp::{SIGNATURE_HEADER, sign};
use mercer_gateway::{Gateway, GatewayConfig, LiveFeed, Secret, Senders, WhatsAppConfig};
use mercer_knowledge::{Knowledge, SearchConfig};
use mercer_runtime::{Runtime, RuntimeConfig, Services, SystemClock};
use mercer_schemas::{Channel, Content, InboundMessage, MessageId, Personal, Shop, ShopId, Stream};
use mercer_store::{InboxItem, InboxKind, LocalHints, NewInbox, NoHints, Store, StoreConfig};
use serde::Serialize;
use serde_json::json;

use crate::compose::load_chat;
use crate::config::Config;

/// Measure this machine.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Memory of live and passivated conversations, and how long one takes to come back.
    Actors(ActorsArgs),
    /// Acknowledged webhooks per second with every one on disk first, against a commit for each.
    Ingress(IngressArgs),
}

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

/// Acknowledged webhooks per second.
#[derive(Parser)]
pub(crate) struct IngressArgs {
    /// Senders at the same time.
    #[arg(long, default_value_t = 32)]
    senders: usize,
    /// Seconds for each of the two measurements.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When a part does not start.
pub(crate) async fn run(config: &Config, command: Bench) -> anyhow::Result<ExitCode> {
    match command {
        Bench::Actors(args) => actors(config, args).await,
        Bench::Ingress(args) => ingress(args).await,
    }
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

async fn actors(config: &Config, args: ActorsArgs) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let (store, shop) = shop_in(folder.path(), 64).await?;
    let knowledge = Knowledge::open(
        &folder.path().join("index"),
        store.clone(),
        None,
        SearchConfig::default(),
    )
    .await?;
    let (hints, wakes) = LocalHints::new();
    let live = LiveFeed::new();
    let services = Services {
        store: store.clone(),
        tools: Tools::new(store.clone(), knowledge),
        chat: load_chat(config).await?,
        senders: Senders::new(&GatewayConfig::default(), &live)?,
        live,
        clock: Arc::new(SystemClock),
    };
    let runtime_config = RuntimeConfig {
        live_max: args.conversations * 2,
        idle: Duration::from_secs(3_600),
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::start(runtime_config, services, wakes).await?;
    drop(hints);
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
        content: Content::Unsupported {
            kind_name: "image".to_owned(),
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

#[derive(Serialize)]
struct IngressReport {
    senders: usize,
    grouped: Measured,
    one_by_one: Measured,
    ratio: f64,
}

#[derive(Serialize)]
struct Measured {
    per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    acknowledged: usize,
}

async fn ingress(args: IngressArgs) -> anyhow::Result<ExitCode> {
    let seconds = Duration::from_secs(args.seconds);
    let one_by_one = acknowledged(1, args.senders, seconds).await?;
    let grouped = acknowledged(64, args.senders, seconds).await?;
    let ratio = grouped.per_s / one_by_one.per_s.max(f64::MIN_POSITIVE);
    let report = IngressReport {
        senders: args.senders,
        grouped,
        one_by_one,
        ratio,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} senders, one WhatsApp message a webhook, SQLite with synchronous=FULL",
        report.senders
    );
    for (name, measured) in [
        ("group commit", &report.grouped),
        ("a commit each", &report.one_by_one),
    ] {
        println!(
            "{name:<14} {:>8.0} per second, ack p50 {:.1} ms, p99 {:.1} ms",
            measured.per_s, measured.p50_ms, measured.p99_ms
        );
    }
    println!("ratio          {:.2}", report.ratio);
    Ok(ExitCode::SUCCESS)
}

async fn acknowledged(
    group_max: usize,
    senders: usize,
    seconds: Duration,
) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let (store, shop) = shop_in(folder.path(), group_max).await?;
    let secret = Secret::new("bench-secret");
    let config: WhatsAppConfig = serde_json::from_value(json!({
        "shop": shop, "phone_number_id": "1", "verify_token": "bench", "app_secrets": ["bench-secret"], "access_token": "bench"
    }))?;
    let config = GatewayConfig {
        whatsapp: vec![config],
        ..GatewayConfig::default()
    };
    let gateway = Gateway {
        store: store.clone(),
        config: Arc::new(config),
        hints: Arc::new(NoHints),
        live: LiveFeed::new(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/whatsapp/{shop}", listener.local_addr()?);
    let server =
        tokio::spawn(async move { axum::serve(listener, mercer_gateway::router(gateway)).await });
    let http = reqwest::Client::new();
    let deadline = Instant::now() + seconds;
    let tasks: Vec<_> = (0..senders)
        .map(|sender| {
            let (http, url, secret) = (http.clone(), url.clone(), secret.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                let mut number = 0_usize;
                while Instant::now() < deadline {
                    number += 1;
                    let body = webhook(sender, number);
                    let signature = sign(body.as_bytes(), &secret);
                    let started = Instant::now();
                    let response = http
                        .post(&url)
                        .header(SIGNATURE_HEADER, signature)
                        .body(body)
                        .send()
                        .await?;
                    ensure!(
                        response.status().is_success(),
                        "webhook was answered with {}",
                        response.status()
                    );
                    times.push(started.elapsed().as_secs_f64() * 1_000.0);
                }
                Ok(times)
            })
        })
        .collect();
    let mut times: Vec<f64> = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    server.abort();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        times
            .get((times.len() as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    Ok(Measured {
        per_s: times.len() as f64 / seconds.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        acknowledged: times.len(),
    })
}

fn webhook(sender: usize, number: usize) -> String {
    let phone = format!("44790{sender:03}{:04}", number % 1_000);
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "1", "phone_number_id": "1" },
        "contacts": [{ "wa_id": phone, "profile": { "name": "Bench" } }],
        "messages": [{ "id": format!("wamid.{sender}.{number}"), "from": phone, "timestamp": "1795435200", "type": "text",
            "text": { "body": "do you have a red kettle?" } }]
    }}]}]})
    .to_string()
}

async fn shop_in(folder: &Path, group_max: usize) -> anyhow::Result<(Store, ShopId)> {
    let mut config = StoreConfig::new(format!("sqlite://{}", folder.join("bench.db").display()));
    config.group_commit_max = group_max;
    let store = Store::open(&config).await?;
    let shop: Shop = serde_json::from_value(
        json!({ "id": "bench", "name": "Bench", "currency": "GBP", "locale": "en-GB" }),
    )?;
    store.shops().put(shop.clone()).await?;
    Ok((store, shop.id))
}
