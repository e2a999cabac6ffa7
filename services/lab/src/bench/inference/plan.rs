//! The plans of W5: their schema, and whether a text is one.

use serde::Deserialize;

/// Tokens that a plan takes at most: about one for each of its characters.
pub(super) const TOKENS_MAX: u32 = 200;

/// What a plan looks like. [`is_plan`] checks the same.
pub(super) const SCHEMA: &str = r#"{"type":"object","properties":{"calls":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"object",
"properties":{"tool":{"enum":["search_catalog","search_policies","order_status","handoff"]},"query":{"type":"string","pattern":"^[a-z ]{1,24}$"}},
"required":["tool","query"],"additionalProperties":false}}},"required":["calls"],"additionalProperties":false}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCalls {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    tool: Tool,
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tool {
    SearchCatalog,
    SearchPolicies,
    OrderStatus,
    Handoff,
}

/// Tells whether a text is a plan as the schema of W5 has it.
pub(super) fn is_plan(text: &str) -> bool {
    serde_json::from_str::<ToolCalls>(text).is_ok_and(|plan| {
        (1..=2).contains(&plan.calls.len())
            && plan.calls.iter().all(|call| {
                let Call { tool, query } = call;
                matches!(
                    tool,
                    Tool::SearchCatalog | Tool::SearchPolicies | Tool::OrderStatus | Tool::Handoff
                ) && (1..=24).contains(&query.len())
                    && query
                        .bytes()
                        .all(|byte| byte == b' ' || byte.is_ascii_lowercase())
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plans_are_plans() {
        assert!(is_plan(
            r#"{"calls":[{"tool":"handoff","query":"a person"}]}"#
        ));
        for text in [
            r#"{"calls":[]}"#,
            r#"{"calls":[{"tool":"dance","query":"a"}]}"#,
            r#"{"calls":[{"tool":"handoff","query":"a pers"#,
            r#"{"calls":[{"tool":"handoff","query":""}]}"#,
        ] {
            assert!(!is_plan(text), "{text}");
        }
    }
}
