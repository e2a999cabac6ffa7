//! A tool is one file and one line: a turn that uses one of a test's.

use mercer_schemas::{
    DraftSource, Event, Evidence, Generated, Input, Meta, PromptStyle, Settings, TurnId,
};

use super::gift_wrap::GiftWrap;
use super::{ALL, SearchCatalog};
use crate::effect::{Effect, open_effect, wanted};
use crate::rounds::Rounds;
use crate::state::{Phase, State, Turn};
use crate::{decide, evolve};

fn meta() -> Meta {
    Meta {
        at_ms: 1,
        entropy: 1,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Full,
            history_chars_max: 4_000,
            output_tokens_max: 100,
            introduction: None,
            locale: "en-GB".into(),
            hints: true,
        },
    }
}

fn writing(words: &str) -> State {
    State {
        phase: Phase::Writing {
            turn: Turn {
                id: TurnId::from_parts(1, 1),
                attempt: 0,
                words: words.into(),
                cut: false,
            },
            rounds: Rounds::default(),
            reply_only: false,
            repair: false,
        },
        ..State::default()
    }
}

fn after(state: State, input: &Input) -> State {
    let events = decide(&state, input, &meta()).expect("taken");
    events.iter().fold(state, evolve)
}

fn written(text: &str) -> Generated {
    Generated {
        text: text.into(),
        model: "test".into(),
        prompt_sha256: String::new(),
        prompt_tokens: 1,
        cached_tokens: 0,
        output_tokens: 1,
        first_token_ms: 1,
        total_ms: 1,
    }
}

fn called(state: &State, plan: &str) -> Input {
    Input::Generated {
        effect: open_effect(&state.phase).expect("open"),
        output: written(plan),
        intents: Vec::new(),
    }
}

#[test]
fn a_tool_is_one_file_and_one_line() {
    let settings = meta().settings;
    let state = writing("can i have it wrapped in red");
    let Some(Effect::Generate {
        prompt, grammar, ..
    }) = wanted(&state, &settings)
    else {
        panic!("calls are wanted");
    };
    assert!(prompt[0].content.contains("asks whether it can be wrapped"));
    let grammar = grammar.lark(&[]);
    assert!(grammar.starts_with("start: calls\ncalls: \"{\\\"calls\\\":[\" wrap \"]}\"\n"));
    assert!(grammar.contains("PAPER: \"red\"\n"), "{grammar}");

    let plan = r#"{"calls":[{"tool":"gift_wrap","paper":"red"}]}"#;
    let state = after(state.clone(), &called(&state, plan));
    let Some(Effect::CallTools { id, lookup }) = wanted(&state, &settings) else {
        panic!("the tool is called");
    };
    let call: GiftWrap = lookup.plan.calls[0].arguments().expect("its call");
    assert_eq!(call.paper, "red");

    let found = Input::ToolsAnswered {
        effect: id,
        evidence: vec![Evidence::Outcome {
            tool: "gift_wrap".into(),
            outcome: "offered".into(),
        }],
        identified: None,
        proof: None,
    };
    let state = after(state, &found);
    let Some(Effect::Generate { id, prompt, .. }) = wanted(&state, &settings) else {
        panic!("a reply is wanted");
    };
    assert_eq!(
        prompt.last().expect("evidence").content,
        "wrapping: offered"
    );

    // The model fails: the tool knows what to say.
    let failed = Input::EffectFailed {
        effect: id,
        cause: "deadline".to_owned(),
    };
    let events = decide(&state, &failed, &meta()).expect("taken");
    let said = events.iter().find_map(|event| match event {
        Event::ReplyDrafted { draft, source, .. } => Some((draft.expose().as_str(), *source)),
        _ => None,
    });
    assert_eq!(said, Some(("We gladly wrap it.", DraftSource::Template)));
}

#[test]
fn a_call_that_no_tool_offers_is_searched_for_instead() {
    for plan in [
        r#"{"calls":[{"tool":"gift_wrap","paper":"blue"}]}"#,
        r#"{"calls":[{"tool":"gift_wrap","paper":"red","bow":true}]}"#,
        r#"{"calls":[{"tool":"send_money","to":"me"}]}"#,
    ] {
        let state = writing("can i have it wrapped in red");
        let state = after(state.clone(), &called(&state, plan));
        let Phase::Gathering { plan, .. } = state.phase else {
            panic!("tools run");
        };
        assert!(plan.calls[0].arguments::<SearchCatalog>().is_some());
    }
}

#[test]
fn a_plan_is_kept_as_the_prompt_promises_it() {
    let state = writing("a kettle under 40");
    let plan = r#"{"calls":[{"max_price":"40","in_stock":false,"tool":"search_catalog","query":"kettle"}]}"#;
    let state = after(state.clone(), &called(&state, plan));
    let Phase::Gathering { plan, .. } = state.phase else {
        panic!("tools run");
    };
    assert_eq!(
        plan.to_line(),
        r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"40"}]}"#
    );
}

#[test]
fn every_tool_has_a_name_a_rule_and_a_schema_of_its_own() {
    let names: Vec<&str> = ALL.iter().map(|tool| tool.name()).collect();
    let rules: Vec<&str> = ALL.iter().map(|tool| tool.rule()).collect();
    for list in [&names, &rules] {
        let unique: std::collections::BTreeSet<_> = list.iter().collect();
        assert_eq!(unique.len(), list.len());
    }
    for tool in ALL {
        let name = format!("\"tool\":\"{}\"", tool.name());
        assert!(tool.prompt().is_none_or(|prompt| prompt.contains(&name)));
        assert!(tool.schema().get("type").is_some(), "{}", tool.name());
    }
}
