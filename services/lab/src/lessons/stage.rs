//! A conversation that is played: inputs into the core, and what the tools answer.

use anyhow::bail;
use mercer_commerce::Request;
use mercer_conversation::tools::{ProductDetails, SearchCatalog};
use mercer_conversation::{Effect, Phase, Rounds, State, decide, evolve, wanted};
use mercer_corpus::written::{Call, Dialogue, Turn};
use mercer_guardrails::ReplyPolicy;
use mercer_schemas::plan::CALLS_MAX;
use mercer_schemas::{
    ActionBy, Channel, ChatMessage, Content, Evidence, Generated, InboundMessage, Input, MessageId,
    Meta, Plan, PromptStyle, RecordKey, RenderedReply, Role, Settings, ToolCall,
};

use super::reply::reply;
use super::school::{Obstacle, School};
use crate::shops::AT_MS;

/// Characters of history: a lesson is one sequence, so nothing leaves its prompt.
const HISTORY_CHARS_MAX: usize = 1_000_000;
/// Address of a customer whom no shop knows.
const STRANGER: &str = "stranger";

/// A conversation that is played.
pub(super) struct Stage<'a> {
    pub(super) school: &'a School,
    pub(super) state: State,
    meta: Meta,
    channel: Channel,
    address: String,
    /// Places of replies that the rules would block, and by which: they are read, and not learnt.
    pub(super) blocked: Vec<(usize, Vec<String>)>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(school: &'a School, dialogue: &Dialogue) -> Self {
        // A number proves who writes as WhatsApp's does; which channel it is, the prompt does not say.
        let channel = match dialogue.channel.as_str() {
            "webchat" => Channel::Webchat,
            _ => Channel::Whatsapp,
        };
        let settings = Settings {
            shop_name: school.shop.name.clone(),
            prompt_style: PromptStyle::Shop,
            history_chars_max: HISTORY_CHARS_MAX,
            output_tokens_max: 256,
            introduction: None,
            locale: school.shop.locale.clone(),
            hints: false,
        };
        let from = dialogue.from.as_deref().unwrap_or(STRANGER);
        Self {
            school,
            state: State::default(),
            meta: Meta {
                at_ms: AT_MS,
                entropy: 1,
                settings,
            },
            channel,
            address: from.trim_start_matches('+').to_owned(),
            blocked: Vec::new(),
        }
    }

    /// Plays a turn; returns the prompt of its reply, with the reply.
    pub(super) async fn turn(
        &mut self,
        turn: &Turn,
    ) -> anyhow::Result<Result<Vec<ChatMessage>, Obstacle>> {
        if self.state.phase == Phase::WithPerson {
            let by = ActionBy {
                key_id: "lesson".to_owned(),
            };
            self.feed(&Input::HandBack { by })?;
        }
        let message = InboundMessage {
            id: MessageId::from_parts(self.meta.at_ms, u128::from(self.meta.entropy)),
            provider_id: format!("m{}", self.meta.entropy),
            sent_at_ms: self.meta.at_ms,
            cut_from_chars: None,
            content: Content::Text {
                text: turn.customer.trim().into(),
            },
        };
        self.feed(&Input::ReceiveMessages {
            channel: self.channel,
            address: self.address.as_str().into(),
            messages: vec![message],
            terms: Some(self.school.terms.clone()),
        })?;
        self.run_tools().await?;
        for (calls, next) in [(&turn.calls, turn.more.as_slice()), (&turn.more, &[])] {
            let calls = &self.needed(turn, calls);
            // What was never shown is searched for by its name first.
            if let Err(obstacle) = self.show(calls).await? {
                return Ok(Err(obstacle));
            }
            // A search asks at once for what would be looked up next.
            let about: Vec<String> = next.iter().flat_map(about).cloned().collect();
            let about = self.known_fields(&about);
            for calls in calls.chunks(CALLS_MAX) {
                let left = calls.iter().filter(|call| !self.has_told(turn, call));
                let left: Vec<Call> = left.cloned().collect();
                if let Err(obstacle) = self.call_known(turn, &left, &about).await? {
                    return Ok(Err(obstacle));
                }
            }
        }
        // What the reply tells and was not found yet is looked up.
        let missing = self.missing(turn);
        for (product, about) in missing {
            if let Err(obstacle) = self.look_up(turn, &product, &about).await? {
                return Ok(Err(obstacle));
            }
        }
        let evidence = self.evidence();
        let reply = match reply(turn, &evidence) {
            Ok(reply) => reply,
            Err(obstacle) => return Ok(Err(obstacle)),
        };
        let policy = ReplyPolicy::default();
        let verdicts = mercer_guardrails::check(&reply, &evidence, &turn.customer, &policy);
        let Some(Effect::Generate { mut prompt, .. }) = self.wanted() else {
            bail!("no reply is wanted");
        };
        prompt.push(ChatMessage::new(Role::Assistant, reply.as_str()));
        let blocking = verdicts.into_iter().filter(|verdict| !verdict.passed);
        let rules: Vec<String> = blocking.map(|verdict| verdict.rule).collect();
        if !rules.is_empty() {
            self.blocked.push((prompt.len() - 1, rules));
        }
        self.write(&reply)?;
        let Some(Effect::CheckReply { id, .. }) = self.wanted() else {
            return Ok(Err(("a reply that is not taken", reply)));
        };
        self.feed(&Input::ReplyChecked {
            effect: id,
            verdicts: Vec::new(),
            reply: Some(RenderedReply {
                text: reply.as_str().into(),
                cards: Vec::new(),
                claims: Vec::new(),
            }),
        })?;
        Ok(Ok(prompt))
    }

    /// Makes calls as far as a model can know what they say, and as they were written where that brings more.
    async fn call_known(
        &mut self,
        turn: &Turn,
        calls: &[Call],
        about: &[String],
    ) -> anyhow::Result<Result<(), Obstacle>> {
        let known: Vec<Call> = calls.iter().map(|call| self.known(turn, call)).collect();
        let before = self.state.clone();
        let made = self.make(turn, &known, about).await?;
        let lacking = self.lacking(turn);
        if made.is_ok() && lacking == 0 {
            return Ok(made);
        }
        let after = std::mem::replace(&mut self.state, before);
        let written = self.make(turn, calls, about).await?;
        if made.is_ok() && (written.is_err() || self.lacking(turn) >= lacking) {
            self.state = after;
            return Ok(made);
        }
        Ok(written)
    }

    async fn make(
        &mut self,
        turn: &Turn,
        calls: &[Call],
        about: &[String],
    ) -> anyhow::Result<Result<(), Obstacle>> {
        let calls: Result<Vec<ToolCall>, Obstacle> = calls
            .iter()
            .map(|call| self.call(turn, call, about))
            .collect();
        match calls {
            Ok(calls) => self.round(calls).await,
            Err(obstacle) => Ok(Err(obstacle)),
        }
    }

    pub(super) fn evidence(&self) -> Vec<Evidence> {
        self.state
            .phase
            .rounds()
            .map(Rounds::all_evidence)
            .unwrap_or_default()
    }

    /// Runs a round of calls.
    async fn round(&mut self, calls: Vec<ToolCall>) -> anyhow::Result<Result<(), Obstacle>> {
        // What was looked up in this turn is not looked up again.
        let made = self.state.phase.rounds().cloned().unwrap_or_default();
        let is_new = |call: &ToolCall| made.calls().all(|known| known != call);
        let calls: Vec<ToolCall> = calls.into_iter().filter(is_new).collect();
        if calls.is_empty() {
            return Ok(Ok(()));
        }
        let plan = Plan { calls };
        let line = plan.to_line();
        self.write(&line)?;
        match self.wanted() {
            Some(Effect::CallTools { lookup, .. }) if lookup.plan == plan => {
                self.run_tools().await?;
                Ok(Ok(()))
            }
            _ => Ok(Err(("a call that is not admitted", line))),
        }
    }

    /// Runs the tools that are called now.
    async fn run_tools(&mut self) -> anyhow::Result<()> {
        let Some(Effect::CallTools { id, lookup }) = self.wanted() else {
            bail!("no tools are called");
        };
        let request = Request {
            shop: &self.school.shop,
            channel: self.channel,
            address: &self.address.as_str().into(),
            customer: lookup.customer.as_ref(),
            identity: &lookup.identity,
            attempt: &lookup.attempt,
            shown: &lookup.shown,
            found: &lookup.found,
            spoken_of: &lookup.spoken_of,
            told: &lookup.told,
            passages: &lookup.passages,
            plan: &lookup.plan,
            words: &lookup.words,
            hints: lookup.hints,
            is_open: lookup.is_open,
            at_ms: AT_MS,
        };
        let answer = self.school.tools.run(&request).await?;
        self.feed(&Input::ToolsAnswered {
            effect: id,
            evidence: answer.evidence,
            identified: answer.identified,
            proof: answer.proof,
        })
    }

    pub(super) fn handle(&self, product: &str) -> Option<String> {
        let known = self.state.known();
        let is_it =
            |key: &RecordKey| matches!(key, RecordKey::Product(id) if id.as_str() == product);
        let found = known.iter().find(|(_, key)| is_it(key));
        found.map(|(handle, _)| handle.to_string())
    }

    /// Searches by name for the products that calls name and that were not shown.
    async fn show(&mut self, calls: &[Call]) -> anyhow::Result<Result<(), Obstacle>> {
        let named = calls.iter().flat_map(|call| match call {
            Call::Details(details) => details
                .products
                .iter()
                .map(|id| (id, details.about.as_slice()))
                .collect(),
            _ => Vec::new(),
        });
        let unknown: Vec<(&String, &[String])> =
            named.filter(|(id, _)| self.handle(id).is_none()).collect();
        for named in unknown.chunks(CALLS_MAX) {
            let titles: Option<Vec<&str>> = named
                .iter()
                .map(|(id, _)| Some(self.school.product(id)?.title.as_str()))
                .collect();
            let Some(titles) = titles else {
                return Ok(Err(("a product that there is not", format!("{named:?}"))));
            };
            let searches = |names: &[String]| -> Vec<ToolCall> {
                let named = names.iter().zip(named);
                let search = |(name, (_, about)): (&String, &(&String, &[String]))| {
                    let about = self.known_fields(about);
                    ToolCall::new(&SearchCatalog {
                        query: name.as_str().into(),
                        about: about.into_iter().map(Into::into).collect(),
                        ..SearchCatalog::default()
                    })
                };
                named.map(search).collect()
            };
            // By the part of its name that somebody has said, unless that does not find it.
            let known = titles.iter().map(|title| self.known_name(title));
            let known: Option<Vec<String>> = known.collect();
            let known = known.map(|names| searches(&names));
            let whole: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
            let whole = searches(&whole);
            if let Some(known) = known {
                let before = self.state.clone();
                let is_made = self.round(known).await?.is_ok();
                if is_made && named.iter().all(|(id, _)| self.handle(id).is_some()) {
                    continue;
                }
                self.state = before;
            }
            if let Err(obstacle) = self.round(whole).await? {
                return Ok(Err(obstacle));
            }
        }
        Ok(Ok(()))
    }

    /// Looks a product up, unless it was never shown: by names of fields, or where these do not bring it by values.
    async fn look_up(
        &mut self,
        turn: &Turn,
        product: &str,
        about: &[String],
    ) -> anyhow::Result<Result<(), Obstacle>> {
        let Some(handle) = self.handle(product) else {
            return Ok(Err(("a product that was not shown", product.to_owned())));
        };
        let call = |about: Vec<String>| {
            ToolCall::new(&ProductDetails {
                products: vec![handle.clone()],
                about: about.into_iter().map(Into::into).collect(),
            })
        };
        let names = self.known_fields(&self.fields_of(product, about));
        let before = self.state.clone();
        let made = self.round(vec![call(names)]).await?;
        if made.is_ok() && self.missing(turn).iter().all(|(id, _)| id != product) {
            return Ok(made);
        }
        self.state = before;
        self.round(vec![call(about.to_vec())]).await
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let Some(Effect::Generate { id, .. }) = self.wanted() else {
            bail!("nothing is to be written");
        };
        self.feed(&Input::Generated {
            effect: id,
            output: Generated {
                text: text.into(),
                model: "lesson".to_owned(),
                prompt_sha256: String::new(),
                prompt_tokens: 0,
                cached_tokens: 0,
                output_tokens: 0,
                first_token_ms: 0,
                total_ms: 0,
            },
            intents: Vec::new(),
        })
    }

    pub(super) fn wanted(&self) -> Option<Effect> {
        wanted(&self.state, &self.meta.settings)
    }

    fn feed(&mut self, input: &Input) -> anyhow::Result<()> {
        self.meta.at_ms += 1_000;
        self.meta.entropy += 1;
        let events = decide(&self.state, input, &self.meta)?;
        self.state = events.iter().fold(std::mem::take(&mut self.state), evolve);
        Ok(())
    }
}

/// Returns what a look at products asks of them.
fn about(call: &Call) -> &[String] {
    match call {
        Call::Details(details) => &details.about,
        _ => &[],
    }
}
