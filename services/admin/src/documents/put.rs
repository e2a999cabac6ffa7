//! `PUT /v1/shops/{shop}/documents/{document}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mercer_schemas::Document;

use super::{DocumentPath, DocumentRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::check;
use crate::extract::{IfMatch, JsonBody, PathParams};
use crate::problem::Problem;

/// Create or replace a policy, FAQ entry or promotion
///
/// The `id` in the body is the one in the path.
#[utoipa::path(
    put,
    path = "/v1/shops/{shop}/documents/{document}",
    tag = "documents",
    params(DocumentPath, ("If-Match" = Option<String>, Header, description = "version to replace, as in `ETag`")),
    request_body = Document,
    responses(
        (status = 200, description = "the document was replaced", body = DocumentRecord,
            headers(("ETag" = String, description = "version of the record"))),
        (status = 201, description = "the document was created", body = DocumentRecord,
            headers(("ETag" = String, description = "version of the record"))),
    ),
    security(("admin_key" = ["documents:write"])),
)]
pub(crate) async fn put_document(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<DocumentPath>,
    if_match: IfMatch,
    JsonBody(document): JsonBody<Document>,
) -> Result<Response, Problem> {
    check::same_key("id", path.document.as_str(), document.id.as_str())?;
    check::document(&document)?;
    let documents = admin.store.documents();
    let current = documents.get(caller.shop_id(), &path.document).await?;
    let demanded = if_match.check(answer::version_of(current.as_ref()))?;
    let stored = documents.put(caller.shop_id(), document, demanded).await?;
    let record = DocumentRecord::from(stored);
    let status = match current {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok(answer::record(status, record.version, &record))
}
