//! Errors of the API: every one is `application/problem+json` (RFC 9457), made here and nowhere
//! else. What goes wrong inside is logged where it is handled; a caller only sees what helps them.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a caller may try again when the store cannot be reached.
const RETRY_AFTER_S: u32 = 5;

/// What went wrong, in the form that every error response has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Stable name of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:mercer:problem:invalid")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "the content breaks a rule")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What happened this time.
    #[schema(example = "1 field is not acceptable")]
    pub detail: String,
    /// Fields that are wrong, as far as fields are to blame.
    pub errors: Vec<FieldError>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path to the field, for instance `variants[0].price.currency`; empty for the whole body.
    #[schema(example = "variants[0].price.currency")]
    pub field: String,
    /// What is expected.
    #[schema(example = "must be GBP, the shop's currency")]
    pub message: String,
}

impl FieldError {
    /// Builds an error of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The kinds of problems with their status, stable name and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request cannot be read.
    Malformed,
    /// No valid key.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Another request is in the way.
    Conflict,
    /// The channel takes no answer any more.
    WindowClosed,
    /// `If-Match` names another version.
    VersionMismatch,
    /// The body is too long.
    TooLarge,
    /// The body's media type is not read here.
    MediaType,
    /// The content breaks a rule.
    Invalid,
    /// The answer would be longer than one may be.
    AnswerTooLong,
    /// A fault of ours.
    Internal,
    /// Something that is needed does not answer.
    Unavailable,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::WindowClosed,
        Self::VersionMismatch,
        Self::TooLarge,
        Self::MediaType,
        Self::Invalid,
        Self::AnswerTooLong,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Returns the status, the stable name and the title.
    pub(crate) fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "the request cannot be read",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "a valid key is needed",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "the key does not permit this",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "there is nothing at this path",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "the path does not know this method",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "the request collides with another",
            ),
            Self::WindowClosed => (
                StatusCode::CONFLICT,
                "window-closed",
                "the time in which the channel takes an answer is over",
            ),
            Self::VersionMismatch => (
                StatusCode::PRECONDITION_FAILED,
                "version-mismatch",
                "the record has another version",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "the body is too long",
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "the body has a media type that is not read here",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "the content breaks a rule",
            ),
            Self::AnswerTooLong => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "answer-too-long",
                "the answer would be too long",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "a fault on our side",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "a part that is needed does not answer",
            ),
        }
    }
}

/// An error response in the making.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            header: None,
        }
    }

    /// Names the fields that are to blame.
    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds a header to the response.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(crate) fn malformed(field: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, "the request cannot be read")
            .with_errors(vec![FieldError::new(field, message)])
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(Kind::NotFound, format!("no such {what} in this shop"))
    }

    /// Says which fields break a rule.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "1 field is not acceptable".to_owned(),
            count => format!("{count} fields are not acceptable"),
        };
        Self::new(Kind::Invalid, detail).with_errors(errors)
    }

    /// Tells whether it names a field of a body, or is about something else than fields.
    pub(crate) fn is_about(&self, body: &Value) -> bool {
        self.errors.is_empty()
            || self.errors.iter().any(|error| {
                let name = error.field.split(['.', '[']).next().unwrap_or_default();
                body.get(name).is_some()
            })
    }

    pub(crate) fn version_mismatch(current: Option<i64>) -> Self {
        let problem = match current {
            Some(version) => Self::new(
                Kind::VersionMismatch,
                format!("the record is at version {version}; read it again and repeat the change"),
            ),
            None => Self::new(Kind::VersionMismatch, "the record does not exist"),
        };
        match current.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok()) {
            Some(etag) => problem.with_header(header::ETAG, etag),
            None => problem,
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the request was not carried out; the log has the cause",
        )
    }

    pub(crate) fn unavailable(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, what)
            .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
    }

    /// Builds the problem that stands for a bare status, for answers made by libraries.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.parts().0 == status)
            .unwrap_or(if status.is_server_error() {
                Kind::Internal
            } else {
                Kind::Malformed
            });
        Self::new(kind, kind.parts().2)
    }

    /// Returns the status of the response.
    pub(crate) fn status(&self) -> StatusCode {
        self.kind.parts().0
    }

    /// Returns the response's body.
    pub(crate) fn body(self) -> ProblemBody {
        let (status, name, title) = self.kind.parts();
        ProblemBody {
            kind: format!("urn:mercer:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.into_owned(),
            errors: self.errors,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = self.status();
        let header = self.header.take();
        let bytes = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(header) = header {
            let (name, value) = *header;
            headers.insert(name, value);
        }
        response
    }
}

impl From<mercer_store::Error> for Problem {
    /// The one place that gives the store's errors a status.
    fn from(error: mercer_store::Error) -> Self {
        use mercer_store::Error;
        match error {
            Error::VersionConflict { current } => {
                Self::version_mismatch((current > 0).then_some(current))
            }
            Error::Invalid { field, message } if field == "cursor" => {
                Self::malformed(field, message)
            }
            Error::Invalid { field, message } => {
                Self::invalid(vec![FieldError::new(field, message)])
            }
            Error::Unavailable(_) | Error::TimedOut => {
                tracing::warn!(%error, "store does not answer an admin request");
                Self::unavailable("the store does not answer now; nothing is promised")
            }
            // What a caller may send is checked before, so this is a fault of ours; another try
            // ends alike.
            Error::Refused(_) => {
                tracing::error!(%error, "store refuses an admin request");
                Self::internal()
            }
            Error::Corrupt { .. } | Error::Unreadable { .. } => {
                tracing::error!(%error, "stored record cannot be read");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_store::Error;

    use super::*;

    #[test]
    fn only_a_store_that_may_answer_later_is_asked_again() {
        let of = |error: Error| {
            let problem = Problem::from(error);
            (problem.status().as_u16(), problem.header.is_some())
        };
        assert_eq!(of(Error::Unavailable("away".to_owned())), (503, true));
        assert_eq!(of(Error::TimedOut), (503, true));
        assert_eq!(of(Error::Refused("code 18".to_owned())), (500, false));
    }
}
