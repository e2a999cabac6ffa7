//! What is true of every conversation at all times. Checked after `evolve`: a violation panics in
//! tests and is counted in production; the property tests use the same function.

use mercer_schemas::plan::{CALLS_MAX, ROUNDS_MAX};

use crate::deliveries::FOLLOWED_MESSAGES_MAX;
use crate::state::{Phase, State};

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A turn that ended runs again: it could be answered twice.
    #[error("CV-1 a turn is answered at most once")]
    EndedTurnRuns,
    /// Something runs before the first message.
    #[error("CV-2 a conversation begins with a message")]
    RunsBeforeStart,
    /// A handle names two records.
    #[error("CV-3 a shown handle names one record")]
    AmbiguousHandle,
    /// The state grows without bound.
    #[error("CV-4 followed messages are bounded")]
    Unbounded,
    /// A plan has more calls than allowed.
    #[error("CV-5 a plan has a bounded number of calls")]
    LongPlan,
    /// A turn goes round and round.
    #[error("CV-6 a turn has a bounded number of rounds")]
    LongTurn,
}

/// Checks all rules.
///
/// # Errors
/// The first rule that does not hold.
pub fn check(state: &State) -> Result<(), Violation> {
    if let Some(turn) = state.phase.turn() {
        if state.last_ended.as_ref() == Some(&turn.id) {
            return Err(Violation::EndedTurnRuns);
        }
        if state.origin.is_none() {
            return Err(Violation::RunsBeforeStart);
        }
    }
    for (i, (handle, _)) in state.shown.iter().enumerate() {
        // The same record may be described by several lines; a handle names one record only.
        if state.shown[..i]
            .iter()
            .any(|(other, key)| other == handle && *key != state.shown[i].1)
        {
            return Err(Violation::AmbiguousHandle);
        }
    }
    if state.deliveries.len() > FOLLOWED_MESSAGES_MAX {
        return Err(Violation::Unbounded);
    }
    let (rounds, open) = match &state.phase {
        Phase::Idle | Phase::WithPerson => return Ok(()),
        Phase::Writing { rounds, .. } | Phase::Checking { rounds, .. } => (rounds, None),
        Phase::Gathering { rounds, plan, .. } => (rounds, Some(plan)),
    };
    let mut plans = rounds.iter().map(|round| &round.plan).chain(open);
    if plans.any(|plan| plan.calls.len() > CALLS_MAX) {
        return Err(Violation::LongPlan);
    }
    if rounds.len() + usize::from(open.is_some()) > ROUNDS_MAX {
        return Err(Violation::LongTurn);
    }
    Ok(())
}
