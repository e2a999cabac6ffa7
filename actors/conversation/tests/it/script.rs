//! Plays a conversation through the core and keeps its log, as the runtime would.

use mercer_conversation::{LOGIC_VERSION, State, decide, evolve, invariants, wanted};
use mercer_schemas::{
    ActionBy, Channel, Content, EffectId, Evidence, Field, Generated, Handle, InboundMessage,
    Input, LogBody, LogRecord, MessageId, Meta, ProductId, PromptStyle, RecordKey, RenderedReply,
    Settings, ShopTerms, Verdict,
};

/// A conversation that is played.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) state: State,
    pub(crate) records: Vec<LogRecord>,
    /// The shop's locale, where values have types.
    pub(crate) locale: &'static str,
    /// The shop's names, where a model writes that chooses from them.
    pub(crate) terms: Option<ShopTerms>,
    /// What the first reply begins with.
    pub(crate) introduction: Option<&'static str>,
    at: u64,
}

impl Script {
    /// Takes an input, which must not be refused; returns how many bytes are stored of it.
    pub(crate) fn take(&mut self, input: Input) -> usize {
        let before = self.records.len();
        self.at += 1;
        let mut meta = meta(self.at);
        if self.terms.is_some() {
            meta.settings.prompt_style = PromptStyle::Shop;
        }
        meta.settings.locale = self.locale.to_owned();
        meta.settings.introduction = self.introduction.map(str::to_owned);
        let events = decide(&self.state, &input, &meta).expect("not refused");
        let bodies = std::iter::once(LogBody::Input {
            input,
            meta: meta.clone(),
        });
        let bodies = bodies.chain(events.into_iter().map(|event| LogBody::Event { event }));
        for body in bodies {
            if let LogBody::Event { event } = &body {
                self.state = evolve(std::mem::take(&mut self.state), event);
                invariants::check(&self.state).expect("invariants hold");
            }
            self.records.push(LogRecord {
                seq: self.records.len() as u64 + 1,
                at_ms: meta.at_ms,
                epoch: 1,
                logic_version: LOGIC_VERSION,
                body,
            });
        }
        let stored = self.records[before..].iter();
        stored
            .map(|record| serde_json::to_vec(&record.body).expect("json").len())
            .sum()
    }

    /// Forgets the records, for long conversations.
    pub(crate) fn forget_records(&mut self) {
        self.records.clear();
    }

    pub(crate) fn says(&mut self, text: &str) -> usize {
        let number = self.at + 1;
        let mut input = received(vec![message(number, text)]);
        if let Input::ReceiveMessages { terms, .. } = &mut input {
            terms.clone_from(&self.terms);
        }
        self.take(input)
    }

    pub(crate) fn plan(&mut self, json: &str) {
        let effect = self.effect();
        self.take(Input::Generated {
            effect,
            output: written(json),
            intents: vec![],
        });
    }

    pub(crate) fn find(&mut self, evidence: Vec<Evidence>) {
        let effect = self.effect();
        self.take(Input::ToolsAnswered {
            effect,
            evidence,
            identified: None,
            proof: None,
        });
    }

    pub(crate) fn write(&mut self, text: &str) {
        let effect = self.effect();
        self.take(Input::Generated {
            effect,
            output: written(text),
            intents: vec![],
        });
    }

    pub(crate) fn check(&mut self, reply: Option<&str>) {
        let effect = self.effect();
        self.take(Input::ReplyChecked {
            effect,
            verdicts: vec![Verdict {
                rule: "money_in_words".into(),
                passed: reply.is_some(),
            }],
            reply: reply.map(|text| RenderedReply {
                text: text.into(),
                cards: vec![],
                claims: vec![],
            }),
        });
    }

    pub(crate) fn fail(&mut self) {
        let effect = self.effect();
        self.take(Input::EffectFailed {
            effect,
            cause: "deadline".into(),
        });
    }

    pub(crate) fn take_over(&mut self) {
        self.take(Input::TakeOver { by: operator() });
    }

    pub(crate) fn answer(&mut self, text: &str) -> usize {
        self.take(Input::AnswerAsPerson {
            by: operator(),
            text: text.into(),
        })
    }

    pub(crate) fn hand_back(&mut self) {
        self.take(Input::HandBack { by: operator() });
    }

    pub(crate) fn effect(&self) -> EffectId {
        wanted(&self.state, &meta(0).settings)
            .expect("an effect is open")
            .id()
            .clone()
    }
}

pub(crate) fn meta(at: u64) -> Meta {
    Meta {
        at_ms: 1_790_000_000_000 + at as i64,
        entropy: at,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Compact,
            history_chars_max: 2_000,
            output_tokens_max: 160,
            introduction: None,
            locale: String::new(),
            hints: true,
        },
    }
}

pub(crate) fn received(messages: Vec<InboundMessage>) -> Input {
    Input::ReceiveMessages {
        channel: Channel::Whatsapp,
        address: "447700900001".into(),
        messages,
        terms: None,
    }
}

pub(crate) fn message(number: u64, text: &str) -> InboundMessage {
    InboundMessage {
        id: MessageId::from_parts(1_790_000_000_000, u128::from(number)),
        provider_id: format!("wamid.{number}"),
        sent_at_ms: 1_790_000_000_000,
        content: Content::Text { text: text.into() },
        cut_from_chars: None,
    }
}

pub(crate) fn written(text: &str) -> Generated {
    Generated {
        text: text.into(),
        model: "mercer-chat-v1".into(),
        prompt_sha256: String::new(),
        prompt_tokens: 120,
        cached_tokens: 100,
        output_tokens: 20,
        first_token_ms: 30,
        total_ms: 90,
    }
}

pub(crate) fn product(number: usize, name: &str) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 3,
        role: None,
        tool: None,
        fields: vec![
            Field::new("name", name),
            Field::new("price", "£45.99"),
            Field::new("stock", "in stock"),
        ],
    }
}

fn operator() -> ActionBy {
    ActionBy {
        key_id: "key_1".into(),
    }
}
