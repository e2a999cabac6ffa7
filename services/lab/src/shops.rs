//! `mercer-lab shops`: what search finds for the calls of good assistants.
//!
//! The conversations of `fixtures/shops` say what a good assistant looks up, and which records the reply
//! then refers to. No model takes part: what a call does not bring, no model could have told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mercer::compose::OwnModels;
use mercer::config::Config;
use mercer_corpus::written::{self, Call, OneOrMore, Search, Text, Turn};
use mercer_import::{OnError, import_shop};
use mercer_knowledge::{
    Knowledge, Order, PassageQuery, ProductQuery, SearchConfig, SearchModels, Values,
};
use mercer_schemas::plan::Sort;
use mercer_schemas::{Currency, Money, RecordKey, Shop, ShopId};
use mercer_store::{Store, StoreConfig};

/// Products that a search brings, where its call does not say.
const PRODUCTS: usize = 5;
/// Documents that a question to the policies brings.
const DOCUMENTS: usize = 3;
/// Moment that policies are in force at: 23 November 2026, noon UTC, in milliseconds.
pub(crate) const AT_MS: i64 = 1_795_435_200_000;

/// Play what good assistants look up in the shops written by hand, and say what search does not find.
#[derive(Parser)]
#[command(after_help = "\
A turn is found where its calls, and what was shown before, bring every product and policy that the reply refers to. A
policy is quoted where the passage found holds the sentences that answer.

Example:
  mercer-lab shops fixtures/shops/develop --misses")]
pub(crate) struct Args {
    /// Folders of shops, or of sets of shops. Of `unseen` nobody reads the misses and then changes something for them.
    #[arg(default_value = "fixtures/shops/develop")]
    folders: Vec<PathBuf>,
    /// Search by the words alone, without categories, brands, values, limits and order.
    #[arg(long)]
    words_only: bool,
    /// List what was not found.
    #[arg(long)]
    misses: bool,
}

/// Turns that wanted something, and those that got it.
#[derive(Default, Clone, Copy)]
struct Tally {
    of: usize,
    found: usize,
}

impl Tally {
    fn add(&mut self, found: bool) {
        self.of += 1;
        self.found += usize::from(found);
    }
}

/// What was measured.
#[derive(Default)]
struct Report {
    products: BTreeMap<String, Tally>,
    policies: Tally,
    quoted: Tally,
    answered: Tally,
    unmet: Tally,
    misses: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Names the folder that is no shop, or the file that cannot be read.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let shops = shops(&args.folders)?;
    let models = OwnModels::load(config).await?.for_search(config).await?;
    let bar = ProgressBar::new(shops.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos}/{len} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let mut report = Report::default();
    for folder in &shops {
        bar.set_message(folder.display().to_string());
        play_shop(folder, &models, args.words_only, &mut report)
            .await
            .with_context(|| folder.display().to_string())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.print(args.misses);
    Ok(ExitCode::SUCCESS)
}

/// Returns the shops in the folders, each once.
pub(crate) fn shops(folders: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut out = BTreeSet::new();
    for folder in folders {
        if folder.join("shop.toml").exists() {
            out.insert(folder.clone());
            continue;
        }
        let below = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        for entry in below {
            let path = entry?.path();
            if path.join("shop.toml").exists() {
                out.insert(path);
            }
        }
    }
    ensure!(!out.is_empty(), "no folder with a shop.toml in {folders:?}");
    Ok(out.into_iter().collect())
}

/// A shop whose records can be searched.
pub(crate) struct Opened {
    pub(crate) shop: Shop,
    pub(crate) store: Store,
    pub(crate) knowledge: Knowledge,
}

/// Imports a shop's folder into a store of its own at `place`, and indexes it.
///
/// # Errors
/// Names the file that cannot be imported.
pub(crate) async fn open(
    folder: &Path,
    place: &Path,
    models: &SearchModels,
) -> anyhow::Result<Opened> {
    let opened = async {
        let store = Store::open(&StoreConfig::new(mercer_testing::sqlite_url(place))).await?;
        let imported = import_shop(folder, &store, None, OnError::Abort, Arc::new(())).await?;
        let id = ShopId::new(imported.shop)?;
        let shop = store.shops().get(&id).await?.context("the shop")?;
        let index = place.join("index");
        let config = SearchConfig::default();
        let knowledge = Knowledge::open(&index, store.clone(), models.clone(), config).await?;
        knowledge.catch_up().await?;
        anyhow::Ok(Opened {
            shop,
            store,
            knowledge,
        })
    };
    opened.await.with_context(|| folder.display().to_string())
}

/// A shop whose calls are played.
struct Desk {
    shop: ShopId,
    currency: Currency,
    knowledge: Knowledge,
    words_only: bool,
}

async fn play_shop(
    folder: &Path,
    models: &SearchModels,
    words_only: bool,
    report: &mut Report,
) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let opened = open(folder, place.path(), models).await?;
    let desk = Desk {
        shop: opened.shop.id,
        currency: opened.shop.currency,
        knowledge: opened.knowledge,
        words_only,
    };
    for dialogue in written::dialogues(folder)? {
        let mut known = BTreeSet::new();
        for (number, turn) in dialogue.turns.iter().enumerate() {
            let place = format!("{}/{} turn {}", desk.shop, dialogue.name, number + 1);
            desk.play(turn, &mut known, &place, report).await?;
        }
    }
    Ok(())
}

impl Desk {
    /// Plays the calls of a turn. `known` are the products that the conversation has shown.
    async fn play(
        &self,
        turn: &Turn,
        known: &mut BTreeSet<String>,
        place: &str,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (mut searches, mut questions) = (Vec::new(), Vec::new());
        let mut documents = BTreeMap::new();
        for call in turn.calls.iter().chain(&turn.more) {
            match call {
                Call::Search(search) => {
                    let found = self
                        .knowledge
                        .search_products(&self.shop, self.query(search))
                        .await?;
                    if !search.with.is_empty() && !self.words_only {
                        report.unmet.add(found.met);
                    }
                    known.extend(
                        found
                            .hits
                            .iter()
                            .map(|hit| hit.product.value.id.to_string()),
                    );
                    for hit in &found.hits {
                        let variants = hit.product.value.variants.iter();
                        known.extend(variants.map(|variant| variant.sku.to_string()));
                    }
                    searches.push(search.query.as_str());
                }
                Call::Policies(policies) => {
                    let query = PassageQuery {
                        text: policies.query.clone(),
                        at_ms: AT_MS,
                        limit: DOCUMENTS,
                        ..PassageQuery::default()
                    };
                    let hits = self.knowledge.search_documents(&self.shop, query).await?;
                    for hit in hits {
                        let id = hit.document.value.id.to_string();
                        documents.insert(id, (hit.text, hit.answer));
                    }
                    questions.push(policies.query.as_str());
                }
                // They name what was shown; that it was, the search before answers for.
                Call::Details(_) | Call::Orders(_) | Call::Handoff(_) => {}
            }
        }
        let (mut missing, mut unread) = (Vec::new(), Vec::new());
        let (mut sold, mut ruled) = (false, false);
        for record in turn.records() {
            match &record {
                RecordKey::Product(_) | RecordKey::Variant(_) => {
                    sold = true;
                    let id = match &record {
                        RecordKey::Product(id) => id.to_string(),
                        RecordKey::Variant(sku) => sku.to_string(),
                        _ => continue,
                    };
                    if !known.contains(&id) {
                        missing.push(id);
                    }
                }
                RecordKey::Document(id) | RecordKey::Promotion(id) => {
                    ruled = true;
                    if !documents.contains_key(id.as_str()) {
                        unread.push(id.to_string());
                    }
                }
                RecordKey::Order(_) => {}
            }
        }
        if sold && !searches.is_empty() {
            let kind = report.products.entry(turn.kind.clone()).or_default();
            kind.add(missing.is_empty());
            if !missing.is_empty() {
                let miss = format!("{place}: {} not found by {searches:?}", missing.join(", "));
                report.misses.push(miss);
            }
        }
        if ruled && !questions.is_empty() {
            report.policies.add(unread.is_empty());
            if unread.is_empty() {
                let holds = |text: fn(&(String, String)) -> &String| {
                    turn.quotes.iter().all(|quote| {
                        documents
                            .values()
                            .any(|found| squeezed(text(found)).contains(&squeezed(quote)))
                    })
                };
                report.quoted.add(holds(|found| &found.0));
                report.answered.add(holds(|found| &found.1));
            } else {
                let miss = format!("{place}: {} not found by {questions:?}", unread.join(", "));
                report.misses.push(miss);
            }
        }
        Ok(())
    }

    fn query(&self, search: &Search) -> ProductQuery {
        let limit = search.limit.unwrap_or(PRODUCTS).clamp(1, 20);
        let words = ProductQuery {
            text: search.query.clone(),
            limit,
            ..ProductQuery::default()
        };
        if self.words_only {
            return words;
        }
        let money = |text: &Option<Text>| {
            let text = text.as_ref()?.to_string();
            Money::parse_written(&text, self.currency).ok()
        };
        ProductQuery {
            min_price: money(&search.min_price),
            max_price: money(&search.max_price),
            in_stock: search.in_stock,
            category: search.category.clone(),
            brand: search.brand.clone(),
            wishes: values(&search.with),
            without: values(&search.without),
            order: search.sort.as_deref().and_then(order),
            ..words
        }
    }
}

fn values(named: &BTreeMap<String, OneOrMore>) -> Vec<Values> {
    let values = named.iter().map(|(name, values)| Values {
        name: name.clone(),
        values: values.texts(),
    });
    values.collect()
}

fn order(sort: &str) -> Option<Order> {
    let sort: Sort = sort.to_owned().try_into().ok()?;
    Some(sort.into())
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Report {
    fn print(&self, misses: bool) {
        let mut all = Tally::default();
        println!("{:<16} {:>5} of {:>5}", "kind", "found", "turns");
        for (kind, tally) in &self.products {
            println!("{kind:<16} {:>5} of {:>5}", tally.found, tally.of);
            all.of += tally.of;
            all.found += tally.found;
        }
        for (what, tally) in [
            ("products", all),
            ("wishes met", self.unmet),
            ("policies", self.policies),
            ("passage quotes", self.quoted),
            ("answer quotes", self.answered),
        ] {
            let share = 100.0 * tally.found as f64 / tally.of.max(1) as f64;
            println!(
                "{what:<16} {:>5} of {:>5}  {share:.1} %",
                tally.found, tally.of
            );
        }
        if misses {
            for miss in &self.misses {
                println!("{miss}");
            }
        }
    }
}
