//! The log as a person reads it.

use mercer_conversation::{Effect, State, evolve, prompt, wanted};
use mercer_schemas::{
    Content, Event, Evidence, Generated, InboundMessage, Input, LogBody, LogRecord, Plan, Settings,
    Verdict,
};
use serde::Serialize;

/// One line of the timeline with what stands behind it. Holds the customer's words: for eyes with
/// the right to replay, never for a log.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Position in the log.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Kind of the record, for instance `reply_queued`.
    pub kind: String,
    /// What happened, in one line.
    pub title: String,
    /// More, as lines.
    pub detail: Vec<String>,
}

/// Lays a log out, record by record from its first. Prompts of this version are rebuilt from the state,
/// exactly as they were sent.
#[derive(Default)]
pub struct Timeline {
    state: State,
    /// The shop's locale at the latest input.
    locale: String,
}

impl Timeline {
    /// Returns the line of the log's next record.
    pub fn take(&mut self, record: &LogRecord) -> Entry {
        let (kind, title, detail) = match &record.body {
            LogBody::Input { input, meta } => {
                self.locale.clone_from(&meta.settings.locale);
                let (title, mut detail) = input_text(input, &self.locale);
                if matches!(input, Input::Generated { .. }) {
                    detail.extend(prompt_lines(&self.state, &meta.settings));
                }
                (input.type_name(), title, detail)
            }
            LogBody::Event { event } => {
                self.state = evolve(std::mem::take(&mut self.state), event);
                let (title, detail) = event_text(event, &self.locale);
                (event.type_name(), title, detail)
            }
        };
        Entry {
            seq: record.seq,
            at_ms: record.at_ms,
            kind: kind.to_owned(),
            title,
            detail,
        }
    }
}

/// The prompt that the state's open effect sends.
fn prompt_lines(state: &State, settings: &Settings) -> Vec<String> {
    match wanted(state, settings) {
        Some(Effect::Generate { prompt, .. }) => prompt
            .iter()
            .map(|message| format!("prompt {}: {}", message.role.as_str(), message.content))
            .collect(),
        _ => Vec::new(),
    }
}

fn input_text(input: &Input, locale: &str) -> (String, Vec<String>) {
    match input {
        Input::ReceiveMessages { messages, .. } => {
            let lines = messages.iter().flat_map(message_lines);
            (
                format!("{} message(s) came in", messages.len()),
                lines.collect(),
            )
        }
        Input::Generated {
            output, intents, ..
        }
        | Input::PlanGenerated {
            output, intents, ..
        } => {
            let is_plan = Plan::is_begun_by(output.text.expose());
            let what = if is_plan { "plan" } else { "reply" };
            let (title, mut lines) = generated(what, output);
            if !intents.is_empty() {
                let names: Vec<&str> = intents.iter().map(|intent| intent.name()).collect();
                lines.push(format!("narrowed to {}", names.join(", ")));
            }
            (title, lines)
        }
        Input::ReplyGenerated { output, .. } => generated("reply", output),
        Input::ToolsAnswered { evidence, .. } => (
            "tools answered".to_owned(),
            evidence_lines(evidence, locale),
        ),
        Input::ReplyChecked {
            verdicts, reply, ..
        } => {
            let outcome = if reply.is_some() { "passed" } else { "blocked" };
            (format!("guardrails: {outcome}"), verdict_lines(verdicts))
        }
        Input::EffectFailed { effect, cause } => (format!("{effect} failed: {cause}"), Vec::new()),
        Input::DeliveryReported { message, status } => {
            (format!("{message} reported {status:?}"), Vec::new())
        }
        Input::TakeOver { by } => (format!("{} takes over", by.key_id), Vec::new()),
        Input::AnswerAsPerson { by, text } => (
            format!("{} answers", by.key_id),
            vec![text.expose().clone()],
        ),
        Input::HandBack { by } => (format!("{} hands back", by.key_id), Vec::new()),
        Input::Quarantine { inbox_ids, .. } => {
            (format!("inbox rows {inbox_ids:?} set aside"), Vec::new())
        }
    }
}

fn message_lines(message: &InboundMessage) -> Vec<String> {
    let mut lines = vec![match &message.content {
        Content::Text { text } => format!("customer: {}", text.expose()),
        Content::Choice { title, .. } => format!("customer chose: {}", title.expose()),
        Content::Unsupported { kind_name, .. } => format!("customer sent: {kind_name}"),
    }];
    let cut = message.cut_from_chars;
    lines.extend(cut.map(|chars| format!("cut at the channel's limit; it had {chars} characters")));
    lines
}

fn generated(what: &str, output: &Generated) -> (String, Vec<String>) {
    let title = format!(
        "model wrote a {what}: {} tokens in {} ms (first after {} ms), prompt {} tokens, {} cached",
        output.output_tokens,
        output.total_ms,
        output.first_token_ms,
        output.prompt_tokens,
        output.cached_tokens
    );
    let detail = vec![
        format!("text: {}", output.text.expose()),
        format!("model: {}", output.model),
        format!("prompt sha256: {}", output.prompt_sha256),
    ];
    (title, detail)
}

fn event_text(event: &Event, locale: &str) -> (String, Vec<String>) {
    match event {
        Event::ConversationStarted { channel, .. } => (
            format!("conversation started on {}", channel.as_str()),
            Vec::new(),
        ),
        Event::TermsLearnt { terms } => {
            let lists = [
                format!("categories: {}", terms.categories.join(", ")),
                format!("brands: {}", terms.brands.join(", ")),
            ];
            ("the shop's names".to_owned(), lists.to_vec())
        }
        Event::MessageReceived { message } => {
            (format!("message {} received", message.id), Vec::new())
        }
        Event::HistoryCompacted { turns } => {
            (format!("{turns} old turns left the prompt"), Vec::new())
        }
        Event::TurnStarted {
            turn, attempt, cut, ..
        } => (
            format!("{turn} started, attempt {attempt}"),
            more_written(*cut),
        ),
        Event::TurnExtended {
            turn, attempt, cut, ..
        } => (
            format!("{turn} began again, attempt {attempt}"),
            more_written(*cut),
        ),
        Event::PlanMade { plan, .. } => ("plan".to_owned(), vec![plan.to_line()]),
        Event::EvidenceGathered { evidence, .. } => {
            ("evidence".to_owned(), evidence_lines(evidence, locale))
        }
        Event::CustomerIdentified { customer, .. } => {
            (format!("customer {customer} identified"), Vec::new())
        }
        Event::IdentityEnded { cause } => (format!("identity ended ({cause:?})"), Vec::new()),
        Event::ProofTried { wrong, given, .. } => {
            let title = if *wrong {
                "a wrong proof of identity"
            } else {
                "details towards a proof of identity"
            };
            let lines = given.iter().map(|detail| {
                let fits = if detail.fits {
                    "fits a record"
                } else {
                    "fits nothing"
                };
                format!("{} {fits}", detail.key.expose())
            });
            (title.to_owned(), lines.collect())
        }
        Event::ReplyDrafted { draft, source, .. } => {
            (format!("draft ({source:?})"), vec![draft.expose().clone()])
        }
        Event::ReplyBlocked { verdicts, .. } => {
            ("draft blocked".to_owned(), verdict_lines(verdicts))
        }
        Event::ReplyQueued {
            message,
            content,
            claims,
            ..
        } => {
            let mut detail = vec![format!("shop: {}", content.text.expose())];
            detail.extend(claims.iter().map(|claim| {
                format!(
                    "claim {} = {} from {} version {}",
                    claim.reference,
                    claim.value.expose(),
                    claim.record,
                    claim.version
                )
            }));
            (format!("message {message} queued"), detail)
        }
        Event::TurnEnded {
            turn,
            failed: false,
            ..
        } => (format!("{turn} ended"), Vec::new()),
        Event::TurnEnded {
            turn, failed: true, ..
        } => (format!("{turn} ended without an answer"), Vec::new()),
        Event::HandedOver { reason } => (format!("handed over: {reason:?}"), Vec::new()),
        Event::TakenOver { by } => (format!("taken over by {}", by.key_id), Vec::new()),
        Event::HandedBack { by } => (format!("handed back by {}", by.key_id), Vec::new()),
        Event::DeliveryUpdated { message, status } => {
            (format!("{message} is {status:?}"), Vec::new())
        }
        Event::InputQuarantined { inbox_ids } => {
            (format!("inbox rows {inbox_ids:?} quarantined"), Vec::new())
        }
    }
}

fn more_written(cut: bool) -> Vec<String> {
    let line = "the customer wrote more than the turn holds; the reply says so";
    cut.then(|| line.to_owned()).into_iter().collect()
}

fn evidence_lines(evidence: &[Evidence], locale: &str) -> Vec<String> {
    let text = prompt::evidence_text(evidence, locale);
    let records = evidence.iter().filter_map(|line| match line {
        Evidence::Record {
            handle,
            key,
            version,
            ..
        } => Some(format!("{handle} is {key} version {version}")),
        _ => None,
    });
    text.lines().map(str::to_owned).chain(records).collect()
}

fn verdict_lines(verdicts: &[Verdict]) -> Vec<String> {
    verdicts
        .iter()
        .map(|verdict| {
            format!(
                "{} {}",
                if verdict.passed { "pass" } else { "BLOCK" },
                verdict.rule
            )
        })
        .collect()
}
