//! Phases as they are read: until logic version 5 a turn planned once, and composed its reply later.

use mercer_schemas::{DraftSource, Personal, Plan};
use serde::Deserialize;

use super::{Phase, Turn};
use crate::rounds::Rounds;

/// A phase in a snapshot of any version.
#[derive(Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub(super) enum StoredPhase {
    Idle,
    #[serde(alias = "planning")]
    Writing {
        turn: Turn,
        #[serde(flatten)]
        rounds: Rounds,
        #[serde(default)]
        reply_only: bool,
        #[serde(default)]
        repair: bool,
    },
    /// The model wrote the reply, after the plan was run. Written up to version 5.
    Composing {
        turn: Turn,
        #[serde(flatten)]
        rounds: Rounds,
        #[serde(default)]
        repair: bool,
    },
    Gathering {
        turn: Turn,
        #[serde(flatten)]
        rounds: Rounds,
        plan: Plan,
    },
    Checking {
        turn: Turn,
        #[serde(flatten)]
        rounds: Rounds,
        draft: Personal<String>,
        source: DraftSource,
    },
    WithPerson,
}

impl From<StoredPhase> for Phase {
    fn from(stored: StoredPhase) -> Self {
        match stored {
            StoredPhase::Idle => Self::Idle,
            StoredPhase::Writing {
                turn,
                rounds,
                reply_only,
                repair,
            } => Self::Writing {
                turn,
                rounds,
                reply_only,
                repair,
            },
            // As its events are folded: a plan without calls asked for the reply, and so did a draft that
            // was blocked, or a person who was called.
            StoredPhase::Composing {
                turn,
                rounds,
                repair,
            } => Self::Writing {
                turn,
                reply_only: repair || rounds.is_empty() || !rounds.may_go_on(),
                rounds,
                repair,
            },
            StoredPhase::Gathering { turn, rounds, plan } => Self::Gathering { turn, rounds, plan },
            StoredPhase::Checking {
                turn,
                rounds,
                draft,
                source,
            } => Self::Checking {
                turn,
                rounds,
                draft,
                source,
            },
            StoredPhase::WithPerson => Self::WithPerson,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_schemas::TurnId;

    use super::*;

    fn read(rest: &str) -> Phase {
        let id = TurnId::from_parts(1, 1);
        let turn = format!(r#""turn":{{"id":"{id}","attempt":0,"words":"hi"}}"#);
        serde_json::from_str(&format!("{{{turn},{rest}}}")).expect("a phase")
    }

    #[test]
    fn phases_of_versions_that_planned_once_are_read() {
        let planning = read(r#""phase":"planning""#);
        assert!(
            matches!(&planning, Phase::Writing { rounds, reply_only: false, repair: false, .. } if rounds.is_empty())
        );
        let found = r#""plan":{"calls":[{"tool":"search_policies","query":"returns"}]},"evidence":[{"kind":"no_policy"}]"#;
        let composing = read(&format!(r#""phase":"composing",{found}"#));
        assert!(
            matches!(&composing, Phase::Writing { rounds, reply_only: false, repair: false, .. } if rounds.len() == 1)
        );
        let checking = read(&format!(
            r#""phase":"checking",{found},"draft":"x","source":"model""#
        ));
        assert!(matches!(&checking, Phase::Checking { rounds, .. } if rounds.len() == 1));
        for phase in [planning, composing, checking] {
            let again = serde_json::to_string(&phase).expect("json");
            assert!(serde_json::from_str::<Phase>(&again).expect("a phase") == phase);
        }
    }

    #[test]
    fn a_reply_that_was_being_composed_comes_next() {
        let empty = r#""plan":{"calls":[]},"evidence":[]"#;
        let person = r#""plan":{"calls":[{"tool":"handoff","reason":"asked"}]},"evidence":[{"kind":"handed_over"}]"#;
        let policy = r#""plan":{"calls":[{"tool":"search_policies","query":"returns"}]},"evidence":[{"kind":"no_policy"}]"#;
        for rest in [
            empty.to_owned(),
            person.to_owned(),
            format!(r#"{policy},"repair":true"#),
        ] {
            let composing = read(&format!(r#""phase":"composing",{rest}"#));
            assert!(
                matches!(
                    composing,
                    Phase::Writing {
                        reply_only: true,
                        ..
                    }
                ),
                "{rest}"
            );
        }
    }
}
