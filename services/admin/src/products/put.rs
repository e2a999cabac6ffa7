//! `PUT /v1/shops/{shop}/products/{product}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mercer_schemas::Product;

use super::{ProductPath, ProductRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::check;
use crate::extract::{IfMatch, JsonBody, PathParams};
use crate::problem::Problem;

/// Create or replace a product
///
/// Replaces the product with all its variants, prices and stock. The `id` in the body is the one
/// in the path.
#[utoipa::path(
    put,
    path = "/v1/shops/{shop}/products/{product}",
    tag = "products",
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "version to replace, as in `ETag`")),
    request_body = Product,
    responses(
        (status = 200, description = "the product was replaced", body = ProductRecord,
            headers(("ETag" = String, description = "version of the record"))),
        (status = 201, description = "the product was created", body = ProductRecord,
            headers(("ETag" = String, description = "version of the record"))),
    ),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn put_product(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ProductPath>,
    if_match: IfMatch,
    JsonBody(product): JsonBody<Product>,
) -> Result<Response, Problem> {
    check::same_key("id", path.product.as_str(), product.id.as_str())?;
    check::product(&product, caller.shop.currency)?;
    let catalog = admin.store.catalog();
    let current = catalog.get(caller.shop_id(), &path.product).await?;
    let demanded = if_match.check(answer::version_of(current.as_ref()))?;
    let stored = catalog.put(caller.shop_id(), product, demanded).await?;
    let record = ProductRecord::from(stored);
    let status = match current {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok(answer::record(status, record.version, &record))
}
