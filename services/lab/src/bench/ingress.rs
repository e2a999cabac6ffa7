//! `mercer-lab bench ingress`: acknowledged webhooks, with a baseline in the same run.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;
use mercer_gateway::whatsapp::{SIGNATURE_HEADER, sign};
use mercer_gateway::{Channels, Gateway, GatewayConfig, LiveFeed, Secret, WhatsAppConfig};
use mercer_store::NoHints;
use serde::Serialize;
use serde_json::json;

use super::shop_in;

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

/// Runs the command.
///
/// # Errors
/// When a part does not start.
pub(super) async fn run(args: IngressArgs) -> anyhow::Result<ExitCode> {
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
        hints: Arc::new(NoHints),
        live: LiveFeed::new(),
    };
    let channels = Channels::new(&config, &gateway.live)?;
    let router = mercer_gateway::router(gateway, &channels);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks/whatsapp/{shop}", listener.local_addr()?);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
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
