//! `product_details`: look closer at a product that was shown, or choose one of its variants.
//!
//! A product that is looked at more closely takes the place of what a search showed. The search is
//! remembered: its products can still be meant, by handles of their own (`s2` is its second).

use std::collections::BTreeSet;

use mercer_schemas::evidence::field;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, EvidenceRole, Handle, Personal, RecordKey, RecordKind, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Pull, Said, admitted_if, free};
use crate::evolve::products_of;
use crate::grammar::{Rules, Told};
use crate::hints;
use crate::prompt::cut;
use crate::state::State;

/// Characters of what was asked for that the model reads again.
const ABOUT_CHARS_MAX: usize = 80;
/// Most products that are looked at in one call.
const PRODUCTS_MAX: usize = 5;
/// Stands for whichever of the products fits.
const SHOWN: &str = "shown";

/// Look closer at products that were shown, or choose one of their variants.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductDetails {
    /// Handles of products that were shown (`p1`), at least one. Where calls are bound to the customer's
    /// words, one, of the latest products, of an earlier search (`s1`), or `shown` for whichever fits.
    pub products: Vec<String>,
    /// Options, values or attributes asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<Personal<String>>,
}

impl Arguments for ProductDetails {
    const TOOL: &'static str = "product_details";
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        ProductDetails::TOOL
    }

    fn rule(&self) -> &'static str {
        "details"
    }

    fn schema(&self) -> Schema {
        schema_for!(ProductDetails)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(
            r#"{"tool":"product_details","products":["p1"],"about":["blue"]} looks closer at products already shown; products are their handles; about are options or attributes that are asked for; it may be left out."#,
        )
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        if said.terms.is_some() {
            return offer_freely(said, self.rule(), rules);
        }
        let handles = handles(said);
        if said.phrases.is_empty() || handles.is_empty() {
            return false;
        }
        rules.terminal("PHRASE", &said.phrases);
        rules.terminal("HANDLE", &handles);
        rules.rule(
            self.rule(),
            r#""{\"tool\":\"product_details\",\"products\":[\"" HANDLE "\"]" (",\"about\":[\"" PHRASE "\"]")? "}""#,
        );
        true
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        if said.terms.is_some() {
            return admitted_if(call, |call| is_free(said, call));
        }
        admitted_if(call, |call: &ProductDetails| {
            let handles = handles(said);
            call.products.len() == 1
                && call
                    .products
                    .iter()
                    .all(|product| handles.contains(product))
                && call.about.len() <= 1
                && call
                    .about
                    .iter()
                    .all(|about| said.phrases.contains(about.expose()))
        })
    }

    /// A product that is called by its name or its place is looked at.
    fn pull(&self, said: &Said<'_>) -> Pull {
        if called(said).is_empty() {
            Pull::None
        } else {
            Pull::Expected
        }
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        match evidence {
            Evidence::NoRecordAbout { handle, about } => Some(format!(
                "{handle} no record about: {}",
                cut(about.expose(), ABOUT_CHARS_MAX)
            )),
            _ => None,
        }
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        match evidence {
            Evidence::NoRecordAbout { .. } => {
                Some("I have no record of that; shall I ask a colleague?".to_owned())
            }
            Evidence::Record {
                handle,
                key,
                fields,
                ..
            } if key.kind().is_sold() && evidence.role() == Some(EvidenceRole::Asked) => {
                let name = &fields.first()?.name;
                Some(format!(
                    "{}: {{{{{handle}.{name}}}}}.",
                    name.replace('_', " ")
                ))
            }
            _ => None,
        }
    }

    /// Attributes that were asked for; else a variant that was chosen; else what was called by name of
    /// the one product that is told, or what two are side by side.
    fn needed(&self, told: &Told<'_>) -> Vec<Vec<String>> {
        let asked = told.asked();
        if !asked.is_empty() {
            return asked;
        }
        if told.is_search() {
            return Vec::new();
        }
        let chosen = told.chosen();
        // What is not on record was asked for instead.
        if !chosen.is_empty() || told.lacks_record() {
            return chosen;
        }
        let products: Vec<_> = told.of(RecordKind::Product).collect();
        match products.as_slice() {
            [product] if told.records().count() == 1 => {
                let called = told.called(product, &[field::NAME]);
                if called.is_empty() {
                    Vec::new()
                } else {
                    vec![called]
                }
            }
            [_, _] => {
                let both = products
                    .iter()
                    .flat_map(|product| ["name", "price"].map(|name| product.reference(name)));
                vec![both.collect()]
            }
            _ => Vec::new(),
        }
    }
}

/// Several products at once, with whatever is asked of them.
fn offer_freely(said: &Said<'_>, rule: &str, rules: &mut Rules) -> bool {
    let handles = said.sold();
    if handles.is_empty() {
        return false;
    }
    rules.terminal("HANDLE", &handles);
    let more = PRODUCTS_MAX - 1;
    let about = free::about(rules);
    rules.rule(rule, &format!(
        r#""{{\"tool\":\"product_details\",\"products\":[" handle ("," handle){{0,{more}}} "]" {about} "}}""#
    ));
    rules.rule("handle", r#""\"" HANDLE "\"""#);
    true
}

fn is_free(said: &Said<'_>, call: &ProductDetails) -> bool {
    let handles = said.sold();
    (1..=PRODUCTS_MAX).contains(&call.products.len())
        && call
            .products
            .iter()
            .all(|product| handles.contains(product))
        && free::is_about(&call.about)
}

/// A product that can be meant.
#[derive(Clone)]
pub(crate) struct Candidate {
    /// Its name in the plan.
    pub(crate) handle: Handle,
    /// Which product.
    pub(crate) key: RecordKey,
}

/// Returns the products of the latest search that no longer are what was shown last, as `s1`, `s2` …
/// in the order of the search. Empty while the search itself is what was shown last.
pub(crate) fn earlier(state: &State) -> Vec<(Handle, RecordKey)> {
    let is_search = |line: &Evidence| matches!(line, Evidence::Found { .. });
    let searched = state
        .past
        .iter()
        .rev()
        .find(|past| past.rounds.evidence().any(is_search));
    let found =
        products(&searched.map_or(Vec::new(), |past| products_of(&past.rounds.all_evidence())));
    let is_shown = |found: &Candidate| {
        state
            .shown
            .iter()
            .any(|(handle, key)| *handle == found.handle && *key == found.key)
    };
    if found.iter().all(is_shown) {
        return Vec::new();
    }
    found
        .into_iter()
        .enumerate()
        .map(|(at, found)| (Handle::earlier(at + 1), found.key))
        .collect()
}

/// The products among records, each once.
pub(crate) fn products(records: &[(Handle, RecordKey)]) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    for (handle, key) in records {
        if key.kind() == RecordKind::Product && out.iter().all(|known| known.key != *key) {
            out.push(Candidate {
                handle: handle.clone(),
                key: key.clone(),
            });
        }
    }
    out
}

/// The products that the words name or count.
fn called(said: &Said<'_>) -> BTreeSet<String> {
    if said.hints {
        hints::products::meant(said.state, said.words)
    } else {
        BTreeSet::new()
    }
}

/// What a call may look at: what is named or counted, else whatever was shown.
fn handles(said: &Said<'_>) -> BTreeSet<String> {
    let called = called(said);
    if !called.is_empty() {
        return called;
    }
    let mut all: BTreeSet<String> = said
        .state
        .shown
        .iter()
        .map(|(handle, _)| handle.to_string())
        .collect();
    if !all.is_empty() {
        all.insert(SHOWN.to_owned());
    }
    if !said.hints {
        let earlier = earlier(said.state);
        all.extend(earlier.into_iter().map(|(handle, _)| handle.to_string()));
    }
    all
}
