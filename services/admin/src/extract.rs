//! Reading requests: path, query, JSON bodies and `If-Match`, each with an error that names the
//! field. A body that cannot be read is 400; one that can be read but breaks a rule is 422.

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{FieldError, Kind, Problem};

/// Path parameters as a struct with named fields.
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(PathRejection::FailedToDeserializePathParams(failure)) => {
                let (field, message) = match failure.into_kind() {
                    ErrorKind::DeserializeError { key, message, .. } => (key, message),
                    ErrorKind::ParseErrorAtKey {
                        key, expected_type, ..
                    } => (key, format!("expected {expected_type}")),
                    ErrorKind::InvalidUtf8InPathParam { key } => {
                        (key, "must be percent-encoded UTF-8".to_owned())
                    }
                    other => (last_name(parts).await, other.to_string()),
                };
                Err(Problem::malformed(&field, message))
            }
            Err(_) => Err(Problem::internal()),
        }
    }
}

/// Names the last parameter of the path: the gate has read the shop before, and no path has more
/// than one other, so it is the one that does not fit.
async fn last_name(parts: &mut Parts) -> String {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let names = params.ok();
    let last = names.as_ref().and_then(|names| names.iter().last());
    last.map_or("path", |(name, _)| name).to_owned()
}

/// Query parameters as a struct with named fields.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|failure| {
                let text = failure.body_text();
                let text = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                // "limit: invalid digit found in string", or a message that quotes the name.
                let (field, message) = match text.split_once(": ") {
                    Some((field, message)) if !field.contains(' ') => (field, message),
                    _ => (quoted_name(text).unwrap_or("query"), text),
                };
                Problem::malformed(field, message)
            })
    }
}

/// A JSON body (`application/json`).
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), &["application/json"])?;
        let bytes = bytes(request, state).await?;
        decode(&bytes).map(Self)
    }
}

/// A JSON merge patch (RFC 7396) of the fields that `T` lists. `T` only checks names and types;
/// the patch itself is applied with [`merge`].
pub(crate) struct PatchBody<T> {
    /// The patch as sent.
    pub(crate) patch: Value,
    fields: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for PatchBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(
            request.headers(),
            &["application/merge-patch+json", "application/json"],
        )?;
        let bytes = bytes(request, state).await?;
        decode::<T>(&bytes)?;
        Ok(Self {
            patch: decode(&bytes)?,
            fields: std::marker::PhantomData,
        })
    }
}

/// Applies a merge patch to a record and reads the result back, naming the field that no longer
/// fits.
pub(crate) fn patched<T: serde::Serialize + DeserializeOwned>(
    record: &T,
    patch: &Value,
) -> Result<T, Problem> {
    let mut value = serde_json::to_value(record).map_err(|_| Problem::internal())?;
    merge(&mut value, patch);
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Problem::invalid(vec![field_error(&path, &error.into_inner())])
    })
}

/// Merges as RFC 7396 says: objects field by field, `null` removes, everything else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The version that the caller wants to change, from `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// No header: whatever is there.
    Any,
    /// `*`: whatever is there, but something.
    Exists,
    /// One of these versions.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Compares with the current version and returns the version that the write must find, so
    /// that nothing can slip in between.
    pub(crate) fn check(&self, current: Option<i64>) -> Result<Option<i64>, Problem> {
        match (self, current) {
            (Self::Any, _) => Ok(None),
            (Self::Exists, Some(version)) => Ok(Some(version)),
            (Self::Versions(wanted), Some(version)) if wanted.contains(&version) => {
                Ok(Some(version))
            }
            _ => Err(Problem::version_mismatch(current)),
        }
    }
}

impl IfMatch {
    /// Compares with the version that a patch was applied to. What is wrong with a field of the patch is told first, as a
    /// newer version would hardly mend it; what is wrong with other fields of the result only where the version is right.
    pub(crate) fn check_patched<T>(
        &self,
        current: i64,
        patch: &Value,
        patched: Result<T, Problem>,
    ) -> Result<T, Problem> {
        match (patched, self.check(Some(current))) {
            (Err(problem), Err(stale)) if !problem.is_about(patch) => Err(stale),
            (Err(problem), _) | (Ok(_), Err(problem)) => Err(problem),
            (Ok(patched), Ok(_)) => Ok(patched),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut versions = Vec::new();
        let mut seen = false;
        for value in parts.headers.get_all(header::IF_MATCH) {
            seen = true;
            let text = value
                .to_str()
                .map_err(|_| Problem::malformed("If-Match", "must be ASCII"))?;
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                if tag == "*" {
                    return Ok(Self::Exists);
                }
                // A tag that we never gave out matches nothing.
                let digits = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
                versions.extend(digits.and_then(|digits| digits.parse::<i64>().ok()));
            }
        }
        Ok(if seen {
            Self::Versions(versions)
        } else {
            Self::Any
        })
    }
}

/// Refuses a body whose media type is not in the list.
pub(crate) fn require_media_type(headers: &HeaderMap, known: &[&str]) -> Result<(), Problem> {
    let sent = media_type(headers);
    if known.iter().any(|known| sent.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::MediaType,
        format!("send the body as {}", known.join(" or ")),
    ))
}

/// Returns the request's media type without parameters, or nothing.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    text.split(';').next().unwrap_or("").trim()
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| Problem::of_status(rejection.status()))
}

/// Reads JSON, naming the field that does not fit.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for the fields of a record in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let error = FieldError::new("", "must be an object, not a list");
        return Err(Problem::invalid(vec![error]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            Problem::invalid(vec![field_error(&path, &inner)])
        } else {
            Problem::malformed(if path == "." { "" } else { &path }, inner.to_string())
        }
    })?;
    reader
        .end()
        .map_err(|error| Problem::malformed("", error.to_string()))?;
    Ok(value)
}

fn field_error(path: &str, error: &serde_json::Error) -> FieldError {
    let text = error.to_string();
    // serde_json adds the position to what it read from text; the field says more.
    let message = text.split(" at line ").next().unwrap_or(&text);
    let parent = if path == "." { "" } else { path };
    let named = ["missing field ", "unknown field ", "duplicate field "]
        .iter()
        .any(|start| message.starts_with(start))
        .then(|| quoted_name(message))
        .flatten();
    let field = match named {
        Some(name) if parent.is_empty() => name.to_owned(),
        Some(name) if parent != name && !parent.ends_with(&format!(".{name}")) => {
            format!("{parent}.{name}")
        }
        _ => parent.to_owned(),
    };
    FieldError::new(field, message)
}

fn quoted_name(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_follows_the_examples_of_the_standard() {
        // RFC 7396, appendix A.
        for (mut target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, result);
        }
    }

    #[test]
    fn a_version_that_is_not_there_is_refused_before_and_a_right_one_is_demanded_of_the_write() {
        assert!(matches!(IfMatch::Any.check(None), Ok(None)));
        assert!(matches!(
            IfMatch::Versions(vec![3, 4]).check(Some(4)),
            Ok(Some(4))
        ));
        for (wanted, current) in [
            (IfMatch::Exists, None),
            (IfMatch::Versions(vec![3]), Some(4)),
            (IfMatch::Versions(vec![]), Some(4)),
        ] {
            assert!(wanted.check(current).is_err(), "{wanted:?} {current:?}");
        }
    }
}
