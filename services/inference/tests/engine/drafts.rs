//! Tokens that are guessed or forced: they change how fast a text comes, never the text.

use mercer_inference::{Finish, GenerateRequest, Tokenizer};
use mercer_random_model::TensorType;

use super::*;

/// A tiny model's steps cost little more than their tokens, so drafts never pay there.
fn always(config: &mut EngineConfig) {
    config.draft_gain = 0.0;
}

/// What a random model says repeats itself before long, so drafts have something to find.
fn long(id: &str, temperature: f32) -> GenerateRequest {
    GenerateRequest {
        temperature,
        max_tokens: 160,
        ..request(
            id,
            conversation("one two three one two three one two three"),
        )
    }
}

#[tokio::test]
async fn drafts_change_nothing_but_speed() {
    let with = engine_with(always);
    let without = engine_with(|config| config.drafts = 0);
    for n in 0..4 {
        let temperature = [0.0, 0.7][n % 2];
        let id = format!("d{n}");
        let drafted = complete(&with.engine, long(&id, temperature)).await;
        let plain = complete(&without.engine, long(&id, temperature)).await;
        assert_eq!(drafted.tokens, plain.tokens, "{n}");
        assert_eq!(drafted.text, plain.text);
    }
    let counts = with.engine.counts();
    assert!(
        counts.drafts_right > 20 && counts.drafted > counts.drafts_right,
        "{counts:?}"
    );
    assert_eq!(without.engine.counts().drafted, 0);
}

#[tokio::test]
async fn the_cache_behind_wrong_drafts_is_as_if_there_had_been_none() {
    let with = engine_with(always);
    let without = engine_with(|config| config.drafts = 0);
    let mut seen = Vec::new();
    for fixture in [&with, &without] {
        let mut messages = conversation("one two three one two three");
        for turn in 0..3 {
            let mut request = GenerateRequest {
                messages: messages.clone(),
                ..long(&format!("t{turn}"), 0.7)
            };
            request.conversation_key = "c".to_owned();
            request.max_tokens = 60;
            let done = complete(&fixture.engine, request).await;
            messages.push(ChatMessage::new(Role::Assistant, done.text.clone()));
            messages.push(ChatMessage::new(Role::User, "one two three"));
            seen.push(done.tokens);
        }
    }
    let plain = seen.split_off(3);
    assert_eq!(seen, plain);
    assert!(with.engine.counts().drafted > 0);
}

#[tokio::test]
async fn a_grammar_holds_for_drafts_too() {
    let fixture = engine_with(always);
    let example = r#"{"calls":[{"tool":"search_catalog","query":"kettle"}]}"#;
    for n in 0..6 {
        let words = format!("{n} {}", example.repeat(3));
        let done = complete(
            &fixture.engine,
            planned(&format!("g{n}"), conversation(&words)),
        )
        .await;
        assert_plan(&done.text);
    }
}

#[tokio::test]
async fn what_a_grammar_forces_is_computed_as_one_piece() {
    const SENTENCE: &str = "Your parcel left the warehouse this morning and comes on ";
    let fixture = engine();
    let grammar = format!(
        r#"start: "{SENTENCE}" day ", between nine and twelve."
day: "Monday" | "Tuesday" | "Friday"
"#
    );
    let done = complete(
        &fixture.engine,
        GenerateRequest {
            grammar: Some(Grammar::Lark(grammar)),
            max_tokens: 120,
            ..request("forced", conversation("when does it come"))
        },
    )
    .await;
    assert!(done.text.starts_with(SENTENCE), "{}", done.text);
    assert!(done.text.ends_with(", between nine and twelve."));
    let forced = fixture.engine.counts().forced;
    // Only the day is a choice: a letter or a few.
    assert!(
        forced + 12 >= done.tokens.len() as u64,
        "{forced} of {}",
        done.tokens.len()
    );
    // As the model's own tokenizer would have it.
    let tokenizer = Tokenizer::load(fixture._folder.path().join("random.gguf")).unwrap();
    let own = tokenizer.count(&done.text);
    assert!(own.abs_diff(done.tokens.len()) <= 2, "{own} {done:?}");
}

#[tokio::test]
async fn forced_tokens_stop_where_no_more_are_asked_for() {
    let fixture = engine();
    let sentence = "one two three four five six seven eight nine ten eleven twelve";
    let done = complete(
        &fixture.engine,
        GenerateRequest {
            grammar: Some(Grammar::Lark(format!(r#"start: /[ab]/ "{sentence}""#))),
            max_tokens: 5,
            ..request("short", conversation("count"))
        },
    )
    .await;
    assert_eq!(done.finish, mercer_inference::Finish::Length);
    assert_eq!(done.tokens.len(), 5);
    // And a text that is forced from end to end comes whole.
    let done = complete(
        &fixture.engine,
        GenerateRequest {
            grammar: Some(Grammar::Lark(format!(r#"start: "{sentence}""#))),
            max_tokens: 100,
            ..request("whole", conversation("count"))
        },
    )
    .await;
    assert_eq!(done.finish, mercer_inference::Finish::Stop);
    assert_eq!(done.text, sentence);
}

#[tokio::test]
async fn a_model_made_to_quote_repeats_what_was_said_and_drafts_find_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotes.gguf");
    let shape = RandomModel {
        width: 256,
        heads_kv: 1,
        vocabulary: 2048,
        rope_base: Some(1e6),
        quotes: true,
        weights: TensorType::Q8_0,
        ..RandomModel::default()
    };
    write_random_model(&path, &shape).unwrap();
    let config = EngineConfig {
        draft_gain: 0.0,
        ..EngineConfig::for_testing(&path)
    };
    let engine = LlamaEngine::load(config).unwrap();
    let said = "kettle lamp chair table bottle cotton steel glass small large medium black white";
    let messages = vec![
        ChatMessage::new(Role::User, "of"),
        ChatMessage::new(Role::Assistant, said),
        ChatMessage::new(Role::User, "to"),
    ];
    let done = complete(&engine, request("q", messages)).await;
    assert_eq!((done.text.as_str(), done.finish), (said, Finish::Stop));
    let counts = engine.counts();
    assert!(counts.drafts_right >= 8, "{counts:?}");
}

#[test]
fn a_shape_without_room_for_it_cannot_quote() {
    let folder = tempfile::tempdir().unwrap();
    let shape = RandomModel {
        quotes: true,
        ..RandomModel::default()
    };
    let refused = write_random_model(folder.path().join("small.gguf"), &shape).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
