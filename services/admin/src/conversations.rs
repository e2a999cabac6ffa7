//! Conversations: what was said and why, and a person's ways to step in. Only keys with
//! `conversations:read` see what customers wrote.

pub(crate) mod act;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod replay;
pub(crate) mod view;
mod window;

use mercer_schemas::{Channel, ConversationId, Personal, ShopId};
use mercer_store::ConversationRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::products::key;

/// Path of one conversation.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConversationPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The conversation.
    #[param(value_type = String, example = "conv_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    pub(crate) conversation: ConversationId,
}

/// A conversation without its content.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ConversationSummary {
    /// The conversation.
    #[schema(value_type = String, example = "conv_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    id: ConversationId,
    /// Where it takes place.
    channel: Channel,
    /// The customer's address on that channel, for instance a phone number.
    #[schema(value_type = String)]
    address: Personal<String>,
    /// What it is doing, for instance `idle` or `writing`.
    phase: String,
    /// Whether a person answers instead of Mercer.
    handed_over: bool,
    /// Time of the first message, UTC milliseconds.
    created_at_ms: i64,
    /// Time of the last change, UTC milliseconds.
    last_at_ms: i64,
    /// Turns so far.
    turns: i64,
}

impl From<ConversationRow> for ConversationSummary {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id,
            channel: row.channel,
            address: row.address,
            phase: row.phase,
            handed_over: row.handed_over,
            created_at_ms: row.created_at_ms,
            last_at_ms: row.last_at_ms,
            turns: row.turns,
        }
    }
}

/// Finds a conversation of the caller's shop.
pub(crate) async fn find(
    admin: &Admin,
    caller: &Caller,
    id: &ConversationId,
) -> Result<ConversationRow, Problem> {
    let conversations = admin.store.conversations();
    let found = conversations.get(caller.shop_id(), id).await?;
    found.ok_or_else(|| Problem::not_found("conversation"))
}

impl Sample for ConversationSummary {
    const SCHEMA: &'static str = "ConversationSummary";

    fn sample() -> Self {
        Self {
            id: key("conv_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
            channel: Channel::Whatsapp,
            address: "447700900123".into(),
            phase: "idle".to_owned(),
            handed_over: false,
            created_at_ms: 1_790_000_000_000,
            last_at_ms: 1_790_000_004_200,
            turns: 1,
        }
    }
}
