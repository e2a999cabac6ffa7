//! A nats-server as a child process.

use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::{LOOK_EVERY, free_port};

/// Debian installs it where only root's PATH leads.
const PROGRAMS: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];
/// One that has not bound its port by then does not start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A nats-server on a port of its own. It ends when this is dropped.
pub struct Nats {
    port: u16,
    password: Option<String>,
    child: Child,
}

impl Nats {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        or_panic(Self::try_start(None).await)
    }

    /// Starts one that asks the user `mercer` for a password.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(password: &str) -> Self {
        or_panic(Self::try_start(Some(password)).await)
    }

    /// Starts one on a free port, with a password for the user `mercer` where one is given.
    ///
    /// # Errors
    /// A text for a person: that it is not installed, or does not listen.
    pub async fn try_start(password: Option<&str>) -> Result<Self, String> {
        let port = free_port();
        let mut nats = Self {
            port,
            password: password.map(str::to_owned),
            child: spawn(port, password)?,
        };
        nats.listens().await?;
        Ok(nats)
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Returns its URL with a password in it.
    pub fn url_with(&self, password: &str) -> String {
        format!("nats://mercer:{password}@127.0.0.1:{}", self.port)
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills it and starts another in its place.
    ///
    /// # Panics
    /// When that does not start.
    pub async fn restart(&mut self) {
        or_panic(self.try_restart().await);
    }

    /// Kills it and starts another in its place.
    ///
    /// # Errors
    /// As [`Nats::try_start`].
    pub async fn try_restart(&mut self) -> Result<(), String> {
        self.kill();
        self.child = spawn(self.port, self.password.as_deref())?;
        self.listens().await
    }

    /// Changes the password, which takes a restart.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn change_password(&mut self, password: &str) {
        self.password = Some(password.to_owned());
        self.restart().await;
    }

    async fn listens(&mut self) -> Result<(), String> {
        let late = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || Instant::now() >= late {
                return Err(format!("nats-server does not listen on port {}", self.port));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, password: Option<&str>) -> Result<Child, String> {
    for program in PROGRAMS {
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
        if let Some(password) = password {
            command.args(["--user", "mercer", "--pass", password]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("start {program}: {error}")),
        }
    }
    Err("nats-server is not installed; `make setup` installs it".to_owned())
}

fn or_panic<T>(started: Result<T, String>) -> T {
    started.unwrap_or_else(|problem| panic!("{problem}"))
}
