//! `DELETE /v1/shops/{shop}/documents/{document}`.

use axum::extract::State;
use axum::http::StatusCode;

use super::DocumentPath;
use crate::Admin;
use crate::answer::version_of;
use crate::auth::Caller;
use crate::extract::{IfMatch, PathParams};
use crate::problem::Problem;

/// Delete a policy, FAQ entry or promotion
///
/// To end a promotion without losing its text, patch `valid_to_ms` instead.
#[utoipa::path(
    delete,
    path = "/v1/shops/{shop}/documents/{document}",
    tag = "documents",
    params(DocumentPath, ("If-Match" = Option<String>, Header, description = "version to delete, as in `ETag`")),
    responses((status = 204, description = "the document is gone")),
    security(("admin_key" = ["documents:write"])),
)]
pub(crate) async fn delete_document(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<DocumentPath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let documents = admin.store.documents();
    let current = documents.get(caller.shop_id(), &path.document).await?;
    if current.is_none() {
        return Err(Problem::not_found("document"));
    }
    let demanded = if_match.check(version_of(current.as_ref()))?;
    if documents
        .delete(caller.shop_id(), &path.document, demanded)
        .await?
    {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("document"))
    }
}
