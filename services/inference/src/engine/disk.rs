//! Caches of conversations in files, for more of them than main memory has room for.
//!
//! A file holds what customers said, as a model understands it: the folder is its owner's alone, and every file goes
//! when the budget needs its bytes, with the engine, or with the next engine after a crash.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use xxhash_rust::xxh3::Xxh3;

use super::tier::Tier;

/// In an engine's folder it is held as long as the engine lives: a folder whose lock is free is nobody's. In the folder
/// above it is held while one is made or removed.
const LOCK: &str = "lock";
/// How the names of engines' folders begin.
const ENGINE: &str = "engine-";

/// All caches in files.
pub(super) struct Disk {
    pub(super) tier: Tier<CacheFile>,
    folder: PathBuf,
    _lock: File,
    files: u64,
}

/// A file that is removed when it is forgotten.
pub(super) struct CacheFile {
    path: PathBuf,
    bytes: u64,
    /// Of all its bytes, once they are written.
    checksum: u64,
}

impl Disk {
    /// Makes a folder of the engine's own below `parent`, and removes those of engines that are gone.
    ///
    /// # Errors
    /// As the file system says.
    pub(super) fn open(parent: &Path, budget: u64) -> io::Result<Self> {
        /// Engines of one process have folders of their own.
        static ENGINES: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(parent)?;
        // Two engines that start at once would otherwise take one another's new folder for one that was left.
        let turn = File::create(parent.join(LOCK))?;
        turn.lock()?;
        for entry in fs::read_dir(parent)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(ENGINE) {
                remove_if_left(&entry.path());
            }
        }
        let folder = loop {
            // In containers that share a folder every process has the same id.
            let number = ENGINES.fetch_add(1, Ordering::Relaxed);
            let folder = parent.join(format!("{ENGINE}{}-{number}", process::id()));
            match make_private(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => break made.map(|()| folder)?,
            }
        };
        let lock = File::create(folder.join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            tier: Tier::new(usize::try_from(budget).unwrap_or(usize::MAX)),
            folder,
            _lock: lock,
            files: 0,
        })
    }

    /// Names a file for a cache that is about to be written.
    pub(super) fn file(&mut self) -> CacheFile {
        self.files += 1;
        CacheFile {
            path: self.folder.join(format!("{}.kv", self.files)),
            bytes: 0,
            checksum: 0,
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next engine.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl CacheFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes how many bytes llama.cpp says it wrote. False when the file does not have them: the disk is full.
    pub(super) fn written(&mut self, bytes: u64) -> bool {
        match summed(&self.path) {
            Ok((length, checksum)) if length == bytes => {
                (self.bytes, self.checksum) = (bytes, checksum);
                true
            }
            _ => false,
        }
    }

    /// Tells whether the file is what was written: llama.cpp ends the process on a shorter one, and believes another one.
    pub(super) fn is_whole(&self) -> bool {
        summed(&self.path).is_ok_and(|found| found == (self.bytes, self.checksum))
    }
}

impl Drop for CacheFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns how many bytes a file has, and their checksum. It is to find a disk's faults, not a forger's work: the folder is
/// its owner's alone.
fn summed(path: &Path) -> io::Result<(u64, u64)> {
    const CHUNK: usize = 1 << 20;
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    let (mut bytes, mut hash) = (0, Xxh3::new());
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((bytes, hash.digest())),
            read => {
                bytes += read as u64;
                hash.update(&chunk[..read]);
            }
        }
    }
}

/// Removes an engine's folder that nobody holds the lock of.
fn remove_if_left(folder: &Path) {
    let held = File::open(folder.join(LOCK))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    if !held {
        let _ = fs::remove_dir_all(folder);
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_engine_and_one_that_was_left_with_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("engine-0-0");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("1.kv"), "words").unwrap();
        let unlocked = parent.path().join("engine-0-1");
        fs::create_dir(&unlocked).unwrap();
        let other = parent.path().join("notes");
        fs::create_dir(&other).unwrap();

        let one = Disk::open(parent.path(), 10).unwrap();
        let two = Disk::open(parent.path(), 10).unwrap();
        assert!(!left.exists() && !unlocked.exists() && other.exists());
        assert!(one.folder.exists() && two.folder.exists());
        let folder = one.folder.clone();
        drop(one);
        assert!(!folder.exists() && two.folder.exists());
    }

    #[test]
    fn a_forgotten_cache_has_no_file() {
        let parent = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(parent.path(), 10).unwrap();
        let mut file = disk.file();
        fs::write(file.path(), "words").unwrap();
        assert!(!file.written(6) && file.written(5) && file.is_whole());
        for other in ["word", "swords", "Words"] {
            fs::write(file.path(), other).unwrap();
            assert!(!file.is_whole(), "{other}");
        }
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
    }
}
