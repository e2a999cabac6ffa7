//! What the retailer's systems and people were told: webhooks and e-mails with their tries. No
//! words of customers are shown here.

pub(crate) mod list;
pub(crate) mod resend;

use mercer_schemas::{ConversationId, DeliveryId, NoticeId, NoticeKind};
use mercer_store::{DeliveryState, ToldRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Sample;
use crate::products::key;

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    /// It waits for its next try.
    Pending,
    /// It is being sent.
    Sending,
    /// The target took it.
    Delivered,
    /// It was given up after its last try.
    Dead,
}

impl From<StateName> for DeliveryState {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Pending => Self::Pending,
            StateName::Sending => Self::Sending,
            StateName::Delivered => Self::Delivered,
            StateName::Dead => Self::Dead,
        }
    }
}

impl From<DeliveryState> for StateName {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Pending,
            DeliveryState::Sending => Self::Sending,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Dead => Self::Dead,
        }
    }
}

/// A notice on its way to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeliveryRecord {
    /// The delivery.
    #[schema(value_type = String, example = "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    id: DeliveryId,
    /// The notice: the header `webhook-id`, the same over all tries.
    #[schema(value_type = String, example = "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    notice: NoticeId,
    /// What happened.
    #[serde(rename = "type")]
    kind: NoticeKind,
    /// The conversation that it tells of.
    #[schema(value_type = String, example = "conv_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    conversation: ConversationId,
    /// Who is told, by the name in the settings.
    #[schema(example = "helpdesk")]
    target: String,
    /// How far it is.
    state: StateName,
    /// Tries so far.
    attempts: u32,
    /// HTTP or SMTP status of the last try, or null where nothing answered.
    status: Option<u16>,
    /// Why the last try failed, for instance `timeout`, or null.
    #[schema(example = "timeout")]
    cause: Option<String>,
    /// When it happened, UTC milliseconds.
    created_at_ms: i64,
    /// When it is tried next, UTC milliseconds, or null once it is settled.
    next_at_ms: Option<i64>,
    /// When it was delivered or given up, UTC milliseconds, or null.
    settled_at_ms: Option<i64>,
}

impl From<ToldRow> for DeliveryRecord {
    fn from(row: ToldRow) -> Self {
        Self {
            next_at_ms: matches!(row.state, DeliveryState::Pending).then_some(row.due_at_ms),
            id: row.id,
            notice: row.notice,
            kind: row.kind,
            conversation: row.conversation,
            target: row.target,
            state: row.state.into(),
            attempts: row.attempt,
            status: row.outcome.status,
            cause: row.outcome.cause,
            created_at_ms: row.created_at_ms,
            settled_at_ms: row.settled_at_ms,
        }
    }
}

impl Sample for DeliveryRecord {
    const SCHEMA: &'static str = "DeliveryRecord";

    fn sample() -> Self {
        Self {
            id: key("dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
            notice: key("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
            kind: NoticeKind::HandedOver,
            conversation: key("conv_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
            target: "helpdesk".to_owned(),
            state: StateName::Pending,
            attempts: 2,
            status: Some(500),
            cause: Some("status".to_owned()),
            created_at_ms: 1_790_000_000_000,
            next_at_ms: Some(1_790_000_035_000),
            settled_at_ms: None,
        }
    }
}
