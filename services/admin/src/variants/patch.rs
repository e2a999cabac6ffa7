//! `PATCH /v1/shops/{shop}/variants/{sku}`.

use axum::extract::State;
use axum::response::Response;

use super::{VariantPatch, VariantPath, VariantRecord, answer_with};
use crate::Admin;
use crate::auth::Caller;
use crate::check;
use crate::extract::{IfMatch, PatchBody, PathParams, patched};
use crate::problem::Problem;
use crate::products::change;

/// Change some fields of a variant
///
/// A JSON merge patch (RFC 7396). The new price or stock is in the next reply and the next search.
#[utoipa::path(
    patch,
    path = "/v1/shops/{shop}/variants/{sku}",
    tag = "variants",
    params(VariantPath, ("If-Match" = Option<String>, Header, description = "version of the product's record to change")),
    request_body(content((VariantPatch = "application/merge-patch+json"), (VariantPatch = "application/json"))),
    responses((
        status = 200, description = "the variant as it is now", body = VariantRecord,
        headers(("ETag" = String, description = "version of the product's record")),
    )),
    security(("admin_key" = ["catalog:write"])),
)]
pub(crate) async fn patch_variant(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<VariantPath>,
    if_match: IfMatch,
    body: PatchBody<VariantPatch>,
) -> Result<Response, Problem> {
    let catalog = admin.store.catalog();
    let owner = catalog.by_sku(caller.shop_id(), &path.sku).await?;
    let owner = owner.ok_or_else(|| Problem::not_found("variant"))?;
    let (patch, id) = (&body.patch, &owner.value.id);
    let stored = change(&admin, &caller, &if_match, id, patch, |product| {
        let mut product = product.clone();
        let variants = product.variants.iter_mut();
        let variant = variants
            .into_iter()
            .find(|variant| variant.sku == path.sku)
            .ok_or_else(|| Problem::not_found("variant"))?;
        *variant = patched(variant, patch)?;
        check::variant(variant, caller.shop.currency)?;
        Ok(product)
    })
    .await?;
    answer_with(&stored, &path.sku)
}
