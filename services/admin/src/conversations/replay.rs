//! `GET /v1/shops/{shop}/conversations/{conversation}/replay`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::ConversationId;

use super::ConversationPath;
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::PathParams;
use crate::problem::{Kind, Problem, ProblemBody};
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

/// Of the problems only this one is described with an operation; the others are shared by all.
impl Sample for ProblemBody {
    const SCHEMA: &'static str = "Problem";

    fn sample() -> Self {
        let detail = "the timeline has more than the 33554432 bytes that an answer holds";
        Problem::new(Kind::AnswerTooLong, detail).body()
    }
}

/// Replay a conversation
///
/// Folds the conversation's log and decides every input again, without calling a model. `verified`
/// says whether every decision came out byte for byte as recorded. 422 `answer-too-long` where the
/// timeline is longer than an answer may be; `mercer replay` has no such bound.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/conversations/{conversation}/replay",
    tag = "conversations",
    params(ConversationPath),
    responses(
        (status = 200, description = "the replay", body = ReplayReport),
        (
            status = 422,
            description = "the timeline is longer than an answer may be: `mercer replay` prints it",
            content_type = "application/problem+json",
            body = ProblemBody,
        ),
    ),
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
        Err(error) => Err(problem(error, &path.conversation)),
    }
}

fn problem(error: ReplayError, conversation: &ConversationId) -> Problem {
    match error {
        ReplayError::NotFound => Problem::not_found("conversation"),
        ReplayError::Store(error) => error.into(),
        ReplayError::TooLong { .. } => Problem::new(
            Kind::AnswerTooLong,
            format!("{error}; run `mercer replay {conversation}` instead"),
        ),
        ReplayError::Undecodable { seq, cause } => {
            tracing::error!(conversation.id = %conversation, seq, %cause, "log record cannot be read");
            Problem::new(
                Kind::Internal,
                format!("record {seq} of the conversation cannot be read; the replay stops there"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_that_is_too_long_is_told_from_a_fault() {
        let conversation = ConversationId::from_parts(1, 2);
        let too_long = problem(ReplayError::TooLong { bytes_max: 9 }, &conversation).body();
        assert_eq!(
            (too_long.status, too_long.kind.as_str()),
            (422, "urn:mercer:problem:answer-too-long")
        );
        let command = format!("`mercer replay {conversation}`");
        assert!(too_long.detail.contains(&command), "{}", too_long.detail);
    }
}
