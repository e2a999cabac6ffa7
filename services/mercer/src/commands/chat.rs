//! `mercer chat`: talk to a running Mercer in the terminal, over the web chat's own routes.

mod events;
mod screen;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use self::events::Decoder;
use self::screen::Screen;

/// Pause before the event stream is asked for again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Chat with a running Mercer in the terminal. Ends with Ctrl-D.
#[derive(Parser)]
pub(crate) struct Args {
    /// The shop.
    shop: String,
    /// Where Mercer runs.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

/// A session at the chat page's routes.
#[derive(Clone)]
struct Session {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// Chats until the input ends.
///
/// # Errors
/// When Mercer cannot be reached or has no chat page for the shop.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let base = format!("{}/chat/{}", args.url.trim_end_matches('/'), args.shop);
    let session = Session::open(base).await?;
    let events = session.events(0).await?.error_for_status()?;
    let listener = tokio::spawn(listen(session.clone(), events));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut number = 0_u64;
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            continue;
        }
        number += 1;
        session.say(number, &line).await?;
    }
    listener.abort();
    Ok(ExitCode::SUCCESS)
}

impl Session {
    async fn open(base: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::new();
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
            .context("no token in the answer")?;
        Ok(Self {
            http,
            base,
            token: token.to_owned(),
        })
    }

    async fn say(&self, number: u64, text: &str) -> anyhow::Result<()> {
        let id = format!("cli-{:016x}-{number}", rand::random::<u64>());
        let sent = self
            .http
            .post(format!("{}/messages", self.base))
            .bearer_auth(&self.token)
            .json(&serde_json::json!({ "id": id, "text": text }))
            .send()
            .await?;
        if !sent.status().is_success() {
            eprintln!("not sent: {}", sent.text().await.unwrap_or_default());
        }
        Ok(())
    }

    /// Asks for what happened after an event, and for what happens then.
    async fn events(&self, after: u64) -> reqwest::Result<reqwest::Response> {
        let request = self.http.get(format!("{}/events", self.base));
        let request = request.header("last-event-id", after);
        request.bearer_auth(&self.token).send().await
    }
}

/// Shows what the shop says; comes back where the stream breaks off.
async fn listen(session: Session, mut response: reqwest::Response) {
    let mut screen = Screen::new(std::io::stdout().is_terminal());
    let mut last_id = 0;
    loop {
        let mut decoder = Decoder::default();
        let mut stream = response.bytes_stream();
        while let Some(Ok(bytes)) = stream.next().await {
            for event in decoder.push(&bytes) {
                last_id = event.id.unwrap_or(last_id);
                print!("{}", screen.show(&event.name, &event.data));
                let _ = std::io::stdout().flush();
            }
        }
        eprintln!("the connection ended; trying again");
        response = loop {
            tokio::time::sleep(RECONNECT).await;
            match session.events(last_id).await {
                Ok(response) if response.status().is_success() => break response,
                Ok(response) if response.status() != StatusCode::SERVICE_UNAVAILABLE => {
                    eprintln!("events are answered with {}", response.status());
                    return;
                }
                Ok(_) | Err(_) => {}
            }
        };
    }
}
