//! What is recorded of a conversation: inputs, events and how they are stored.
//!
//! The log of a conversation is a sequence of [`LogRecord`]s. An input is followed by the events
//! that the core decided on it, so a replay can decide again and compare. A record's payload is
//! canonical JSON: fields in the order declared here, no spaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::{Channel, DeliveryStatus, InboundMessage, OutboundMessage};
use crate::evidence::{Evidence, RenderedReply, Verdict};
use crate::identity::{Detail, IdentityEnd, Proof};
use crate::ids::{ConversationId, CustomerId, EffectId, MessageId, ShopId, TurnId};
use crate::personal::Personal;
use crate::plan::{Intent, Plan};
use crate::terms::ShopTerms;

/// Most characters of what a model wrote that are kept. A plan or a reply is far shorter, and a
/// reply this long is blocked by its length: what is cut here would only fill the log.
pub const GENERATED_CHARS_MAX: usize = 8_192;

/// What the core may know of the world while it decides. Stored with the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// UTC milliseconds.
    pub at_ms: i64,
    /// Random bits for ids minted in this decision.
    pub entropy: u64,
    /// The shop's settings in force.
    pub settings: Settings,
}

/// Settings of a shop that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The shop's name for the system prompt.
    pub shop_name: String,
    /// `compact` for the models that we train, `full` for general chat models.
    pub prompt_style: PromptStyle,
    /// History beyond this many characters is compacted at the start of a turn.
    pub history_chars_max: usize,
    /// Most tokens of a plan or a reply.
    pub output_tokens_max: u32,
    /// What the first reply of a conversation begins with. Absent in older records, and where the
    /// shop wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduction: Option<String>,
    /// The shop's locale (BCP 47), by which values are worded. Empty in older records, whose values are
    /// texts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub locale: String,
    /// Whether lists of words that guess what a customer means are used; without them the model and
    /// the classifier decide alone. On in older records.
    #[serde(default = "on", skip_serializing_if = "is_on")]
    pub hints: bool,
}

fn on() -> bool {
    true
}

fn is_on(value: &bool) -> bool {
    *value
}

/// How much the system prompt explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptStyle {
    /// One line; the model was trained on the rest.
    Compact,
    /// As compact, with the shop's names in front; calls have free words.
    Shop,
    /// Tools, formats and rules spelt out.
    Full,
}

/// Who acts from the retailer's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ActionBy {
    /// Id of the admin key used.
    pub key_id: String,
}

/// Why a person is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandoffReason {
    /// The customer asked for one.
    Asked,
    /// The customer complains.
    Complaint,
    /// Mercer cannot answer.
    Unable,
    /// An input could not be processed.
    Failure,
    /// Details did not prove who writes as often as they may.
    Identity,
}

/// What a model wrote, with what is needed to account for it. Recorded once, never asked again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Generated {
    /// The text.
    pub text: Personal<String>,
    /// Model that wrote it: name and file hash.
    pub model: String,
    /// SHA-256 of the prompt's tokens, hexadecimal.
    pub prompt_sha256: String,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Of these, tokens that were still in the KV cache.
    pub cached_tokens: u32,
    /// Tokens written.
    pub output_tokens: u32,
    /// Milliseconds from request to first token.
    pub first_token_ms: u32,
    /// Milliseconds from request to end.
    pub total_ms: u32,
}

impl Generated {
    /// Cuts the text to [`GENERATED_CHARS_MAX`]. Whoever makes one of what a worker said calls it,
    /// before it is stored.
    pub fn bounded(mut self) -> Self {
        if let Some((end, _)) = self.text.expose().char_indices().nth(GENERATED_CHARS_MAX) {
            self.text = Personal::new(self.text.expose()[..end].to_owned());
        }
        self
    }
}

/// What happened in the world. Inputs are imperative or reports; each is stored before it acts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Input {
    /// Open messages of the customer, in order.
    ReceiveMessages {
        /// Where they came from.
        channel: Channel,
        /// The customer's address on that channel.
        address: Personal<String>,
        /// The messages, at least one.
        messages: Vec<InboundMessage>,
        /// The shop's names, where the model knows how to use them and the conversation has none yet, or
        /// has rested and has others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<ShopTerms>,
    },
    /// The model wrote on: calls, or the reply with references unfilled.
    Generated {
        /// The effect that asked for it.
        effect: EffectId,
        /// What it wrote.
        output: Generated,
        /// Intents that a classifier narrowed the grammar to; empty where it did not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        intents: Vec<Intent>,
    },
    /// The model wrote a plan. Of logic versions up to 5, whose turns had one.
    PlanGenerated {
        /// The effect that asked for it.
        effect: EffectId,
        /// What it wrote.
        output: Generated,
        /// Intents that a classifier narrowed the grammar to; empty where it did not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        intents: Vec<Intent>,
    },
    /// The tools answered.
    ToolsAnswered {
        /// The effect that asked.
        effect: EffectId,
        /// What they found.
        evidence: Vec<Evidence>,
        /// The customer whose identity was proven, if it was.
        #[serde(default)]
        identified: Option<CustomerId>,
        /// What was found out about who writes; none where no order was asked for or looked up, and in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Proof>,
    },
    /// The model wrote a reply. Of logic versions up to 5.
    ReplyGenerated {
        /// The effect that asked for it.
        effect: EffectId,
        /// What it wrote, references unfilled.
        output: Generated,
    },
    /// The guardrails looked at a reply and, where they let it pass, filled it.
    ReplyChecked {
        /// The effect that asked.
        effect: EffectId,
        /// One per rule that ran.
        verdicts: Vec<Verdict>,
        /// The filled reply, or none where a rule blocked it.
        reply: Option<RenderedReply>,
    },
    /// An effect could not be carried out.
    EffectFailed {
        /// Which one.
        effect: EffectId,
        /// Stable word for the cause, for instance `deadline`, `model_error`.
        cause: String,
    },
    /// The platform reported on a sent message.
    DeliveryReported {
        /// Which message.
        message: MessageId,
        /// How far it got.
        status: DeliveryStatus,
    },
    /// A person of the retailer takes the conversation over.
    TakeOver {
        /// Who.
        by: ActionBy,
    },
    /// A person of the retailer answers.
    AnswerAsPerson {
        /// Who.
        by: ActionBy,
        /// Their words.
        text: Personal<String>,
    },
    /// The conversation goes back to Mercer.
    HandBack {
        /// Who.
        by: ActionBy,
    },
    /// Processing an input crashed repeatedly; it is set aside.
    Quarantine {
        /// Ids of the inbox rows set aside.
        inbox_ids: Vec<i64>,
        /// Who wrote them, where there was a message among them: the conversation may not have
        /// begun, and the writer is owed an answer all the same. Absent in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Sender>,
        /// Whether a wish of a person of the shop was among them, so that they have to be told.
        /// Absent in older records.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_person: bool,
    },
}

/// Who wrote a message, and where.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    /// The channel.
    pub channel: Channel,
    /// The customer's address on it.
    pub address: Personal<String>,
}

/// What the core decided. Past tense; the state is nothing but these, folded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first message opened the conversation.
    ConversationStarted {
        /// Where.
        channel: Channel,
        /// The customer's address on that channel.
        address: Personal<String>,
    },
    /// The conversation has these names of the shop from here on: calls choose from them.
    TermsLearnt {
        /// The names.
        terms: ShopTerms,
    },
    /// A customer's message belongs to the conversation now.
    MessageReceived {
        /// The message.
        message: InboundMessage,
    },
    /// Old turns left the prompt.
    HistoryCompacted {
        /// How many, from the oldest.
        turns: usize,
    },
    /// A turn began. In records of logic versions up to 4 also: it began again because a message
    /// came in while it ran.
    TurnStarted {
        /// The turn.
        turn: TurnId,
        /// 0; in older records one more for every message that was merged in.
        attempt: u32,
        /// The customer's words of the whole turn.
        words: Personal<String>,
        /// Whether the customer wrote more than these.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// A turn began again because messages came in while it ran.
    TurnExtended {
        /// The turn.
        turn: TurnId,
        /// One more than before.
        attempt: u32,
        /// Words that the turn has now beside those it had. Empty where no more fit.
        words: Personal<String>,
        /// Whether the customer wrote more than the turn holds.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// The calls of a round: the model's, or the look-up that a turn begins with. Without any, the model is to reply.
    PlanMade {
        /// The turn.
        turn: TurnId,
        /// The calls.
        plan: Plan,
    },
    /// The evidence of a round is in.
    EvidenceGathered {
        /// The turn.
        turn: TurnId,
        /// What may be spoken of, beside that of earlier rounds.
        evidence: Vec<Evidence>,
    },
    /// The customer proved who they are.
    CustomerIdentified {
        /// Who they are.
        customer: CustomerId,
        /// Fingerprint of what the proof rests on; none in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stamp: Option<Personal<String>>,
        /// When, UTC milliseconds; 0 in older records.
        #[serde(default, skip_serializing_if = "is_zero")]
        at_ms: i64,
    },
    /// What proved who writes does not hold any more.
    IdentityEnded {
        /// Why.
        cause: IdentityEnd,
    },
    /// Details were given to prove who writes.
    ProofTried {
        /// They were compared, and are no proof.
        wrong: bool,
        /// What is remembered of them.
        given: Vec<Detail>,
        /// When, UTC milliseconds.
        at_ms: i64,
    },
    /// A reply was written, by the model or from a template.
    ReplyDrafted {
        /// The turn.
        turn: TurnId,
        /// The reply with references unfilled.
        draft: Personal<String>,
        /// Where it came from.
        source: DraftSource,
    },
    /// A draft was not let through.
    ReplyBlocked {
        /// The turn.
        turn: TurnId,
        /// What the rules said.
        verdicts: Vec<Verdict>,
    },
    /// A message to the customer is in the outbox.
    ReplyQueued {
        /// The turn, or none for a message that no turn caused.
        turn: Option<TurnId>,
        /// Id of the message; unique in the outbox.
        message: MessageId,
        /// What is sent.
        content: OutboundMessage,
        /// What the rules said.
        verdicts: Vec<Verdict>,
        /// The ledger.
        claims: Vec<crate::evidence::Claim>,
    },
    /// The turn is over.
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// Whether what it needed could not be read: the customer was told so instead of being
        /// answered. Absent in older records, which called a person then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
        /// Whether what an earlier turn needed still could not be read: this one looked nothing up.
        /// Absent in older records, where such a turn ended that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        still_failed: bool,
    },
    /// A person has been called; Mercer stays silent until the conversation is handed back.
    HandedOver {
        /// Why.
        reason: HandoffReason,
    },
    /// A person took the conversation.
    TakenOver {
        /// Who.
        by: ActionBy,
    },
    /// The conversation is Mercer's again.
    HandedBack {
        /// Who gave it back.
        by: ActionBy,
    },
    /// The platform's reports on a message moved on.
    DeliveryUpdated {
        /// Which message.
        message: MessageId,
        /// How far it got.
        status: DeliveryStatus,
    },
    /// Inputs were set aside after repeated crashes.
    InputQuarantined {
        /// Ids of the inbox rows.
        inbox_ids: Vec<i64>,
    },
}

/// Where a draft came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DraftSource {
    /// First try of the model.
    Model,
    /// Second try, after a rule blocked the first.
    Repair,
    /// Built from the evidence in code.
    Template,
}

impl Event {
    /// Returns the type's name as stored.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::ConversationStarted { .. } => "conversation_started",
            Self::TermsLearnt { .. } => "terms_learnt",
            Self::MessageReceived { .. } => "message_received",
            Self::HistoryCompacted { .. } => "history_compacted",
            Self::TurnStarted { .. } => "turn_started",
            Self::TurnExtended { .. } => "turn_extended",
            Self::PlanMade { .. } => "plan_made",
            Self::EvidenceGathered { .. } => "evidence_gathered",
            Self::CustomerIdentified { .. } => "customer_identified",
            Self::IdentityEnded { .. } => "identity_ended",
            Self::ProofTried { .. } => "proof_tried",
            Self::ReplyDrafted { .. } => "reply_drafted",
            Self::ReplyBlocked { .. } => "reply_blocked",
            Self::ReplyQueued { .. } => "reply_queued",
            Self::TurnEnded { .. } => "turn_ended",
            Self::HandedOver { .. } => "handed_over",
            Self::TakenOver { .. } => "taken_over",
            Self::HandedBack { .. } => "handed_back",
            Self::DeliveryUpdated { .. } => "delivery_updated",
            Self::InputQuarantined { .. } => "input_quarantined",
        }
    }
}

impl Input {
    /// Returns the type's name as stored.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::ReceiveMessages { .. } => "receive_messages",
            Self::Generated { .. } => "generated",
            Self::PlanGenerated { .. } => "plan_generated",
            Self::ToolsAnswered { .. } => "tools_answered",
            Self::ReplyGenerated { .. } => "reply_generated",
            Self::ReplyChecked { .. } => "reply_checked",
            Self::EffectFailed { .. } => "effect_failed",
            Self::DeliveryReported { .. } => "delivery_reported",
            Self::TakeOver { .. } => "take_over",
            Self::AnswerAsPerson { .. } => "answer_as_person",
            Self::HandBack { .. } => "hand_back",
            Self::Quarantine { .. } => "quarantine",
        }
    }
}

/// One row of a conversation's log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Position in the conversation, from 1 without gaps.
    pub seq: u64,
    /// When it was written, UTC milliseconds.
    pub at_ms: i64,
    /// Epoch of the owner that wrote it; never falls within a conversation.
    pub epoch: i64,
    /// Version of the decision logic that wrote it (`mercer_conversation::LOGIC_VERSION`).
    pub logic_version: u32,
    /// What was written.
    pub body: LogBody,
}

/// An input with what the core knew, or an event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogBody {
    /// An input; the events up to the next input were decided on it.
    Input {
        /// The input.
        input: Input,
        /// What the core knew.
        meta: Meta,
    },
    /// An event.
    Event {
        /// The event.
        event: Event,
    },
}

fn is_zero(at_ms: &i64) -> bool {
    *at_ms == 0
}

/// Names a conversation within its shop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// The shop.
    pub shop: ShopId,
    /// The conversation.
    pub conversation: ConversationId,
}
