//! `GET /v1/shops/{shop}/products/{product}/variants`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::VariantRecord;
use crate::Admin;
use crate::answer::{self, Sample};
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;
use crate::products::ProductPath;

/// All variants of a product; their number is bounded, so there are no pages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct VariantList {
    /// Variants in the product's order.
    items: Vec<VariantRecord>,
}

impl Sample for VariantList {
    const SCHEMA: &'static str = "VariantList";

    fn sample() -> Self {
        Self {
            items: vec![VariantRecord::sample()],
        }
    }
}

/// List the variants of a product
///
/// In the product's order, with the price and stock of this moment.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/products/{product}/variants",
    tag = "variants",
    params(ProductPath),
    responses((
        status = 200, description = "the variants", body = VariantList,
        headers(("ETag" = String, description = "version of the product's record")),
    )),
    security(("admin_key" = ["catalog:read"])),
)]
pub(crate) async fn list_variants(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ProductPath>,
) -> Result<Response, Problem> {
    let catalog = admin.store.catalog();
    let found = catalog.get(caller.shop_id(), &path.product).await?;
    let stored = found.ok_or_else(|| Problem::not_found("product"))?;
    let items = VariantRecord::all_of(&stored);
    let list = VariantList { items };
    Ok(answer::record(StatusCode::OK, stored.version, &list))
}
