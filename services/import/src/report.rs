//! What an import says: counts, and broken lines with what to do about them.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Broken lines that a message prints; all of them are counted.
const PRINTED_MAX: usize = 20;

/// Broken lines that are kept to be shown: more than anybody mends by hand, in less than a megabyte.
pub const FAULTS_KEPT_MAX: usize = 1_000;

/// What to do with a broken record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Import nothing at all.
    Abort,
    /// Leave the record out and go on.
    Skip,
}

/// A record that cannot be imported, and why. Never holds a customer's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// The file, as given.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// The field's path, for instance `variants[0].price`, or empty for the whole line.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} ({})", self.message, self.fix)
    }
}

/// The broken lines of an import: the first of them, and how many there are. A file of nothing but
/// broken lines must not fill the memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Faults {
    first: Vec<LineError>,
    count: u64,
    #[serde(skip)]
    on_error: OnError,
}

impl Faults {
    pub(crate) fn new(on_error: OnError) -> Self {
        Self {
            first: Vec::new(),
            count: 0,
            on_error,
        }
    }

    /// Returns those that are kept, at most [`FAULTS_KEPT_MAX`].
    pub fn first(&self) -> &[LineError] {
        &self.first
    }

    /// Returns how many were found. Under [`OnError::Abort`] reading stops after the last one that
    /// is kept, and there may be more.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns how many were found but not kept.
    pub fn more(&self) -> u64 {
        self.count - self.first.len() as u64
    }

    /// Says whether every line was sound.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Says whether to stop reading: nothing will be imported, and enough is found.
    pub(crate) fn stop(&self) -> bool {
        self.on_error == OnError::Abort && self.first.len() >= FAULTS_KEPT_MAX
    }

    pub(crate) fn push(&mut self, error: LineError) {
        self.count += 1;
        if self.first.len() < FAULTS_KEPT_MAX {
            self.first.push(error);
        }
    }

    pub(crate) fn extend(&mut self, errors: impl IntoIterator<Item = LineError>) {
        errors.into_iter().for_each(|error| self.push(error));
    }

    /// Adds those of another file.
    pub(crate) fn append(&mut self, other: Self) {
        self.count += other.more();
        self.extend(other.first);
    }

    /// Puts those that are kept into the order of their lines.
    pub(crate) fn sort(&mut self) {
        self.first.sort_by_key(|error| error.line);
    }
}

/// Records with the lines that broke.
#[derive(Debug)]
pub struct Parsed<T> {
    /// Sound records with the line that each began in.
    pub records: Vec<(u64, T)>,
    /// The others.
    pub errors: Faults,
}

impl<T> Parsed<T> {
    pub(crate) fn new(on_error: OnError) -> Self {
        Self {
            records: Vec::new(),
            errors: Faults::new(on_error),
        }
    }
}

/// How many records of each kind were imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Products.
    pub products: usize,
    /// Variants of them.
    pub variants: usize,
    /// Policies, FAQ entries and promotions.
    pub documents: usize,
    /// Customers.
    pub customers: usize,
    /// Orders.
    pub orders: usize,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The shop that the records belong to.
    pub shop: String,
    /// What was imported.
    pub counts: Counts,
    /// What was left out.
    pub skipped: Faults,
}

/// An import that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Lines are broken and [`OnError::Abort`] was asked for.
    #[error("import: {} broken lines, nothing was imported{}", .0.count(), printed(.0))]
    Broken(Faults),
    /// A file or folder cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The path holds nothing that can be imported.
    #[error("import {}: expected a folder with shop.toml, catalog.jsonl or catalog.csv, policies/, customers.jsonl, orders.jsonl, or one such file", .0.display())]
    Nothing(PathBuf),
    /// No shop was named, and there is no `shop.toml`.
    #[error("there is no shop.toml; name the shop")]
    NoShop,
    /// The named shop does not exist.
    #[error("import into shop `{0}`: there is no such shop; import its shop.toml first")]
    UnknownShop(String),
    /// The shop or its records could not be read.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// The records could not be written, or another import runs.
    #[error(transparent)]
    Import(#[from] mercer_store::ImportError),
    /// The task that reads files ended early.
    #[error("finish reading the files")]
    Task(#[from] tokio::task::JoinError),
}

fn printed(faults: &Faults) -> String {
    let mut out = String::new();
    for error in faults.first().iter().take(PRINTED_MAX) {
        out.push_str("\n  ");
        out.push_str(&error.to_string());
    }
    if faults.count() > PRINTED_MAX as u64 {
        out.push_str(&format!(
            "\n  and {} more",
            faults.count() - PRINTED_MAX as u64
        ));
    }
    out
}
