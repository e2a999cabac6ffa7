//! `GET /v1/shops/{shop}/webhooks/deliveries`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::ConversationId;
use mercer_store::DeliveryFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{DeliveryRecord, StateName};
use crate::Admin;
use crate::answer::{PageItems, Sample, page_items};
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::QueryParams;
use crate::problem::Problem;
use crate::products::list::ShopPath;

/// Filters of a list of deliveries; all given ones must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    /// Only those in this state; `dead` lists what was given up.
    #[param(inline)]
    state: Option<StateName>,
    /// Only those to this target.
    target: Option<String>,
    /// Only those of this conversation.
    #[param(value_type = Option<String>)]
    conversation: Option<ConversationId>,
    /// Where to continue: `next` of the page before.
    cursor: Option<String>,
    /// Items of the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<PageItems>,
}

/// A page of deliveries.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct DeliveryPage {
    /// Deliveries.
    items: Vec<DeliveryRecord>,
    /// Cursor of the next page, or null at the end.
    next: Option<String>,
}

impl Sample for DeliveryPage {
    const SCHEMA: &'static str = "DeliveryPage";

    fn sample() -> Self {
        Self {
            items: vec![DeliveryRecord::sample()],
            next: None,
        }
    }
}

/// List deliveries of webhooks and e-mails
///
/// The newest first, without what customers wrote.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/webhooks/deliveries",
    tag = "webhooks",
    params(ShopPath, DeliveryQuery),
    responses((status = 200, description = "a page of deliveries", body = DeliveryPage)),
    security(("admin_key" = ["webhooks:read"])),
)]
pub(crate) async fn list_deliveries(
    State(admin): State<Admin>,
    caller: Caller,
    QueryParams(query): QueryParams<DeliveryQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let mut findings = Findings::default();
    findings.line("target", query.target.as_deref().unwrap_or(""), false);
    findings.end_as_malformed()?;
    let filter = DeliveryFilter {
        state: query.state.map(Into::into),
        target: query.target,
        conversation: query.conversation,
    };
    let limit = page_items(query.limit);
    let page = admin
        .store
        .notices()
        .list(caller.shop_id(), &filter, query.cursor.as_deref(), limit)
        .await?;
    Ok(Json(DeliveryPage {
        items: page.items.into_iter().map(DeliveryRecord::from).collect(),
        next: page.next,
    }))
}
