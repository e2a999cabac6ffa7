//! `mercer chat`: talk to a running Mercer in the terminal, over the web chat's own routes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use futures::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Chat with a running Mercer in the terminal. Ends with Ctrl-D.
#[derive(Parser)]
pub(crate) struct Args {
    /// The shop.
    shop: String,
    /// Where Mercer runs.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

/// Chats until the input ends.
///
/// # Errors
/// When Mercer cannot be reached or has no chat page for the shop.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let http = reqwest::Client::new();
    let base = format!("{}/chat/{}", args.url.trim_end_matches('/'), args.shop);
    let response = http
        .post(format!("{base}/session"))
        .send()
        .await
        .with_context(|| format!("{base} cannot be reached; does `mercer serve` run?"))?;
    if !response.status().is_success() {
        bail!(
            "{base}/session answered {}; is the shop listed in webchat.shops?",
            response.status()
        );
    }
    let session: Value = response.json().await?;
    let token = session["token"]
        .as_str()
        .context("no token in the answer")?
        .to_owned();
    let events = http
        .get(format!("{base}/events"))
        .bearer_auth(&token)
        .send()
        .await?
        .error_for_status()?;
    let listener = tokio::spawn(listen(events));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut number = 0_u64;
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            continue;
        }
        number += 1;
        let id = format!("cli-{:016x}-{number}", rand::random::<u64>());
        let body = serde_json::json!({ "id": id, "text": line });
        let sent = http
            .post(format!("{base}/messages"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await?;
        if !sent.status().is_success() {
            eprintln!("not sent: {}", sent.text().await.unwrap_or_default());
        }
    }
    listener.abort();
    Ok(ExitCode::SUCCESS)
}

/// Prints what the shop says, message by message.
async fn listen(response: reqwest::Response) {
    let mut pending = String::new();
    let mut kind = String::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(bytes)) = stream.next().await {
        pending.push_str(&String::from_utf8_lossy(&bytes));
        while let Some(end) = pending.find('\n') {
            let line: String = pending.drain(..=end).collect();
            if let Some(name) = line.strip_prefix("event:") {
                kind = name.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                let Ok(data) = serde_json::from_str::<Value>(data.trim()) else {
                    continue;
                };
                if kind == "message"
                    && data["from"] != "customer"
                    && let Some(text) = data["text"].as_str()
                {
                    println!("shop: {text}");
                    let _ = std::io::stdout().flush();
                }
            }
        }
    }
    eprintln!("the connection ended");
}
