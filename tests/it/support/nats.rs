//! A nats-server as a child process.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::PATIENCE;

/// A nats-server on a port of its own.
pub(crate) struct Nats {
    port: u16,
    child: Child,
}

impl Nats {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("free port");
        let port = free.local_addr().expect("address").port();
        drop(free);
        let child = spawn(port);
        listens(port).await;
        Self { port, child }
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it without a word.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("kill");
    }

    /// Kills it and starts another in its place.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        self.child = spawn(self.port);
        listens(self.port).await;
    }
}

fn spawn(port: u16) -> Child {
    // Debian installs it where only root's PATH leads.
    let usual = "/usr/sbin/nats-server";
    let program = if Path::new(usual).exists() {
        usual
    } else {
        "nats-server"
    };
    Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nats-server is installed; run ./setup.sh")
}

async fn listens(port: u16) {
    let listening = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, listening)
        .await
        .expect("nats-server listens");
}
