//! A plan: the tool calls that the model wants for a turn.
//!
//! The JSON form is part of the prompt, so key order and spelling are fixed: a plan is written
//! with [`Plan::to_line`] wherever it appears.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conversation::HandoffReason;
use crate::personal::Personal;

/// Most tool calls in one plan.
pub const CALLS_MAX: usize = 2;

/// The tool calls of one turn, in order.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// At most [`CALLS_MAX`]; empty when no tool is needed.
    pub calls: Vec<ToolCall>,
}

impl Plan {
    /// Writes the plan as the one line that the model reads and writes.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{\"calls\":[]}".to_owned())
    }
}

/// One tool call. Words are spans of the customer's own messages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "tool", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToolCall {
    /// Find products.
    SearchCatalog {
        /// What to look for.
        query: Personal<String>,
        /// Lowest price in major units, as the customer wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_price: Option<String>,
        /// Highest price in major units, as the customer wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_price: Option<String>,
        /// Only what can be bought now.
        #[serde(default, skip_serializing_if = "is_false")]
        in_stock: bool,
        /// Order of the results; by relevance when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sort: Option<Sort>,
    },
    /// Look closer at a product that was shown, or choose one of its variants.
    ProductDetails {
        /// A handle of the latest products (`p1`), or `shown` for whichever of them fits.
        product: String,
        /// The option or attribute asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Personal<String>>,
    },
    /// Find policies, FAQ entries and promotions that are in force.
    SearchPolicies {
        /// What to look for.
        query: Personal<String>,
    },
    /// Report an order, once identity is proven.
    OrderStatus {
        /// Number of the order that is meant. It proves nothing: what does is read from the
        /// customer's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<String>,
        /// In plans of logic versions up to 4 only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Personal<String>>,
        /// In plans of logic versions up to 4 only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        postcode: Option<Personal<String>>,
    },
    /// Call a person.
    Handoff {
        /// Why.
        reason: HandoffReason,
    },
}

impl ToolCall {
    /// Returns the tool's name as in the plan's JSON.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::SearchCatalog { .. } => "search_catalog",
            Self::ProductDetails { .. } => "product_details",
            Self::SearchPolicies { .. } => "search_policies",
            Self::OrderStatus { .. } => "order_status",
            Self::Handoff { .. } => "handoff",
        }
    }
}

/// What a message is after: the tools that an answer to it needs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// No tool: small talk, or something that is not the shop's business.
    Talk,
    /// Products.
    Search,
    /// More about a product that was shown.
    Details,
    /// Policies, FAQ entries, promotions.
    Policies,
    /// An order.
    Order,
    /// A person.
    Handoff,
    /// Products and a policy at once.
    SearchAndPolicies,
}

impl Intent {
    /// All of them, in the order of a classifier's outputs.
    pub const ALL: [Self; 7] = [
        Self::Talk,
        Self::Search,
        Self::Details,
        Self::Policies,
        Self::Order,
        Self::Handoff,
        Self::SearchAndPolicies,
    ];

    /// Returns the name in files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Search => "search",
            Self::Details => "details",
            Self::Policies => "policies",
            Self::Order => "order",
            Self::Handoff => "handoff",
            Self::SearchAndPolicies => "search_and_policies",
        }
    }

    /// Returns the tools that an answer needs.
    pub fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Talk => &[],
            Self::Search => &["search_catalog"],
            Self::Details => &["product_details"],
            Self::Policies => &["search_policies"],
            Self::Order => &["order_status"],
            Self::Handoff => &["handoff"],
            Self::SearchAndPolicies => &["search_catalog", "search_policies"],
        }
    }

    /// Returns the intent that a plan serves; none for a mix of tools that has no name here.
    pub fn of(plan: &Plan) -> Option<Self> {
        let mut tools: Vec<&str> = plan.calls.iter().map(ToolCall::tool).collect();
        tools.sort_unstable();
        tools.dedup();
        Self::ALL.into_iter().find(|intent| intent.tools() == tools)
    }
}

/// Order of search results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
}

fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_written_in_the_order_that_the_prompt_promises() {
        let plan = Plan {
            calls: vec![
                ToolCall::SearchCatalog {
                    query: "trail shoes".into(),
                    min_price: None,
                    max_price: Some("80".into()),
                    in_stock: true,
                    sort: Some(Sort::PriceAsc),
                },
                ToolCall::Handoff {
                    reason: HandoffReason::Asked,
                },
            ],
        };
        let line = r#"{"calls":[{"tool":"search_catalog","query":"trail shoes","max_price":"80","in_stock":true,"sort":"price_asc"},{"tool":"handoff","reason":"asked"}]}"#;
        assert_eq!(plan.to_line(), line);
        assert!(serde_json::from_str::<Plan>(line).is_ok_and(|read| read == plan));
    }
}
