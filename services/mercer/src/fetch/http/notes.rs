//! What a server says of a file: its length, and by what it can be told from a later one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use serde::{Deserialize, Serialize};

use crate::fetch::Digest;

/// What lies beside a part, so that a later fetch can go on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes {
    sha256: String,
    /// A strong `ETag`, or else the time of the last change: what `If-Range` takes.
    pub(super) validator: Option<String>,
    /// The length of the whole file.
    pub(super) bytes: Option<u64>,
}

/// Which bytes an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u64,
    /// The length of the whole file.
    pub(super) bytes: Option<u64>,
}

impl Notes {
    /// Nothing is known.
    pub(super) fn none(wanted: Digest) -> Self {
        Self {
            sha256: wanted.to_string(),
            validator: None,
            bytes: None,
        }
    }

    /// Reads the head of an answer with the whole file.
    ///
    /// A weak `ETag` does not promise the same bytes, so it is no validator (RFC 9110, section 13.1.5).
    pub(super) fn of(wanted: Digest, headers: &HeaderMap) -> Self {
        let strong = text(headers, ETAG).filter(|tag| tag.starts_with('"'));
        let validator = strong.or_else(|| text(headers, LAST_MODIFIED));
        Self {
            validator: validator.map(str::to_owned),
            bytes: text(headers, CONTENT_LENGTH).and_then(|bytes| bytes.parse().ok()),
            ..Self::none(wanted)
        }
    }

    /// Reads what lies beside a part; nothing where there is none, it cannot be read, or the part is of another file.
    pub(super) fn read(path: &Path, wanted: Digest) -> Option<Self> {
        let notes: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (notes.sha256 == wanted.to_string()).then_some(notes)
    }

    /// Writes them beside a part.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        serde_json::to_vec(self)
            .map_err(io::Error::other)
            .and_then(|notes| fs::write(path, notes))
            .with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Removes them, if they are there.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub(super) fn remove(path: &Path) -> anyhow::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Span {
    /// Reads `bytes FIRST-LAST/LENGTH`, or `*` for a length that is not known.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (span, bytes) = text(headers, CONTENT_RANGE)?
            .strip_prefix("bytes ")?
            .split_once('/')?;
        Some(Self {
            first: span.split_once('-')?.0.parse().ok()?,
            bytes: bytes.parse().ok(),
        })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("value"))])
    }

    #[test]
    fn a_weak_tag_does_not_tell_a_file_from_a_later_one() {
        let wanted = Digest::new([7; 32]);
        let validator = |name, value| Notes::of(wanted, &headers(name, value)).validator;
        assert_eq!(validator(ETAG, "\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(validator(ETAG, "W/\"a\""), None);
        let changed = "Mon, 30 Nov 2026 06:00:00 GMT";
        assert_eq!(validator(LAST_MODIFIED, changed).as_deref(), Some(changed));
    }

    #[test]
    fn spans_are_read_and_nonsense_is_not() {
        let span = |value| Span::of(&headers(CONTENT_RANGE, value));
        let read = Span {
            first: 5,
            bytes: Some(10),
        };
        assert_eq!(span("bytes 5-9/10"), Some(read));
        assert_eq!(
            span("bytes 5-9/*"),
            Some(Span {
                bytes: None,
                ..read
            })
        );
        assert_eq!(span("bytes */10"), None);
        assert_eq!(span("5-9/10"), None);
    }

    #[test]
    fn notes_of_another_file_are_not_taken() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("notes");
        let notes = Notes {
            bytes: Some(3),
            ..Notes::none(Digest::new([1; 32]))
        };
        notes.write(&path).expect("written");
        assert_eq!(Notes::read(&path, Digest::new([1; 32])), Some(notes));
        assert_eq!(Notes::read(&path, Digest::new([2; 32])), None);
        fs::write(&path, "{").expect("broken");
        assert_eq!(Notes::read(&path, Digest::new([1; 32])), None);
        Notes::remove(&path).expect("removed");
        Notes::remove(&path).expect("not there");
    }
}
