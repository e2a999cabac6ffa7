//! `order_status`: report an order, once identity is proven.

use std::collections::BTreeSet;

use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, RecordKey, RecordKind, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Pull, Said, admitted_if, is_among};
use crate::grammar::{Rules, Told};
use crate::state::PastTurn;
use crate::{hints, spans};

/// Fields of an order that a template tells where the order has them.
const TOLD: &[(&str, &str)] = &[
    (field::ETA, "Delivery date"),
    (field::CARRIER, "Carrier"),
    (field::TRACKING, "Tracking number"),
];

/// Report an order, once identity is proven.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderStatus {
    /// Number of the order that is meant. It proves nothing: what does is read from the customer's
    /// words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

impl Arguments for OrderStatus {
    const TOOL: &'static str = "order_status";
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        OrderStatus::TOOL
    }

    fn rule(&self) -> &'static str {
        "order"
    }

    fn schema(&self) -> Schema {
        schema_for!(OrderStatus)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(
            r#"{"tool":"order_status","order":"..."} reports an order; leave out the number if the customer has not given one. Call it too when the customer gives an e-mail address or a postcode for an order."#,
        )
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        let orders = meant(said);
        let mut body = r#""{\"tool\":\"order_status\"""#.to_owned();
        if !orders.is_empty() {
            rules.terminal("ORDER", &orders);
            // The only number that this message gives is given to be used.
            let is_certain = orders.len() == 1
                && orders
                    .iter()
                    .all(|number| said.words.contains(number.as_str()));
            let may = if is_certain { "" } else { "?" };
            body.push_str(&format!(r#" (",\"order\":\"" ORDER "\""){may}"#));
        }
        body.push_str(r#" "}""#);
        rules.rule(self.rule(), &body);
        !said.carries_markup()
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        admitted_if(call, |call: &OrderStatus| {
            !said.carries_markup() && is_among(call.order.as_deref(), &meant(said))
        })
    }

    fn pull(&self, said: &Said<'_>) -> Pull {
        if said.carries_markup() {
            Pull::None
        } else if proves_identity(said) {
            Pull::First
        } else if said.hints && hints::orders::are_spoken_of(said.words) {
            Pull::Offered
        } else {
            Pull::None
        }
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        let line = match evidence {
            Evidence::IdentityNeeded => "order: identity needed",
            Evidence::OrderNotFound => "order: not found",
            _ => return None,
        };
        Some(line.to_owned())
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        match evidence {
            Evidence::IdentityNeeded => Some("To look at an order I need its number, the e-mail address and the postcode of the order.".to_owned()),
            Evidence::OrderNotFound => Some("I could not find an order with these details. Please check the number, the e-mail address and the postcode.".to_owned()),
            Evidence::Record { handle, key: RecordKey::Order(_), fields, .. } => {
                let told: String = TOLD
                    .iter()
                    .filter(|(name, _)| value_of(fields, name).is_some())
                    .map(|(name, title)| format!(" {title}: {{{{{handle}.{name}}}}}."))
                    .collect();
                Some(format!("Your order {{{{{handle}.number}}}}: {{{{{handle}.status}}}}.{told}"))
            }
            _ => None,
        }
    }

    /// How far it is and when it arrives, and what else was called by name.
    fn needed(&self, told: &Told<'_>) -> Vec<Vec<String>> {
        told.of(RecordKind::Order)
            .filter(|order| order.has(field::STATUS))
            .map(|order| {
                let mut needed = vec![order.reference(field::STATUS)];
                needed.extend(order.has(field::ETA).then(|| order.reference(field::ETA)));
                needed.extend(told.called(&order, &[field::NUMBER, field::STATUS, field::ETA]));
                needed
            })
            .collect()
    }
}

/// Says whether the customer proves who they are: an e-mail address while an order is spoken of, or
/// nothing but details after they were asked for.
fn proves_identity(said: &Said<'_>) -> bool {
    let was_asked = said.state.past.last().is_some_and(PastTurn::asked_identity);
    let gives_email = !spans::emails(said.words).is_empty();
    (gives_email && (was_asked || !meant(said).is_empty()))
        || (was_asked && spans::is_only_details(said.words))
}

/// Returns the numbers of orders that may be meant: of this message, else of the latest turn that
/// told an order or gave a number.
fn meant(said: &Said<'_>) -> BTreeSet<String> {
    let given = |words: &str| {
        words
            .lines()
            .rev()
            .map(spans::order_numbers)
            .find(|found| !found.is_empty())
    };
    let of_turn = |past: &PastTurn| {
        let told: BTreeSet<String> = past.rounds.evidence().filter_map(number_told).collect();
        if told.is_empty() {
            given(past.said())
        } else {
            Some(told)
        }
    };
    given(said.words)
        .or_else(|| said.state.past.iter().rev().find_map(of_turn))
        .unwrap_or_default()
}

/// Returns the number of an order that a line tells, where it stands in a plan without escapes.
fn number_told(line: &Evidence) -> Option<String> {
    match line {
        Evidence::Record {
            key: RecordKey::Order(number),
            ..
        } => Some(number.to_string()).filter(|number| !number.contains(['"', '\\'])),
        _ => None,
    }
}
