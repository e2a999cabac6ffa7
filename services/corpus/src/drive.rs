//! Plays an invented conversation through the real core, and exports what the model would see.

use mercer_conversation::intent::IntentQuestion;
use mercer_conversation::tools::{self, OrderStatus, ProductDetails};
use mercer_conversation::{Effect, State, decide, evolve, wanted};
use mercer_schemas::{
    Channel, ChatMessage, Content, CustomerId, DraftSource, Evidence, Generated, InboundMessage,
    Input, Intent, MessageId, Meta, Plan, PromptStyle, RenderedReply, Role, Settings, ToolCall,
    Verdict,
};

use crate::check;

/// What happens in one turn.
pub(crate) struct Gold {
    pub(crate) words: String,
    pub(crate) plan: Plan,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) identified: bool,
    pub(crate) reply: String,
    pub(crate) intent: &'static str,
}

/// A conversation that is being played.
pub(crate) struct Stage {
    state: State,
    meta: Meta,
    exported: Vec<ChatMessage>,
    asked: Vec<(IntentQuestion, Intent)>,
}

impl Stage {
    /// Opens the stage for a shop.
    pub(crate) fn new(shop_name: String) -> Self {
        let settings = Settings {
            shop_name,
            prompt_style: PromptStyle::Compact,
            history_chars_max: 1_500,
            output_tokens_max: 160,
            introduction: None,
            locale: String::new(),
            hints: true,
        };
        let meta = Meta {
            at_ms: 1_700_000_000_000,
            entropy: 1,
            settings,
        };
        Self {
            state: State::default(),
            meta,
            exported: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Plays one turn. False, and nothing changed, where the plan or the reply is not admissible.
    pub(crate) fn play(&mut self, gold: &Gold) -> bool {
        let before = self.state.clone();
        let asked = self.asked.len();
        if let Some(messages) = self.turn(gold).filter(|messages| grounded(messages)) {
            self.exported = messages;
            return true;
        }
        self.state = before;
        self.asked.truncate(asked);
        false
    }

    /// Returns the last prompt with its reply, and what an intent classifier learns from.
    pub(crate) fn into_lessons(self) -> (Vec<ChatMessage>, Vec<(IntentQuestion, Intent)>) {
        (self.exported, self.asked)
    }

    fn turn(&mut self, gold: &Gold) -> Option<Vec<ChatMessage>> {
        let message = InboundMessage {
            id: MessageId::from_parts(self.meta.at_ms, u128::from(self.meta.entropy)),
            provider_id: format!("m{}", self.meta.entropy),
            sent_at_ms: self.meta.at_ms,
            cut_from_chars: None,
            content: Content::Text {
                text: gold.words.as_str().into(),
            },
        };
        let effect = self.feed(&Input::ReceiveMessages {
            channel: Channel::Webchat,
            address: "guest".into(),
            messages: vec![message],
            terms: None,
        })?;
        let Effect::Generate {
            mut id,
            mut prompt,
            question,
            ..
        } = effect
        else {
            return None;
        };
        let turn = self.state.phase.turn()?;
        if !tools::admits(&self.state, turn, true, &gold.plan)
            || !check::reply_fits(&gold.reply, &gold.evidence, &gold.words)
        {
            return None;
        }
        #[cfg(test)]
        passes_the_rules(gold);
        self.asked.extend(question.zip(Intent::of(&gold.plan)));
        if !gold.plan.calls.is_empty() {
            let effect = self.feed(&Input::Generated {
                effect: id,
                output: generated(gold.plan.to_line()),
                intents: Vec::new(),
            })?;
            let identified = gold
                .identified
                .then(|| CustomerId::new("C-1").ok())
                .flatten();
            let effect = self.feed(&Input::ToolsAnswered {
                effect: effect.id().clone(),
                evidence: gold.evidence.clone(),
                identified,
                proof: None,
            })?;
            let Effect::Generate {
                id: next,
                prompt: extended,
                ..
            } = effect
            else {
                return None;
            };
            (id, prompt) = (next, extended);
        }
        prompt.push(ChatMessage::new(Role::Assistant, gold.reply.as_str()));
        let effect = self.feed(&Input::Generated {
            effect: id,
            output: generated(gold.reply.clone()),
            intents: Vec::new(),
        })?;
        let reply = RenderedReply {
            text: gold.reply.as_str().into(),
            cards: Vec::new(),
            claims: Vec::new(),
        };
        let passed = Verdict {
            rule: "gold".to_owned(),
            passed: true,
        };
        let checked = Input::ReplyChecked {
            effect: effect.id().clone(),
            verdicts: vec![passed],
            reply: Some(reply),
        };
        self.feed(&checked);
        Some(prompt)
    }

    fn feed(&mut self, input: &Input) -> Option<Effect> {
        self.meta.at_ms += 1_000;
        self.meta.entropy += 1;
        let events = decide(&self.state, input, &self.meta).ok()?;
        let state = std::mem::take(&mut self.state);
        self.state = events.iter().fold(state, evolve);
        debug_assert!(!matches!(
            &self.state.phase,
            mercer_conversation::Phase::Checking {
                source: DraftSource::Template,
                ..
            }
        ));
        wanted(&self.state, &self.meta.settings)
    }
}

/// Says whether every plan names only what its prompt still shows: compaction may have dropped the
/// turn in which a number was given, and a model must not learn to guess it.
fn grounded(messages: &[ChatMessage]) -> bool {
    let mut seen = String::new();
    messages.iter().all(|message| {
        let fits = message.role != Role::Assistant
            || serde_json::from_str::<Plan>(&message.content)
                .is_ok_and(|plan| plan.calls.iter().all(|call| names_seen(call, &seen)))
            || !message.content.starts_with("{\"calls\"");
        seen.push_str(&message.content);
        seen.push('\n');
        fits
    })
}

fn names_seen(call: &ToolCall, seen: &str) -> bool {
    if let Some(call) = call.arguments::<OrderStatus>() {
        return call.order.is_none_or(|order| seen.contains(&order));
    }
    call.arguments::<ProductDetails>().is_none() || seen.contains("p1 name=")
}

/// A model must not learn what the guardrails block.
#[cfg(test)]
fn passes_the_rules(gold: &Gold) {
    let policy = mercer_guardrails::ReplyPolicy::default();
    let verdicts = mercer_guardrails::check(&gold.reply, &gold.evidence, &gold.words, &policy);
    let broken: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule.as_str())
        .collect();
    assert!(broken.is_empty(), "{broken:?}: {}", gold.reply);
}

fn generated(text: String) -> Generated {
    Generated {
        text: text.into(),
        model: "gold".to_owned(),
        prompt_sha256: String::new(),
        prompt_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
        first_token_ms: 0,
        total_ms: 0,
    }
}
