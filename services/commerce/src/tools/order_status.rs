//! `order_status`: reports an order, once identity is proven.

use async_trait::async_trait;
use mercer_conversation::tools::OrderStatus;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{CustomerId, Evidence, EvidenceRole, Order, RecordKey, ToolCall};
use mercer_store::Versioned;

use super::{Answer, Error, Request, Tools};
use crate::fields::{order_fields, order_record};
use crate::order::{self, Outcome, Question};

/// Orders of a customer that a call without a number tells of, the latest ones, where calls have free
/// words.
const LATEST_FREELY: u64 = 4;

/// What a call does.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        OrderStatus::TOOL
    }

    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // Not the typed arguments: plans of logic versions up to 4 have an e-mail address and a postcode
        // too, which are read from the customer's words now.
        let order = call.argument("order").and_then(|order| order.as_str());
        let latest = if request.is_open { LATEST_FREELY } else { 1 };
        let question = question(request, order, latest);
        let told = order::look_up(&tools.store, &request.shop.id, &question).await?;
        // Of two calls in a plan the words are the same, so the first one's finding stays, unless
        // the second one proves.
        if matches!(told.outcome, Outcome::Orders(..)) {
            answer.proof = Some(told.proof);
        } else {
            answer.proof.get_or_insert(told.proof);
        }
        match told.outcome {
            Outcome::IdentityNeeded => answer.evidence.push(Evidence::IdentityNeeded),
            Outcome::NotFound => answer.evidence.push(Evidence::OrderNotFound),
            Outcome::Person => answer.evidence.push(Evidence::HandedOver),
            Outcome::Orders(customer, orders) => tell(request, customer, orders, answer),
        }
        Ok(())
    }
}

/// Asks for an order by its number, or for the latest ones.
fn question<'a>(request: &Request<'a>, order: Option<&'a str>, latest: u64) -> Question<'a> {
    Question {
        order,
        words: request.words,
        customer: request.customer,
        identity: request.identity,
        attempt: request.attempt,
        channel: request.channel,
        address: request.address,
        at_ms: request.at_ms,
        latest,
    }
}

/// Brings orders of somebody who need not prove who they are: the one that the latest replies told first, then the latest
/// ones, so many in all; the one alone whose number the words give.
pub(super) async fn tell_own(
    tools: &Tools,
    request: &Request<'_>,
    most: usize,
    answer: &mut Answer,
) -> Result<(), Error> {
    let told = request.told.iter().find_map(|(_, key)| match key {
        RecordKey::Order(number) => Some(number.as_str()),
        _ => None,
    });
    let (store, shop) = (&tools.store, &request.shop.id);
    let mut own: Option<(CustomerId, Vec<Versioned<Order>>)> = None;
    for order in [told, None] {
        let question = question(request, order, most as u64);
        let Some(found) = order::look_up_own(store, shop, &question).await? else {
            continue;
        };
        // One that ends an identity stays beside none that proves one.
        if matches!(found.outcome, Outcome::Orders(..)) {
            answer.proof = Some(found.proof);
        } else {
            answer.proof.get_or_insert(found.proof);
        }
        if let Outcome::Orders(customer, orders) = found.outcome {
            let (_, all) = own.get_or_insert((customer, Vec::new()));
            for order in orders {
                let is_new = all
                    .iter()
                    .all(|known| known.value.number != order.value.number);
                if is_new && all.len() < most {
                    all.push(order);
                }
            }
        }
    }
    if let Some((customer, orders)) = own {
        tell(request, customer, orders, answer);
    }
    Ok(())
}

/// Tells a customer's orders, as many as there is room for. The first one is told in any case.
fn tell(
    request: &Request<'_>,
    customer: CustomerId,
    orders: Vec<Versioned<Order>>,
    answer: &mut Answer,
) {
    let write = |orders: &Vec<Versioned<Order>>, answer: &mut Answer| {
        for found in orders {
            let key = RecordKey::Order(found.value.number.clone());
            let fields = if request.is_open {
                order_record(&found.value)
            } else {
                order_fields(&found.value)
            };
            answer.push(key, found.version, EvidenceRole::Shown, fields);
        }
    };
    let leave_out = |orders: &mut Vec<Versioned<Order>>| orders.len() > 1 && orders.pop().is_some();
    answer.push_fitting(orders, write, leave_out);
    answer.identified = Some(customer);
}
