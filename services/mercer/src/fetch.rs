//! Brings model files into the user's cache folder: the base model and what training makes of it, or any GGUF by its address.
//!
//! A file lies in the folder under its own name only when it is whole and its SHA-256 is the one that was asked for.
//! Nothing here chooses which model is used: that is for the settings (`models.chat`).

pub(crate) mod base;
mod digest;
pub(crate) mod folder;
pub(crate) mod http;
mod part;
pub(crate) mod patch;

pub(crate) use digest::Digest;
pub(crate) use folder::{FileName, Folder};

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

/// Where a file lies that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// It was there before, whole and right.
    AlreadyThere(PathBuf),
    /// It was brought now.
    Brought(PathBuf),
}

impl Fetched {
    /// Returns where it lies.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::AlreadyThere(path) | Self::Brought(path) => path,
        }
    }
}

/// Makes a bar that counts bytes. It shows itself on a terminal only.
pub(crate) fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    // Without a length, as for an answer that does not tell its own, the bar stays empty and the bytes still count.
    let style = "{msg} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
