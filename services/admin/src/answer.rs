//! Shapes of successful answers that several operations share.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mercer_store::Versioned;
use serde::{Deserialize, Serialize};

/// Items of a page when the caller names no number.
pub(crate) const PAGE_ITEMS_DEFAULT: u32 = 50;
/// Most items of a page.
pub(crate) const PAGE_ITEMS_MAX: u32 = 200;

/// Answers with a record and its version as `ETag`.
pub(crate) fn record<T: Serialize>(status: StatusCode, version: i64, body: &T) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::try_from(format!("\"{version}\"")) {
        headers.insert(header::ETAG, etag);
    }
    (status, headers, Json(body)).into_response()
}

/// Reads a wished page size.
pub(crate) fn page_items(limit: Option<PageItems>) -> u64 {
    u64::from(limit.map_or(PAGE_ITEMS_DEFAULT, |PageItems(items)| items))
}

/// A page size from 1 to [`PAGE_ITEMS_MAX`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct PageItems(u32);

impl TryFrom<u32> for PageItems {
    type Error = String;

    fn try_from(items: u32) -> Result<Self, String> {
        if (1..=PAGE_ITEMS_MAX).contains(&items) {
            Ok(Self(items))
        } else {
            Err(format!("must be from 1 to {PAGE_ITEMS_MAX}"))
        }
    }
}

impl From<PageItems> for u32 {
    fn from(PageItems(items): PageItems) -> u32 {
        items
    }
}

/// A typed example for the API description.
pub(crate) trait Sample: Serialize {
    /// Name of the schema in the API description.
    const SCHEMA: &'static str;

    /// Builds the example.
    fn sample() -> Self;
}

/// Drops the value of a version, for reading versions only.
pub(crate) fn version_of<T>(record: Option<&Versioned<T>>) -> Option<i64> {
    record.map(|record| record.version)
}
