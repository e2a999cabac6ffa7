//! Who watches an import.

use std::io::Read;

/// Told how far an import is, part by part.
pub trait Progress: Send + Sync {
    /// A part begins: what it is about, and how many units it has (bytes of a file, or steps).
    fn begin(&self, part: &str, units: u64);

    /// So many more units of the part are done.
    fn advance(&self, units: u64);
}

/// Nobody watches.
impl Progress for () {
    fn begin(&self, _part: &str, _units: u64) {}

    fn advance(&self, _units: u64) {}
}

/// A reader that tells of the bytes that were read.
pub(crate) struct Watched<'a, R> {
    pub(crate) reader: R,
    pub(crate) progress: &'a dyn Progress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}
