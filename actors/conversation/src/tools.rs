//! The tools that a plan may call, a file each, and the only list of them.
//!
//! A file holds all that the conversation knows of its tool: the type of its calls, their schema and
//! grammar, what an instructed model is told of it, how its evidence reads, what a reply to it must
//! refer to, and what is said without a model. What a call does, `mercer-commerce` knows.

mod free;
#[cfg(test)]
mod gift_wrap;
mod handoff;
pub(crate) mod look_up;
mod order_status;
pub(crate) mod product_details;
mod search_catalog;
pub(crate) mod search_policies;

use std::collections::BTreeSet;

use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, Plan, ShopTerms, ToolCall};
use schemars::Schema;

pub use handoff::Handoff;
pub use look_up::LookUp;
pub use order_status::OrderStatus;
pub use product_details::ProductDetails;
pub use search_catalog::{NEAREST, NO_BRAND, OneOrMore, SEVERAL_BRANDS, SearchCatalog};
pub use search_policies::SearchPolicies;

use crate::grammar::{Rules, Told};
use crate::spans;
use crate::state::{State, Turn};

/// Most products and variants that a call may choose from, the latest ones.
const HANDLES_MAX: usize = 64;

/// All tools, in the order in which the prompt, a plan's grammar and what a reply refers to have them.
pub const ALL: &[&dyn Tool] = &[
    &look_up::Tool,
    &search_catalog::Tool,
    &product_details::Tool,
    &search_policies::Tool,
    &order_status::Tool,
    &handoff::Tool,
    #[cfg(test)]
    &gift_wrap::Tool,
];

/// What the conversation knows of a tool.
pub trait Tool: Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;

    /// The name of the rule of its calls in a plan's grammar.
    fn rule(&self) -> &'static str;

    /// Schema of its arguments.
    fn schema(&self) -> Schema;

    /// What an instructed model is told of it: a line of the system prompt. None where no model calls it.
    fn prompt(&self) -> Option<&'static str>;

    /// Adds the rules of its calls to a plan's grammar. False where it cannot be called now.
    fn offer(&self, said: &Said<'_>, rules: &mut Rules) -> bool;

    /// Returns the call as the prompt promises it, where [`Self::offer`] offers its arguments. What the
    /// grammar makes mandatory on top is not demanded here: it serves the answer, not safety.
    fn admitted(&self, said: &Said<'_>, call: &ToolCall) -> Option<ToolCall>;

    /// Says how much the words speak for it, whatever a classifier takes them for.
    fn pull(&self, _said: &Said<'_>) -> Pull {
        Pull::None
    }

    /// Says whether it ends the assistant's part, and so may be called whatever else is certain.
    fn is_way_out(&self) -> bool {
        false
    }

    /// Writes a line of its evidence as the model reads it. None for lines of other tools, and for
    /// records that are written like any other.
    fn line(&self, _evidence: &Evidence, _locale: &str) -> Option<String> {
        None
    }

    /// Says a line of its evidence without a model, references unfilled. None for lines of others.
    fn sentence(&self, _evidence: &Evidence) -> Option<String> {
        None
    }

    /// Returns what a reply must refer to so that it answers this tool's part of the question, as
    /// alternatives. Empty where any reference does.
    fn needed(&self, _told: &Told<'_>) -> Vec<Vec<String>> {
        Vec::new()
    }
}

/// How much a turn's words speak for a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pull {
    /// Nothing does.
    None,
    /// It stays offered, whatever plans are narrowed to.
    Offered,
    /// It stays offered, and some tool is called unless the message is first of all talk.
    Expected,
    /// Where plans are narrowed, it alone is offered.
    Alone,
    /// It is called, and nothing else.
    Certain,
    /// It is called first, or the way out is taken.
    First,
}

/// What a plan's arguments are taken from.
pub struct Said<'a> {
    /// The conversation before the turn.
    pub state: &'a State,
    /// The customer's words of the turn.
    pub words: &'a str,
    /// The phrases that a search may use.
    pub phrases: BTreeSet<String>,
    /// Whether words that guess at a meaning count.
    pub hints: bool,
    /// The shop's names, where calls have free words and choose from these.
    pub terms: Option<&'a ShopTerms>,
}

impl<'a> Said<'a> {
    /// Reads a turn's words.
    pub(crate) fn new(state: &'a State, turn: &'a Turn, hints: bool) -> Self {
        let words = turn.said();
        Self {
            state,
            words,
            phrases: spans::phrases(words),
            hints: hints && state.terms.is_none(),
            terms: state.terms.as_ref(),
        }
    }

    /// Returns the products and variants that a call with free words may name.
    pub fn sold(&self) -> BTreeSet<String> {
        let known = self.state.known().into_iter().rev();
        let sold = known.filter(|(_, key)| key.kind().is_sold());
        sold.map(|(handle, _)| handle.to_string())
            .take(HANDLES_MAX)
            .collect()
    }

    /// Says whether the words hold template or reference markup. Nobody types it by chance: such a
    /// message is something to search by, never a reason to report an order or to call a person.
    pub fn carries_markup(&self) -> bool {
        ["{{", "}}", "<|", "|>"]
            .iter()
            .any(|mark| self.words.contains(mark))
    }
}

/// Says whether a turn offers all calls of a plan.
pub fn admits(state: &State, turn: &Turn, hints: bool, plan: &Plan) -> bool {
    admitted(state, turn, hints, plan).is_some()
}

/// Returns a plan as the prompt promises it, where its calls are among those that the turn offers.
pub(crate) fn admitted(state: &State, turn: &Turn, hints: bool, plan: &Plan) -> Option<Plan> {
    if plan.calls.len() > mercer_schemas::plan::CALLS_MAX {
        return None;
    }
    let said = Said::new(state, turn, hints);
    let admitted = |call: &ToolCall| {
        let tool = ALL.iter().find(|tool| tool.name() == call.tool())?;
        tool.admitted(&said, call)
    };
    let calls = plan.calls.iter().map(admitted).collect::<Option<_>>()?;
    Some(Plan { calls })
}

/// Returns a call with the same arguments, where they are what a tool takes and `fits` agrees.
fn admitted_if<A: Arguments>(call: &ToolCall, fits: impl FnOnce(&A) -> bool) -> Option<ToolCall> {
    let arguments: A = call.arguments()?;
    fits(&arguments).then(|| ToolCall::new(&arguments))
}

/// Says whether an argument that may be left out is one of a set.
fn is_among(value: Option<&str>, set: &BTreeSet<String>) -> bool {
    value.is_none_or(|value| set.contains(value))
}

#[cfg(test)]
mod tests;
