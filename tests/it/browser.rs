//! The chat page in a real browser: write, read the answer, reload, it is all still there.

use std::process::Stdio;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use mercer_schemas::{Event, OutboundMessage, Stream};
use mercer_testing::PATIENCE;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::{Model, World, events};

const FINAL: &str = "li.shop[data-state=final]";
/// Counts answers that appear sentence by sentence.
const WATCH_SENTENCES: &str = "window.provisional = 0; \
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => { \
      if (node.dataset && node.dataset.state === 'provisional') window.provisional++; \
    }))).observe(document.getElementById('log'), { childList: true });";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_writes_reads_the_answer_and_finds_it_again_after_a_reload() {
    let world = World::with_shop(Model::best()).await;
    let mercer = world.start().await;
    let browser = Browser::start().await;
    let page = &browser.client;
    page.goto(&format!("{}/chat", mercer.url))
        .await
        .expect("the chat page");
    wait(page, "#connection[data-state=online]").await;
    assert_eq!(text(page, "header h1").await, "Hollin & Beck");

    let words = "Do you have a camping stove under 60 pounds?";
    page.execute(WATCH_SENTENCES, Vec::new())
        .await
        .expect("script");
    page.find(Locator::Css("#message"))
        .await
        .expect("a field to write in")
        .send_keys(words)
        .await
        .expect("keys");
    page.find(Locator::Css("#send"))
        .await
        .expect("a button")
        .click()
        .await
        .expect("click");
    wait(page, FINAL).await;
    let answer = last_reply(&world).await;
    let shown = text(page, &format!("{FINAL} .bubble")).await;
    assert_eq!(
        shown,
        collapsed(answer.text.expose()),
        "the page shows the reply of the log"
    );
    assert_eq!(count(page, ".card").await, answer.cards.len());
    if let Some(card) = answer.cards.first() {
        assert_eq!(text(page, ".card h2").await, card.name);
        assert_eq!(text(page, ".card .price").await, card.price);
        assert_eq!(text(page, ".card .stock").await, card.stock);
    }
    assert_eq!(count(page, "li.customer[data-state=final]").await, 1);
    if sentences(answer.text.expose()) > 1 && Model::best() == Model::Shipped {
        let shown = page.execute("return window.provisional", Vec::new()).await;
        assert_eq!(
            shown.expect("script"),
            1,
            "sentences appear before the whole answer does"
        );
    }
    assert_eq!(
        count(page, "li[data-state=provisional]").await,
        0,
        "nothing provisional stays"
    );
    assert_eq!(text(page, "#problem").await, "");

    page.refresh().await.expect("reload");
    wait(page, "#connection[data-state=online]").await;
    wait(page, FINAL).await;
    assert_eq!(text(page, "li.customer .bubble").await, words);
    assert_eq!(text(page, &format!("{FINAL} .bubble")).await, shown);
    assert_eq!(
        (
            count(page, "li.customer").await,
            count(page, "li.shop").await
        ),
        (1, 1),
        "each once"
    );

    // The keyboard alone does it, too.
    let field = page
        .find(Locator::Css("#message"))
        .await
        .expect("a field to write in");
    field
        .send_keys("What is your returns policy?\u{e007}")
        .await
        .expect("Enter");
    page.wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(
            "li.customer[data-state=final] ~ li.customer[data-state=final]",
        ))
        .await
        .expect("sent");
    // Only what is an address as a whole becomes a link.
    let field = page
        .find(Locator::Css("#message"))
        .await
        .expect("a field to write in");
    field
        .send_keys(
            "(https://shop.example/a?b=1), https://shop.example:x@evil.example/ \
             https://shop.example/\"https://evil.example/x https://shop.exampl\u{435}/\u{e007}",
        )
        .await
        .expect("Enter");
    page.wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("li.customer .bubble a"))
        .await
        .expect("a link");
    let links = "return Array.from(document.querySelectorAll('.bubble a'), (link) => link.href)";
    let links = page.execute(links, Vec::new()).await.expect("script");
    assert_eq!(links, json!(["https://shop.example/a?b=1"]));
    if let Some(path) = std::env::var_os("MERCER_SCREENSHOT") {
        wait(page, "li.shop:last-child, li.notice:last-child").await;
        std::fs::write(&path, page.screenshot().await.expect("screenshot"))
            .expect("file for the screenshot");
    }
    browser.close().await;
    mercer.stop().await;
    world.verify_replay().await;
}

/// Returns the only conversation's latest reply.
async fn last_reply(world: &World) -> OutboundMessage {
    let conversations = world.store().await.conversations();
    let streams: Vec<Stream> = conversations
        .all_streams(None, None)
        .await
        .expect("streams")
        .items;
    assert_eq!(streams.len(), 1);
    let records = conversations.log(&streams[0], 0, 1_000).await.expect("log");
    let replies = events(&records).filter_map(|event| match event {
        Event::ReplyQueued { content, .. } => Some(content.clone()),
        _ => None,
    });
    replies.last().expect("a reply")
}

async fn wait(page: &Client, css: &str) {
    let found = page
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(css))
        .await;
    if let Err(error) = found {
        panic!(
            "{css}: {error}\n{}",
            page.source().await.unwrap_or_default()
        );
    }
}

async fn text(page: &Client, css: &str) -> String {
    let element = page
        .find(Locator::Css(css))
        .await
        .unwrap_or_else(|error| panic!("{css}: {error}"));
    collapsed(&element.text().await.expect("text"))
}

async fn count(page: &Client, css: &str) -> usize {
    page.find_all(Locator::Css(css))
        .await
        .expect("elements")
        .len()
}

/// Counts sentences that are followed by another.
fn sentences(text: &str) -> usize {
    1 + text.matches(". ").count()
}

/// A browser tells text as it is laid out; runs of white space do not matter here.
fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A browser with its driver and a profile of its own.
struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    async fn start() -> Self {
        let profile = tempfile::tempdir().expect("folder for a profile");
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command.process_group(0).kill_on_drop(true);
        let started = command.spawn();
        let mut driver =
            started.expect("chromedriver starts; `apt-get install chromium-driver` brings it");
        let output = driver.stdout.take().expect("standard output");
        let port = timeout(PATIENCE, port(output))
            .await
            .expect("chromedriver tells its port in time");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=480,1040",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted =
            json!({ "browserName": "chrome", "goog:chromeOptions": { "args": arguments } });
        let Value::Object(wanted) = wanted else {
            unreachable!("an object")
        };
        let wanted: Capabilities = wanted;
        let url = format!("http://127.0.0.1:{port}");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connected = timeout(PATIENCE, builder.capabilities(wanted).connect(&url)).await;
        let client = connected
            .expect("the browser starts in time")
            .expect("the browser starts");
        Self {
            client,
            driver,
            _profile: profile,
        }
    }

    async fn close(mut self) {
        self.client
            .clone()
            .close()
            .await
            .expect("the browser closes");
        // The driver does not end by itself.
        let _ = self.driver.start_kill();
        let _ = timeout(Duration::from_secs(10), self.driver.wait()).await;
    }
}

impl Drop for Browser {
    /// After a failure the browser still runs; it is in the driver's process group.
    fn drop(&mut self) {
        if let Some(id) = self.driver.id() {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{id}")])
                .status();
        }
    }
}

/// Reads the port from what the driver says: `… started successfully on port 1234.`
async fn port(output: impl tokio::io::AsyncRead + Unpin + Send + 'static) -> u16 {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.expect("the driver's output") {
        let Some((_, port)) = line.split_once("successfully on port ") else {
            continue;
        };
        let port = port.trim_end_matches('.').parse().expect("a port");
        // Read on, so that the driver never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        return port;
    }
    panic!("chromedriver ended without telling its port");
}
