//! `PATCH /v1/shops/{shop}/products/{product}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{ProductPatch, ProductPath, ProductRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::extract::{IfMatch, PatchBody, PathParams, patched};
use crate::problem::Problem;

/// Change some fields of a product
///
/// A JSON merge patch (RFC 7396). Without `If-Match` it applies to whatever is stored, and changes
/// that others make at the same time are kept.
#[utoipa::path(
    patch,
    path = "/v1/shops/{shop}/products/{product}",
    tag = "products",
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "version to change, as in `ETag`")),
    request_body(content((ProductPatch = "application/merge-patch+json"), (ProductPatch = "application/json"))),
    responses((
        status = 200, description = "the product as it is now", body = ProductRecord,
        headers(("ETag" = String, description = "version of the record")),
    )),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn patch_product(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ProductPath>,
    if_match: IfMatch,
    body: PatchBody<ProductPatch>,
) -> Result<Response, Problem> {
    let (patch, id) = (&body.patch, &path.product);
    let stored = super::change(&admin, &caller, &if_match, id, patch, |product| {
        patched(product, patch)
    })
    .await?;
    let record = ProductRecord::from(stored);
    Ok(answer::record(StatusCode::OK, record.version, &record))
}
