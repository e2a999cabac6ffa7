//! `GET /v1/shops/{shop}/products/{product}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{ProductPath, ProductRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

/// Read a product
///
/// The `ETag` is the record's version; send it back as `If-Match` to change what you have seen.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/products/{product}",
    tag = "products",
    params(ProductPath),
    responses((
        status = 200, description = "the product", body = ProductRecord,
        headers(("ETag" = String, description = "version of the record")),
    )),
    security(("admin_key" = ["catalog:read"])),
)]
pub(crate) async fn get_product(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ProductPath>,
) -> Result<Response, Problem> {
    let catalog = admin.store.catalog();
    let found = catalog.get(caller.shop_id(), &path.product).await?;
    let record = ProductRecord::from(found.ok_or_else(|| Problem::not_found("product"))?);
    Ok(answer::record(StatusCode::OK, record.version, &record))
}
