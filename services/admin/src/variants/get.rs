//! `GET /v1/shops/{shop}/variants/{sku}`.

use axum::extract::State;
use axum::response::Response;

use super::{VariantPath, VariantRecord, answer_with};
use crate::Admin;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

/// Read a variant
///
/// Found by its stock keeping unit, which is unique in the shop.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/variants/{sku}",
    tag = "variants",
    params(VariantPath),
    responses((
        status = 200, description = "the variant", body = VariantRecord,
        headers(("ETag" = String, description = "version of the product's record")),
    )),
    security(("admin_key" = ["catalog:read"])),
)]
pub(crate) async fn get_variant(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<VariantPath>,
) -> Result<Response, Problem> {
    let catalog = admin.store.catalog();
    let found = catalog.by_sku(caller.shop_id(), &path.sku).await?;
    answer_with(
        &found.ok_or_else(|| Problem::not_found("variant"))?,
        &path.sku,
    )
}
