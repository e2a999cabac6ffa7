//! Databases for tests: SQLite files and a real PostgreSQL server, started from the system's
//! package (`apt-get install postgresql`).
//!
//! One server serves a whole test process and dies with it; every test gets a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::{LOOK_EVERY, free_port};

/// Where Debian puts the server's programs, by major version.
const BINARIES: &str = "/usr/lib/postgresql";
/// The server is ready within a second or so; a slow machine gets a minute.
const START_TIMEOUT: Duration = Duration::from_secs(60);

static SERVER: OnceLock<Result<PostgresServer, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running PostgreSQL server with its data in a temporary folder.
pub struct PostgresServer {
    port: u16,
    programs: PathBuf,
    _watchdog: Child,
}

impl PostgresServer {
    /// Returns the server of this test process, starting it at the first call.
    ///
    /// # Errors
    /// A text for a person: which package is missing, or what the server wrote.
    pub fn shared() -> Result<&'static Self, String> {
        SERVER.get_or_init(start).as_ref().map_err(Clone::clone)
    }

    /// Creates an empty database and returns its URL for `StoreConfig`.
    ///
    /// # Errors
    /// What the server answered.
    pub async fn create_database(&self) -> Result<String, String> {
        self.create(&[]).await
    }

    /// Creates a copy of a database that nobody is connected to and returns its URL.
    ///
    /// # Errors
    /// What the server answered.
    pub async fn copy_database(&self, url: &str) -> Result<String, String> {
        let template = url.rsplit('/').next().unwrap_or_default();
        self.create(&["--template", template]).await
    }

    async fn create(&self, template: &[&str]) -> Result<String, String> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let mut command = Command::new(self.programs.join("createdb"));
        command
            .args(["--host=127.0.0.1", "--username=mercer"])
            .args([
                "--maintenance-db=postgres",
                "--port",
                &self.port.to_string(),
            ])
            .args(template)
            .arg(&name);
        let made = tokio::task::spawn_blocking(move || run(&mut command));
        made.await.map_err(|error| error.to_string())??;
        Ok(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://mercer@127.0.0.1:{}/{database}", self.port)
    }
}

/// Returns the URL of a SQLite database in a folder.
pub fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("mercer.db").display())
}

fn start() -> Result<PostgresServer, String> {
    let programs = find_programs()?;
    let folder = std::env::temp_dir().join(format!("mercer-pg-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("create the folder: {error}"))?;
    // The server refuses to run as root: there it runs as the package's own user.
    let user = is_root().then_some("postgres");
    if user.is_some() {
        run(Command::new("chown").arg("postgres").arg(&folder))?;
    }
    let data = folder.join("data");
    let mut initdb = as_user(user, &programs.join("initdb"));
    initdb
        .args([
            "--auth=trust",
            "--username=mercer",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ])
        .arg("--pgdata")
        .arg(&data);
    run(&mut initdb)?;
    let port = free_port();
    let mut server = as_user(user, &programs.join("postgres"));
    server
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&folder)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1"])
        .args([
            "-c",
            "fsync=off",
            "-c",
            "max_connections=400",
            "-c",
            "log_min_messages=fatal",
        ]);
    let watchdog = spawn_with_watchdog(server, &folder)?;
    wait_until_ready(port, &folder)?;
    Ok(PostgresServer {
        port,
        programs,
        _watchdog: watchdog,
    })
}

fn find_programs() -> Result<PathBuf, String> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(BINARIES)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).ok_or_else(|| {
        format!(
            "no PostgreSQL server below {BINARIES}; install it with `apt-get install postgresql`"
        )
    })
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    let mut command = match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    // Not the caller's folder: the other user may not be allowed to enter it.
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("run {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{program} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// Starts the server below a shell that stops it, and removes its folder, when this process ends,
/// however it ends: the shell reads a pipe that only this process holds open.
fn spawn_with_watchdog(server: Command, folder: &Path) -> Result<Child, String> {
    let script = r#"log="$1"; folder="$2"; shift 2
"$@" >"$log" 2>&1 </dev/null &
cat >/dev/null
kill -INT $(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) 2>/dev/null
wait
rm -rf "$folder""#;
    let log = folder.join("server.log");
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(&log).arg(folder);
    shell.arg(server.get_program()).args(server.get_args());
    shell
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell
        .spawn()
        .map_err(|error| format!("start the server: {error}"))
}

fn wait_until_ready(port: u16, folder: &Path) -> Result<(), String> {
    let deadline = Instant::now() + START_TIMEOUT;
    let pid_file = folder.join("data/postmaster.pid");
    while Instant::now() < deadline {
        // The server's own note: its last line is `ready` once it accepts connections.
        let note = std::fs::read_to_string(&pid_file).unwrap_or_default();
        let ready = note.lines().any(|line| line.trim() == "ready");
        if ready && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    Err(format!(
        "PostgreSQL did not start within {START_TIMEOUT:?}: {}",
        log.trim()
    ))
}
