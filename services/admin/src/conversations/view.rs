//! Turns as a person reads them: a pure fold over a conversation's log. Prompts, tokens and
//! timings are not here; the replay has them.

use mercer_schemas::{
    ActionBy, Claim, CustomerId, DeliveryStatus, DraftSource, Event, Evidence, Field, Handle,
    HandoffReason, IdentityEnd, LogBody, LogRecord, MessageId, OutboundMessage, Personal, Plan,
    Product, ProductCard, RecordKey, TurnId, Verdict,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Sample;
use crate::products::key;

/// A conversation's log, folded record by record. Inputs add nothing: what came of them is in the
/// events.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) turns: Vec<Turn>,
    pub(crate) steps: Vec<Step>,
}

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
    /// What the tools found: records with handle, key, version and fields, or why there is none.
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

impl Folded {
    /// Takes the log's next record.
    pub(crate) fn take(&mut self, record: &LogRecord) {
        if let LogBody::Event { event } = &record.body {
            self.apply(record, event);
        }
    }

    fn apply(&mut self, record: &LogRecord, event: &Event) {
        let at_ms = record.at_ms;
        match event {
            Event::TurnStarted {
                turn,
                attempt,
                words,
                cut: _,
            } => self.start(at_ms, turn, *attempt, words),
            Event::TurnExtended {
                turn,
                attempt,
                words,
                cut: _,
            } => {
                let known = self.turns.iter().rev().find(|known| known.turn == *turn);
                let before = known.map_or("", |known| known.words.expose());
                let all = format!("{before}\n{}", words.expose());
                self.start(at_ms, turn, *attempt, &Personal::new(all.trim().to_owned()));
            }
            Event::PlanMade { turn, plan } => {
                self.in_turn(turn, |t| t.plan = Some(plan.clone()));
            }
            Event::EvidenceGathered { turn, evidence } => {
                self.in_turn(turn, |t| t.evidence.clone_from(evidence));
            }
            Event::ReplyDrafted {
                turn,
                draft,
                source,
            } => self.in_turn(turn, |t| {
                t.drafts.push(Draft {
                    at_ms,
                    source: *source,
                    text: draft.clone(),
                    blocked_by: Vec::new(),
                });
            }),
            Event::ReplyBlocked { turn, verdicts } => self.in_turn(turn, |t| {
                if let Some(draft) = t.drafts.last_mut() {
                    draft.blocked_by.clone_from(verdicts);
                }
            }),
            Event::ReplyQueued {
                turn,
                message,
                content,
                verdicts,
                claims,
            } => {
                let sent = sent(at_ms, message, content, verdicts, claims);
                match turn {
                    Some(turn) => self.in_turn(turn, |t| t.replies.push(sent.clone())),
                    None => self.step(record, What::Message { sent }),
                }
            }
            Event::TurnEnded { turn, .. } => {
                self.in_turn(turn, |t| t.ended_at_ms = Some(at_ms));
            }
            Event::DeliveryUpdated { message, status } => self.deliver(message, *status),
            Event::HandedOver { reason } => self.step(record, What::HandedOver { reason: *reason }),
            Event::TakenOver { by } => self.step(record, What::TakenOver { by: by.clone() }),
            Event::HandedBack { by } => self.step(record, What::HandedBack { by: by.clone() }),
            Event::CustomerIdentified { customer, .. } => {
                let customer = customer.clone();
                self.step(record, What::Identified { customer });
            }
            Event::InputQuarantined { inbox_ids } => {
                let inbox_ids = inbox_ids.clone();
                self.step(record, What::Quarantined { inbox_ids });
            }
            Event::IdentityEnded { cause } => {
                self.step(record, What::IdentityEnded { cause: *cause });
            }
            Event::ConversationStarted { .. }
            | Event::MessageReceived { .. }
            | Event::ProofTried { .. }
            | Event::HistoryCompacted { .. } => {}
        }
    }

    /// Begins a turn, or begins it anew: what the earlier attempt found no longer counts.
    fn start(&mut self, at_ms: i64, turn: &TurnId, attempt: u32, words: &Personal<String>) {
        let known = self.turns.iter().position(|known| known.turn == *turn);
        let started_at_ms = known.map_or(at_ms, |place| self.turns[place].started_at_ms);
        let begun = Turn {
            turn: turn.clone(),
            restarts: attempt,
            started_at_ms,
            ended_at_ms: None,
            words: words.clone(),
            plan: None,
            evidence: Vec::new(),
            drafts: Vec::new(),
            replies: Vec::new(),
        };
        match known {
            Some(place) => self.turns[place] = begun,
            None => self.turns.push(begun),
        }
    }

    fn in_turn(&mut self, turn: &TurnId, change: impl FnOnce(&mut Turn)) {
        // The turn is nearly always the last one.
        if let Some(turn) = self
            .turns
            .iter_mut()
            .rev()
            .find(|known| known.turn == *turn)
        {
            change(turn);
        }
    }

    fn step(&mut self, record: &LogRecord, what: What) {
        self.steps.push(Step {
            seq: record.seq,
            at_ms: record.at_ms,
            what,
        });
    }

    fn deliver(&mut self, message: &MessageId, status: DeliveryStatus) {
        let in_turns = self.turns.iter_mut().flat_map(|turn| &mut turn.replies);
        let in_steps = self
            .steps
            .iter_mut()
            .filter_map(|step| match &mut step.what {
                What::Message { sent } => Some(sent),
                _ => None,
            });
        for sent in in_turns
            .chain(in_steps)
            .filter(|sent| sent.message == *message)
        {
            sent.delivery = Some(match sent.delivery {
                Some(before) => before.join(status),
                None => status,
            });
        }
    }
}

fn sent(
    queued_at_ms: i64,
    message: &MessageId,
    content: &OutboundMessage,
    verdicts: &[Verdict],
    claims: &[Claim],
) -> Sent {
    Sent {
        message: message.clone(),
        queued_at_ms,
        text: content.text.clone(),
        cards: content.cards.clone(),
        verdicts: verdicts.to_vec(),
        ledger: claims.iter().map(LedgerLine::from).collect(),
        delivery: None,
    }
}

impl From<&Claim> for LedgerLine {
    fn from(claim: &Claim) -> Self {
        Self {
            reference: claim.reference.clone(),
            record: claim.record.to_string(),
            version: claim.version,
            value: claim.value.clone(),
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
        role: None,
        fields: vec![
            Field::new("name", "Fenwick kettle"),
            Field::new("price", "£45.99"),
        ],
    }
}
