//! `GET /v1/shops/{shop}/documents`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::DocumentKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::DocumentRecord;
use crate::Admin;
use crate::answer::{PageItems, Sample, page_items};
use crate::auth::Caller;
use crate::extract::QueryParams;
use crate::problem::Problem;
use crate::products::list::ShopPath;

/// Filters of a document list; all given ones must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentQuery {
    /// Only policies, FAQ entries or promotions.
    #[param(inline)]
    kind: Option<DocumentKind>,
    /// Only documents in force at this moment, UTC milliseconds.
    in_force_at_ms: Option<i64>,
    /// Where to continue: `next` of the page before.
    cursor: Option<String>,
    /// Items of the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<PageItems>,
}

/// A page of documents.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DocumentPage {
    /// Documents, in the order of their keys.
    items: Vec<DocumentRecord>,
    /// Cursor of the next page, or null at the end.
    next: Option<String>,
}

impl Sample for DocumentPage {
    const SCHEMA: &'static str = "DocumentPage";

    fn sample() -> Self {
        Self {
            items: vec![DocumentRecord::sample()],
            next: None,
        }
    }
}

/// List policies, FAQ entries and promotions
///
/// Pages hold every document exactly once, also while others are added or removed.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/documents",
    tag = "documents",
    params(ShopPath, DocumentQuery),
    responses((status = 200, description = "a page of documents", body = DocumentPage)),
    security(("admin_key" = ["documents:read"])),
)]
pub(crate) async fn list_documents(
    State(admin): State<Admin>,
    caller: Caller,
    QueryParams(query): QueryParams<DocumentQuery>,
) -> Result<Json<DocumentPage>, Problem> {
    let limit = page_items(query.limit);
    let page = admin
        .store
        .documents()
        .list(
            caller.shop_id(),
            query.kind,
            query.in_force_at_ms,
            query.cursor.as_deref(),
            limit,
        )
        .await?;
    Ok(Json(DocumentPage {
        items: page.items.into_iter().map(DocumentRecord::from).collect(),
        next: page.next,
    }))
}
