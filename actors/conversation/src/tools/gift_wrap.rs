//! `gift_wrap`: a tool in a test. This file and a line in [`super::ALL`] are all that the conversation
//! needs to plan it, read what it found, demand it of a reply and say it without a model.

use std::collections::BTreeSet;

use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, ToolCall};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

use super::{Pull, Said, admitted_if};
use crate::grammar::Rules;

/// Ask whether something can be wrapped.
#[derive(PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GiftWrap {
    /// In which paper.
    pub(super) paper: String,
}

impl Arguments for GiftWrap {
    const TOOL: &'static str = "gift_wrap";
}

pub(super) struct Tool;

/// The papers that the words name.
fn papers(said: &Said<'_>) -> BTreeSet<String> {
    ["red", "gold"]
        .into_iter()
        .filter(|paper| said.words.contains(&format!("wrapped in {paper}")))
        .map(str::to_owned)
        .collect()
}

impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        GiftWrap::TOOL
    }

    fn rule(&self) -> &'static str {
        "wrap"
    }

    fn schema(&self) -> Schema {
        schema_for!(GiftWrap)
    }

    fn prompt(&self) -> Option<&'static str> {
        Some(r#"{"tool":"gift_wrap","paper":"red"} asks whether it can be wrapped."#)
    }

    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool {
        let papers = papers(said);
        if papers.is_empty() {
            return false;
        }
        rules.terminal("PAPER", &papers);
        rules.rule(
            self.rule(),
            r#""{\"tool\":\"gift_wrap\",\"paper\":\"" PAPER "\"}""#,
        );
        true
    }

    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall> {
        admitted_if(call, |call: &GiftWrap| papers(said).contains(&call.paper))
    }

    fn pull(&self, _: &Said<'_>) -> Pull {
        Pull::Certain
    }

    fn line(&self, evidence: &Evidence, _: &str) -> Option<String> {
        match evidence {
            Evidence::Outcome { tool, outcome } if tool == self.name() => {
                Some(format!("wrapping: {outcome}"))
            }
            _ => None,
        }
    }

    fn sentence(&self, evidence: &Evidence) -> Option<String> {
        self.line(evidence, "")
            .map(|_| "We gladly wrap it.".to_owned())
    }
}
