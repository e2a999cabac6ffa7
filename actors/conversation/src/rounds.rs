//! The rounds of a turn: calls, and what they found.

use mercer_schemas::plan::ROUNDS_MAX;
use mercer_schemas::{Evidence, Handle, Plan, RecordKey, ToolCall};
use serde::{Deserialize, Serialize};

use crate::tools::look_up;

/// One round: what was called, and what was found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The calls.
    pub plan: Plan,
    /// What they found.
    pub evidence: Vec<Evidence>,
}

/// The rounds of a turn, in order.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Rounds {
    rounds: Vec<Round>,
}

/// Rounds as they are read: until logic version 5 a turn had one plan, and its evidence beside it.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    rounds: Vec<Round>,
    #[serde(default)]
    plan: Plan,
    #[serde(default)]
    evidence: Vec<Evidence>,
}

impl From<Stored> for Rounds {
    fn from(stored: Stored) -> Self {
        let mut rounds = Self {
            rounds: stored.rounds,
        };
        if !stored.plan.calls.is_empty() || !stored.evidence.is_empty() {
            rounds.push(stored.plan, stored.evidence);
        }
        rounds
    }
}

impl Rounds {
    /// Returns the one round of a turn that needed one.
    pub fn one(plan: Plan, evidence: Vec<Evidence>) -> Self {
        Self {
            rounds: vec![Round { plan, evidence }],
        }
    }

    /// Adds a round.
    pub fn push(&mut self, plan: Plan, evidence: Vec<Evidence>) {
        self.rounds.push(Round { plan, evidence });
    }

    /// Returns the rounds.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Round> {
        self.rounds.iter()
    }

    /// Returns how many there were.
    pub fn len(&self) -> usize {
        self.rounds.len()
    }

    /// Says whether there was none.
    pub fn is_empty(&self) -> bool {
        self.rounds.is_empty()
    }

    /// Returns all calls in order.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.rounds.iter().flat_map(|round| &round.plan.calls)
    }

    /// Returns all that was found, in order.
    pub fn evidence(&self) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.rounds.iter().flat_map(|round| &round.evidence)
    }

    /// Returns a copy of all that was found, in order.
    pub fn all_evidence(&self) -> Vec<Evidence> {
        self.evidence().cloned().collect()
    }

    /// Returns the rounds whose calls somebody wrote: all but the look-up that a turn begins with.
    pub fn called(&self) -> impl Iterator<Item = &Round> {
        let rounds = self.rounds.iter();
        rounds.filter(|round| !look_up::is_first(&round.plan))
    }

    /// Returns a copy of what these found, in order.
    pub fn called_evidence(&self) -> Vec<Evidence> {
        self.called()
            .flat_map(|round| round.evidence.clone())
            .collect()
    }

    /// Returns what the handles of the records found stand for, each once.
    pub fn handles(&self) -> Vec<(Handle, RecordKey)> {
        let mut out: Vec<(Handle, RecordKey)> = Vec::new();
        for line in self.evidence() {
            if let Evidence::Record { handle, key, .. } = line
                && out.iter().all(|(known, _)| known != handle)
            {
                out.push((handle.clone(), key.clone()));
            }
        }
        out
    }

    /// Forgets orders that were found.
    pub(crate) fn forget_orders(&mut self) {
        for round in &mut self.rounds {
            round.evidence.retain(|line| !is_order(line));
        }
    }

    /// Forgets what was found, not what was called.
    pub(crate) fn clear_evidence(&mut self) {
        for round in &mut self.rounds {
            round.evidence.clear();
        }
    }

    /// Says whether more may be called in the turn. Where a person was called, nothing else is.
    pub fn may_go_on(&self) -> bool {
        self.len() < ROUNDS_MAX && self.evidence().all(|line| *line != Evidence::HandedOver)
    }
}

/// Says whether evidence is an order.
pub(crate) fn is_order(line: &Evidence) -> bool {
    matches!(
        line,
        Evidence::Record {
            key: RecordKey::Order(_),
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_older_records_are_one_or_none() {
        let plan = r#"{"calls":[{"tool":"search_policies","query":"returns"}]}"#;
        let read = |json: &str| serde_json::from_str::<Rounds>(json).expect("rounds");
        let one = read(&format!(
            r#"{{"plan":{plan},"evidence":[{{"kind":"no_policy"}}]}}"#
        ));
        assert_eq!((one.len(), one.calls().count()), (1, 1));
        assert!(one.all_evidence() == [Evidence::NoPolicy]);
        assert!(read(r#"{"plan":{"calls":[]},"evidence":[]}"#).is_empty());
        let again = serde_json::to_string(&one).expect("json");
        assert!(read(&again) == one, "{again}");
    }

    #[test]
    fn a_turn_goes_on_until_its_rounds_are_used_up_or_a_person_is_called() {
        let mut rounds = Rounds::default();
        for _ in 0..ROUNDS_MAX {
            assert!(rounds.may_go_on());
            rounds.push(Plan::default(), vec![Evidence::NoPolicy]);
        }
        assert!(!rounds.may_go_on());
        let mut rounds = Rounds::default();
        rounds.push(Plan::default(), vec![Evidence::HandedOver]);
        assert!(!rounds.may_go_on());
    }
}
