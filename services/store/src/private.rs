//! Folders and files that only their owner may enter and read: they hold what customers said.
//!
//! What exists already keeps its mode: whoever made it had a reason.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Mode of folders that are made here.
const FOLDER_MODE: u32 = 0o700;
/// Mode of files that are made here. SQLite gives its log and index the mode of the database.
const FILE_MODE: u32 = 0o600;

/// Makes a folder, and those above it that are missing, for its owner alone.
///
/// # Errors
/// When it cannot be made.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    // The path of a file in the current folder has an empty parent.
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
}

/// Makes an empty file for its owner alone, unless it exists.
pub(crate) fn create_file(file: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(file)
        .map(|_| ())
}
