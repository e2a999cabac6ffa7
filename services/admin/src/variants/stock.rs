//! `PUT /v1/shops/{shop}/variants/{sku}/stock`.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{VariantPath, VariantRecord, answer_with};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::{IfMatch, JsonBody, PathParams};
use crate::problem::Problem;

/// A variant's stock.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StockBody {
    /// Units that can be sold now.
    #[schema(maximum = 2_000_000_000)]
    stock: u32,
}

impl Sample for StockBody {
    const SCHEMA: &'static str = "StockBody";

    fn sample() -> Self {
        Self { stock: 7 }
    }
}

/// Set a variant's stock
///
/// The next reply and the next search have it.
#[utoipa::path(
    put,
    path = "/v1/shops/{shop}/variants/{sku}/stock",
    tag = "variants",
    params(VariantPath, ("If-Match" = Option<String>, Header, description = "version of the product's record to change")),
    request_body = StockBody,
    responses((
        status = 200, description = "the variant as it is now", body = VariantRecord,
        headers(("ETag" = String, description = "version of the product's record")),
    )),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn put_stock(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<VariantPath>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<StockBody>,
) -> Result<Response, Problem> {
    let mut findings = Findings::default();
    findings.stock("stock", body.stock);
    findings.end()?;
    let catalog = admin.store.catalog();
    let owner = catalog.by_sku(caller.shop_id(), &path.sku).await?;
    let owner = owner.ok_or_else(|| Problem::not_found("variant"))?;
    let demanded = if_match.check(Some(owner.version))?;
    let stored = catalog
        .set_stock(caller.shop_id(), &path.sku, body.stock, demanded)
        .await?;
    answer_with(
        &stored.ok_or_else(|| Problem::not_found("variant"))?,
        &path.sku,
    )
}
