//! `POST /v1/shops/{shop}/keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyRecord, RoleName};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::check::{Findings, TIME_MS_MAX};
use crate::extract::JsonBody;
use crate::idempotency::KeptBody;
use crate::problem::Problem;
use crate::products::list::ShopPath;

/// A key to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBody {
    /// What it is for.
    #[schema(min_length = 1, max_length = 500)]
    name: String,
    /// What it may do.
    role: RoleName,
    /// When it ends to be valid, UTC milliseconds; left out or null for never.
    #[serde(default)]
    expires_at_ms: Option<i64>,
}

/// A key with its secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// The key.
    key: KeyRecord,
    /// What to send as `Authorization: Bearer …`. Shown this once: a repeated request with the same
    /// `Idempotency-Key` answers null here.
    #[schema(example = "mrc_live_01arz3ndektsv4rrffq69g5fav_…")]
    secret: Option<String>,
}

impl Sample for KeyBody {
    const SCHEMA: &'static str = "KeyBody";

    fn sample() -> Self {
        Self {
            name: "stock feed of the warehouse".to_owned(),
            role: RoleName::Integration,
            expires_at_ms: None,
        }
    }
}

impl Sample for NewKey {
    const SCHEMA: &'static str = "NewKey";

    fn sample() -> Self {
        Self {
            key: KeyRecord::sample(),
            secret: Some("mrc_live_01arz3ndektsv4rrffq69g5fav_…".to_owned()),
        }
    }
}

/// Make a key
///
/// For this shop only. The secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/keys",
    tag = "keys",
    params(ShopPath),
    request_body = KeyBody,
    responses((status = 201, description = "the key with its secret", body = NewKey)),
    security(("admin_key" = ["keys:manage"])),
)]
pub(crate) async fn create_key(
    State(admin): State<Admin>,
    caller: Caller,
    JsonBody(body): JsonBody<KeyBody>,
) -> Result<Response, Problem> {
    let mut findings = Findings::default();
    findings.line("name", &body.name, true);
    let future = crate::now_ms() + 1..=TIME_MS_MAX;
    findings.rule(
        body.expires_at_ms.is_none_or(|ms| future.contains(&ms)),
        "expires_at_ms",
        "must be in the future and before the year 10000",
    );
    findings.end()?;
    let (row, secret) = admin
        .store
        .keys()
        .create(
            Some(caller.shop_id().clone()),
            &body.name,
            body.role.into(),
            body.expires_at_ms,
        )
        .await?;
    let mut made = NewKey {
        key: row.into(),
        secret: Some(secret),
    };
    let mut response = (StatusCode::CREATED, Json(&made)).into_response();
    made.secret = None;
    let kept = serde_json::to_vec(&made).map_err(|_| Problem::internal())?;
    response.extensions_mut().insert(KeptBody(kept.into()));
    Ok(response)
}
