//! `PUT /v1/shops/{shop}/variants/{sku}/price`.

use axum::extract::State;
use axum::response::Response;
use mercer_schemas::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{VariantPath, VariantRecord, answer_with};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::{IfMatch, JsonBody, PathParams};
use crate::problem::Problem;

/// A variant's price.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBody {
    /// What the customer pays from now on.
    price: Money,
    /// The price before a reduction; left out or null where there is none.
    #[serde(default)]
    list_price: Option<Money>,
}

impl Sample for PriceBody {
    const SCHEMA: &'static str = "PriceBody";

    fn sample() -> Self {
        Self {
            price: Money {
                minor: 3999,
                ..Money::sample()
            },
            list_price: Some(Money::sample()),
        }
    }
}

/// Set a variant's price
///
/// Replaces the price and the price before a reduction. The next reply and the next search have it.
#[utoipa::path(
    put,
    path = "/v1/shops/{shop}/variants/{sku}/price",
    tag = "variants",
    params(VariantPath, ("If-Match" = Option<String>, Header, description = "version of the product's record to change")),
    request_body = PriceBody,
    responses((
        status = 200, description = "the variant as it is now", body = VariantRecord,
        headers(("ETag" = String, description = "version of the product's record")),
    )),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn put_price(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<VariantPath>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<PriceBody>,
) -> Result<Response, Problem> {
    let mut findings = Findings::default();
    findings.prices(
        "",
        &body.price,
        body.list_price.as_ref(),
        caller.shop.currency,
    );
    findings.end()?;
    let catalog = admin.store.catalog();
    let owner = catalog.by_sku(caller.shop_id(), &path.sku).await?;
    let owner = owner.ok_or_else(|| Problem::not_found("variant"))?;
    let demanded = if_match.check(Some(owner.version))?;
    let stored = catalog
        .set_price(
            caller.shop_id(),
            &path.sku,
            body.price,
            body.list_price,
            demanded,
        )
        .await?;
    answer_with(
        &stored.ok_or_else(|| Problem::not_found("variant"))?,
        &path.sku,
    )
}
