//! What a classifier is asked before a plan is written: which tools may this message need?
//!
//! A small chat model knows few words. A sentence embedder knows many more, so where one is at hand
//! a classifier over its vectors names the likely intents, and the plan's grammar offers their tools
//! alone. Here is what the classifier is told; the classifier itself is a model and lives outside.

use crate::spans;
use crate::state::{PastTurn, State, Turn};

/// Numbers in [`IntentQuestion::features`].
pub const FEATURES: usize = 14;

/// What a classifier is told of a turn.
#[derive(Clone, PartialEq)]
pub struct IntentQuestion {
    /// The customer's words.
    pub words: String,
    /// What words do not say, in the order of `schemas/intents.json`, from which the trainer reads it: whether products were shown (0 or 1); what the turn
    /// before was, one of eight as 0 or 1 (there was none, no tool, search, details, policies, an
    /// order told, identity asked for, a person called; a turn can be several); words divided by
    /// 30, 2 at most; whether there is an `@`, three digits in a word, an amount of money, a
    /// question mark.
    pub features: [f32; FEATURES],
}

/// Builds the question for a turn.
pub fn question(state: &State, turn: &Turn) -> IntentQuestion {
    /// Words that a message of usual length has, so that the feature is near 1.
    const WORDS_USUAL: f32 = 30.0;
    let words = turn.said();
    let yes = |fact: bool| f32::from(u8::from(fact));
    let last = state.past.last();
    let called = |tool: &str| {
        yes(last.is_some_and(|past| past.rounds.calls().any(|call| call.tool() == tool)))
    };
    let asked_identity = last.is_some_and(PastTurn::asked_identity);
    let told_order = called("order_status") * yes(!asked_identity);
    let has_digits = spans::words(words)
        .iter()
        .any(|word| word.bytes().filter(u8::is_ascii_digit).count() >= 3);
    IntentQuestion {
        words: words.to_owned(),
        features: [
            yes(!state.shown.is_empty()),
            yes(last.is_none()),
            yes(last.is_some_and(|past| past.rounds.calls().next().is_none())),
            called("search_catalog"),
            called("product_details"),
            called("search_policies"),
            told_order,
            yes(asked_identity),
            called("handoff"),
            (words.split_whitespace().count() as f32 / WORDS_USUAL).min(2.0),
            yes(words.contains('@')),
            yes(has_digits),
            yes(spans::number_runs(words).any(|run| run.is_amount)),
            yes(words.contains('?')),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Rounds;
    use mercer_schemas::{Evidence, Handle, Intent, Plan, ProductId, RecordKey, TurnId};

    /// What the trainer goes by, too.
    #[derive(serde::Deserialize)]
    struct Agreed {
        intents: Vec<String>,
        features: Vec<String>,
        words_usual: f32,
        length_max: f32,
    }

    fn agreed() -> Agreed {
        serde_json::from_str(include_str!("../../../schemas/intents.json")).expect("intents.json")
    }

    #[test]
    fn the_intents_are_those_that_the_trainer_learns() {
        let names: Vec<&str> = Intent::ALL.iter().map(|intent| intent.name()).collect();
        assert_eq!(agreed().intents, names);
    }

    /// Returns the names of the features that a turn has, the length aside.
    fn told(state: &State, words: &str) -> Vec<String> {
        let turn = Turn {
            id: TurnId::from_parts(1, 1),
            attempt: 0,
            words: words.into(),
            cut: false,
        };
        let names = agreed().features;
        let features = question(state, &turn).features;
        assert_eq!(names.len(), features.len());
        names
            .into_iter()
            .zip(features)
            .filter(|(name, value)| *value != 0.0 && name != "length")
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn each_feature_stands_where_the_trainer_looks_for_it() {
        for (words, name) in [
            ("ann@mail", "at"),
            ("it is 4711", "digits"),
            ("for £5", "amount"),
            ("and?", "question"),
        ] {
            assert_eq!(told(&State::default(), words), ["first", name]);
        }
        for (calls, evidence, name) in [
            ("", vec![], "no_tool"),
            (r#"{"tool":"search_catalog","query":"x"}"#, vec![], "search"),
            (
                r#"{"tool":"product_details","products":["p1"]}"#,
                vec![],
                "details",
            ),
            (
                r#"{"tool":"search_policies","query":"x"}"#,
                vec![],
                "policies",
            ),
            (r#"{"tool":"order_status"}"#, vec![], "order"),
            (
                r#"{"tool":"order_status"}"#,
                vec![Evidence::OrderNotFound],
                "identity",
            ),
            (r#"{"tool":"handoff","reason":"asked"}"#, vec![], "handoff"),
        ] {
            let plan: Plan = serde_json::from_str(&format!("{{\"calls\":[{calls}]}}")).expect(name);
            let mut state = State::default();
            state.past.push(PastTurn {
                words: "x".into(),
                rounds: Rounds::one(plan, evidence),
                reply: "".into(),
            });
            assert_eq!(told(&state, "go on"), [name]);
        }
        let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
        let mut state = State::default();
        state.shown.push((Handle::new(&key, 1), key));
        assert_eq!(told(&state, "go on"), ["shown", "first"]);
    }

    #[test]
    fn length_is_scaled_as_the_trainer_scales_it() {
        let agreed = agreed();
        let at = agreed.features.iter().position(|name| name == "length");
        for (words, length) in [
            ("a b c", 3.0 / agreed.words_usual),
            (&"a ".repeat(500), agreed.length_max),
        ] {
            let turn = Turn {
                id: TurnId::from_parts(1, 1),
                attempt: 0,
                words: words.into(),
                cut: false,
            };
            let features = question(&State::default(), &turn).features;
            assert_eq!(features[at.expect("length")], length);
        }
    }

    #[test]
    fn the_question_tells_what_the_words_do_not() {
        let turn = Turn {
            id: TurnId::from_parts(1, 1),
            attempt: 0,
            words: "is HB-70417 under £40?".into(),
            cut: false,
        };
        let mut state = State::default();
        let first = question(&state, &turn).features;
        assert_eq!(first[..9], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(first[10..], [0.0, 1.0, 1.0, 1.0]);
        let plan: Plan =
            serde_json::from_str(r#"{"calls":[{"tool":"order_status"}]}"#).expect("plan");
        state.past.push(PastTurn {
            words: "where is it".into(),
            rounds: Rounds::one(plan, vec![Evidence::IdentityNeeded]),
            reply: "".into(),
        });
        let second = question(&state, &turn);
        assert_eq!(
            second.features[..9],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        );
    }
}
