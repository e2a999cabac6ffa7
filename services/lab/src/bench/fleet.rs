//! A nats-server and workers as processes of their own, for measurements that disturb them.
//!
//! All of them end with the fleet.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Error, bail, ensure};
use mercer::config::Config;
use mercer_testing::{Nats, without_settings};
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Name of the fleet's pool.
pub(super) const POOL: &str = "bench";

/// A nats-server and workers.
pub(super) struct Fleet {
    nats: Nats,
    workers: Vec<Member>,
    settings: PathBuf,
    folder: TempDir,
}

/// A worker.
struct Member {
    name: String,
    child: Child,
}

impl Fleet {
    /// Starts everything, every worker with the settings' models and hardware; adapters are left out. Workers load their
    /// model after this returns.
    ///
    /// # Errors
    /// When nats-server is not installed, or a process does not start.
    pub(super) async fn start(config: &Config, workers: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("temporary folder")?;
        let nats = Nats::try_start(None).await.map_err(Error::msg)?;
        let settings = folder.path().join("worker.toml");
        let text = format!(
            "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[models]\n{}[hardware]\n{}[nats]\nurl = \"{}\"\n\
             [pool]\nname = \"{POOL}\"\n[log]\nfilter = \"warn,mercer=info\"\n",
            folder.path().join("data"),
            toml(&config.models)?,
            toml(&config.hardware)?,
            nats.url(),
        );
        std::fs::write(&settings, text).context("settings of the workers")?;
        let mut fleet = Self {
            nats,
            workers: Vec::new(),
            settings,
            folder,
        };
        for number in 1..=workers {
            let name = format!("w{number}");
            let child = fleet.spawn_worker(&name)?;
            fleet.workers.push(Member { name, child });
        }
        Ok(fleet)
    }

    /// Returns the URL of its NATS.
    pub(super) fn url(&self) -> String {
        self.nats.url()
    }

    /// Returns how many workers it has.
    pub(super) fn len(&self) -> usize {
        self.workers.len()
    }

    /// Returns a worker's name.
    pub(super) fn name(&self, worker: usize) -> &str {
        &self.workers[worker].name
    }

    /// Ends a worker as a power cut would, and starts it again.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) async fn kill(&mut self, worker: usize) -> anyhow::Result<()> {
        self.workers[worker].child.kill().await.context("kill")?;
        self.respawn(worker)
    }

    /// Sends a worker a signal, such as `STOP`.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) async fn signal(&mut self, worker: usize, signal: &str) -> anyhow::Result<()> {
        let member = &mut self.workers[worker];
        let Some(id) = member.child.id() else {
            bail!("worker {} has ended by itself", member.name);
        };
        let sent = Command::new("kill")
            .args([format!("-{signal}"), id.to_string()])
            .status()
            .await
            .context("kill")?;
        ensure!(sent.success(), "worker {} cannot be signalled", member.name);
        Ok(())
    }

    /// Asks a worker to leave when it has ended what it writes, and starts it again.
    ///
    /// # Errors
    /// When it does not leave in order, or does not start.
    pub(super) async fn restart(&mut self, worker: usize) -> anyhow::Result<()> {
        /// Longer than a worker takes to drain at most.
        const PATIENCE: Duration = Duration::from_secs(60);
        self.signal(worker, "TERM").await?;
        let member = &mut self.workers[worker];
        let ended = timeout(PATIENCE, member.child.wait()).await;
        let status = ended.with_context(|| format!("worker {} does not leave", member.name))??;
        ensure!(
            status.success(),
            "worker {} left with {status}",
            member.name
        );
        self.respawn(worker)
    }

    /// Ends NATS without a word and starts it again after a while.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) async fn restart_nats(&mut self, gone: Duration) -> anyhow::Result<()> {
        self.nats.kill();
        sleep(gone).await;
        self.nats.try_restart().await.map_err(Error::msg)
    }

    /// Returns a worker that has ended by itself, with its status and the end of its log.
    pub(super) fn fallen(&mut self) -> Option<(String, ExitStatus, String)> {
        let folder = self.folder.path().to_owned();
        self.workers.iter_mut().find_map(|member| {
            let status = member.child.try_wait().ok().flatten()?;
            Some((
                member.name.clone(),
                status,
                tail(&log(&folder, &member.name)),
            ))
        })
    }

    fn respawn(&mut self, worker: usize) -> anyhow::Result<()> {
        let name = self.workers[worker].name.clone();
        self.workers[worker].child = self.spawn_worker(&name)?;
        Ok(())
    }

    fn spawn_worker(&self, name: &str) -> anyhow::Result<Child> {
        let mut command = Command::new(worker_program()?);
        without_settings(command.as_std_mut());
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log(self.folder.path(), name))?;
        command
            .arg("--config")
            .arg(&self.settings)
            .args(["serve", "--roles", "worker"])
            .env("MERCER_WORKER__NAME", name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("worker {name}"))
    }
}

/// Returns the program whose processes workers are: `mercer`, beside this one.
fn worker_program() -> anyhow::Result<PathBuf> {
    let lab = std::env::current_exe().context("path of this program")?;
    let program = lab.with_file_name("mercer");
    ensure!(
        program.is_file(),
        "{} does not exist, and workers are processes of it; `make build` builds it",
        program.display()
    );
    Ok(program)
}

/// Writes the plain values of a section as TOML.
fn toml(section: &impl Serialize) -> anyhow::Result<String> {
    let section = serde_json::to_value(section)?;
    let mut text = String::new();
    for (key, value) in section.as_object().into_iter().flatten() {
        // JSON writes strings, numbers and booleans as TOML does.
        if value.is_string() || value.is_number() || value.is_boolean() {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    Ok(text)
}

fn log(folder: &Path, worker: &str) -> PathBuf {
    folder.join(format!("{worker}.log"))
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    const LINES: usize = 5;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_written_as_the_settings_file_has_it() {
        #[derive(Serialize)]
        struct Section {
            chat: &'static str,
            slots: u32,
            mmap: bool,
            adapters: Vec<u32>,
        }
        let section = Section {
            chat: "a \"b\".gguf",
            slots: 4,
            mmap: true,
            adapters: vec![1],
        };
        let text = toml(&section).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        for line in ["chat = \"a \\\"b\\\".gguf\"", "slots = 4", "mmap = true"] {
            assert!(lines.contains(&line), "{text}");
        }
    }
}
