//! Brings a file over HTTP: goes on where an earlier try ended, and begins again where the server has another file now.
//!
//! Beside a part lies what the server said of the file (`.part.json`). The address is not kept: it may hold a key.

mod notes;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url};

use self::notes::{Notes, Span};
use super::part::{self, Part, too_long};
use super::{Digest, Fetched, FileName, Folder};

/// Which file is wanted.
pub(crate) struct Wanted {
    /// Where it is, http or https.
    pub(crate) url: Url,
    /// What it must be.
    pub(crate) sha256: Digest,
    /// What it is called in the folder.
    pub(crate) name: FileName,
}

/// How long and how much.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The longest file that is taken.
    pub(crate) bytes_max: u64,
    /// How long a connection may take.
    pub(crate) connect: Duration,
    /// How long the server may say nothing.
    pub(crate) silence: Duration,
    /// How often the server is asked before a person must.
    pub(crate) attempts: u32,
    /// The pause after the first attempt; each next one is twice as long.
    pub(crate) pause: Duration,
}

impl Limits {
    /// 16 GiB: a model of 27 billion parameters at four bits each.
    pub(crate) const BYTES_MAX: u64 = 16 << 30;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: Self::BYTES_MAX,
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(60),
            // With the pauses between them 31 seconds: a router that restarts takes longer, and then the part is still there.
            attempts: 6,
            pause: Duration::from_secs(1),
        }
    }
}

/// Why an attempt failed.
enum Failure {
    /// The network's or the server's trouble, which may pass.
    Passing(anyhow::Error),
    /// Another attempt would fail as well.
    Lasting(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Lasting(error)
    }
}

impl From<reqwest::Error> for Failure {
    /// Leaves the address out of the text, as it may hold a key.
    fn from(error: reqwest::Error) -> Self {
        Self::Passing(error.without_url().into())
    }
}

/// Brings the file, unless it is there. What came before a failure stays for the next fetch of the same file.
///
/// # Errors
/// When another file has the name; when the file is too long or not the one that was wanted, which leaves nothing of it; when
/// the server or the network fails.
pub(crate) async fn fetch(
    folder: &Folder,
    wanted: &Wanted,
    limits: Limits,
    bar: &ProgressBar,
) -> anyhow::Result<Fetched> {
    let _held = folder.hold()?;
    let to = folder.file(&wanted.name);
    match folder.digest(&wanted.name).await? {
        Some(found) if found == wanted.sha256 => return Ok(Fetched::AlreadyThere(to)),
        Some(found) => anyhow::bail!(
            "{} is there and is another file: its SHA-256 is {found}, wanted is {}; remove it, or choose another name with --name",
            to.display(),
            wanted.sha256
        ),
        None => {}
    }
    let mut transfer = Transfer::open(folder, wanted, limits, bar).await?;
    let brought = transfer.bring().await;
    bar.finish_and_clear();
    match brought {
        Ok(()) => transfer.finish(wanted.sha256, to).await,
        Err(error) => Err(transfer.fail(error).await),
    }
}

struct Transfer<'fetch> {
    client: Client,
    wanted: &'fetch Wanted,
    limits: Limits,
    bar: &'fetch ProgressBar,
    part: Part,
    notes: Notes,
    notes_path: PathBuf,
}

impl<'fetch> Transfer<'fetch> {
    async fn open(
        folder: &Folder,
        wanted: &'fetch Wanted,
        limits: Limits,
        bar: &'fetch ProgressBar,
    ) -> anyhow::Result<Self> {
        // A packed answer has other bytes than the file, and ranges of those would be ranges of something else.
        // An address may hold a key, and a redirect leads to somebody else.
        let client = Client::builder()
            .referer(false)
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()?;
        let part_path = folder
            .path()
            .join(format!("{}{}", wanted.name, part::ENDING));
        let notes_path = part_path.with_added_extension("json");
        let mut part = Part::open(part_path, limits.bytes_max).await?;
        let notes = Notes::read(&notes_path, wanted.sha256);
        if notes.is_none() || part.bytes() > limits.bytes_max {
            part.restart().await?;
        }
        let notes = notes.unwrap_or_else(|| Notes::none(wanted.sha256));
        Ok(Self {
            client,
            wanted,
            limits,
            bar,
            part,
            notes,
            notes_path,
        })
    }

    async fn bring(&mut self) -> anyhow::Result<()> {
        let mut pause = self.limits.pause;
        for attempt in 1.. {
            self.bar.set_message("fetching");
            let failure = match self.attempt().await {
                Ok(()) => break,
                Err(failure) => failure,
            };
            self.part.flush().await?;
            match failure {
                Failure::Lasting(error) => return Err(error),
                Failure::Passing(error) if attempt >= self.limits.attempts => {
                    return Err(error).with_context(|| {
                        format!(
                            "the file did not come in {attempt} attempts; run the same command again, it goes on after {} bytes",
                            self.part.bytes()
                        )
                    });
                }
                Failure::Passing(error) => {
                    tracing::debug!(attempt, %error, "an attempt to fetch a file failed");
                    self.bar.set_message("waiting");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    }

    /// Asks once for what is missing, and writes what comes.
    async fn attempt(&mut self) -> Result<(), Failure> {
        let there = self.part.bytes();
        if there > 0 && self.notes.bytes == Some(there) {
            return Ok(());
        }
        let mut request = self.client.get(self.wanted.url.clone());
        request = request.header(ACCEPT_ENCODING, "identity");
        match &self.notes.validator {
            Some(validator) if there > 0 => {
                request = request
                    .header(RANGE, format!("bytes={there}-"))
                    .header(IF_RANGE, validator.as_str());
            }
            // Whether the server still has the same file could not be told.
            _ => self.part.restart().await?,
        }
        let response = request.send().await?;
        self.begin(&response).await?;
        self.take(response).await
    }

    /// Decides by the head of an answer whether it goes on or begins again.
    async fn begin(&mut self, response: &Response) -> Result<(), Failure> {
        let there = self.part.bytes();
        match response.status() {
            StatusCode::OK => {
                self.part.restart().await?;
                self.notes = Notes::of(self.wanted.sha256, response.headers());
            }
            StatusCode::PARTIAL_CONTENT if there > 0 => {
                let head = Notes::of(self.wanted.sha256, response.headers());
                let span = Span::of(response.headers());
                let same = head.validator.is_none() || head.validator == self.notes.validator;
                if !same || span.is_none_or(|span| span.first != there) {
                    self.part.restart().await?;
                    return Err(Failure::Passing(anyhow!(
                        "the server sent another part than it was asked for"
                    )));
                }
                self.notes.bytes = span.and_then(|span| span.bytes);
            }
            StatusCode::RANGE_NOT_SATISFIABLE if there > 0 => {
                self.part.restart().await?;
                return Err(Failure::Passing(anyhow!(
                    "the file on the server is shorter now"
                )));
            }
            status => {
                let error = anyhow!("the server answered {status}");
                let passing = status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT;
                return Err(if passing {
                    Failure::Passing(error)
                } else {
                    Failure::Lasting(error.context("the address does not give the file"))
                });
            }
        }
        if self
            .notes
            .bytes
            .is_some_and(|bytes| bytes > self.limits.bytes_max)
        {
            self.part.restart().await?;
            return Err(anyhow!(too_long(self.limits.bytes_max)).into());
        }
        self.notes.write(&self.notes_path)?;
        if let Some(bytes) = self.notes.bytes {
            self.bar.set_length(bytes);
        }
        self.bar.set_position(self.part.bytes());
        // The speed is that of this attempt, not of what an earlier fetch brought.
        self.bar.reset_eta();
        Ok(())
    }

    async fn take(&mut self, mut response: Response) -> Result<(), Failure> {
        while let Some(piece) = response.chunk().await? {
            if let Err(error) = self.part.write(&piece).await {
                // Longer than it said, or a full disk: neither is worth keeping.
                self.part.restart().await?;
                return Err(error.into());
            }
            self.bar.set_position(self.part.bytes());
        }
        match self.notes.bytes {
            Some(bytes) if self.part.bytes() < bytes => Err(Failure::Passing(anyhow!(
                "the connection ended before the file did"
            ))),
            _ => Ok(()),
        }
    }

    async fn finish(self, wanted: Digest, to: PathBuf) -> anyhow::Result<Fetched> {
        let finished = self.part.finish(wanted, &to).await;
        Notes::remove(&self.notes_path)?;
        finished.map(|()| Fetched::Brought(to))
    }

    /// Leaves a part behind only where there is something in it.
    async fn fail(self, error: anyhow::Error) -> anyhow::Error {
        if self.part.bytes() > 0 {
            return error;
        }
        let removed = self
            .part
            .remove()
            .await
            .and(Notes::remove(&self.notes_path));
        match removed {
            Ok(()) => error,
            Err(left) => error.context(left),
        }
    }
}

#[cfg(test)]
mod tests;
