//! `DELETE /v1/shops/{shop}/keys/{key}`.

use axum::extract::State;
use axum::http::StatusCode;
use mercer_schemas::ShopId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Admin;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

/// Path of one key.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct KeyPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The key's public part.
    #[param(example = "01arz3ndektsv4rrffq69g5fav")]
    key: String,
}

/// Revoke a key
///
/// From the answer on the key is refused. The record stays, for the history.
#[utoipa::path(
    delete,
    path = "/v1/shops/{shop}/keys/{key}",
    tag = "keys",
    params(KeyPath),
    responses((status = 204, description = "the key is revoked")),
    security(("admin_key" = ["keys:manage"])),
)]
pub(crate) async fn revoke_key(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<KeyPath>,
) -> Result<StatusCode, Problem> {
    let keys = admin.store.keys();
    let own = keys.list(Some(caller.shop_id())).await?;
    let known = own
        .iter()
        .any(|row| row.id == path.key && row.shop.as_ref() == Some(caller.shop_id()));
    if !known {
        return Err(Problem::not_found("key"));
    }
    keys.revoke(&path.key).await?;
    Ok(StatusCode::NO_CONTENT)
}
