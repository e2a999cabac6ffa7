//! Grammars: what a model may write at all.
//!
//! Both are Lark grammars for llguidance. [`plan`] admits tool calls whose arguments are spans
//! of the conversation and handles that were shown. [`reply`] admits words, references to this
//! turn's evidence, and numbers only as complete literals that occur in the evidence or in the
//! customer's words. [`admits`] checks a plan by the same sets in code, so a plan is safe even
//! from a worker that does not keep to the grammar.

use std::collections::BTreeSet;
use std::fmt::Write;

use mercer_schemas::{Evidence, Field, Handle, Plan, RecordKey, ToolCall};

use crate::prompt;
use crate::spans;
use crate::state::{State, Turn};

/// Characters that a reply's words cannot contain: digits, braces and currency come by reference
/// only, and `<>|` would look like template markup to some models.
const NOT_WORDS: &str = r"0-9{}<>|\\£€$¥%";

/// What a plan's arguments may be in a turn.
struct Choices {
    /// The customer gives an e-mail address while an order is spoken of: to prove who they are.
    proves_identity: bool,
    phrases: BTreeSet<String>,
    amounts: BTreeSet<String>,
    handles: BTreeSet<String>,
    orders: BTreeSet<String>,
    emails: BTreeSet<String>,
    postcodes: BTreeSet<String>,
}

fn choices(state: &State, turn: &Turn) -> Choices {
    let words = turn.words.expose();
    // Identity may have been given piece by piece over the last messages.
    let recent: Vec<&str> = state
        .past
        .iter()
        .map(|past| past.words.expose().as_str())
        .chain([words.as_str()])
        .collect();
    let recent = recent.join("\n");
    let mut handles: BTreeSet<String> = named(state, words);
    if handles.is_empty() {
        handles.extend(state.shown.iter().map(|(handle, _)| handle.to_string()));
        handles.extend((!state.shown.is_empty()).then(|| "shown".to_owned()));
    }
    let orders = identity_spans(&recent, spans::order_numbers);
    let was_asked = state.past.last().is_some_and(|past| {
        past.evidence
            .iter()
            .any(|line| matches!(line, Evidence::IdentityNeeded | Evidence::OrderNotFound))
    });
    Choices {
        proves_identity: !spans::emails(words).is_empty() && (was_asked || !orders.is_empty()),
        phrases: spans::phrases(words),
        amounts: spans::amounts(words),
        handles,
        orders,
        emails: identity_spans(&recent, spans::emails),
        postcodes: identity_spans(&recent, spans::postcodes),
    }
}

/// Words beside which a name does not say which product is meant: "not the Arden, the other one".
const POINTING_ELSEWHERE: &[&str] = &[
    "first", "second", "third", "fourth", "fifth", "last", "other", "others", "not", "1st", "2nd",
    "3rd", "both", "either",
];

/// Returns the handles of shown products that the words call by name: by the first word of it,
/// which is its brand or range, where no other shown product's name has that word. Later words
/// ("waterproof", "quiet") may as well be what is asked about.
fn named(state: &State, words: &str) -> BTreeSet<String> {
    let shown: Vec<(&Handle, Vec<String>)> = state
        .shown
        .iter()
        .filter_map(|(handle, key)| {
            let name = name_of(state, handle, key)?.to_lowercase();
            Some((handle, spans::words(&name)))
        })
        .collect();
    let said = words_of(words);
    if shown.len() < 2
        || said
            .iter()
            .any(|word| POINTING_ELSEWHERE.contains(&word.as_str()))
    {
        return BTreeSet::new();
    }
    let is_called = |at: usize| {
        shown[at].1.first().is_some_and(|word| {
            word.chars().count() >= 4
                && !spans::FUNCTION_WORDS.contains(&word.as_str())
                && said.contains(word)
                && (0..shown.len()).all(|other| other == at || !shown[other].1.contains(word))
        })
    };
    (0..shown.len())
        .filter(|at| is_called(*at))
        .map(|at| shown[at].0.to_string())
        .collect()
}

/// Returns a shown record's name, as the latest evidence has it.
fn name_of(state: &State, handle: &Handle, key: &RecordKey) -> Option<String> {
    let lines = state
        .past
        .iter()
        .rev()
        .flat_map(|past| past.evidence.iter());
    lines
        .filter_map(|line| match line {
            Evidence::Record {
                handle: found,
                key: of,
                fields,
                ..
            } if found == handle && of == key => fields.iter().find(|field| field.name == "name"),
            _ => None,
        })
        .map(|field| field.value.expose().clone())
        .next()
}

fn words_of(text: &str) -> BTreeSet<String> {
    spans::words(&text.to_lowercase()).into_iter().collect()
}

/// Returns the spans of the latest line that holds any: what was given last is what counts.
fn identity_spans(text: &str, find: fn(&str) -> BTreeSet<String>) -> BTreeSet<String> {
    text.lines()
        .rev()
        .map(find)
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Builds the grammar of all plans that are possible now.
pub fn plan(state: &State, turn: &Turn) -> String {
    let choices = choices(state, turn);
    let words = turn.words.expose();
    let acts = !carries_markup(words);
    let mut calls = if acts {
        vec!["handoff", "order"]
    } else {
        Vec::new()
    };
    let mut rules = String::new();
    if !choices.phrases.is_empty() {
        calls.extend(["search", "policies"]);
        let stated = stated_limits(words);
        let mut prices = price_limits(&choices.amounts);
        // A limit that was stated beyond doubt is kept; the other one is the model's to find.
        prices.retain(|limits| stated.iter().all(|limit| limits.contains(limit.as_str())));
        let price = match (prices.is_empty(), stated.is_empty()) {
            (true, _) => "",
            (false, false) => "PRICES ",
            (false, true) => "PRICES? ",
        };
        if !prices.is_empty() {
            let _ = writeln!(rules, "PRICES: {}", literals(&prices));
        }
        let _ = writeln!(rules, "PHRASE: {}", literals(&choices.phrases));
        let _ = writeln!(
            rules,
            r#"search: "{{\"tool\":\"search_catalog\",\"query\":\"" PHRASE "\"" {price}(",\"in_stock\":true")? (",\"sort\":\"" SORT "\"")? "}}""#
        );
        rules.push_str("SORT: \"price_asc\" | \"price_desc\"\n");
        rules.push_str("policies: \"{\\\"tool\\\":\\\"search_policies\\\",\\\"query\\\":\\\"\" PHRASE \"\\\"}\"\n");
        if !choices.handles.is_empty() {
            calls.push("details");
            let _ = writeln!(rules, "HANDLE: {}", literals(&choices.handles));
            rules.push_str(
                "details: \"{\\\"tool\\\":\\\"product_details\\\",\\\"product\\\":\\\"\" HANDLE \"\\\"\" (\",\\\"about\\\":\\\"\" PHRASE \"\\\"\")? \"}\"\n",
            );
        }
    }
    let is_one_thing = |span: &String| {
        let kinds = [&choices.orders, &choices.emails, &choices.postcodes];
        kinds.iter().filter(|kind| kind.contains(span)).count() == 1
    };
    let mut order = r#"order: "{\"tool\":\"order_status\"""#.to_owned();
    for (name, found) in [
        ("order", &choices.orders),
        ("email", &choices.emails),
        ("postcode", &choices.postcodes),
    ] {
        if !found.is_empty() {
            let terminal = name.to_uppercase();
            let _ = writeln!(rules, "{terminal}: {}", literals(found));
            // What this message gives is given to be used, where it is clear what it is.
            let is_certain = |span: &String| words.contains(span.as_str()) && is_one_thing(span);
            let may = if found.len() == 1 && found.iter().all(is_certain) {
                ""
            } else {
                "?"
            };
            let _ = write!(order, r#" (",\"{name}\":\"" {terminal} "\""){may}"#);
        }
    }
    order.push_str(" \"}\"\n");
    rules.push_str(&order);
    rules.push_str(
        "handoff: \"{\\\"tool\\\":\\\"handoff\\\",\\\"reason\\\":\\\"\" REASON \"\\\"}\"\nREASON: \"asked\" | \"complaint\" | \"unable\"\n",
    );
    if calls.is_empty() {
        return "start: \"{\\\"calls\\\":[]}\"\n".to_owned();
    }
    let some = if acts && choices.proves_identity {
        "(order (\",\" call)? | handoff)"
    } else {
        "(call (\",\" call)?)?"
    };
    format!(
        "start: \"{{\\\"calls\\\":[\" {some} \"]}}\"\ncall: {}\n{rules}",
        calls.join(" | ")
    )
}

/// Says whether the words hold template or reference markup. Nobody types it by chance: such a
/// message is something to search by, never a reason to report an order or to call a person.
fn carries_markup(words: &str) -> bool {
    ["{{", "}}", "<|", "|>"]
        .iter()
        .any(|mark| words.contains(mark))
}

/// The limits that the words state beyond doubt, as a plan writes them.
fn stated_limits(words: &str) -> Vec<String> {
    let limits = spans::price_limits(words);
    if matches!((&limits.min, &limits.max), (Some(min), Some(max)) if !is_below(min, max)) {
        return Vec::new();
    }
    [("min_price", limits.min), ("max_price", limits.max)]
        .into_iter()
        .filter_map(|(name, limit)| Some(format!(",\"{name}\":\"{}\"", limit?)))
        .collect()
}

/// Every way to limit a price by the amounts that were said; a lowest price is below the highest.
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
                !carries_markup(turn.words.expose())
                    && among(order, &choices.orders)
                    && email
                        .as_ref()
                        .is_none_or(|e| choices.emails.contains(e.expose()))
                    && postcode
                        .as_ref()
                        .is_none_or(|p| choices.postcodes.contains(p.expose()))
            }
            ToolCall::Handoff { .. } => !carries_markup(turn.words.expose()),
        })
}

/// Builds the grammar of all replies that the evidence admits. Where records were found, a reply
/// refers to what answers the question.
pub fn reply(evidence: &[Evidence], words: &str) -> String {
    let references = references(evidence);
    let numbers = numbers(evidence, words);
    let mut rules = format!("TEXT: /[^{NOT_WORDS}]+/\n");
    // Between two items stands at least a space or a letter, so that two literals cannot be
    // joined to a number that neither of them is ("1" "." "5").
    let _ = writeln!(rules, "GAP: /[^{NOT_WORDS}]*[ a-zA-Z][^{NOT_WORDS}]*/");
    let item = match (references.is_empty(), numbers.is_empty()) {
        (true, true) => return format!("start: TEXT\n{rules}"),
        (false, true) => "REF",
        (true, false) => "NUM",
        (false, false) => "(REF | NUM)",
    };
    if !references.is_empty() {
        let _ = writeln!(rules, "REF: {}", literals(&references));
    }
    if !numbers.is_empty() {
        let _ = writeln!(rules, "NUM: {}", literals(&numbers));
    }
    let start = match (references.is_empty(), numbers.is_empty()) {
        (true, _) => format!("TEXT | TEXT? {item} (GAP {item})* TEXT?"),
        (false, _) => answers(evidence, words)
            .iter()
            .map(|answer| {
                let needed: Vec<String> = answer
                    .iter()
                    .map(|name| serde_json::to_string(name).unwrap_or_default())
                    .collect();
                let needed = needed.join(&format!(" (GAP {item})* GAP "));
                format!("TEXT? ({item} GAP)* {needed} (GAP {item})* TEXT?")
            })
            .collect::<Vec<_>>()
            .join(" | "),
    };
    format!("start: {start}\n{rules}")
}

/// Returns what a reply must refer to, as alternatives: what was found is what was asked for, so
/// an attribute, an order's status or a policy's text may not be left out of the answer. Where the
/// evidence does not tell what was asked, any one reference does.
/// Fields of an order or of a single product that the customer calls by name ("tracking", "sizes")
/// belong to the answer too.
pub fn answers(evidence: &[Evidence], words: &str) -> Vec<Vec<String>> {
    let records: Vec<(&Handle, &[Field])> = evidence
        .iter()
        .filter_map(|line| match line {
            Evidence::Record { handle, fields, .. } => Some((handle, fields.as_slice())),
            _ => None,
        })
        .collect();
    let reference = |handle: &Handle, name: &str| format!("{{{{{handle}.{name}}}}}");
    let has = |fields: &[Field], name: &str| fields.iter().any(|field| field.name == name);
    // A product's attributes that were asked for stand in lines of their own.
    let attributes = records
        .iter()
        .filter(|(_, fields)| fields.len() == 1 && fields[0].name != prompt::TEXT_FIELD)
        .map(|(handle, fields)| reference(handle, &fields[0].name));
    let attributes: Vec<Vec<String>> = attributes.map(|name| vec![name]).collect();
    if !attributes.is_empty() {
        return attributes;
    }
    let of_kind = |letter: char| {
        records
            .iter()
            .filter(move |(handle, _)| handle.as_str().starts_with(letter))
    };
    let in_any_order = |handle: &Handle, names: [&str; 2]| {
        any_order(names.map(|name| reference(handle, name)).to_vec())
    };
    let said = words_of(words);
    let called = |handle: &Handle, fields: &[Field], not: &[&str]| {
        let is_called = |field: &&Field| {
            !not.contains(&field.name.as_str())
                && field.name.split('_').all(|part| {
                    said.iter()
                        .any(|word| word == part || word.strip_suffix('s') == Some(part))
                })
        };
        fields
            .iter()
            .filter(is_called)
            .map(|field| reference(handle, &field.name))
            .collect::<Vec<String>>()
    };
    let mut out: Vec<Vec<String>> = Vec::new();
    for (handle, fields) in of_kind('o').filter(|(_, fields)| has(fields, "status")) {
        let mut needed = vec![reference(handle, "status")];
        needed.extend(has(fields, "eta").then(|| reference(handle, "eta")));
        needed.extend(called(handle, fields, &["number", "status", "eta"]));
        out.extend(any_order(needed));
    }
    if out.is_empty() {
        let priced =
            |(_, fields): &&(&Handle, &[Field])| has(fields, "price") && has(fields, "stock");
        for (handle, _) in of_kind('v').filter(priced) {
            out.extend(in_any_order(handle, ["price", "stock"]));
        }
    }
    let is_search = evidence
        .iter()
        .any(|line| matches!(line, Evidence::Found { .. }));
    if out.is_empty()
        && !is_search
        && let [(handle, fields)] = records.as_slice()
    {
        out.extend(
            Some(called(
                handle,
                fields,
                &["name", "title", prompt::TEXT_FIELD],
            ))
            .filter(|answer| !answer.is_empty()),
        );
    }
    if out.is_empty() && is_search {
        for (handle, _) in of_kind('p') {
            out.extend(in_any_order(handle, ["name", "price"]));
        }
    }
    let passages = || {
        records
            .iter()
            .filter(|(_, fields)| has(fields, prompt::TEXT_FIELD))
    };
    if out.is_empty() {
        out.extend(passages().map(|(handle, _)| vec![format!("{{{{{handle}}}}}")]));
    } else if let Some((handle, _)) = passages().next() {
        // Two questions in one message: both are answered, in either order.
        let passage = format!("{{{{{handle}}}}}");
        out = out
            .into_iter()
            .flat_map(|answer| {
                let mut before = vec![passage.clone()];
                before.extend(answer.iter().cloned());
                let mut after = answer;
                after.push(passage.clone());
                [before, after]
            })
            .collect();
    }
    if out.is_empty() {
        out.extend(references(evidence).into_iter().map(|name| vec![name]));
    }
    out
}

/// Most references whose every order is admitted; four have 24. More are asked for in the order of
/// the evidence.
const ORDERS_OF_MAX: usize = 4;

/// Returns the references in every order.
fn any_order(needed: Vec<String>) -> Vec<Vec<String>> {
    if needed.len() < 2 || needed.len() > ORDERS_OF_MAX {
        return vec![needed];
    }
    let mut out = Vec::new();
    for at in 0..needed.len() {
        let mut rest = needed.clone();
        let first = rest.remove(at);
        for mut tail in any_order(rest) {
            tail.insert(0, first.clone());
            out.push(tail);
        }
    }
    out
}

/// Returns every reference that the evidence offers, with braces.
pub fn references(evidence: &[Evidence]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for line in evidence {
        match line {
            Evidence::Record { handle, fields, .. } => {
                for field in fields {
                    out.insert(match field.name.as_str() {
                        prompt::TEXT_FIELD => format!("{{{{{handle}}}}}"),
                        name => format!("{{{{{handle}.{name}}}}}"),
                    });
                }
            }
            Evidence::NoRecordAbout { .. }
            | Evidence::Found { .. }
            | Evidence::NothingFound
            | Evidence::NoPolicy
            | Evidence::IdentityNeeded
            | Evidence::OrderNotFound
            | Evidence::HandedOver => {}
        }
    }
    out
}

/// Returns the complete numbers that a reply may repeat: from the evidence and from the
/// customer's words, amounts of money excepted.
pub fn numbers(evidence: &[Evidence], words: &str) -> BTreeSet<String> {
    let mut texts = vec![words];
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            texts.extend(
                fields
                    .iter()
                    .filter(|field| field.name != "price")
                    .map(|field| field.value.expose().as_str()),
            );
        }
    }
    texts
        .into_iter()
        .flat_map(spans::number_runs)
        .filter(|run| !run.is_amount && run.text.len() <= 20)
        .map(|run| run.text.to_owned())
        .collect()
}

fn literals(set: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = set
        .iter()
        .map(|text| serde_json::to_string(text).unwrap_or_default())
        .collect();
    quoted.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{Field, Handle, OrderNumber, ProductId, RecordKey, TurnId};

    fn turn(words: &str) -> Turn {
        Turn {
            id: TurnId::from_parts(1, 1),
            attempt: 0,
            words: words.into(),
        }
    }

    fn product() -> Evidence {
        let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
        Evidence::Record {
            handle: Handle::new(&key, 1),
            key,
            version: 1,
            fields: vec![
                Field::new("name", "Kettle 3"),
                Field::new("price", "£45.99"),
                Field::new("capacity", "1.7 l"),
            ],
        }
    }

    #[test]
    fn a_plan_may_only_use_what_was_said_or_shown() {
        let state = State::default();
        let said = turn("a kettle under 40");
        let plan = |json: &str| serde_json::from_str::<Plan>(json).expect("plan");
        let good =
            plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"40"}]}"#);
        assert!(admits(&state, &said, &good));
        for bad in [
            r#"{"calls":[{"tool":"search_catalog","query":"toaster"}]}"#,
            r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"30"}]}"#,
            r#"{"calls":[{"tool":"product_details","product":"p1"}]}"#,
            r#"{"calls":[{"tool":"order_status","order":"HB-1"}]}"#,
            r#"{"calls":[{"tool":"handoff","reason":"asked"},{"tool":"handoff","reason":"asked"},{"tool":"handoff","reason":"asked"}]}"#,
        ] {
            assert!(!admits(&state, &said, &plan(bad)), "{bad}");
        }
        let grammar = super::plan(&state, &said);
        assert!(grammar.contains("\"kettle\"") && !grammar.contains("details:"));
    }

    #[test]
    fn identity_may_be_given_piece_by_piece() {
        let mut state = State::default();
        state.past.push(crate::state::PastTurn {
            words: "my order is HB-70417".into(),
            plan: Plan::default(),
            evidence: vec![Evidence::IdentityNeeded],
            reply: "…".into(),
        });
        let plan: Plan = serde_json::from_str(
            r#"{"calls":[{"tool":"order_status","order":"HB-70417","email":"ann@example.com","postcode":"BS1 4DJ"}]}"#,
        )
        .expect("plan");
        assert!(admits(&state, &turn("ann@example.com, BS1 4DJ"), &plan));
        assert!(OrderNumber::new("HB-70417").is_ok());
    }

    #[test]
    fn amounts_of_money_are_reachable_by_reference_only() {
        let numbers = numbers(&[product()], "is the 2 litre one £5?");
        assert_eq!(
            numbers,
            BTreeSet::from(["1.7".into(), "2".into(), "3".into()])
        );
        assert!(references(&[product()]).contains("{{p1.price}}"));
    }
}
