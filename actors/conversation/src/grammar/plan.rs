//! The grammar of plans, and the check of a plan in code.

use std::collections::BTreeSet;
use std::fmt::Write;

use mercer_schemas::{Evidence, Intent, Plan, RecordKey, ToolCall};

use super::{Literals, certain, meant};
use crate::spans;
use crate::state::{PastTurn, State, Turn};

/// What a plan's arguments may be in a turn.
struct Choices {
    /// The customer proves who they are: an e-mail address while an order is spoken of, or nothing
    /// but details after they were asked for.
    proves_identity: bool,
    /// A product is called by its name or its place.
    means_product: bool,
    phrases: BTreeSet<String>,
    /// Limits of price that the words state beyond doubt: a plan's name for each, and the amount.
    stated: Vec<(&'static str, String)>,
    amounts: BTreeSet<String>,
    handles: BTreeSet<String>,
    orders: BTreeSet<String>,
}

fn choices(state: &State, turn: &Turn) -> Choices {
    let words = turn.said();
    let mut handles = meant::meant(state, words);
    let means_product = !handles.is_empty();
    if handles.is_empty() {
        handles.extend(state.shown.iter().map(|(handle, _)| handle.to_string()));
        handles.extend((!state.shown.is_empty()).then(|| "shown".to_owned()));
    }
    let orders = orders_meant(state, words);
    let was_asked = state.past.last().is_some_and(|past| {
        past.evidence
            .iter()
            .any(|line| matches!(line, Evidence::IdentityNeeded | Evidence::OrderNotFound))
    });
    // A stated limit counts, however many amounts came after it.
    let stated = stated_limits(words);
    let mut amounts = spans::amounts(words);
    amounts.extend(stated.iter().map(|(_, limit)| limit.clone()));
    Choices {
        proves_identity: (!spans::emails(words).is_empty() && (was_asked || !orders.is_empty()))
            || (was_asked && spans::is_only_details(words)),
        means_product,
        phrases: spans::phrases(words),
        stated,
        amounts,
        handles,
        orders,
    }
}

/// Returns the numbers of orders that may be meant: of this message, else of the latest turn that
/// told an order or gave a number.
fn orders_meant(state: &State, words: &str) -> BTreeSet<String> {
    let said = |words: &str| {
        words
            .lines()
            .rev()
            .map(spans::order_numbers)
            .find(|found| !found.is_empty())
    };
    let of_turn = |past: &PastTurn| {
        let told: BTreeSet<String> = past.evidence.iter().filter_map(order_told).collect();
        if told.is_empty() {
            said(past.said())
        } else {
            Some(told)
        }
    };
    said(words)
        .or_else(|| state.past.iter().rev().find_map(of_turn))
        .unwrap_or_default()
}

/// Returns the number of an order that a line tells, where it stands in a plan without escapes.
fn order_told(line: &Evidence) -> Option<String> {
    match line {
        Evidence::Record {
            key: RecordKey::Order(number),
            ..
        } => Some(number.to_string()).filter(|number| !number.contains(['"', '\\'])),
        _ => None,
    }
}

/// The grammar of all plans that are possible in a turn.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanGrammar {
    /// Rule names of the calls that are possible.
    calls: Vec<&'static str>,
    /// The customer proves who they are: the order is told, or a person called.
    proves_identity: bool,
    /// The customer may be asking for a person: nothing that narrows plans takes that away.
    asks_person: bool,
    /// The customer asks for a person beyond doubt.
    demands_person: bool,
    /// A product is called by its name or its place: it is looked at, unless all is only talk.
    means_product: bool,
    /// An order is spoken of, and something that may be its number is given.
    names_order: bool,
    /// What looks like a voucher code is given.
    names_voucher: bool,
    rules: String,
}

impl PlanGrammar {
    /// Writes the grammar in Lark. With `intents`, only plans for one of these; where none of
    /// them is possible, or there are none, all plans.
    pub fn lark(&self, intents: &[Intent]) -> String {
        let is_wanted = |rule: &&str| {
            intents
                .iter()
                .flat_map(|intent| intent.tools())
                .any(|tool| tool_of(rule) == *tool)
        };
        let mut offered: Vec<&str> = self.calls.iter().copied().filter(is_wanted).collect();
        let is_narrowed = !offered.is_empty() || intents.contains(&Intent::Talk);
        if is_narrowed && self.asks_person && !offered.contains(&"handoff") {
            offered.push("handoff");
        }
        let looks_at = is_narrowed
            && self.means_product
            && intents.first() != Some(&Intent::Talk)
            && self.calls.contains(&"details");
        if looks_at && !offered.contains(&"details") {
            offered.push("details");
        }
        if is_narrowed && self.names_order && !offered.contains(&"order") {
            offered.push("order");
        }
        let asks_voucher = is_narrowed && self.names_voucher && self.calls.contains(&"policies");
        if asks_voucher {
            offered = vec!["policies"];
        }
        let may_be_empty =
            !looks_at && !asks_voucher && (intents.is_empty() || intents.contains(&Intent::Talk));
        let calls = match (offered.is_empty(), may_be_empty) {
            (false, _) => offered,
            (true, true) if !intents.is_empty() => Vec::new(),
            (true, _) => self.calls.clone(),
        };
        let rules = &self.rules;
        if self.proves_identity {
            let all = self.calls.join(" | ");
            return format!(
                "start: \"{{\\\"calls\\\":[\" (order (\",\" call)? | handoff) \"]}}\"\ncall: {all}\n{rules}"
            );
        }
        if self.demands_person {
            return format!("start: \"{{\\\"calls\\\":[\" handoff \"]}}\"\n{rules}");
        }
        if calls.is_empty() {
            return "start: \"{\\\"calls\\\":[]}\"\n".to_owned();
        }
        let some = if may_be_empty || calls.len() == self.calls.len() {
            "(call (\",\" call)?)?"
        } else {
            "call (\",\" call)?"
        };
        format!(
            "start: \"{{\\\"calls\\\":[\" {some} \"]}}\"\ncall: {}\n{rules}",
            calls.join(" | ")
        )
    }
}

/// Returns the tool that a rule of the grammar calls.
fn tool_of(rule: &str) -> &'static str {
    match rule {
        "search" => "search_catalog",
        "details" => "product_details",
        "policies" => "search_policies",
        "order" => "order_status",
        _ => "handoff",
    }
}

/// Builds the grammar of all plans that are possible now.
pub fn plan(state: &State, turn: &Turn) -> PlanGrammar {
    let choices = choices(state, turn);
    let words = turn.said();
    let acts = !carries_markup(words);
    let mut calls = if acts {
        vec!["handoff", "order"]
    } else {
        Vec::new()
    };
    let mut rules = String::new();
    let mut literals = Literals::new();
    if !choices.phrases.is_empty() {
        calls.extend(["search", "policies"]);
        let stated: Vec<String> = choices
            .stated
            .iter()
            .map(|(name, limit)| format!(",\"{name}\":\"{limit}\""))
            .collect();
        let mut prices = price_limits(&choices.amounts);
        // A limit that was stated beyond doubt is kept; the other one is the model's to find.
        prices.retain(|limits| stated.iter().all(|limit| limits.contains(limit.as_str())));
        let price = match (prices.is_empty(), stated.is_empty()) {
            (true, _) => "",
            (false, false) => "PRICES ",
            (false, true) => "PRICES? ",
        };
        if !prices.is_empty() {
            let _ = writeln!(rules, "PRICES: {}", literals.write(&prices));
        }
        let _ = writeln!(rules, "PHRASE: {}", literals.write(&choices.phrases));
        let _ = writeln!(
            rules,
            r#"search: "{{\"tool\":\"search_catalog\",\"query\":\"" PHRASE "\"" {price}(",\"in_stock\":true")? (",\"sort\":\"" SORT "\"")? "}}""#
        );
        rules.push_str("SORT: \"price_asc\" | \"price_desc\"\n");
        rules.push_str("policies: \"{\\\"tool\\\":\\\"search_policies\\\",\\\"query\\\":\\\"\" PHRASE \"\\\"}\"\n");
        if !choices.handles.is_empty() {
            calls.push("details");
            let _ = writeln!(rules, "HANDLE: {}", literals.write(&choices.handles));
            rules.push_str(
                "details: \"{\\\"tool\\\":\\\"product_details\\\",\\\"product\\\":\\\"\" HANDLE \"\\\"\" (\",\\\"about\\\":\\\"\" PHRASE \"\\\"\")? \"}\"\n",
            );
        }
    }
    let mut order = r#"order: "{\"tool\":\"order_status\"""#.to_owned();
    if !choices.orders.is_empty() {
        let _ = writeln!(rules, "ORDER: {}", literals.write(&choices.orders));
        // The only number that this message gives is given to be used.
        let is_certain = choices.orders.len() == 1
            && choices
                .orders
                .iter()
                .all(|number| words.contains(number.as_str()));
        let may = if is_certain { "" } else { "?" };
        let _ = write!(order, r#" (",\"order\":\"" ORDER "\""){may}"#);
    }
    order.push_str(" \"}\"\n");
    rules.push_str(&order);
    rules.push_str(
        "handoff: \"{\\\"tool\\\":\\\"handoff\\\",\\\"reason\\\":\\\"\" REASON \"\\\"}\"\nREASON: \"asked\" | \"complaint\" | \"unable\"\n",
    );
    PlanGrammar {
        calls,
        proves_identity: acts && choices.proves_identity,
        asks_person: acts && certain::asks_person(words),
        demands_person: acts && certain::demands_person(words),
        means_product: choices.means_product,
        names_order: acts && certain::names_order(words),
        names_voucher: words.split_whitespace().any(certain::is_voucher),
        rules,
    }
}

/// Says whether the words hold template or reference markup. Nobody types it by chance: such a
/// message is something to search by, never a reason to report an order or to call a person.
fn carries_markup(words: &str) -> bool {
    ["{{", "}}", "<|", "|>"]
        .iter()
        .any(|mark| words.contains(mark))
}

/// The limits that the words state beyond doubt, where they fit together.
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

/// Says whether a plan's arguments are among those that [`plan`] offers. What the grammar makes
/// mandatory on top (a stated price limit, details that were just given) is not demanded here: it
/// serves the answer, not safety.
pub fn admits(state: &State, turn: &Turn, plan: &Plan) -> bool {
    let choices = choices(state, turn);
    let among = |value: &Option<String>, set: &BTreeSet<String>| {
        value.as_ref().is_none_or(|v| set.contains(v))
    };
    plan.calls.len() <= mercer_schemas::plan::CALLS_MAX
        && plan.calls.iter().all(|call| match call {
            ToolCall::SearchCatalog {
                query,
                min_price,
                max_price,
                ..
            } => {
                choices.phrases.contains(query.expose())
                    && among(min_price, &choices.amounts)
                    && among(max_price, &choices.amounts)
                    && min_price
                        .as_ref()
                        .zip(max_price.as_ref())
                        .is_none_or(|(low, high)| is_below(low, high))
            }
            ToolCall::ProductDetails { product, about } => {
                choices.handles.contains(product)
                    && about
                        .as_ref()
                        .is_none_or(|about| choices.phrases.contains(about.expose()))
            }
            ToolCall::SearchPolicies { query } => choices.phrases.contains(query.expose()),
            ToolCall::OrderStatus {
                order,
                email,
                postcode,
            } => {
                !carries_markup(turn.said())
                    && among(order, &choices.orders)
                    && email.is_none()
                    && postcode.is_none()
            }
            ToolCall::Handoff { .. } => !carries_markup(turn.said()),
        })
}
