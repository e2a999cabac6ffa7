//! What can go wrong while indexing and searching. Evaluation has errors of its own.

use std::path::PathBuf;

/// A failure of the indexes, of the store below them or of the embedder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// The lexical index could not be read or written.
    #[error("use the lexical index")]
    Lexical(#[from] tantivy::TantivyError),
    /// The lexical index is being written by another process.
    #[error("write the lexical index in {}: another process is writing it", .0.display())]
    Locked(PathBuf),
    /// The vector table could not be read or written.
    #[error("use the vector table")]
    Vectors(#[from] lancedb::Error),
    /// The vector table took another number of rows than it was sent.
    #[error("write {sent} rows to the vector table: {written} were written")]
    RowsLost {
        /// Rows sent.
        sent: u64,
        /// Rows that the table says it wrote.
        written: u64,
    },
    /// The embedder failed.
    #[error("embed texts")]
    Embed(#[from] mercer_inference::Error),
    /// The embedder answered with another number or length of vectors than it promised.
    #[error("embed texts: expected {expected} vectors of the embedder's length, got others")]
    EmbedShape {
        /// Texts that were sent.
        expected: usize,
    },
    /// A file of the index folder could not be read or written.
    #[error("use the index folder {}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A task that searches or writes an index ended early.
    #[error("finish an index task")]
    Task(#[from] tokio::task::JoinError),
    /// A row of the vector table does not have the form that it was written in.
    #[error("read the vector table: column {0} is missing or of another type")]
    Column(&'static str),
}

impl Error {
    pub(crate) fn folder(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { path, source }
    }
}

/// Result of indexing and searching.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
