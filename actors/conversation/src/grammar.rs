//! Grammars: what a model may write at all.
//!
//! Both are Lark grammars for llguidance. [`plan`] admits tool calls whose arguments are spans
//! of the conversation and handles that were shown; the rules of a call are its tool's. [`reply`]
//! admits words, references to this turn's evidence, and numbers only as complete literals that occur
//! in the evidence or in the customer's words. A plan is checked by the same sets in code
//! (`tools::admitted`), so it is safe even from a worker that does not keep to the grammar.

mod plan;
mod reply;
mod rules;
mod told;

pub use plan::{PlanGrammar, plan};
pub use reply::{answers, numbers, references, reply};
pub use rules::Rules;
pub use told::{Record, Told};

#[cfg(test)]
mod tests;
