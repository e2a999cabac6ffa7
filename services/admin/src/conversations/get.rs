//! `GET /v1/shops/{shop}/conversations/{conversation}`.

use std::ops::ControlFlow;

use axum::Json;
use axum::extract::State;
use mercer_replay::Turns;
use mercer_schemas::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::{Step, Turn};
use super::{ConversationPath, ConversationSummary, find};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::Problem;

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
    let shop = admin.store.shops().get(&stream.shop).await?;
    let locale = shop.map(|shop| shop.locale).unwrap_or_default();
    let mut folded = Turns::default();
    let read = mercer_replay::read(&admin.store, &stream, |record| {
        folded.take(record);
        ControlFlow::Continue(())
    });
    read.await?;
    let turns = folded.turns.into_iter();
    Ok(Json(ConversationDetail {
        conversation: row.into(),
        turns: turns.map(|turn| Turn::of(turn, &locale)).collect(),
        steps: folded.steps.into_iter().map(Step::from).collect(),
    }))
}
