//! `GET /v1/shops/{shop}/conversations/{conversation}`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{self, Step, Turn};
use super::{ConversationPath, ConversationSummary, find};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

/// Log records read at a time, and most bytes of them. What is answered is folded on the way, so the
/// whole log is never in memory.
const RECORDS_PER_READ: u64 = 500;
const BYTES_PER_READ_MAX: u64 = 1024 * 1024;

/// A conversation with everything that was said, found and checked.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct ConversationDetail {
    /// The conversation.
    conversation: ConversationSummary,
    /// Its turns, oldest first.
    turns: Vec<Turn>,
    /// What happened outside of turns: handovers and messages of persons, oldest first.
    steps: Vec<Step>,
}

impl Sample for ConversationDetail {
    const SCHEMA: &'static str = "ConversationDetail";

    fn sample() -> Self {
        Self {
            conversation: ConversationSummary::sample(),
            turns: vec![Turn::sample()],
            steps: Vec::new(),
        }
    }
}

/// Read a conversation with its turns
///
/// Every turn has the customer's words, the plan, the evidence, drafts that were blocked and why,
/// the reply with its ledger, and how far its delivery got.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/conversations/{conversation}",
    tag = "conversations",
    params(ConversationPath),
    responses((status = 200, description = "the conversation", body = ConversationDetail)),
    security(("admin_key" = ["conversations:read"])),
)]
pub(crate) async fn get_conversation(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ConversationPath>,
) -> Result<Json<ConversationDetail>, Problem> {
    let row = find(&admin, &caller, &path.conversation).await?;
    let stream = Stream {
        shop: caller.shop_id().clone(),
        conversation: path.conversation,
    };
    let conversations = admin.store.conversations();
    let mut folded = view::Folded::default();
    let mut after = 0;
    loop {
        let part = conversations
            .log_part(&stream, after, RECORDS_PER_READ, BYTES_PER_READ_MAX)
            .await?;
        part.records.iter().for_each(|record| folded.take(record));
        after = part.records.last().map_or(after, |record| record.seq);
        if part.is_end {
            break;
        }
    }
    let view::Folded { turns, steps } = folded;
    Ok(Json(ConversationDetail {
        conversation: row.into(),
        turns,
        steps,
    }))
}
