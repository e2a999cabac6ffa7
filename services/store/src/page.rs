//! Pages of a list: a keyset cursor that survives inserts and deletes between two calls.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::text::unstorable_field;

/// Most items of one page; a larger wish is cut to it.
pub const PAGE_MAX: u64 = 1000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Opaque text that continues after the last item, or none at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Builds a page from one row more than wanted: the extra row says that there is a next page.
    pub(crate) fn cut<K: Serialize>(mut items: Vec<T>, limit: u64, key: impl Fn(&T) -> K) -> Self {
        let more = items.len() as u64 > limit;
        items.truncate(limit as usize);
        let next = items
            .last()
            .filter(|_| more)
            .and_then(|last| serde_json::to_vec(&key(last)).ok())
            .map(hex::encode);
        Self { items, next }
    }

    /// Turns the items into others.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(turn).collect(),
            next: self.next,
        }
    }
}

/// Brings a wished page size into 1..=[`PAGE_MAX`].
pub(crate) fn page_size(limit: u64) -> u64 {
    limit.clamp(1, PAGE_MAX)
}

/// Reads a cursor back. An empty one (`?cursor=`) is the first page, as none is.
pub(crate) fn parse_cursor<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, Error> {
    let Some(text) = cursor.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    hex::decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|json| unstorable_field(json).is_none())
        .and_then(|json| serde_json::from_str(&json).ok())
        .map(Some)
        .ok_or_else(|| Error::invalid("cursor", "not a cursor of this list"))
}
