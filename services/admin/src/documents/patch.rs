//! `PATCH /v1/shops/{shop}/documents/{document}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{DocumentPatch, DocumentPath, DocumentRecord};
use crate::Admin;
use crate::answer;
use crate::auth::Caller;
use crate::check;
use crate::extract::{IfMatch, PatchBody, PathParams, patched};
use crate::problem::{Kind, Problem};

/// How often a change is repeated when somebody else changed the record in between.
const CHANGE_TRIES_MAX: usize = 8;

/// Change some fields of a policy, FAQ entry or promotion
///
/// A JSON merge patch (RFC 7396). Without `If-Match` it applies to whatever is stored, and changes
/// that others make at the same time are kept.
#[utoipa::path(
    patch,
    path = "/v1/shops/{shop}/documents/{document}",
    tag = "documents",
    params(DocumentPath, ("If-Match" = Option<String>, Header, description = "version to change, as in `ETag`")),
    request_body(content((DocumentPatch = "application/merge-patch+json"), (DocumentPatch = "application/json"))),
    responses((
        status = 200, description = "the document as it is now", body = DocumentRecord,
        headers(("ETag" = String, description = "version of the record")),
    )),
    security(("admin_key" = ["documents:write"])),
)]
pub(crate) async fn patch_document(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<DocumentPath>,
    if_match: IfMatch,
    body: PatchBody<DocumentPatch>,
) -> Result<Response, Problem> {
    let documents = admin.store.documents();
    for _ in 0..CHANGE_TRIES_MAX {
        let current = documents.get(caller.shop_id(), &path.document).await?;
        let current = current.ok_or_else(|| Problem::not_found("document"))?;
        let changed = patched(&current.value, &body.patch).and_then(|changed| {
            check::document(&changed)?;
            Ok(changed)
        });
        let changed = if_match.check_patched(current.version, &body.patch, changed)?;
        let written = documents
            .put(caller.shop_id(), changed, Some(current.version))
            .await;
        match written {
            Err(mercer_store::Error::VersionConflict { .. }) if if_match == IfMatch::Any => {}
            written => {
                let record = DocumentRecord::from(written?);
                return Ok(answer::record(StatusCode::OK, record.version, &record));
            }
        }
    }
    Err(Problem::new(
        Kind::Conflict,
        "others keep changing this record; try again",
    ))
}
