//! The `mercer` binary as a child process, and `mercer-lab` for commands.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use mercer_testing::{Log, PATIENCE, root, without_settings};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::webhook;

/// A webhook's answer may wait for the database.
const WEBHOOK: Duration = Duration::from_secs(30);

/// A Mercer that serves.
pub(crate) struct Mercer {
    child: Child,
    log: Log,
    /// Where it serves.
    pub(crate) url: String,
    /// HTTP client.
    pub(crate) http: reqwest::Client,
}

/// A Mercer that ended.
pub(crate) struct Ended {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it wrote to its log.
    pub(crate) log: String,
}

/// What a command came to.
pub(crate) struct Output {
    /// Exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// A program of this workspace.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    /// `mercer`: what a retailer runs.
    Mercer,
    /// `mercer-lab`: what measures it.
    Lab,
}

impl Program {
    /// Returns the binary: `mercer` is the one that `MERCER_BIN` names, or the one beside the tests, and the laboratory is
    /// beside it.
    fn path(self) -> PathBuf {
        match self {
            Self::Mercer => mercer(),
            Self::Lab => built(mercer().with_file_name("mercer-lab"), "mercer-lab"),
        }
    }
}

fn mercer() -> PathBuf {
    if let Some(named) = std::env::var_os("MERCER_BIN") {
        let path = PathBuf::from(named);
        assert!(
            path.exists(),
            "MERCER_BIN names {}, which does not exist",
            path.display()
        );
        return path;
    }
    let test = std::env::current_exe().expect("path of the tests");
    let target = test.ancestors().nth(2).expect("target folder");
    built(target.join("mercer"), "mercer")
}

/// Returns a binary that is there.
fn built(binary: PathBuf, package: &str) -> PathBuf {
    assert!(
        binary.exists(),
        "{} does not exist: build it with `cargo build -p {package} --bin {package}` (`make test` does), or name `mercer` in MERCER_BIN",
        binary.display()
    );
    binary
}

fn command(program: Program, settings: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program.path());
    without_settings(command.as_std_mut());
    command
        .env("NO_PROXY", "127.0.0.1,localhost")
        .envs(env.iter().copied());
    command.current_dir(root()).arg("--config").arg(settings);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a program's command to its end.
pub(crate) async fn run(
    program: Program,
    settings: &Path,
    args: &[&str],
    env: &[(&str, &str)],
) -> Output {
    let mut command = command(program, settings, env);
    command.args(args);
    let output = timeout(PATIENCE, command.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("mercer {args:?} does not end"))
        .expect("mercer");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Output {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Starts the server in some roles, all when empty, and waits until it serves, or ends.
pub(crate) async fn start(
    settings: &Path,
    roles: &str,
    env: &[(&str, &str)],
) -> Result<Mercer, Ended> {
    let mut command = command(Program::Mercer, settings, env);
    // A Mercer that died a moment ago still has its lease.
    command.args(["serve", "--take-over"]);
    if !roles.is_empty() {
        command.args(["--roles", roles]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mercer");
    let log = Log::follow(child.stderr.take().expect("standard error"));
    let serving = timeout(PATIENCE, log.find(address)).await;
    match serving.unwrap_or_else(|_| panic!("mercer does not start:\n{}", log.text())) {
        Some(address) => {
            let http = reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("HTTP client");
            let mercer = Mercer {
                child,
                log,
                url: format!("http://{address}"),
                http,
            };
            // The socket is bound; the first answer comes once everything is ready, or never, if
            // the process is made to die before.
            let _ = mercer
                .http
                .get(format!("{}/health/live", mercer.url))
                .send()
                .await;
            Ok(mercer)
        }
        None => {
            let status = child.wait().await.expect("exit status");
            Err(Ended {
                status,
                log: log.text(),
            })
        }
    }
}

/// Reads the address from the log line that says that Mercer serves.
fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "serving").then(|| line["address"].as_str().map(str::to_owned))?
}

impl Mercer {
    /// Posts a signed webhook; none when the connection broke before an answer.
    pub(crate) async fn webhook(&self, body: &Value) -> Option<u16> {
        let bytes = body.to_string().into_bytes();
        let signature = webhook::signed(&bytes);
        self.post_webhook(bytes, Some(&signature)).await
    }

    /// Posts bytes to the webhook under a signature.
    pub(crate) async fn post_webhook(
        &self,
        bytes: Vec<u8>,
        signature: Option<&str>,
    ) -> Option<u16> {
        let mut request = self
            .http
            .post(format!("{}/webhooks/whatsapp/hollinbeck", self.url));
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        let answer = request
            .header("content-type", "application/json")
            .timeout(WEBHOOK)
            .body(bytes)
            .send()
            .await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Reads a text from a path.
    pub(crate) async fn get(&self, path: &str) -> String {
        let answer = self
            .http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .expect("an answer");
        answer.text().await.expect("a body")
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until the process has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.expect("exit status")
    }

    /// Ends the process as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("kill");
    }

    /// Sends the process a signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.expect("kill").success());
    }

    /// Asks the process to stop and returns its log; it must stop in order.
    pub(crate) async fn stop(mut self) -> String {
        self.signal("-TERM").await;
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("it stops when asked")
            .expect("exit status");
        assert!(status.success(), "{status}:\n{}", self.log.text());
        self.log.text()
    }
}
