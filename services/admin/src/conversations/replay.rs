//! `GET /v1/shops/{shop}/conversations/{conversation}/replay`.

use axum::Json;
use axum::extract::State;

use super::ConversationPath;
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::{Kind, Problem};
use crate::seams::{ReplayError, ReplayReport, TimelineEntry};

impl Sample for ReplayReport {
    const SCHEMA: &'static str = "ReplayReport";

    fn sample() -> Self {
        Self {
            timeline: vec![TimelineEntry {
                seq: 1,
                at_ms: 1_790_000_000_000,
                kind: "event".to_owned(),
                title: "conversation_started".to_owned(),
                detail: mercer_schemas::Personal::new(serde_json::json!({"channel": "whatsapp"})),
            }],
            verified: true,
            divergence: None,
        }
    }
}

/// Replay a conversation
///
/// Folds the conversation's log and decides every input again, without calling a model. `verified`
/// says whether every decision came out byte for byte as recorded.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/conversations/{conversation}/replay",
    tag = "conversations",
    params(ConversationPath),
    responses((status = 200, description = "the replay", body = ReplayReport)),
    security(("admin_key" = ["replay:read", "conversations:read"])),
)]
pub(crate) async fn replay_conversation(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ConversationPath>,
) -> Result<Json<ReplayReport>, Problem> {
    let replayed = admin
        .replay
        .replay(caller.shop_id(), &path.conversation)
        .await;
    match replayed {
        Ok(report) => Ok(Json(report)),
        Err(ReplayError::NotFound) => Err(Problem::not_found("conversation")),
        Err(ReplayError::Store(error)) => Err(error.into()),
        Err(error @ ReplayError::TooLong { .. }) => Err(Problem::new(
            Kind::Internal,
            format!("{error}; run `mercer replay {}` instead", path.conversation),
        )),
        Err(ReplayError::Undecodable { seq, cause }) => {
            tracing::error!(conversation.id = %path.conversation, seq, %cause, "log record cannot be read");
            Err(Problem::new(
                Kind::Internal,
                format!("record {seq} of the conversation cannot be read; the replay stops there"),
            ))
        }
    }
}
