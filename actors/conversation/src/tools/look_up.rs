//! `look_up`: what the stores hold on the customer's own words. Every turn begins with it where calls have
//! free words; no model writes it.
//!
//! A small model chooses well from what it reads, and words a search badly. So it reads first, and
//! calls only for what that lacks.

use mercer_schemas::plan::Arguments;
use mercer_schemas::{Plan, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::Said;
use crate::grammar::Rules;

/// Look up what the customer's words may be about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUp {}

impl Arguments for LookUp {
    const TOOL: &'static str = "look_up";
}

/// Returns the plan that a turn begins with.
pub(crate) fn first_plan() -> Plan {
    Plan {
        calls: vec![ToolCall::new(&LookUp {})],
    }
}

/// Says whether a plan is the one that a turn begins with: no model wrote it, and none reads it.
pub(crate) fn is_first(plan: &Plan) -> bool {
    plan.calls.iter().any(|call| call.tool() == LookUp::TOOL)
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        LookUp::TOOL
    }

    fn rule(&self) -> &'static str {
        "look_up"
    }

    fn schema(&self) -> Schema {
        schema_for!(LookUp)
    }

    fn prompt(&self) -> Option<&'static str> {
        None
    }

    fn offer(&self, _: &Said<'_>, _: &mut Rules) -> bool {
        false
    }

    fn admitted(&self, _: &Said<'_>, _: &ToolCall) -> Option<ToolCall> {
        None
    }
}
