//! `search_catalog`: find products.

use std::collections::BTreeSet;

use mercer_schemas::plan::{Arguments, Sort};
use mercer_schemas::{Evidence, EvidenceRole, Personal, RecordKind, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Said, admitted_if, is_among};
use crate::grammar::{Rules, Told};
use crate::prompt::cut;
use crate::spans;

/// Find products. Words are spans of the customer's own messages.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchCatalog {
    /// What to look for.
    pub query: Personal<String>,
    /// Lowest price in major units, as the customer wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<String>,
    /// Highest price in major units, as the customer wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<String>,
    /// Only what can be bought now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_stock: bool,
    /// Order of the results; by relevance when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
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

    fn prompt(&self) -> &'static str {
        r#"{"tool":"search_catalog","query":"words of the customer","min_price":"20","max_price":"80","in_stock":true,"sort":"price_asc"} finds products; all but query are optional."#
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
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
        let amounts = amounts(said.words);
        admitted_if(call, |call: &SearchCatalog| {
            let limits = (call.min_price.as_deref(), call.max_price.as_deref());
            said.phrases.contains(call.query.expose())
                && is_among(limits.0, &amounts)
                && is_among(limits.1, &amounts)
                && limits
                    .0
                    .zip(limits.1)
                    .is_none_or(|(low, high)| is_below(low, high))
        })
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        let (products, corrected) = match evidence {
            Evidence::Found {
                products,
                corrected,
            } => (*products, corrected.as_ref()),
            Evidence::NothingFound => return Some("search: nothing found".to_owned()),
            _ => return None,
        };
        let noun = if products == 1 { "product" } else { "products" };
        Some(match corrected {
            Some((from, to)) => format!(
                "search: {products} {noun} (corrected: {} -> {to})",
                cut(from.expose(), 40)
            ),
            None => format!("search: {products} {noun}"),
        })
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        match evidence {
            Evidence::NothingFound => Some("I could not find a product that fits.".to_owned()),
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
