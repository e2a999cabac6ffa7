//! `mercer-lab models lessons`: what a chat model learns from conversations written by hand.
//!
//! Each is played through the conversation core and the real tools on its shop's own records, so a
//! model learns on the prompts that it will meet. A turn that cannot be played as it was written ends
//! its conversation there, and is counted by what stood in its way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mercer::compose::OwnModels;
use mercer::config::Config;
use mercer_commerce::{Request, Tools, shop_terms};
use mercer_conversation::tools::{
    Handoff, OneOrMore, OrderStatus, ProductDetails, SearchCatalog, SearchPolicies,
};
use mercer_conversation::{Effect, Phase, Rounds, State, decide, evolve, grammar, tools, wanted};
use mercer_corpus::written::{self, Call, Dialogue, Turn};
use mercer_guardrails::ReplyPolicy;
use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::plan::CALLS_MAX;
use mercer_schemas::{
    ActionBy, Channel, ChatMessage, Content, Evidence, Generated, InboundMessage, Input, MessageId,
    Meta, Plan, Product, PromptStyle, RecordKey, RenderedReply, Role, Settings, Shop, ShopTerms,
    ToolCall,
};
use mercer_store::ProductFilter;
use serde::Serialize;

use crate::shops::{AT_MS, Opened, open, shops};

/// Characters of history: a lesson is one sequence, so nothing leaves its prompt.
const HISTORY_CHARS_MAX: usize = 1_000_000;
/// Most things asked of a product at once, as a call admits.
const ABOUT_MAX: usize = 8;
/// Address of a customer whom no shop knows.
const STRANGER: &str = "stranger";

/// Write what a chat model learns from conversations written by hand.
#[derive(Parser)]
#[command(after_help = "\
A line is a conversation as the model meets it: {\"messages\":[{\"role\":\"system\",\"content\":\"…\"}, …]}. Of the
assistant's messages those are learnt that do not say \"learn\":false.

Example:
  mercer-lab models lessons fixtures/shops/train --out train.jsonl")]
pub(crate) struct Args {
    /// Folders of shops, or of sets of shops.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// File that is written.
    #[arg(long, default_value = "lessons.jsonl")]
    out: PathBuf,
    /// List what could not be played. Not for shops that are measured with.
    #[arg(long)]
    misses: bool,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    messages: Vec<Lesson<'a>>,
}

/// A message, and whether a model is to learn to write it.
#[derive(Serialize)]
struct Lesson<'a> {
    #[serde(flatten)]
    message: &'a ChatMessage,
    #[serde(skip_serializing_if = "is_learnt")]
    learn: bool,
}

fn is_learnt(learn: &bool) -> bool {
    *learn
}

#[derive(Default)]
struct Report {
    conversations: usize,
    turns: usize,
    written: usize,
    blocked: usize,
    ended_by: BTreeMap<&'static str, usize>,
    misses: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Names the folder that is no shop, or the file that cannot be read or written.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let shops = shops(&args.folders)?;
    let models = OwnModels::load(config).await?.for_search(config).await?;
    let file = File::create(&args.out).with_context(|| args.out.display().to_string())?;
    let mut out = BufWriter::new(file);
    let bar = ProgressBar::new(shops.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut report = Report::default();
    for folder in &shops {
        bar.set_message(folder.display().to_string());
        let place = tempfile::tempdir()?;
        let opened = open(folder, place.path(), &models).await?;
        let dialogues = written::dialogues(folder)?;
        let school = School::of(opened).await?;
        for dialogue in &dialogues {
            school.teach(dialogue, &mut out, &mut report).await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    out.flush()?;
    println!(
        "{} of {} turns in {} conversations; {} replies that the rules would block are not learnt",
        report.written, report.turns, report.conversations, report.blocked
    );
    for (what, count) in &report.ended_by {
        println!("{count:>5} ended by: {what}");
    }
    if args.misses {
        report.misses.iter().for_each(|miss| println!("{miss}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where lessons of a shop are played.
struct School {
    shop: Shop,
    tools: Tools,
    terms: ShopTerms,
    products: Vec<Product>,
}

/// What stands in the way of a turn.
type Obstacle = (&'static str, String);

impl School {
    async fn of(opened: Opened) -> anyhow::Result<Self> {
        let terms = shop_terms(&opened.store, &opened.shop.id).await?;
        let (mut products, mut cursor) = (Vec::new(), None);
        loop {
            let catalog = opened.store.catalog();
            let filter = ProductFilter::default();
            let id = &opened.shop.id;
            let page = catalog.list(id, &filter, cursor.as_deref(), 200).await?;
            products.extend(page.items.into_iter().map(|found| found.value));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(Self {
            terms,
            products,
            tools: Tools::new(opened.store, opened.knowledge),
            shop: opened.shop,
        })
    }

    fn product(&self, id: &str) -> Option<&Product> {
        self.products
            .iter()
            .find(|product| product.id.as_str() == id)
    }

    async fn teach(
        &self,
        dialogue: &Dialogue,
        out: &mut impl Write,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        report.conversations += 1;
        report.turns += dialogue.turns.len();
        let mut stage = Stage::new(self, dialogue);
        let mut lesson = Vec::new();
        for (number, turn) in dialogue.turns.iter().enumerate() {
            match stage.turn(turn).await? {
                Ok(messages) => lesson = messages,
                Err((what, detail)) => {
                    *report.ended_by.entry(what).or_default() += 1;
                    report.misses.push(format!(
                        "{}/{} turn {}: {what}: {detail}",
                        self.shop.id,
                        dialogue.name,
                        number + 1
                    ));
                    break;
                }
            }
            report.written += 1;
        }
        if !lesson.is_empty() {
            let name = format!("{}/{}", self.shop.id, dialogue.name);
            let messages = lesson.iter().enumerate().map(|(at, message)| Lesson {
                message,
                learn: !stage.blocked.contains(&at),
            });
            let line = Line {
                name: &name,
                messages: messages.collect(),
            };
            report.blocked += stage.blocked.len();
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        }
        Ok(())
    }
}

/// A conversation that is played.
struct Stage<'a> {
    school: &'a School,
    state: State,
    meta: Meta,
    channel: Channel,
    address: String,
    /// Places of replies that the rules would block: they are read, and not learnt.
    blocked: Vec<usize>,
}

impl<'a> Stage<'a> {
    fn new(school: &'a School, dialogue: &Dialogue) -> Self {
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
    async fn turn(&mut self, turn: &Turn) -> anyhow::Result<Result<Vec<ChatMessage>, Obstacle>> {
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
        for calls in [&turn.calls, &turn.more] {
            // What was never shown is searched for by its name first.
            if let Err(obstacle) = self.show(calls).await? {
                return Ok(Err(obstacle));
            }
            for calls in calls.chunks(CALLS_MAX) {
                let calls: Result<Vec<ToolCall>, Obstacle> =
                    calls.iter().map(|call| self.call(call)).collect();
                let round = match calls {
                    Ok(calls) => self.round(calls).await?,
                    Err(obstacle) => Err(obstacle),
                };
                if let Err(obstacle) = round {
                    return Ok(Err(obstacle));
                }
            }
        }
        // What the reply tells and was not found yet is looked up.
        let missing = self.missing(turn);
        for (product, about) in missing {
            if let Err(obstacle) = self.look_up(&product, about).await? {
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
        if verdicts.iter().any(|verdict| !verdict.passed) {
            self.blocked.push(prompt.len() - 1);
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

    fn evidence(&self) -> Vec<Evidence> {
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
        let (id, lookup) = match self.wanted() {
            Some(Effect::CallTools { id, lookup }) if lookup.plan == plan => (id, lookup),
            _ => return Ok(Err(("a call that is not admitted", line))),
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
        })?;
        Ok(Ok(()))
    }

    fn handle(&self, product: &str) -> Option<String> {
        let known = self.state.known();
        let is_it =
            |key: &RecordKey| matches!(key, RecordKey::Product(id) if id.as_str() == product);
        let found = known.iter().find(|(_, key)| is_it(key));
        found.map(|(handle, _)| handle.to_string())
    }

    /// Searches by name for the products that calls name and that were not shown.
    async fn show(&mut self, calls: &[Call]) -> anyhow::Result<Result<(), Obstacle>> {
        let named = calls.iter().flat_map(|call| match call {
            Call::Details(details) => details.products.as_slice(),
            _ => &[],
        });
        let unknown: Vec<&String> = named.filter(|id| self.handle(id).is_none()).collect();
        for ids in unknown.chunks(CALLS_MAX) {
            let titles = ids
                .iter()
                .filter_map(|id| Some(self.school.product(id)?.title.clone()));
            let searches = titles.map(|title| {
                ToolCall::new(&SearchCatalog {
                    query: title.into(),
                    ..SearchCatalog::default()
                })
            });
            let searches: Vec<ToolCall> = searches.collect();
            if searches.len() < ids.len() {
                return Ok(Err(("a product that there is not", format!("{ids:?}"))));
            }
            if let Err(obstacle) = self.round(searches).await? {
                return Ok(Err(obstacle));
            }
        }
        Ok(Ok(()))
    }

    /// Looks a product up, unless it was never shown.
    async fn look_up(
        &mut self,
        product: &str,
        about: Vec<String>,
    ) -> anyhow::Result<Result<(), Obstacle>> {
        let Some(handle) = self.handle(product) else {
            return Ok(Err(("a product that was not shown", product.to_owned())));
        };
        let call = ProductDetails {
            products: vec![handle],
            about: about.into_iter().map(Into::into).collect(),
        };
        self.round(vec![ToolCall::new(&call)]).await
    }

    /// Returns what a reply tells of products that the turn's evidence does not: product, and what of it.
    fn missing(&self, turn: &Turn) -> Vec<(String, Vec<String>)> {
        let evidence = self.evidence();
        let is_told = |key: &str, name: &str| {
            evidence.iter().any(|line| match line {
                Evidence::Record {
                    key: of, fields, ..
                } => of.to_string() == key && value_of(fields, name).is_some(),
                _ => false,
            })
        };
        let mut out: Vec<(String, Vec<String>)> = Vec::new();
        for reference in turn.reply.split("{{").skip(1) {
            let Some((key, name)) = reference
                .split_once("}}")
                .and_then(|(reference, _)| reference.rsplit_once('.'))
            else {
                continue;
            };
            let (product, asked) = match key.split_once(':') {
                _ if is_told(key, name) => continue,
                Some(("product", id)) => (id.to_owned(), vec![name.to_owned()]),
                Some(("variant", sku)) => {
                    let products = self.school.products.iter();
                    let variants = products.flat_map(|product| {
                        product
                            .variants
                            .iter()
                            .map(move |variant| (product, variant))
                    });
                    let found = variants
                        .filter(|(_, variant)| variant.sku.as_str() == sku)
                        .map(|(product, variant)| {
                            let options = variant.options.values().cloned().collect();
                            (product.id.to_string(), options)
                        });
                    match found.into_iter().next() {
                        Some(found) => found,
                        None => continue,
                    }
                }
                _ => continue,
            };
            match out.iter_mut().find(|(known, _)| *known == product) {
                Some((_, known)) => known.extend(asked),
                None => out.push((product, asked)),
            }
        }
        for (_, asked) in &mut out {
            let mut seen = BTreeSet::new();
            asked.retain(|name| seen.insert(name.clone()));
            asked.truncate(ABOUT_MAX);
        }
        out
    }

    /// Writes a call as the model would: products by their handles.
    fn call(&self, call: &Call) -> Result<ToolCall, Obstacle> {
        Ok(match call {
            Call::Search(search) => {
                let text = |text: &Option<written::Text>| text.as_ref().map(ToString::to_string);
                let sort = match search.sort.clone().map(TryInto::try_into) {
                    Some(Ok(sort)) => Some(sort),
                    Some(Err(_)) => {
                        return Err(("a sort that is none", format!("{:?}", search.sort)));
                    }
                    None => None,
                };
                ToolCall::new(&SearchCatalog {
                    query: search.query.clone().into(),
                    category: search.category.clone(),
                    brand: search.brand.clone(),
                    with: wishes(&search.with),
                    without: wishes(&search.without),
                    min_price: text(&search.min_price),
                    max_price: text(&search.max_price),
                    in_stock: search.in_stock,
                    sort,
                    limit: search.limit,
                })
            }
            Call::Details(details) => {
                let handle = |product: &String| {
                    let handle = self.handle(product);
                    handle.ok_or_else(|| ("a product that was not shown", product.clone()))
                };
                ToolCall::new(&ProductDetails {
                    products: details
                        .products
                        .iter()
                        .map(handle)
                        .collect::<Result<_, _>>()?,
                    about: details
                        .about
                        .iter()
                        .map(|about| about.as_str().into())
                        .collect(),
                })
            }
            Call::Policies(policies) => ToolCall::new(&SearchPolicies {
                query: policies.query.clone().into(),
            }),
            Call::Orders(orders) => {
                let call = ToolCall::new(&OrderStatus {
                    order: orders.order.clone(),
                });
                // A number that was not written as the record has it is read from the words.
                let plan = Plan { calls: vec![call] };
                let is_admitted = self
                    .state
                    .phase
                    .turn()
                    .is_some_and(|turn| tools::admits(&self.state, turn, false, &plan));
                match plan.calls.into_iter().next().filter(|_| is_admitted) {
                    Some(call) => call,
                    None => ToolCall::new(&OrderStatus::default()),
                }
            }
            Call::Handoff(handoff) => {
                let reason = serde_json::from_value(handoff.reason.clone().into());
                let reason =
                    reason.map_err(|_| ("a reason that is none", handoff.reason.clone()))?;
                ToolCall::new(&Handoff { reason })
            }
        })
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

    fn wanted(&self) -> Option<Effect> {
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

fn wishes(named: &BTreeMap<String, written::OneOrMore>) -> BTreeMap<String, OneOrMore> {
    let wishes = named.iter().map(|(name, values)| {
        let mut values = values.texts();
        let value = if values.len() == 1 {
            OneOrMore::One(values.remove(0).into())
        } else {
            OneOrMore::More(values.into_iter().map(Into::into).collect())
        };
        (name.clone(), value)
    });
    wishes.collect()
}

/// Writes a reply with the references that the evidence offers in place of records' ids.
fn reply(turn: &Turn, evidence: &[Evidence]) -> Result<String, Obstacle> {
    let mut out = String::new();
    let mut rest = turn.reply.trim();
    let offered = grammar::references(evidence);
    while let Some((before, after)) = rest.split_once("{{") {
        let (written, after) = after
            .split_once("}}")
            .ok_or_else(|| ("braces that do not fit", rest.to_owned()))?;
        out.push_str(before);
        for reference in references(written, turn, evidence)? {
            let is_number = reference.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number && !offered.contains(&reference) {
                return Err(("a field that is not told", written.to_owned()));
            }
            if out.ends_with("}}") {
                out.push(' ');
            }
            out.push_str(&reference);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Returns what stands for a reference: of a policy one for each sentence that answers.
fn references(written: &str, turn: &Turn, evidence: &[Evidence]) -> Result<Vec<String>, Obstacle> {
    let missing = || ("a record that was not found", written.to_owned());
    if written == "search.count" {
        let total = evidence.iter().rev().find_map(|line| match line {
            Evidence::Found { total, .. } => *total,
            _ => None,
        });
        return Ok(vec![total.ok_or_else(missing)?.to_string()]);
    }
    let (record, name) = match written.split_once(':') {
        Some(("policy", id)) => (format!("policy:{id}"), None),
        _ => match written.rsplit_once('.') {
            Some((record, name)) => (record.to_owned(), Some(name)),
            None => return Err(missing()),
        },
    };
    let lines = evidence.iter().filter_map(|line| match line {
        Evidence::Record {
            handle,
            key,
            fields,
            ..
        } => {
            let key = key.to_string();
            // The shops' conversations call promotions policies.
            let is_it = match (
                key.strip_prefix("promotion:"),
                record.strip_prefix("policy:"),
            ) {
                (Some(promotion), Some(policy)) => promotion == policy,
                _ => key == record,
            };
            is_it.then_some((handle, fields))
        }
        _ => None,
    });
    if let Some(name) = name {
        let handle = lines.map(|(handle, _)| handle).next().ok_or_else(missing)?;
        return Ok(vec![format!("{{{{{handle}.{name}}}}}")]);
    }
    let mut out = Vec::new();
    let mut is_found = false;
    for (handle, fields) in lines {
        is_found = true;
        for name in field::SENTENCES {
            let Some(sentence) = value_of(fields, name) else {
                break;
            };
            let sentence = squeezed(&sentence.text(""));
            let answers = |quote: &String| {
                let quote = squeezed(quote);
                quote.contains(&sentence) || sentence.contains(&quote)
            };
            if turn.quotes.iter().any(answers) {
                out.push(format!("{{{{{handle}.{name}}}}}"));
            }
        }
    }
    if !is_found {
        return Err(missing());
    }
    if out.is_empty() {
        return Err((
            "a quote that is not in the passages",
            turn.quotes.join(" | "),
        ));
    }
    Ok(out)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
