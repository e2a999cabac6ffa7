//! What is kept of long conversations: the log grows with what was written, and the state does not.

use mercer_conversation::bounds::{MERGES_MAX, TURN_CHARS_MAX};
use mercer_conversation::{Phase, State};
use mercer_schemas::conversation::GENERATED_CHARS_MAX;
use mercer_schemas::{Content, Event, LogBody};

use crate::script::{Script, message, received, written};

/// Characters of a long message.
const LONG: usize = 4_000;
/// The state is measured each time that so many messages came; no divisor of what compaction keeps.
const LOOKED_AT: usize = 17;
/// Bytes that a state may have, however long the conversation was.
const STATE_BYTES_MAX: usize = 64 * 1024;

fn state_bytes(state: &State) -> usize {
    serde_json::to_vec(state).expect("json").len()
}

fn long(number: usize) -> String {
    format!("{number} ").repeat(LONG)[..LONG].to_owned()
}

/// What a running turn stores of so many messages, and the largest state on the way.
fn flood(messages: usize) -> (usize, usize) {
    let mut script = Script::default();
    let (mut stored, mut largest) = (0, 0);
    for number in 0..messages {
        stored += script.says(&long(number));
        if number % LOOKED_AT == 0 {
            largest = largest.max(state_bytes(&script.state));
        }
        script.forget_records();
    }
    (stored, largest)
}

#[test]
fn a_flood_into_a_running_turn_is_stored_once_and_its_state_stays_small() {
    let (stored, largest) = flood(600);
    println!("600 messages: {stored} bytes stored, state {largest} bytes at most");
    assert!(stored < 6_000_000, "{stored} bytes");
    assert!(largest < STATE_BYTES_MAX, "{largest} bytes");
    let (many, largest) = flood(10_000);
    println!("10,000 messages: {many} bytes stored, state {largest} bytes at most");
    assert!(many < stored * 10_000 / 600 * 11 / 10, "linear: {many}");
    assert!(largest < STATE_BYTES_MAX, "{largest} bytes");
}

#[test]
fn a_full_turn_goes_on_and_its_reply_says_that_more_was_written() {
    let mut script = Script::default();
    script.says("a kettle");
    for _ in 0..=MERGES_MAX {
        script.says("red");
    }
    let running = script.state.phase.turn().expect("runs").clone();
    assert!(running.cut && running.attempt == MERGES_MAX + 1);
    let effect = script.effect();
    script.says("hello?");
    assert!(script.effect() == effect, "what runs is not disturbed");
    script.plan(r#"{"calls":[]}"#);
    script.write("Hello!");
    script.check(Some("Hello!"));
    let sent = script
        .records
        .iter()
        .rev()
        .find_map(|record| match &record.body {
            LogBody::Event {
                event: Event::ReplyQueued { content, .. },
            } => Some(content.text.expose().clone()),
            _ => None,
        });
    let sent = sent.expect("a reply");
    assert!(sent.starts_with("Hello!\n\nYou wrote more"), "{sent}");
    // The next turn begins afresh.
    script.says("thanks");
    assert!(script.state.phase.turn().is_some_and(|turn| !turn.cut));
}

#[test]
fn a_turn_holds_a_bounded_number_of_characters() {
    let mut script = Script::default();
    let messages = (0..5)
        .map(|number| message(number, &"é".repeat(LONG)))
        .collect();
    script.take(received(messages));
    let turn = script.state.phase.turn().expect("runs");
    assert!(turn.cut && turn.words.expose().chars().count() == TURN_CHARS_MAX);
    let received = script.records.iter().filter(|record| match &record.body {
        LogBody::Event {
            event: Event::MessageReceived { message },
        } => matches!(&message.content, Content::Text { text } if text.expose().chars().count() == LONG),
        _ => false,
    });
    assert_eq!(
        received.count(),
        5,
        "what was not read is recorded as it came"
    );
}

#[test]
fn a_message_that_the_gateway_cut_is_answered_as_such() {
    let mut script = Script::default();
    let mut cut = message(1, "a kettle");
    cut.cut_from_chars = Some(65_536);
    script.take(received(vec![cut]));
    assert!(script.state.phase.turn().is_some_and(|turn| turn.cut));
}

/// The largest state of a conversation with a person over so many messages.
fn with_a_person(messages: usize, answers: bool) -> usize {
    let mut script = Script::default();
    script.says("a kettle");
    script.take_over();
    let mut largest = 0;
    for number in 0..messages {
        if answers {
            script.answer(&long(number));
        } else {
            script.says(&long(number));
        }
        if number % LOOKED_AT == 0 {
            largest = largest.max(state_bytes(&script.state));
        }
        script.forget_records();
    }
    assert!(script.state.phase == Phase::WithPerson);
    script.hand_back();
    script.says("and a red one?");
    assert!(script.state.phase.turn().is_some());
    largest
}

#[test]
fn a_conversation_with_a_person_stays_small() {
    for messages in [600, 10_000] {
        for answers in [false, true] {
            let largest = with_a_person(messages, answers);
            println!("{messages} messages with a person: state {largest} bytes at most");
            assert!(largest < STATE_BYTES_MAX, "{messages}: {largest} bytes");
        }
    }
}

#[test]
fn what_a_model_wrote_is_bounded_when_it_is_taken() {
    let endless = "é".repeat(100 * GENERATED_CHARS_MAX);
    let bounded = written(&endless).bounded();
    assert_eq!(bounded.text.expose().chars().count(), GENERATED_CHARS_MAX);
    let mut script = Script::default();
    script.says("hello");
    script.plan(r#"{"calls":[]}"#);
    script.write(&endless);
    let Phase::Checking { draft, .. } = &script.state.phase else {
        panic!("no draft")
    };
    assert_eq!(draft.expose().chars().count(), GENERATED_CHARS_MAX);
}
