//! Position of the vector table in the change feed, kept beside it as a small file.
//!
//! It lies in the folder and not in SQL, so that a folder that is lost, copied or restored takes
//! its position along. It is written after the rows, so it is never ahead of them.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Raised when the rows' form or the embedded text changes: older tables are then rebuilt.
pub(super) const FORMAT: u32 = 1;

const FILE: &str = "cursor.json";

/// What a vector table was made with and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// [`FORMAT`] at the time of writing.
    pub(super) format: u32,
    /// Id of the embedder.
    pub(super) embedder: String,
    /// Numbers in a vector.
    pub(super) dim: usize,
    /// Last change that the table holds.
    pub(super) seq: i64,
}

/// Reads the cursor; none where there is no readable one.
pub(super) fn read(folder: &Path) -> Option<Cursor> {
    let bytes = std::fs::read(folder.join(FILE)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Writes the cursor so that a crash leaves the old or the new one.
pub(super) fn write(folder: &Path, cursor: &Cursor) -> Result<()> {
    let path = folder.join(FILE);
    let temporary = folder.join("cursor.json.new");
    let text = serde_json::to_vec(cursor).unwrap_or_default();
    let saved = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    };
    saved().map_err(Error::folder(path.clone()))
}
