//! `handoff`: call a person.

use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, HandoffReason, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Pull, Said, admitted_if};
use crate::grammar::Rules;
use crate::hints;

/// Call a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handoff {
    /// Why.
    pub reason: HandoffReason,
}

impl Arguments for Handoff {
    const TOOL: &'static str = "handoff";
}

/// What the conversation knows of it.
pub(super) struct Tool;

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        Handoff::TOOL
    }

    fn rule(&self) -> &'static str {
        "handoff"
    }

    fn schema(&self) -> Schema {
        schema_for!(Handoff)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(
            r#"{"tool":"handoff","reason":"asked"} calls a person; reason is asked, complaint or unable."#,
        )
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        rules.rule(
            self.rule(),
            r#""{\"tool\":\"handoff\",\"reason\":\"" REASON "\"}""#,
        );
        rules.rule("REASON", r#""asked" | "complaint" | "unable""#);
        !said.carries_markup()
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        admitted_if(call, |_: &Handoff| !said.carries_markup())
    }

    /// Whoever may be asking for a person is not held back.
    fn pull(&self, said: &Said<'_>) -> Pull {
        if said.carries_markup() {
            Pull::None
        } else if !said.hints {
            // Nothing tells who asks for one, so nobody may be kept from it.
            Pull::Offered
        } else if hints::persons::are_demanded(said.words) {
            Pull::Certain
        } else if hints::persons::may_be_asked_for(said.words) {
            Pull::Offered
        } else {
            Pull::None
        }
    }

    fn is_way_out(&self) -> bool {
        true
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        matches!(evidence, Evidence::HandedOver).then(|| "handoff: a person will answer".to_owned())
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        matches!(evidence, Evidence::HandedOver)
            .then(|| "A colleague will take over from here and answer you.".to_owned())
    }
}
