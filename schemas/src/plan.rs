//! A plan: the tool calls that the model wants in one round of a turn.
//!
//! A turn is a loop: the model writes calls, reads what they found, and writes on, until it writes the
//! reply. The JSON form is part of the prompt, so key order and spelling are fixed: a plan is written
//! with [`Plan::to_line`] wherever it appears.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most tool calls in one plan.
pub const CALLS_MAX: usize = 2;
/// Most rounds of calls in one turn; then the model has to reply.
pub const ROUNDS_MAX: usize = 4;

/// What a plan's line begins with, and no reply does.
const OPENING: &str = "{\"calls\"";

/// The tool calls of one round, in order.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// At most [`CALLS_MAX`]; empty when no tool is needed.
    pub calls: Vec<ToolCall>,
}

impl Plan {
    /// Says whether what a model wrote is meant as a plan, readable or not.
    pub fn is_begun_by(text: &str) -> bool {
        text.starts_with(OPENING)
    }

    /// Says whether a plan may begin with what was written so far.
    pub fn may_be_begun_by(text: &str) -> bool {
        OPENING.starts_with(text)
    }

    /// Writes the plan as the one line that the model reads and writes.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{\"calls\":[]}".to_owned())
    }
}

/// One tool call: the tool's name, and its arguments in the order of the prompt. What they mean, and
/// which there are, the tool says ([`Arguments`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    tool: String,
    #[serde(flatten)]
    arguments: Map<String, Value>,
}

/// The arguments of a tool's calls.
pub trait Arguments: Serialize + DeserializeOwned {
    /// The tool's name in a plan's JSON.
    const TOOL: &'static str;
}

impl ToolCall {
    /// Builds a call.
    pub fn new<A: Arguments>(arguments: &A) -> Self {
        let arguments = match serde_json::to_value(arguments) {
            Ok(Value::Object(arguments)) => arguments,
            _ => Map::new(),
        };
        Self {
            tool: A::TOOL.to_owned(),
            arguments,
        }
    }

    /// Returns the tool's name as in the plan's JSON.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns an argument as written.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments.get(name)
    }

    /// Returns the arguments, where this is a call of their tool and they are all and nothing but
    /// what it takes.
    pub fn arguments<A: Arguments>(&self) -> Option<A> {
        if self.tool != A::TOOL {
            return None;
        }
        serde_json::from_value(Value::Object(self.arguments.clone())).ok()
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

/// Order of products that were searched for, in a call `price_asc`, or a field with `_asc` or `_desc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Sort {
    /// `price`, or the name of an attribute or option.
    pub by: String,
    /// Whether the most comes first.
    pub descending: bool,
}

/// What a sort by price is called.
pub const PRICE: &str = "price";

impl Sort {
    /// Cheapest first.
    pub fn price_asc() -> Self {
        Self {
            by: PRICE.to_owned(),
            descending: false,
        }
    }

    /// Dearest first.
    pub fn price_desc() -> Self {
        Self {
            by: PRICE.to_owned(),
            descending: true,
        }
    }
}

impl TryFrom<String> for Sort {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (by, direction) = text
            .rsplit_once('_')
            .ok_or("expected NAME_asc or NAME_desc")?;
        let descending = match direction {
            "asc" => false,
            "desc" => true,
            _ => return Err("expected NAME_asc or NAME_desc"),
        };
        let by = by.to_owned();
        Ok(Self { by, descending })
    }
}

impl From<Sort> for String {
    fn from(sort: Sort) -> Self {
        let direction = if sort.descending { "desc" } else { "asc" };
        format!("{}_{direction}", sort.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wrap {
        paper: String,
        bows: Option<u32>,
        card: String,
    }

    impl Arguments for Wrap {
        const TOOL: &'static str = "wrap";
    }

    #[test]
    fn a_plan_is_written_in_the_order_that_the_prompt_promises() {
        let wrap = Wrap {
            paper: "red".to_owned(),
            bows: Some(2),
            card: "for ann".to_owned(),
        };
        let plan = Plan {
            calls: vec![ToolCall::new(&wrap)],
        };
        let line = r#"{"calls":[{"tool":"wrap","paper":"red","bows":2,"card":"for ann"}]}"#;
        assert_eq!(plan.to_line(), line);
        let read: Plan = serde_json::from_str(line).expect("plan");
        assert!(read == plan);
        assert!(read.calls[0].arguments::<Wrap>() == Some(wrap));
    }

    #[test]
    fn what_is_not_a_tools_call_has_none_of_its_arguments() {
        for call in [
            r#"{"tool":"send","paper":"red","card":"x"}"#,
            r#"{"tool":"wrap","paper":"red"}"#,
            r#"{"tool":"wrap","paper":"red","card":"x","price":1}"#,
            r#"{"tool":"wrap","paper":7,"card":"x"}"#,
        ] {
            let read: ToolCall = serde_json::from_str(call).expect("call");
            assert!(read.arguments::<Wrap>().is_none(), "{call}");
            assert_eq!(serde_json::to_string(&read).expect("written"), call);
        }
    }
}
