//! `order_status`: reports an order, once identity is proven.

use async_trait::async_trait;
use mercer_conversation::tools::OrderStatus;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{CustomerId, Evidence, EvidenceRole, Order, RecordKey, ToolCall};
use mercer_store::Versioned;

use super::{Answer, Error, Request, Tools};
use crate::fields::{order_fields, order_record};
use crate::given::Given;
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

/// Brings orders of somebody who need not prove who they are: the one that the latest replies told, or while none was told
/// the latest ones.
pub(super) async fn tell_own(
    tools: &Tools,
    request: &Request<'_>,
    latest: u64,
    answer: &mut Answer,
) -> Result<(), Error> {
    let number = |(_, key): &'_ (_, RecordKey)| match key {
        RecordKey::Order(number) => Some(number.to_string()),
        _ => None,
    };
    let told = request.told.iter().find_map(number);
    let gives_code = !Given::of(request.words.expose()).codes.is_empty();
    let is_known = request.found.iter().any(|known| number(known).is_some());
    if told.is_none() && !gives_code && is_known {
        return Ok(());
    }
    let question = question(request, told.as_deref(), latest);
    let shop = &request.shop.id;
    if let Some(found) = order::look_up_own(&tools.store, shop, &question).await?
        && let Outcome::Orders(customer, orders) = found.outcome
    {
        answer.proof = Some(found.proof);
        tell(request, customer, orders, answer);
    }
    Ok(())
}

/// Tells a customer's orders, as many as there is room for. The latest one is told in any case.
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
    let leave_out =
        |orders: &mut Vec<Versioned<Order>>| orders.len() > 1 && orders.pop().is_some();
    answer.push_fitting(orders, write, leave_out);
    answer.identified = Some(customer);
}
