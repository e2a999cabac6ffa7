//! Grammars: what a model may write at all.
//!
//! A Lark grammar for llguidance: the next message of a turn is calls or the reply. Calls have
//! arguments that are spans of the conversation and handles that were shown; the rules of a call are
//! its tool's. A reply is words, references to the turn's evidence, and numbers only as complete
//! literals that occur in the evidence or in the customer's words. Calls are checked by the same sets
//! in code (`tools::admitted`), so they are safe even from a worker that does not keep to the grammar.

mod calls;
mod reply;
mod rules;
mod told;

use mercer_schemas::Intent;

use calls::Calls;
pub use reply::{answers, numbers, references};
pub use rules::Rules;
pub use told::{Record, Told};

use crate::rounds::Rounds;
use crate::state::{State, Turn};

/// The grammar of what is written next in a turn.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnGrammar {
    /// None where only the reply may be written.
    calls: Option<Calls>,
    /// Whether something was called already.
    is_later: bool,
    reply: String,
}

/// Builds the grammar of all that may be written next. Without `hints`, lists of words that guess at a
/// meaning do not count.
pub fn turn(
    state: &State,
    turn: &Turn,
    rounds: &Rounds,
    reply_only: bool,
    hints: bool,
) -> TurnGrammar {
    TurnGrammar {
        calls: (!reply_only).then(|| Calls::of(state, turn, hints)),
        is_later: !rounds.is_empty(),
        reply: if state.terms.is_some() {
            reply::free(&rounds.all_evidence(), turn.said())
        } else {
            reply::bound(&rounds.all_evidence(), turn.said(), hints)
        },
    }
}

impl TurnGrammar {
    /// Writes the grammar in Lark. With `intents`, a turn's first calls are only those for one of
    /// these; where none of them is possible, or there are none, all.
    pub fn lark(&self, intents: &[Intent]) -> String {
        let reply = &self.reply;
        let Some(calls) = &self.calls else {
            return format!("start: reply\n{reply}");
        };
        let offered = if self.is_later {
            calls.later()
        } else {
            calls.first(intents)
        };
        let rules = offered.rules;
        match (rules.is_empty(), offered.or_reply) {
            (true, _) => format!("start: reply\n{reply}"),
            (false, true) => format!("start: calls | reply\n{rules}{reply}"),
            (false, false) => format!("start: calls\n{rules}"),
        }
    }
}

#[cfg(test)]
mod tests;
