//! `DELETE /v1/shops/{shop}/products/{product}`.

use axum::extract::State;
use axum::http::StatusCode;

use super::ProductPath;
use crate::Admin;
use crate::answer::version_of;
use crate::auth::Caller;
use crate::extract::{IfMatch, PathParams};
use crate::problem::Problem;

/// Delete a product
///
/// Its variants go with it; orders that name them keep their own record of what was sold.
#[utoipa::path(
    delete,
    path = "/v1/shops/{shop}/products/{product}",
    tag = "products",
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "version to delete, as in `ETag`")),
    responses((status = 204, description = "the product is gone")),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn delete_product(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ProductPath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let catalog = admin.store.catalog();
    let current = catalog.get(caller.shop_id(), &path.product).await?;
    if current.is_none() {
        return Err(Problem::not_found("product"));
    }
    let demanded = if_match.check(version_of(current.as_ref()))?;
    if catalog
        .delete(caller.shop_id(), &path.product, demanded)
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("product"))
    }
}
