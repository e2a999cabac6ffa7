//! A file that is on its way: written, hashed and counted in one pass, and given its name only when it is right.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::digest::{Digest, hash_file};

/// What the name of a part ends in.
pub(super) const ENDING: &str = ".part";
/// What every GGUF file begins with.
const MAGIC: &[u8; 4] = b"GGUF";

/// A file on its way.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl Part {
    /// Opens a part, hashes what an earlier fetch left of it, and goes on after that.
    ///
    /// # Errors
    /// When it cannot be made, read or written.
    pub(super) async fn open(path: PathBuf, bytes_max: u64) -> anyhow::Result<Self> {
        let open = async {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).open(&path).await?;
            let (hasher, bytes) = hash_file(&path).await?;
            io::Result::Ok((file, hasher, bytes))
        };
        let (file, hasher, bytes) = open
            .await
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path,
            file,
            hasher,
            bytes,
            bytes_max,
        })
    }

    /// Returns how many bytes are there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets what is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        let cut = async {
            self.file.flush().await?;
            self.file.set_len(0).await
        };
        cut.await.with_context(|| self.unwritten())?;
        self.hasher = Sha256::new();
        self.bytes = 0;
        Ok(())
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// When the file would be longer than it may, or cannot be written.
    pub(super) async fn write(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        let bytes = self.bytes + piece.len() as u64;
        if bytes > self.bytes_max {
            bail!(too_long(self.bytes_max));
        }
        self.file
            .write_all(piece)
            .await
            .with_context(|| self.unwritten())?;
        self.hasher.update(piece);
        self.bytes = bytes;
        Ok(())
    }

    /// Waits until what was added is in the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn flush(&mut self) -> anyhow::Result<()> {
        self.file.flush().await.with_context(|| self.unwritten())
    }

    /// Removes the part.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        let path = self.path;
        fs::remove_file(&path)
            .await
            .with_context(|| format!("{} cannot be removed", path.display()))
    }

    /// Gives the file its name if it is the one that was wanted; else removes it.
    ///
    /// Both names must be in one folder, so that the file is there whole or not at all.
    ///
    /// # Errors
    /// When the SHA-256 is another one, which names both; when the disk fails.
    pub(super) async fn finish(mut self, wanted: Digest, to: &Path) -> anyhow::Result<()> {
        self.flush().await?;
        let found = Digest::of(self.hasher.clone());
        if found != wanted {
            let kind = self.kind().await;
            let bytes = self.bytes;
            self.remove().await?;
            bail!(
                "what came is not the file that was asked for, and was removed: its SHA-256 is {found}, wanted is {wanted} \
                 ({bytes} bytes, {kind})"
            );
        }
        let placed = async {
            self.file.sync_all().await?;
            fs::rename(&self.path, to).await?;
            match to.parent() {
                Some(folder) => File::open(folder).await?.sync_all().await,
                None => Ok(()),
            }
        };
        placed
            .await
            .with_context(|| format!("{} cannot be written", to.display()))
    }

    /// Tells whether it looks like a model: a page that asks to log in is the usual reason for a wrong hash.
    async fn kind(&self) -> &'static str {
        let read = async {
            let mut start = [0; MAGIC.len()];
            let mut file = File::open(&self.path).await?;
            tokio::io::AsyncReadExt::read_exact(&mut file, &mut start).await?;
            io::Result::Ok(start)
        };
        match read.await {
            Ok(start) if &start == MAGIC => "a GGUF file",
            _ => "not a GGUF file",
        }
    }

    fn unwritten(&self) -> String {
        format!(
            "{} cannot be written; is the disk full?",
            self.path.display()
        )
    }
}

/// Says that a file is longer than it may be.
pub(super) fn too_long(bytes_max: u64) -> String {
    format!("the file is longer than {bytes_max} bytes, which is as much as may be fetched")
}
