//! Error answers: RFC 9457 problem details, `application/problem+json`.
//!
//! Nothing of what the caller sent is repeated in them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that says what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable word for the kind of problem.
    pub code: &'static str,
    /// What a person needs to know.
    pub detail: &'static str,
}

impl Problem {
    /// Builds a problem.
    pub const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            status,
            code,
            detail,
        }
    }

    /// The shop is unknown or does not offer this channel.
    pub const NO_SUCH_SHOP: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no_such_shop",
        "no shop of this name is reached by this channel",
    );
    /// The body is over the limit.
    pub const TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the body is larger than the limit",
    );
    /// The body ended early or came too slowly.
    pub const BROKEN_BODY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "broken_body",
        "the body could not be read to its end",
    );
    /// The database cannot be written; nothing was taken.
    pub const UNAVAILABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
        "nothing was stored; send it again",
    );
    /// The path exists, the method does not.
    pub const METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not answer this method",
    );
}

impl Problem {
    /// Returns the word for metrics.
    pub(crate) fn outcome(self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "unauthorised",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => self.code,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({
            "type": format!("urn:mercer:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Mercer"));
        }
        response
    }
}
