//! Caches of conversations in files, for more of them than main memory has room for.
//!
//! A file holds what customers said, as a model understands it: the folder is its owner's alone, and every file goes
//! when its conversation is forgotten, with the engine, or with the next engine after a crash.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use super::tier::Tier;

/// Held by an engine as long as it lives: a folder whose lock is free is nobody's.
const LOCK: &str = "lock";

/// All caches in files.
pub(super) struct Disk {
    // Before the folder: entries remove their files when they are dropped.
    pub(super) tier: Tier<CacheFile>,
    folder: PathBuf,
    _lock: File,
    files: u64,
}

/// A file that is removed when it is forgotten.
pub(super) struct CacheFile(PathBuf);

impl Disk {
    /// Makes a folder of the engine's own below `parent`, and removes those of engines that are gone.
    ///
    /// # Errors
    /// As the file system says.
    pub(super) fn open(parent: &Path, budget: u64) -> io::Result<Self> {
        /// Engines of one process have folders of their own.
        static ENGINES: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(parent)?;
        for entry in fs::read_dir(parent)?.flatten() {
            remove_if_left(&entry.path());
        }
        let number = ENGINES.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("engine-{}-{number}", process::id()));
        make_private(&folder)?;
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
        CacheFile(self.folder.join(format!("{}.kv", self.files)))
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
        &self.0
    }
}

impl Drop for CacheFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes a folder that an engine has left. Anything else stays.
fn remove_if_left(folder: &Path) {
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return;
    };
    if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
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
        let other = parent.path().join("notes");
        fs::create_dir(&other).unwrap();

        let one = Disk::open(parent.path(), 10).unwrap();
        let two = Disk::open(parent.path(), 10).unwrap();
        assert!(!left.exists() && other.exists());
        assert!(one.folder.exists() && two.folder.exists());
        let folder = one.folder.clone();
        drop(one);
        assert!(!folder.exists() && two.folder.exists());
    }

    #[test]
    fn a_forgotten_cache_has_no_file() {
        let parent = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(parent.path(), 10).unwrap();
        let file = disk.file();
        fs::write(file.path(), "words").unwrap();
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
    }
}
