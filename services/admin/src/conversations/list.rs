//! `GET /v1/shops/{shop}/conversations`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::Channel;
use mercer_store::ConversationFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ConversationSummary;
use crate::Admin;
use crate::answer::{PageItems, Sample, page_items};
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::QueryParams;
use crate::problem::Problem;
use crate::products::list::ShopPath;

/// Filters of a conversation list; all given ones must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationQuery {
    /// Only conversations of this channel.
    #[param(inline)]
    channel: Option<Channel>,
    /// Only conversations in this phase.
    phase: Option<String>,
    /// Only those that a person answers, or only those that Mercer answers.
    handed_over: Option<bool>,
    /// Only those that changed at or after this moment, UTC milliseconds.
    since: Option<i64>,
    /// Where to continue: `next` of the page before.
    cursor: Option<String>,
    /// Items of the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<PageItems>,
}

/// A page of conversations.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct ConversationPage {
    /// Conversations.
    items: Vec<ConversationSummary>,
    /// Cursor of the next page, or null at the end.
    next: Option<String>,
}

impl Sample for ConversationPage {
    const SCHEMA: &'static str = "ConversationPage";

    fn sample() -> Self {
        Self {
            items: vec![ConversationSummary::sample()],
            next: None,
        }
    }
}

/// List conversations
///
/// Without their content.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/conversations",
    tag = "conversations",
    params(ShopPath, ConversationQuery),
    responses((status = 200, description = "a page of conversations", body = ConversationPage)),
    security(("admin_key" = ["conversations:read"])),
)]
pub(crate) async fn list_conversations(
    State(admin): State<Admin>,
    caller: Caller,
    QueryParams(query): QueryParams<ConversationQuery>,
) -> Result<Json<ConversationPage>, Problem> {
    let mut findings = Findings::default();
    findings.line("phase", query.phase.as_deref().unwrap_or(""), false);
    findings.end_as_malformed()?;
    let filter = ConversationFilter {
        channel: query.channel,
        phase: query.phase,
        handed_over: query.handed_over,
        since_ms: query.since,
    };
    let limit = page_items(query.limit);
    let page = admin
        .store
        .conversations()
        .list(caller.shop_id(), &filter, query.cursor.as_deref(), limit)
        .await?;
    let items = page.items.into_iter().map(ConversationSummary::from);
    Ok(Json(ConversationPage {
        items: items.collect(),
        next: page.next,
    }))
}
