//! SHA-256 of a file: as people write it, and of what lies on disk.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Bytes read from a disk in one step.
const STEP_BYTES: usize = 1 << 18;

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// Takes a digest as it was written in code.
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Ends a hasher.
    pub(crate) fn of(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| "a SHA-256 has 64 hexadecimal digits, as `sha256sum` prints it")?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

/// Reads a file to its end, on a thread that may wait for a disk, and returns the hasher and how many bytes it took.
///
/// # Errors
/// When the file cannot be read.
pub(crate) async fn hash_file(path: &Path) -> io::Result<(Sha256, u64)> {
    let path = path.to_owned();
    let read = move || {
        let mut file = std::fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut step = vec![0; STEP_BYTES];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut step)?;
            if read == 0 {
                return Ok((hasher, bytes));
            }
            hasher.update(&step[..read]);
            bytes += read as u64;
        }
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_as_sha256sum_prints_it() {
        let text = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
        let upper: Digest = text.to_uppercase().parse().expect("digest");
        assert_eq!(upper.to_string(), text);
        assert!("b179".parse::<Digest>().is_err());
        assert!(text.replace('b', "x").parse::<Digest>().is_err());
    }
}
