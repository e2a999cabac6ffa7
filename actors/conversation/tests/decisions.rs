//! Decisions as given, when, then; and what holds for any sequence of inputs.

use mercer_conversation::{Effect, Phase, Refusal, State, decide, evolve, invariants, wanted};
use mercer_schemas::{
    ActionBy, Channel, Content, DeliveryStatus, EffectId, Event, Evidence, Field, Generated,
    Handle, InboundMessage, Input, MessageId, Meta, ProductId, PromptStyle, RecordKey,
    RenderedReply, Sender, Settings, Verdict,
};
use proptest::prelude::*;

fn meta(at: u64) -> Meta {
    Meta {
        at_ms: 1_000 + at as i64,
        entropy: at,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Compact,
            history_chars_max: 600,
            output_tokens_max: 64,
            introduction: None,
            locale: "en-GB".to_owned(),
            hints: true,
        },
    }
}

fn says(number: u64, words: &str) -> Input {
    Input::ReceiveMessages {
        channel: Channel::Whatsapp,
        address: "447700900001".into(),
        messages: vec![message(number, Content::Text { text: words.into() })],
        terms: None,
    }
}

fn message(number: u64, content: Content) -> InboundMessage {
    InboundMessage {
        id: MessageId::from_parts(1, u128::from(number)),
        provider_id: format!("m{number}"),
        sent_at_ms: 1,
        cut_from_chars: None,
        content,
    }
}

fn written(text: &str) -> Generated {
    Generated {
        text: text.into(),
        model: "m".into(),
        prompt_sha256: String::new(),
        prompt_tokens: 1,
        cached_tokens: 0,
        output_tokens: 1,
        first_token_ms: 1,
        total_ms: 1,
    }
}

fn kettle() -> Evidence {
    let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
    Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 3,
        role: None,
        tool: None,
        fields: vec![
            Field::new("name", "Kettle"),
            Field::new("price", "£45.99"),
            Field::new("stock", "in stock"),
        ],
    }
}

/// A conversation under test.
#[derive(Default)]
struct Talk {
    state: State,
    at: u64,
    introduction: Option<String>,
    /// Texts of the messages so far.
    replies: Vec<String>,
}

impl Talk {
    /// Takes an input; returns the names of the events.
    fn when(&mut self, input: Input) -> Vec<&'static str> {
        self.at += 1;
        let mut meta = meta(self.at);
        meta.settings.introduction = self.introduction.clone();
        let events = decide(&self.state, &input, &meta).expect("not refused");
        for event in &events {
            if let Event::ReplyQueued { content, .. } = event {
                self.replies.push(content.text.expose().clone());
            }
            self.state = evolve(std::mem::take(&mut self.state), event);
            invariants::check(&self.state).expect("invariants hold");
        }
        events.iter().map(Event::type_name).collect()
    }

    fn refused(&mut self, input: Input) -> Refusal {
        match decide(&self.state, &input, &meta(self.at + 1)) {
            Err(refusal) => refusal,
            Ok(_) => panic!("was taken"),
        }
    }

    fn effect(&self) -> EffectId {
        wanted(&self.state, &meta(0).settings)
            .expect("an effect is open")
            .id()
            .clone()
    }

    fn plan(&mut self, json: &str) -> Vec<&'static str> {
        let effect = self.effect();
        self.when(Input::Generated {
            effect,
            output: written(json),
            intents: vec![],
        })
    }

    fn find(&mut self, evidence: Vec<Evidence>) -> Vec<&'static str> {
        let effect = self.effect();
        self.when(Input::ToolsAnswered {
            effect,
            evidence,
            identified: None,
            proof: None,
        })
    }

    fn write(&mut self, text: &str) -> Vec<&'static str> {
        let effect = self.effect();
        self.when(Input::Generated {
            effect,
            output: written(text),
            intents: vec![],
        })
    }

    fn check(&mut self, passes: bool) -> Vec<&'static str> {
        let effect = self.effect();
        let verdicts = vec![Verdict {
            rule: "rule".into(),
            passed: passes,
        }];
        let reply = passes.then(|| RenderedReply {
            text: "It is £45.99.".into(),
            cards: vec![],
            claims: vec![],
        });
        self.when(Input::ReplyChecked {
            effect,
            verdicts,
            reply,
        })
    }
}

#[test]
fn a_turn_goes_from_message_to_reply() {
    let mut talk = Talk::default();
    assert_eq!(
        talk.when(says(1, "a red kettle?")),
        ["conversation_started", "message_received", "turn_started"]
    );
    assert_eq!(
        talk.plan(r#"{"calls":[{"tool":"search_catalog","query":"red kettle"}]}"#),
        ["plan_made"]
    );
    assert_eq!(talk.find(vec![kettle()]), ["evidence_gathered"]);
    assert_eq!(
        talk.write("{{p1.name}} costs {{p1.price}}."),
        ["reply_drafted"]
    );
    assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
    assert!(
        talk.state.phase == Phase::Idle
            && talk.state.shown.len() == 1
            && talk.state.past.len() == 1
    );
}

#[test]
fn a_message_during_a_turn_begins_it_again_and_old_answers_are_refused() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    let old = talk.effect();
    assert_eq!(
        talk.when(says(2, "a red one")),
        ["message_received", "turn_extended"]
    );
    assert!(talk.effect() != old);
    let late = Input::Generated {
        effect: old,
        output: written(r#"{"calls":[]}"#),
        intents: vec![],
    };
    assert_eq!(talk.refused(late), Refusal::StaleEffect);
    assert!(
        talk.state
            .phase
            .turn()
            .is_some_and(|turn| turn.words.expose() == "a kettle\na red one" && turn.attempt == 1)
    );
}

#[test]
fn a_plan_beyond_what_was_said_becomes_a_plain_search() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.plan(r#"{"calls":[{"tool":"order_status","order":"HB-1"}]}"#);
    let Phase::Gathering { plan, .. } = &talk.state.phase else {
        panic!("no plan")
    };
    assert_eq!(
        plan.calls
            .iter()
            .map(|call| call.tool())
            .collect::<Vec<_>>(),
        ["search_catalog", "search_policies"]
    );
}

#[test]
fn a_blocked_draft_is_written_once_more_then_built_from_evidence_then_given_up() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#);
    talk.find(vec![kettle()]);
    talk.write("It is free!");
    assert_eq!(talk.check(false), ["reply_blocked"]);
    talk.write("It is guaranteed!");
    assert_eq!(talk.check(false), ["reply_blocked", "reply_drafted"]);
    let Some(Effect::CheckReply { draft, .. }) = wanted(&talk.state, &meta(0).settings) else {
        panic!("no check")
    };
    assert!(draft.expose().contains("{{p1.price}}"));
    assert_eq!(
        talk.check(false),
        ["reply_blocked", "reply_queued", "turn_ended", "handed_over"]
    );
}

#[test]
fn a_failed_step_still_gives_an_answer() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    let fail = |talk: &mut Talk| {
        let effect = talk.effect();
        talk.when(Input::EffectFailed {
            effect,
            cause: "deadline".into(),
        })
    };
    assert_eq!(fail(&mut talk), ["plan_made"]);
    assert_eq!(talk.find(vec![kettle()]), ["evidence_gathered"]);
    assert_eq!(fail(&mut talk), ["reply_drafted"]);
    assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
}

#[test]
fn a_failed_look_up_is_said_honestly_and_only_the_second_in_a_row_calls_a_person() {
    let mut talk = Talk::default();
    let ask = |talk: &mut Talk, number| {
        talk.when(says(number, "a kettle"));
        talk.plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#);
    };
    let fail = |talk: &mut Talk| {
        let effect = talk.effect();
        talk.when(Input::EffectFailed {
            effect,
            cause: "tool_error".into(),
        })
    };
    ask(&mut talk, 1);
    assert_eq!(fail(&mut talk), ["reply_queued", "turn_ended"]);
    assert!(talk.state.phase == Phase::Idle);
    let told = talk.state.past.last().expect("a turn").reply.expose();
    assert!(told.contains("try again in a few minutes"), "{told}");

    // An answer in between: the next failure is a first one again.
    ask(&mut talk, 2);
    talk.find(vec![kettle()]);
    talk.write("It costs {{p1.price}}.");
    assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
    ask(&mut talk, 3);
    assert_eq!(fail(&mut talk), ["reply_queued", "turn_ended"]);
    ask(&mut talk, 4);
    assert_eq!(
        fail(&mut talk),
        ["reply_queued", "turn_ended", "handed_over"]
    );
}

#[test]
fn a_look_up_that_failed_in_part_counts_until_all_of_one_succeeds() {
    let mut talk = Talk::default();
    let fail = |talk: &mut Talk| {
        let effect = talk.effect();
        talk.when(Input::EffectFailed {
            effect,
            cause: "tool_error".into(),
        })
    };
    let fails_in_part = |talk: &mut Talk, number| {
        talk.when(says(number, "a kettle"));
        talk.plan(SEARCH);
        talk.find(vec![kettle()]);
        talk.plan(LOOK);
        assert_eq!(fail(talk), ["reply_drafted"]);
        talk.check(true)
    };
    let answers = |talk: &mut Talk, number| {
        talk.when(says(number, "a kettle"));
        talk.plan(SEARCH);
        talk.find(vec![kettle()]);
        talk.write("{{p1.name}}.");
        assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
    };
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    // One in part, then one of which nothing could be read; small talk between them is no answer.
    assert_eq!(fails_in_part(&mut talk, 1), ["reply_queued", "turn_ended"]);
    talk.when(says(2, "ok, thanks"));
    talk.write("You are welcome.");
    assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
    talk.when(says(3, "a kettle"));
    talk.plan(SEARCH);
    let person = ["reply_queued", "turn_ended", "handed_over"];
    assert_eq!(fail(&mut talk), person);
    talk.when(Input::HandBack { by: by.clone() });
    // A person saw to it: in part again is the first one. The second one in part tells what was found.
    assert_eq!(fails_in_part(&mut talk, 4), ["reply_queued", "turn_ended"]);
    assert_eq!(fails_in_part(&mut talk, 5), person);
    let told = talk.state.past.last().expect("a turn").reply.expose();
    assert!(
        told.starts_with("{{p1.name}}") && told.contains("A colleague"),
        "{told}"
    );
    talk.when(Input::HandBack { by });
    // All of a look-up in between: the next failure is a first one again.
    assert_eq!(fails_in_part(&mut talk, 6), ["reply_queued", "turn_ended"]);
    answers(&mut talk, 7);
    assert_eq!(fails_in_part(&mut talk, 8), ["reply_queued", "turn_ended"]);
}

#[test]
fn a_person_who_was_asked_for_is_called_although_the_look_up_failed() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle, or let me speak to somebody"));
    talk.plan(
        r#"{"calls":[{"tool":"search_catalog","query":"kettle"},{"tool":"handoff","reason":"asked"}]}"#,
    );
    let effect = talk.effect();
    let cause = "tool_error".into();
    assert_eq!(
        talk.when(Input::EffectFailed { effect, cause }),
        ["reply_queued", "turn_ended", "handed_over"]
    );
}

#[test]
fn a_template_that_cannot_be_filled_is_a_failed_look_up_too() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#);
    talk.find(vec![kettle()]);
    let fail = |talk: &mut Talk| {
        let effect = talk.effect();
        talk.when(Input::EffectFailed {
            effect,
            cause: "store_error".into(),
        })
    };
    assert_eq!(fail(&mut talk), ["reply_drafted"]);
    assert_eq!(fail(&mut talk), ["reply_queued", "turn_ended"]);
    assert!(talk.state.phase == Phase::Idle);
}

#[test]
fn with_a_person_mercer_is_silent_until_handed_back() {
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    let mut talk = Talk::default();
    assert_eq!(
        talk.refused(Input::TakeOver { by: by.clone() }),
        Refusal::NotStarted
    );
    talk.when(says(1, "a kettle"));
    assert_eq!(
        talk.refused(Input::AnswerAsPerson {
            by: by.clone(),
            text: "hi".into()
        }),
        Refusal::NotWithPerson
    );
    assert_eq!(
        talk.when(Input::TakeOver { by: by.clone() }),
        ["turn_ended", "taken_over"]
    );
    assert_eq!(talk.when(says(2, "hello?")), ["message_received"]);
    assert_eq!(
        talk.when(Input::AnswerAsPerson {
            by: by.clone(),
            text: "Hi, Ann here.".into()
        }),
        ["reply_queued"]
    );
    assert_eq!(talk.when(Input::HandBack { by }), ["handed_back"]);
    assert_eq!(
        talk.when(says(3, "a kettle")),
        ["message_received", "turn_started"]
    );
}

/// The customer sends something that is no text.
fn sends(number: u64, kind_name: &str, quiet: bool) -> Input {
    Input::ReceiveMessages {
        channel: Channel::Whatsapp,
        address: "a".into(),
        messages: vec![message(
            number,
            Content::Unsupported {
                kind_name: kind_name.into(),
                quiet,
            },
        )],
        terms: None,
    }
}

#[test]
fn pictures_alone_get_an_honest_answer_without_a_model() {
    let mut talk = Talk::default();
    assert_eq!(
        talk.when(sends(1, "image", false)),
        ["conversation_started", "message_received", "reply_queued"]
    );
    assert!(talk.state.phase == Phase::Idle);
}

#[test]
fn that_mercer_reads_text_only_is_said_once_a_day() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let mut talk = Talk::default();
    talk.when(sends(1, "image", false));
    assert_eq!(talk.when(sends(2, "audio", false)), ["message_received"]);
    talk.at = DAY_MS - 1;
    assert_eq!(talk.when(sends(3, "video", false)), ["message_received"]);
    assert_eq!(
        talk.when(sends(4, "image", false)),
        ["message_received", "reply_queued"]
    );
}

#[test]
fn reactions_stickers_and_system_messages_are_recorded_and_not_answered() {
    let mut talk = Talk::default();
    assert_eq!(
        talk.when(sends(1, "reaction", true)),
        ["conversation_started", "message_received"]
    );
    // They do not use up the honest answer to what the customer does wait for.
    assert_eq!(
        talk.when(sends(2, "image", false)),
        ["message_received", "reply_queued"]
    );
}

#[test]
fn a_stored_message_without_the_mark_is_one_that_waits_for_an_answer() {
    let old = r#"{"kind":"unsupported","kind_name":"image"}"#;
    let content: Content = serde_json::from_str(old).expect("old record");
    assert!(content.is_unreadable());
    assert_eq!(serde_json::to_string(&content).expect("JSON"), old);
}

#[test]
fn delivery_reports_only_move_forward() {
    let mut talk = Talk::default();
    talk.when(says(1, "hello"));
    talk.plan(r#"{"calls":[]}"#);
    talk.write("Hello!");
    talk.check(true);
    let sent = talk
        .state
        .deliveries
        .messages()
        .next()
        .expect("a message")
        .clone();
    let report = |status| Input::DeliveryReported {
        message: sent.clone(),
        status,
    };
    assert_eq!(
        talk.when(report(DeliveryStatus::Read)),
        ["delivery_updated"]
    );
    assert_eq!(
        talk.when(report(DeliveryStatus::Delivered)),
        Vec::<&str>::new()
    );
}

const SEARCH: &str = r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#;
const LOOK: &str = r#"{"calls":[{"tool":"product_details","products":["p1"]}]}"#;

#[test]
fn small_talk_is_answered_at_once() {
    let mut talk = Talk::default();
    talk.when(says(1, "hello"));
    assert_eq!(talk.write("Hello!"), ["reply_drafted"]);
    assert_eq!(talk.check(true), ["reply_queued", "turn_ended"]);
    assert!(talk.state.past[0].rounds.is_empty());
}

#[test]
fn a_turn_goes_round_until_it_replies_and_four_times_at_most() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle, and returns, and a person"));
    let policies = r#"{"calls":[{"tool":"search_policies","query":"returns"}]}"#;
    let kettles = r#"{"calls":[{"tool":"search_policies","query":"kettle"}]}"#;
    for calls in [SEARCH, LOOK, policies, kettles] {
        assert_eq!(talk.plan(calls), ["plan_made"], "{calls}");
        talk.find(vec![kettle()]);
    }
    let Some(Effect::Generate { grammar, .. }) = wanted(&talk.state, &meta(0).settings) else {
        panic!("a reply is wanted");
    };
    assert!(grammar.lark(&[]).starts_with("start: reply\n"));
    assert_eq!(
        talk.write(SEARCH),
        ["reply_drafted"],
        "calls are no calls any more"
    );
    assert_eq!(talk.check(false), ["reply_blocked"]);
    talk.write("{{p1.name}}.");
    talk.check(true);
    assert_eq!(talk.state.past[0].rounds.len(), 4);
}

#[test]
fn what_was_called_is_not_called_again() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.plan(SEARCH);
    talk.find(vec![kettle()]);
    assert_eq!(talk.plan(SEARCH), ["plan_made"]);
    let before = talk.effect();
    assert!(
        matches!(&talk.state.phase, Phase::Writing { reply_only: true, rounds, .. } if rounds.len() == 1)
    );
    assert_eq!(talk.write("{{p1.name}}."), ["reply_drafted"]);
    assert!(talk.effect() != before);
}

#[test]
fn tools_that_fail_later_on_leave_what_was_found() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.plan(SEARCH);
    talk.find(vec![kettle()]);
    talk.plan(LOOK);
    let effect = talk.effect();
    let cause = "tool_error".to_owned();
    assert_eq!(
        talk.when(Input::EffectFailed { effect, cause }),
        ["reply_drafted"]
    );
    let Phase::Checking { draft, .. } = &talk.state.phase else {
        panic!("a template is checked");
    };
    let draft = draft.expose();
    assert!(
        draft.starts_with("{{p1.name}}: {{p1.price}}") && draft.contains("the rest"),
        "{draft}"
    );
}

#[test]
fn the_next_prompt_extends_this_one() {
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    let prompt = |talk: &Talk| match wanted(&talk.state, &meta(0).settings) {
        Some(Effect::Generate { prompt, .. }) => prompt,
        _ => panic!("no prompt"),
    };
    let first = prompt(&talk);
    talk.plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#);
    talk.find(vec![kettle()]);
    let second = prompt(&talk);
    assert_eq!(second[..first.len()], first[..]);
    talk.write("{{p1.name}}.");
    talk.check(true);
    talk.when(says(2, "thanks"));
    let third = prompt(&talk);
    assert_eq!(third[..second.len()], second[..]);
}

#[test]
fn the_first_reply_alone_says_that_an_assistant_answers() {
    let mut talk = Talk {
        introduction: Some("A bot answers.".to_owned()),
        ..Talk::default()
    };
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    talk.when(says(1, "hello"));
    talk.when(Input::TakeOver { by: by.clone() });
    let text = "Hi, Ann here.";
    talk.when(Input::AnswerAsPerson {
        by: by.clone(),
        text: text.into(),
    });
    assert_eq!(talk.replies, [text], "a person is no assistant");
    talk.when(Input::HandBack { by });
    for number in 2..4 {
        talk.when(says(number, "hello"));
        talk.plan(r#"{"calls":[]}"#);
        talk.write("Hello!");
        talk.check(true);
    }
    assert_eq!(
        talk.replies[1..],
        ["A bot answers.\n\nIt is £45.99.", "It is £45.99."]
    );
}

/// Anything that may happen, sensible or not.
fn any_input() -> impl Strategy<Value = Step> {
    prop_oneof![
        "[a-z0-9 £?]{0,24}".prop_map(Step::Says),
        Just(Step::Picture),
        prop_oneof![
            Just(r#"{"calls":[]}"#),
            Just("broken"),
            Just(r#"{"calls":[{"tool":"handoff","reason":"asked"}]}"#)
        ]
        .prop_map(|plan| Step::Plans(plan.to_owned())),
        any::<bool>().prop_map(Step::Finds),
        "[a-z{}.1-3 ]{0,24}".prop_map(Step::Writes),
        any::<bool>().prop_map(Step::Checks),
        Just(Step::Fails),
        Just(Step::TakesOver),
        Just(Step::Answers),
        Just(Step::HandsBack),
        Just(Step::Quarantines),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Says(String),
    Picture,
    Plans(String),
    Finds(bool),
    Writes(String),
    Checks(bool),
    Fails,
    TakesOver,
    Answers,
    HandsBack,
    Quarantines,
}

#[test]
fn a_first_message_that_crashes_is_answered_by_a_person() {
    let state = State::default();
    let events = decide(&state, &quarantine(), &meta(1)).expect("taken");
    let kinds: Vec<&str> = events.iter().map(Event::type_name).collect();
    assert_eq!(
        kinds,
        [
            "conversation_started",
            "input_quarantined",
            "reply_queued",
            "handed_over"
        ]
    );
    // An older record does not say who wrote.
    let old: Input =
        serde_json::from_str(r#"{"type":"quarantine","inbox_ids":[1]}"#).expect("old record");
    let events = decide(&state, &old, &meta(1)).expect("taken");
    assert_eq!(events.len(), 1);
}

#[test]
fn whoever_wrote_a_quarantined_input_is_told_with_a_person_too() {
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    let mut talk = Talk::default();
    talk.when(says(1, "a kettle"));
    talk.when(Input::TakeOver { by });
    // The customer's message: an honest sentence, and the person is called again.
    assert_eq!(
        talk.when(quarantine()),
        ["input_quarantined", "reply_queued", "handed_over"]
    );
    // The person's own answer: only they are told.
    let theirs = Input::Quarantine {
        inbox_ids: vec![2],
        from: None,
        by_person: true,
    };
    assert_eq!(talk.when(theirs), ["input_quarantined", "handed_over"]);
    // A platform's report on a message.
    let report = Input::Quarantine {
        inbox_ids: vec![3],
        from: None,
        by_person: false,
    };
    assert_eq!(talk.when(report), ["input_quarantined"]);
}

fn quarantine() -> Input {
    Input::Quarantine {
        inbox_ids: vec![1],
        from: Some(Sender {
            channel: Channel::Whatsapp,
            address: "a".into(),
        }),
        by_person: false,
    }
}

impl Step {
    fn input(&self, number: u64, state: &State) -> Input {
        let turn = mercer_schemas::TurnId::from_parts(9, 9);
        let open = wanted(state, &meta(0).settings).map(|effect| effect.id().clone());
        let effect = open.unwrap_or_else(|| EffectId::new(&turn, "plan", 0));
        let by = ActionBy {
            key_id: "key".into(),
        };
        match self {
            Self::Says(words) => says(number, words),
            Self::Picture => sends(number, "image", false),
            Self::Plans(plan) => Input::Generated {
                effect,
                output: written(plan),
                intents: vec![],
            },
            Self::Finds(any) => Input::ToolsAnswered {
                effect,
                evidence: if *any { vec![kettle()] } else { vec![] },
                identified: None,
                proof: None,
            },
            Self::Writes(text) => Input::Generated {
                effect,
                output: written(text),
                intents: vec![],
            },
            Self::Checks(passes) => Input::ReplyChecked {
                effect,
                verdicts: vec![],
                reply: passes.then(|| RenderedReply {
                    text: "ok".into(),
                    cards: vec![],
                    claims: vec![],
                }),
            },
            Self::Fails => Input::EffectFailed {
                effect,
                cause: "x".into(),
            },
            Self::TakesOver => Input::TakeOver { by },
            Self::Answers => Input::AnswerAsPerson {
                by,
                text: "hi".into(),
            },
            Self::HandsBack => Input::HandBack { by },
            Self::Quarantines => quarantine(),
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold_and_the_log_explains_the_state(steps in prop::collection::vec(any_input(), 0..60)) {
        let mut state = State::default();
        let mut events: Vec<Event> = Vec::new();
        let mut answered = std::collections::BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            let input = step.input(number as u64, &state);
            let Ok(decided) = decide(&state, &input, &meta(number as u64)) else { continue };
            let again = decide(&state, &input, &meta(number as u64));
            prop_assert!(again.is_ok_and(|again| again == decided));
            for event in decided {
                if let Event::ReplyQueued { turn: Some(turn), .. } = &event {
                    *answered.entry(turn.clone()).or_insert(0) += 1;
                }
                state = evolve(state, &event);
                prop_assert_eq!(invariants::check(&state), Ok(()));
                events.push(event);
            }
        }
        prop_assert!(answered.values().all(|replies| *replies == 1), "a turn is answered once");
        let (head, tail) = events.split_at(events.len() / 2);
        let half = head.iter().fold(State::default(), evolve);
        prop_assert!(tail.iter().fold(half, evolve) == state, "a prefix and then the rest is all");
        let stored = serde_json::to_vec(&state).expect("written");
        prop_assert!(serde_json::from_slice::<State>(&stored).expect("read") == state, "a snapshot is the state");
    }
}
