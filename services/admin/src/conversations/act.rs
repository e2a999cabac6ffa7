//! Stepping in: take over, answer, hand back. Each is a command in the conversation's inbox, in
//! order with the customer's messages; 202 says that it is stored and will be carried out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use mercer_schemas::{ConversationId, Personal, Stream};
use mercer_store::{Command, ConversationRow, InboxItem, InboxKind, InboxRow, NewInbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConversationPath, find, window};
use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::{JsonBody, PathParams};
use crate::idempotency;
use crate::problem::{Kind, Problem};

/// Longest answer, characters: WhatsApp's limit for a text message.
const ANSWER_CHARS_MAX: usize = 4096;

/// Says that a command is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accepted {
    /// The command's place in the inbox.
    inbox_id: i64,
}

/// A person's answer.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// What the customer will read.
    #[schema(value_type = String, min_length = 1, max_length = 4096)]
    text: Personal<String>,
}

impl Sample for Accepted {
    const SCHEMA: &'static str = "Accepted";

    fn sample() -> Self {
        Self { inbox_id: 1207 }
    }
}

impl Sample for AnswerBody {
    const SCHEMA: &'static str = "AnswerBody";

    fn sample() -> Self {
        Self {
            text: "Hello, this is Ada from the shop. I have found your parcel.".into(),
        }
    }
}

/// Take a conversation over
///
/// Mercer stays silent until the conversation is handed back.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/conversations/{conversation}/take-over",
    tag = "conversations",
    params(ConversationPath),
    responses((status = 202, description = "stored, will be carried out", body = Accepted)),
    security(("admin_key" = ["conversations:act"])),
)]
pub(crate) async fn take_over(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ConversationPath>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let by = caller.action_by();
    let command = Command::TakeOver { by };
    store(
        &admin,
        &caller,
        path.conversation,
        &headers,
        "take-over",
        command,
    )
    .await
}

/// Answer as a person
///
/// Sends the text to the customer in the order of the inbox. The conversation must be with a person,
/// or a take-over of it must be stored already: 409 otherwise. Where somebody hands it back at the
/// same moment, the answer may still be dropped. 409 `window-closed` where the channel takes answers
/// for a while only, and the customer's last message is longer ago: 24 hours on WhatsApp.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/conversations/{conversation}/answer",
    tag = "conversations",
    params(ConversationPath),
    request_body = AnswerBody,
    responses((status = 202, description = "stored, will be carried out", body = Accepted)),
    security(("admin_key" = ["conversations:act"])),
)]
pub(crate) async fn answer(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ConversationPath>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let mut findings = Findings::default();
    let text = body.text.expose();
    findings.rule(!text.trim().is_empty(), "text", "must not be empty");
    findings.rule(
        text.chars().count() <= ANSWER_CHARS_MAX,
        "text",
        format!("must have at most {ANSWER_CHARS_MAX} characters"),
    );
    findings.text("text", text);
    findings.end()?;
    let by = caller.action_by();
    let command = Command::Answer {
        by,
        text: body.text,
    };
    store(
        &admin,
        &caller,
        path.conversation,
        &headers,
        "answer",
        command,
    )
    .await
}

/// Hand a conversation back
///
/// Mercer answers the customer's next message again.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/conversations/{conversation}/hand-back",
    tag = "conversations",
    params(ConversationPath),
    responses((status = 202, description = "stored, will be carried out", body = Accepted)),
    security(("admin_key" = ["conversations:act"])),
)]
pub(crate) async fn hand_back(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ConversationPath>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let by = caller.action_by();
    let command = Command::HandBack { by };
    store(
        &admin,
        &caller,
        path.conversation,
        &headers,
        "hand-back",
        command,
    )
    .await
}

/// Stores a command and wakes the conversation. The caller's `Idempotency-Key` becomes part of the
/// row's unique id, so a command is carried out once even if the answer to it was lost.
async fn store(
    admin: &Admin,
    caller: &Caller,
    conversation: ConversationId,
    headers: &HeaderMap,
    action: &str,
    command: Command,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let stream = Stream {
        shop: caller.shop_id().clone(),
        conversation: conversation.clone(),
    };
    // Read before the conversation's row: a take-over that is carried out in between is seen in one
    // of the two.
    let open = admin.store.inbox().open(&stream).await?.rows;
    let row = find(admin, caller, &conversation).await?;
    if matches!(command, Command::Answer { .. })
        && let Some(refusal) = refusal(admin, &stream, &row, &open).await?
    {
        return Err(refusal);
    }
    let unique = match idempotency::key_of(headers)? {
        Some(key) => format!("{}:{key}", caller.key.id),
        None => hex::encode(rand::random::<[u8; 16]>()),
    };
    let now_ms = crate::now_ms();
    let inserted = admin
        .store
        .inbox()
        .insert(
            caller.shop_id(),
            vec![NewInbox {
                channel: row.channel,
                provider_id: format!("admin:{conversation}:{action}:{unique}"),
                address: row.address,
                kind: InboxKind::Command,
                payload: InboxItem::Command(command).to_payload(),
                received_at_ms: now_ms,
                sent_at_ms: now_ms,
            }],
        )
        .await?;
    let inserted = inserted.first().ok_or_else(Problem::internal)?;
    admin.hints.wake(&stream);
    let inbox_id = inserted.inbox_id;
    Ok((StatusCode::ACCEPTED, Json(Accepted { inbox_id })))
}

/// Says why an answer would come to nothing now, if it would.
async fn refusal(
    admin: &Admin,
    stream: &Stream,
    row: &ConversationRow,
    open: &[InboxRow],
) -> Result<Option<Problem>, Problem> {
    if !is_with_person(row.handed_over, open) {
        let detail = "the conversation is not with a person; take it over first";
        return Ok(Some(Problem::new(Kind::Conflict, detail)));
    }
    window::refusal(admin, stream, row.channel).await
}

/// Says whether an answer that is stored now will find the conversation with a person, as far as
/// the store knows.
fn is_with_person(handed_over: bool, open: &[InboxRow]) -> bool {
    let mut commands = open.iter().rev().filter_map(|row| match &row.item {
        InboxItem::Command(Command::TakeOver { .. }) => Some(true),
        InboxItem::Command(Command::HandBack { .. }) => Some(false),
        _ => None,
    });
    commands.next().unwrap_or(handed_over)
}
