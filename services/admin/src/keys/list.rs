//! `GET /v1/shops/{shop}/keys`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyRecord;
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::products::list::ShopPath;

/// All keys of a shop; people make them, so there are few and no pages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct KeyList {
    /// Keys, revoked ones included.
    items: Vec<KeyRecord>,
}

impl Sample for KeyList {
    const SCHEMA: &'static str = "KeyList";

    fn sample() -> Self {
        Self {
            items: vec![KeyRecord::sample()],
        }
    }
}

/// List keys
///
/// The keys of this shop, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/keys",
    tag = "keys",
    params(ShopPath),
    responses((status = 200, description = "the keys", body = KeyList)),
    security(("admin_key" = ["keys:manage"])),
)]
pub(crate) async fn list_keys(
    State(admin): State<Admin>,
    caller: Caller,
) -> Result<Json<KeyList>, Problem> {
    let rows = admin.store.keys().list(Some(caller.shop_id())).await?;
    let own = rows
        .into_iter()
        .filter(|row| row.shop.as_ref() == Some(caller.shop_id()));
    Ok(Json(KeyList {
        items: own.map(KeyRecord::from).collect(),
    }))
}
