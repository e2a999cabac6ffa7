//! Turns as the API tells them: the fold's turns in the form of the API. How the log becomes turns is not here
//! (`mercer_replay::Turns`).

use mercer_replay as replay;
use mercer_schemas::{
    ActionBy, Claim, CustomerId, DeliveryStatus, DraftSource, Evidence, EvidenceRole, Field,
    Handle, HandoffReason, IdentityEnd, MessageId, Personal, Plan, Product, ProductCard, RecordKey,
    TurnId, Verdict,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Sample;
use crate::products::key;

/// A customer's message or burst, and what was made of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Turn {
    /// The turn.
    #[schema(value_type = String, example = "turn_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    turn: TurnId,
    /// How often it began anew because a message came in while it ran.
    restarts: u32,
    /// When it began, UTC milliseconds.
    started_at_ms: i64,
    /// When it ended, UTC milliseconds, or null while it runs.
    ended_at_ms: Option<i64>,
    /// The customer's words.
    #[schema(value_type = String)]
    words: Personal<String>,
    /// The tool calls, `{"calls":[{"tool":"search_catalog","query":"…"}]}`, or null before there is
    /// a plan.
    #[schema(value_type = Option<Object>)]
    plan: Option<Plan>,
    /// What the tools found: records with handle, key, version, role (`shown`, `chosen`, `asked`), tool and
    /// fields, or why there is none.
    #[schema(value_type = Vec<Object>)]
    evidence: Vec<Evidence>,
    /// Replies that were written, the last one being the newest.
    drafts: Vec<Draft>,
    /// What was sent, usually one message.
    replies: Vec<Sent>,
}

/// A reply as written, with references unfilled.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Draft {
    /// When, UTC milliseconds.
    at_ms: i64,
    /// `model`, `repair` or `template`.
    #[schema(value_type = String, example = "model")]
    source: DraftSource,
    /// The text with references such as `{{p1.price}}`.
    #[schema(value_type = String)]
    text: Personal<String>,
    /// What the rules said where they blocked it; empty where they did not.
    blocked_by: Vec<Verdict>,
}

/// A message to the customer.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Sent {
    /// The message.
    #[schema(value_type = String, example = "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    message: MessageId,
    /// When it was put into the outbox, UTC milliseconds.
    queued_at_ms: i64,
    /// Text as the customer reads it.
    #[schema(value_type = String)]
    text: Personal<String>,
    /// Product cards beside it.
    cards: Vec<ProductCard>,
    /// What the rules said.
    verdicts: Vec<Verdict>,
    /// Where every value in the text came from.
    ledger: Vec<LedgerLine>,
    /// How far it got, or null before the platform took it.
    delivery: Option<DeliveryStatus>,
}

/// A value in a message with its source.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct LedgerLine {
    /// The reference that was filled.
    #[schema(example = "p1.price")]
    reference: String,
    /// The record behind it.
    #[schema(example = "product:HB-1042")]
    record: String,
    /// The record's version that was read.
    version: i64,
    /// The value in the message.
    #[schema(value_type = String, example = "£45.99")]
    value: Personal<String>,
    /// When it was read, UTC milliseconds.
    read_at_ms: i64,
}

/// Something that happened outside of a turn.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Step {
    /// Position in the conversation's log.
    seq: u64,
    /// When, UTC milliseconds.
    at_ms: i64,
    /// What happened.
    #[serde(flatten)]
    what: What,
}

/// What happened outside of a turn.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    /// A person was called.
    HandedOver {
        /// Why.
        reason: HandoffReason,
    },
    /// A person took the conversation.
    TakenOver {
        /// Who.
        by: ActionBy,
    },
    /// A message that no turn caused: a person's answer, or a notice.
    Message {
        /// The message.
        sent: Sent,
    },
    /// The conversation went back to Mercer.
    HandedBack {
        /// Who gave it back.
        by: ActionBy,
    },
    /// The customer proved who they are.
    Identified {
        /// The customer.
        #[schema(value_type = String)]
        customer: CustomerId,
    },
    /// What proved who the customer is does not hold any more.
    IdentityEnded {
        /// Why.
        cause: IdentityEnd,
    },
    /// Inputs were set aside after repeated failures.
    Quarantined {
        /// Their places in the inbox.
        inbox_ids: Vec<i64>,
    },
}

impl Turn {
    /// Shows a turn, with values worded for a shop's locale.
    pub(super) fn of(turn: replay::Turn, locale: &str) -> Self {
        let evidence = turn.evidence.into_iter();
        Self {
            turn: turn.turn,
            restarts: turn.restarts,
            started_at_ms: turn.started_at_ms,
            ended_at_ms: turn.ended_at_ms,
            words: turn.words,
            plan: turn.plan,
            evidence: evidence.map(|line| worded(line, locale)).collect(),
            drafts: turn.drafts.into_iter().map(Draft::from).collect(),
            replies: turn.replies.into_iter().map(Sent::from).collect(),
        }
    }
}

/// Words the values of a record.
fn worded(mut line: Evidence, locale: &str) -> Evidence {
    if let Evidence::Record { fields, .. } = &mut line {
        for field in fields {
            field.value = field.value.text(locale).into();
        }
    }
    line
}

impl From<replay::Draft> for Draft {
    fn from(draft: replay::Draft) -> Self {
        Self {
            at_ms: draft.at_ms,
            source: draft.source,
            text: draft.text,
            blocked_by: draft.blocked_by,
        }
    }
}

impl From<replay::Sent> for Sent {
    fn from(sent: replay::Sent) -> Self {
        Self {
            message: sent.message,
            queued_at_ms: sent.queued_at_ms,
            text: sent.content.text,
            cards: sent.content.cards,
            verdicts: sent.verdicts,
            ledger: sent.claims.into_iter().map(LedgerLine::from).collect(),
            delivery: sent.delivery,
        }
    }
}

impl From<replay::Step> for Step {
    fn from(step: replay::Step) -> Self {
        Self {
            seq: step.seq,
            at_ms: step.at_ms,
            what: step.what.into(),
        }
    }
}

impl From<replay::What> for What {
    fn from(what: replay::What) -> Self {
        match what {
            replay::What::HandedOver { reason } => Self::HandedOver { reason },
            replay::What::TakenOver { by } => Self::TakenOver { by },
            replay::What::Message { sent } => Self::Message { sent: sent.into() },
            replay::What::HandedBack { by } => Self::HandedBack { by },
            replay::What::Identified { customer } => Self::Identified { customer },
            replay::What::IdentityEnded { cause } => Self::IdentityEnded { cause },
            replay::What::Quarantined { inbox_ids } => Self::Quarantined { inbox_ids },
        }
    }
}

impl From<Claim> for LedgerLine {
    fn from(claim: Claim) -> Self {
        Self {
            reference: claim.reference,
            record: claim.record.to_string(),
            version: claim.version,
            value: claim.value,
            read_at_ms: claim.read_at_ms,
        }
    }
}

impl Sample for Turn {
    const SCHEMA: &'static str = "Turn";

    fn sample() -> Self {
        let passed = |rule: &str| Verdict {
            rule: rule.to_owned(),
            passed: true,
        };
        Self {
            turn: key("turn_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
            restarts: 0,
            started_at_ms: 1_790_000_000_000,
            ended_at_ms: Some(1_790_000_004_200),
            words: "how much is the red kettle?".into(),
            plan: Some(Plan {
                calls: serde_json::from_str(r#"[{"tool":"search_catalog","query":"red kettle"}]"#)
                    .unwrap_or_default(),
            }),
            evidence: vec![sample_evidence()],
            drafts: vec![Draft {
                at_ms: 1_790_000_003_000,
                source: DraftSource::Model,
                text: "The {{p1.name}} costs {{p1.price}}.".into(),
                blocked_by: Vec::new(),
            }],
            replies: vec![Sent {
                message: key("msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", str::parse),
                queued_at_ms: 1_790_000_004_000,
                text: "The Fenwick kettle costs £45.99.".into(),
                cards: Vec::new(),
                verdicts: vec![passed("number_not_in_evidence")],
                ledger: vec![LedgerLine {
                    reference: "p1.price".to_owned(),
                    record: "product:HB-1042".to_owned(),
                    version: 3,
                    value: "£45.99".into(),
                    read_at_ms: 1_790_000_004_000,
                }],
                delivery: Some(DeliveryStatus::Delivered),
            }],
        }
    }
}

fn sample_evidence() -> Evidence {
    let record = RecordKey::Product(Product::sample().id);
    Evidence::Record {
        handle: Handle::new(&record, 1),
        key: record,
        version: 3,
        role: Some(EvidenceRole::Shown),
        tool: Some("search_catalog".to_owned()),
        fields: vec![
            Field::new("name", "Fenwick kettle"),
            Field::new("price", "£45.99"),
        ],
    }
}
