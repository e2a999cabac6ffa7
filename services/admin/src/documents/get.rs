//! `GET /v1/shops/{shop}/documents/{document}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{DocumentPath, DocumentRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

/// Read a policy, FAQ entry or promotion
///
/// The `ETag` is the record's version; send it back as `If-Match` to change what you have seen.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/documents/{document}",
    tag = "documents",
    params(DocumentPath),
    responses((
        status = 200, description = "the document", body = DocumentRecord,
        headers(("ETag" = String, description = "version of the record")),
    )),
    security(("admin_key" = ["documents:read"])),
)]
pub(crate) async fn get_document(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<DocumentPath>,
) -> Result<Response, Problem> {
    let documents = admin.store.documents();
    let found = documents.get(caller.shop_id(), &path.document).await?;
    let record = DocumentRecord::from(found.ok_or_else(|| Problem::not_found("document"))?);
    Ok(answer::record(StatusCode::OK, record.version, &record))
}
