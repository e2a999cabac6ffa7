//! Calls as the model would write them: products by their handles.

use std::collections::{BTreeMap, BTreeSet};

use mercer_conversation::tools::{
    self, Handoff, OneOrMore, OrderStatus, ProductDetails, SearchCatalog, SearchPolicies,
};
use mercer_corpus::written::{self, Call, Turn};
use mercer_schemas::{Plan, ToolCall};

use super::missing::references;
use super::school::Obstacle;
use super::stage::Stage;

impl Stage<'_> {
    /// Writes a call of a turn; a search asks `about` things of what it finds.
    pub(super) fn call(
        &self,
        turn: &Turn,
        call: &Call,
        about: &[String],
    ) -> Result<ToolCall, Obstacle> {
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
                    about: about.iter().map(|about| about.as_str().into()).collect(),
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
                // Whenever the number of the order that is told stands before, and else never.
                let call = ToolCall::new(&OrderStatus {
                    order: orders.order.clone().or_else(|| order_told(turn)),
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
}

/// Returns the number of the order that a reply tells; none of several.
fn order_told(turn: &Turn) -> Option<String> {
    let orders = references(&turn.reply).filter_map(|written| written.strip_prefix("order:"));
    let numbers: BTreeSet<&str> = orders
        .filter_map(|written| Some(written.rsplit_once('.')?.0))
        .collect();
    match numbers.first() {
        Some(number) if numbers.len() == 1 => Some((*number).to_owned()),
        _ => None,
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
