//! `search_catalog`: find products.

use std::collections::{BTreeMap, BTreeSet};

use mercer_schemas::plan::{self, Arguments, Sort};
use mercer_schemas::terms::TERMS_MAX;
use mercer_schemas::{Evidence, EvidenceRole, Personal, RecordKind, ShopTerms, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Said, admitted_if, free, is_among};
use crate::grammar::{Rules, Told};
use crate::prompt::cut;
use crate::spans;

/// Most names in `where`, and in `without`.
const WISHES_MAX: usize = 4;
/// How a search ends that found nothing with all that was asked for, where products follow that have
/// some of it.
pub const NEAREST: &str = "nearest";
/// How a search ends whose brand no product has: it went on without it.
pub const NO_BRAND: &str = "no_brand";
/// How a search ends whose brand may be one of several: it went on without it.
pub const SEVERAL_BRANDS: &str = "several_brands";
/// Most values of one name.
const VALUES_MAX: usize = 5;
/// The name under which brands are not wanted.
const BRAND: &str = "brand";
/// Most products that a call may ask for.
const LIMIT_MAX: usize = 9;

/// Find products. All may be left out. Where calls are bound to the customer's words, the query is a
/// span of them, the limits are amounts of theirs, and of the rest there is only stock and price order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchCatalog {
    /// What to look for.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub query: Personal<String>,
    /// A category's path, or one level of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// A brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Names and values of attributes and options that a product has.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, OneOrMore>,
    /// Names and values that it has not; `brand` is a name too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without: BTreeMap<String, OneOrMore>,
    /// Lowest price in major units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<String>,
    /// Highest price in major units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
    /// Only what can be bought now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_stock: bool,
    /// Order of the results; by relevance when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Most products shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Options, values or attributes that are asked of what is found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<Personal<String>>,
}

fn is_empty(query: &Personal<String>) -> bool {
    query.expose().is_empty()
}

/// A value, or several of which one will do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(Personal<String>),
    /// Several.
    More(Vec<Personal<String>>),
}

impl OneOrMore {
    /// Returns the values.
    pub fn values(&self) -> &[Personal<String>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::More(values) => values,
        }
    }
}

impl Arguments for SearchCatalog {
    const TOOL: &'static str = "search_catalog";
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        SearchCatalog::TOOL
    }

    fn rule(&self) -> &'static str {
        "search"
    }

    fn schema(&self) -> Schema {
        schema_for!(SearchCatalog)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(
            r#"{"tool":"search_catalog","query":"words of the customer","min_price":"20","max_price":"80","in_stock":true,"sort":"price_asc"} finds products; all but query are optional."#,
        )
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        if let Some(terms) = said.terms {
            offer_freely(terms, self.rule(), rules);
            return true;
        }
        if said.phrases.is_empty() {
            return false;
        }
        let stated: Vec<String> = stated_limits(said.words)
            .iter()
            .map(|(name, limit)| format!(",\"{name}\":\"{limit}\""))
            .collect();
        let mut prices = price_limits(&amounts(said.words));
        // A limit that was stated beyond doubt is kept; the other one is the model's to find.
        prices.retain(|limits| stated.iter().all(|limit| limits.contains(limit.as_str())));
        let price = match (prices.is_empty(), stated.is_empty()) {
            (true, _) => "",
            (false, false) => "PRICES ",
            (false, true) => "PRICES? ",
        };
        if !prices.is_empty() {
            rules.terminal("PRICES", &prices);
        }
        rules.terminal("PHRASE", &said.phrases);
        rules.rule(self.rule(), &format!(
            r#""{{\"tool\":\"search_catalog\",\"query\":\"" PHRASE "\"" {price}(",\"in_stock\":true")? (",\"sort\":\"" SORT "\"")? "}}""#
        ));
        rules.rule("SORT", r#""price_asc" | "price_desc""#);
        true
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        if let Some(terms) = said.terms {
            return admitted_if(call, |call| is_free(terms, call));
        }
        let amounts = amounts(said.words);
        admitted_if(call, |call: &SearchCatalog| {
            let is_bound = SearchCatalog {
                query: call.query.clone(),
                min_price: call.min_price.clone(),
                max_price: call.max_price.clone(),
                in_stock: call.in_stock,
                sort: call.sort.clone(),
                ..SearchCatalog::default()
            } == *call;
            let limits = (call.min_price.as_deref(), call.max_price.as_deref());
            is_bound
                && said.phrases.contains(call.query.expose())
                && call.sort.as_ref().is_none_or(|sort| sort.by == plan::PRICE)
                && is_among(limits.0, &amounts)
                && is_among(limits.1, &amounts)
                && limits
                    .0
                    .zip(limits.1)
                    .is_none_or(|(low, high)| is_below(low, high))
        })
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        let (products, corrected, total) = match evidence {
            Evidence::Found {
                products,
                corrected,
                total,
            } => (*products, corrected.as_ref(), *total),
            Evidence::NothingFound => return Some("search: nothing found".to_owned()),
            Evidence::Outcome { tool, outcome } if tool == SearchCatalog::TOOL => {
                let told = match outcome.as_str() {
                    NEAREST => "search: none has all of it, nearest",
                    NO_BRAND => "search: no such brand, any brand",
                    SEVERAL_BRANDS => "search: several brands of that name, any brand",
                    _ => return None,
                };
                return Some(told.to_owned());
            }
            _ => return None,
        };
        let noun = if products == 1 { "product" } else { "products" };
        let of = match total {
            Some(total) if total > products => format!(" of {total}"),
            _ => String::new(),
        };
        Some(match corrected {
            Some((from, to)) => format!(
                "search: {products}{of} {noun} (corrected: {} -> {to})",
                cut(from.expose(), 40)
            ),
            None => format!("search: {products}{of} {noun}"),
        })
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        match evidence {
            Evidence::NothingFound => Some("I could not find a product that fits.".to_owned()),
            Evidence::Outcome { tool, outcome }
                if tool == SearchCatalog::TOOL && outcome == NO_BRAND =>
            {
                Some("I found no brand of that name.".to_owned())
            }
            Evidence::Record { handle, key, .. }
                if key.kind().is_sold() && evidence.role() != Some(EvidenceRole::Asked) =>
            {
                Some(format!(
                    "{{{{{handle}.name}}}}: {{{{{handle}.price}}}}, {{{{{handle}.stock}}}}."
                ))
            }
            _ => None,
        }
    }

    /// A variant that the words chose, or one of the products.
    fn needed(&self, told: &Told<'_>) -> Vec<Vec<String>> {
        if !told.is_search() {
            return Vec::new();
        }
        let chosen = told.chosen();
        if !chosen.is_empty() {
            return chosen;
        }
        told.of(RecordKind::Product)
            .filter(|record| record.role == EvidenceRole::Shown)
            .map(|record| {
                ["name", "price"]
                    .map(|name| record.reference(name))
                    .to_vec()
            })
            .collect()
    }
}

/// Free words and limits, and names from the shop's own lists.
fn offer_freely(terms: &ShopTerms, rule: &str, rules: &mut Rules) {
    free::words(rules);
    free::amount(rules);
    let mut parts = vec![r#"(",\"query\":\"" WORDS "\"")?"#.to_owned()];
    let categories = categories(terms);
    if !categories.is_empty() {
        rules.terminal("CATEGORY", &categories);
        parts.push(r#"(",\"category\":\"" CATEGORY "\"")?"#.to_owned());
    }
    // A list that was cut would forbid what the shop has.
    let brand = if terms.brands.len() < TERMS_MAX && !terms.brands.is_empty() {
        rules.terminal("BRAND", &terms.brands);
        "BRAND"
    } else {
        "WORDS"
    };
    parts.push(format!(r#"(",\"brand\":\"" {brand} "\"")?"#));
    let more = WISHES_MAX - 1;
    if !terms.fields.is_empty() {
        parts.push(format!(
            r#"(",\"where\":{{" wish ("," wish){{0,{more}}} "}}")?"#
        ));
        parts.push(format!(
            r#"(",\"without\":{{" unwish ("," unwish){{0,{more}}} "}}")?"#
        ));
        let brands = one_or_more(&format!(r#""\"" {brand} "\"""#));
        rules.rule("brands", &brands);
        rules.rule("unwish", r#"wish | "\"brand\":" brands"#);
        let wishes = terms.fields.iter().enumerate().map(|(at, field)| {
            let value = if field.values.is_empty() {
                "words".to_owned()
            } else {
                rules.terminal(&format!("VALUE{at}"), &field.values);
                let value = format!(r#""\"" VALUE{at} "\"""#);
                rules.rule(&format!("value{at}"), &one_or_more(&value));
                format!("value{at}")
            };
            format!(r#""\"{}\":" {value}"#, field.name)
        });
        let wishes = wishes.collect::<Vec<_>>().join(" | ");
        rules.rule("wish", &wishes);
        rules.rule("words", &one_or_more(r#""\"" WORDS "\"""#));
    }
    // Whole texts: one field's name may begin another's.
    let names = terms.fields.iter().map(|field| field.name.as_str());
    let sorts = [plan::PRICE].into_iter().chain(names);
    let sorts = sorts.flat_map(|name| [format!("{name}_asc"), format!("{name}_desc")]);
    rules.terminal("SORT", sorts);
    for name in ["min_price", "max_price"] {
        parts.push(format!(r#"(",\"{name}\":\"" AMOUNT "\"")?"#));
    }
    parts.push(r#"(",\"in_stock\":true")?"#.to_owned());
    parts.push(r#"(",\"sort\":\"" SORT "\"")?"#.to_owned());
    parts.push(r#"(",\"limit\":" /[1-9]/)?"#.to_owned());
    parts.push(free::about(rules));
    let parts = parts.join(" ");
    rules.rule(
        rule,
        &format!(r#""{{\"tool\":\"search_catalog\"" {parts} "}}""#),
    );
}

fn one_or_more(value: &str) -> String {
    let more = VALUES_MAX - 1;
    format!(r#"{value} | "[" {value} ("," {value}){{0,{more}}} "]""#)
}

/// Paths of categories, and each level of them.
fn categories(terms: &ShopTerms) -> BTreeSet<&str> {
    let levels = terms.categories.iter().flat_map(|path| path.split('>'));
    let paths = terms.categories.iter().map(String::as_str);
    paths.chain(levels.map(str::trim)).collect()
}

/// A search harms nothing: its size is bounded, and its names are the shop's.
fn is_free(terms: &ShopTerms, call: &SearchCatalog) -> bool {
    let is_word = |text: &str| free::are_words(text) || free::is_name(text);
    let are_short = |wishes: &BTreeMap<String, OneOrMore>, also: &str| {
        wishes.len() <= WISHES_MAX
            && wishes.iter().all(|(name, values)| {
                let values = values.values();
                (name == also || terms.field(name).is_some())
                    && (1..=VALUES_MAX).contains(&values.len())
                    && values.iter().all(|value| is_word(value.expose()))
            })
    };
    let is_amount = |text: &Option<String>| text.as_deref().is_none_or(free::is_amount);
    let is_sort = |sort: &Sort| sort.by == plan::PRICE || terms.field(&sort.by).is_some();
    let category = call.category.as_deref();
    (is_empty(&call.query) || free::are_words(call.query.expose()))
        && category.is_none_or(|category| categories(terms).contains(category))
        && call.brand.as_deref().is_none_or(is_word)
        && are_short(&call.with, "")
        && are_short(&call.without, BRAND)
        && is_amount(&call.min_price)
        && is_amount(&call.max_price)
        && call.sort.as_ref().is_none_or(is_sort)
        && call
            .limit
            .is_none_or(|limit| (1..=LIMIT_MAX).contains(&limit))
        && free::is_about(&call.about)
}

/// The amounts that may limit a price. A stated limit counts, however many amounts came after it.
fn amounts(words: &str) -> BTreeSet<String> {
    let mut amounts = spans::amounts(words);
    amounts.extend(stated_limits(words).into_iter().map(|(_, limit)| limit));
    amounts
}

/// The limits that the words state beyond doubt, where they fit together: a plan's name for each,
/// and the amount.
fn stated_limits(words: &str) -> Vec<(&'static str, String)> {
    let limits = spans::price_limits(words);
    if matches!((&limits.min, &limits.max), (Some(min), Some(max)) if !is_below(min, max)) {
        return Vec::new();
    }
    [("min_price", limits.min), ("max_price", limits.max)]
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit?)))
        .collect()
}

/// Every way to limit a price by the amounts that were said, at most
/// [`AMOUNTS_MAX`](crate::bounds::AMOUNTS_MAX) and the stated ones; a lowest price is below the highest.
fn price_limits(amounts: &BTreeSet<String>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for amount in amounts {
        out.insert(format!(",\"min_price\":\"{amount}\""));
        out.insert(format!(",\"max_price\":\"{amount}\""));
        for higher in amounts.iter().filter(|other| is_below(amount, other)) {
            out.insert(format!(
                ",\"min_price\":\"{amount}\",\"max_price\":\"{higher}\""
            ));
        }
    }
    out
}

fn is_below(low: &str, high: &str) -> bool {
    // Amounts are digits with at most one decimal point, so they parse.
    match (low.parse::<f64>(), high.parse::<f64>()) {
        (Ok(low), Ok(high)) => low < high,
        _ => false,
    }
}
