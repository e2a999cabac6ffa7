//! `Idempotency-Key`: a change that is sent again with the same key is answered again, not carried
//! out again. A key counts within its shop, route and admin key; the path, the query and the body
//! must be the same. Answers with a 5xx status are not kept: such a request may be repeated.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mercer_store::Begin;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Admin;
use crate::auth::Caller;
use crate::imports;
use crate::problem::{FieldError, Kind, Problem};

/// Largest body of a request, bytes: a product with 500 variants needs about a fifth of it.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest `Idempotency-Key`, characters.
const KEY_CHARS_MAX: usize = 255;
/// Seconds after which a request may be repeated while the first one still runs.
const RETRY_AFTER_S: u32 = 1;
/// Largest answer, bytes. Answers to changes hold one record or an import's report.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Headers that are kept with an answer.
const KEPT_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::ETAG];

/// Put into a response's extensions: the body to keep instead of the one sent, because that one
/// holds a secret.
#[derive(Clone)]
pub(crate) struct KeptBody(pub(crate) Bytes);

/// An answer as kept in the store.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// Returns the request's `Idempotency-Key`, if it has one.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(&HEADER) else {
        return Ok(None);
    };
    let visible = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let text = value.to_str().ok().filter(visible);
    match text {
        Some(text) if (1..=KEY_CHARS_MAX).contains(&text.len()) => Ok(Some(text)),
        _ => Err(Problem::malformed(
            "Idempotency-Key",
            format!("must have 1 to {KEY_CHARS_MAX} visible ASCII characters"),
        )),
    }
}

/// Reads the body of a change, within its limit, and carries the change out once per key.
pub(crate) async fn once(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if !changes.contains(request.method()) {
        return next.run(request).await;
    }
    match carry_out(admin, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn carry_out(admin: Admin, request: Request, next: Next) -> Result<Response, Problem> {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let caller = request.extensions().get::<Caller>().cloned();
    let (Some(route), Some(caller)) = (route, caller) else {
        return Ok(next.run(request).await);
    };
    let key = key_of(request.headers())?.map(str::to_owned);
    let limit = match route.as_str() {
        imports::PATH => imports::FILE_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, limit).await.map_err(|_| too_large(limit))?;
    let Some(key) = key else {
        let request = Request::from_parts(parts, Body::from(body));
        return Ok(next.run(request).await);
    };

    let key = format!("{}:{key}", caller.key.id);
    let route = format!("{} {}", parts.method, route.as_str());
    let mut hash = Sha256::new();
    let uri = parts.uri.path_and_query().map_or("", |uri| uri.as_str());
    hash.update(uri.as_bytes());
    hash.update([0]);
    hash.update(&body);
    let hash = hex::encode(hash.finalize());
    let shop = caller.shop_id().clone();
    let store = admin.store.idempotency();
    match store.begin(&shop, &key, &route, &hash).await? {
        Begin::Fresh => {}
        Begin::Replay { status, body } => return replayed(status, &body),
        Begin::Mismatch => {
            let error = FieldError::new("Idempotency-Key", "was used for another request");
            return Err(Problem::invalid(vec![error]));
        }
        Begin::InFlight => {
            return Err(
                Problem::new(Kind::Conflict, "the first request with this key still runs")
                    .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S)),
            );
        }
    }
    // A task of its own: a caller that goes away must not leave the key in flight.
    let (kept_store, kept_shop) = (store.clone(), shop.clone());
    let (kept_key, kept_route) = (key.clone(), route.clone());
    let work = tokio::spawn(async move {
        let request = Request::from_parts(parts, Body::from(body));
        let (parts, body) = next.run(request).await.into_parts();
        let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
        if parts.status.is_server_error() {
            store.abandon(&shop, &key, &route).await?;
        } else {
            let kept = keep(&parts, &body)?;
            let status = parts.status.as_u16();
            store.finish(&shop, &key, &route, status, kept).await?;
        }
        Ok::<_, Problem>(Response::from_parts(parts, Body::from(body)))
    });
    match work.await {
        Ok(answered) => answered,
        Err(_) => {
            tracing::error!(route = kept_route, "an admin operation panicked");
            kept_store
                .abandon(&kept_shop, &kept_key, &kept_route)
                .await?;
            Err(Problem::internal())
        }
    }
}

fn keep(parts: &axum::http::response::Parts, body: &Bytes) -> Result<Vec<u8>, Problem> {
    let body = parts
        .extensions
        .get::<KeptBody>()
        .map_or(body, |kept| &kept.0);
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let kept = Kept {
        headers: headers.collect(),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    serde_json::to_vec(&kept).map_err(|_| Problem::internal())
}

fn replayed(status: u16, kept: &[u8]) -> Result<Response, Problem> {
    let kept: Kept = serde_json::from_slice(kept).map_err(|_| Problem::internal())?;
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Problem::internal())?;
    let headers = response.headers_mut();
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        Kind::TooLarge,
        format!("the body of this request may have at most {limit} bytes"),
    )
}
