//! Whatever a model likes, what it writes under the grammar of free calls is admitted.

use std::time::Duration;

use mercer_conversation::{Effect, State, decide, evolve, grammar, tools, wanted};
use mercer_inference::{
    ChatModel, EngineConfig, Finish, GenerateRequest, Grammar, LlamaEngine, Priority,
};
use mercer_random_model::{RandomModel, write_random_model};
use mercer_schemas::{
    Channel, Content, Evidence, Field, FieldTerms, Handle, InboundMessage, Input, MessageId, Meta,
    Plan, PromptStyle, RecordKey, Settings, ShopTerms,
};

/// Messages that are written.
const MESSAGES: usize = 60;
/// Tokens of each; many are cut.
const TOKENS_MAX: u32 = 240;

fn terms() -> ShopTerms {
    // One name begins another, and a list is left open.
    let field = |name: &str, values: &[&str]| FieldTerms {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    ShopTerms {
        categories: vec!["Bags > Dry & wet".into(), "Bags".into()],
        brands: vec!["Orn".into(), "Orn's".into()],
        fields: vec![
            field("weight", &[]),
            field("weight_limit", &["5 kg", "5 kg (each)"]),
            field("price_each", &["1", "2"]),
        ],
    }
}

/// A turn that has found a bag.
fn found() -> (State, Meta) {
    let meta = Meta {
        at_ms: 1,
        entropy: 1,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Shop,
            history_chars_max: 6_000,
            output_tokens_max: TOKENS_MAX,
            introduction: None,
            locale: "en-GB".into(),
            hints: false,
        },
    };
    let mut state = State::default();
    let take = |state: &mut State, input: Input| {
        let events = decide(state, &input, &meta).expect("taken");
        *state = events.iter().fold(std::mem::take(state), evolve);
    };
    let message = InboundMessage {
        id: MessageId::from_parts(1, 1),
        provider_id: "m1".into(),
        sent_at_ms: 1,
        cut_from_chars: None,
        content: Content::Text {
            text: "a bag of 20 l, order HB-70417".into(),
        },
    };
    let received = Input::ReceiveMessages {
        channel: Channel::Webchat,
        address: "guest".into(),
        messages: vec![message],
        terms: Some(terms()),
    };
    take(&mut state, received);
    let effect = |state: &State| {
        wanted(state, &meta.settings)
            .expect("an effect")
            .id()
            .clone()
    };
    let nothing = Input::ToolsAnswered {
        effect: effect(&state),
        evidence: Vec::new(),
        identified: None,
        proof: None,
    };
    take(&mut state, nothing);
    let search = Input::Generated {
        effect: effect(&state),
        output: mercer_schemas::Generated {
            text: r#"{"calls":[{"tool":"search_catalog","query":"bag"}]}"#.into(),
            model: "test".into(),
            prompt_sha256: String::new(),
            prompt_tokens: 1,
            cached_tokens: 0,
            output_tokens: 1,
            first_token_ms: 1,
            total_ms: 1,
        },
        intents: Vec::new(),
    };
    take(&mut state, search);
    let key: RecordKey = "product:B-1".parse().expect("key");
    let evidence = vec![Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 1,
        role: None,
        tool: None,
        fields: vec![Field::new("name", "Bag"), Field::new("capacity", "20 l")],
    }];
    let answered = Input::ToolsAnswered {
        effect: effect(&state),
        evidence,
        identified: None,
        proof: None,
    };
    take(&mut state, answered);
    (state, meta)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_under_the_grammar_is_admitted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("random.gguf");
    write_random_model(&path, &RandomModel::default()).expect("a model");
    let engine = LlamaEngine::load(EngineConfig::for_testing(path)).expect("an engine");
    let (state, meta) = found();
    let Some(Effect::Generate {
        prompt, grammar, ..
    }) = wanted(&state, &meta.settings)
    else {
        panic!("something is to be written");
    };
    let turn = state.phase.turn().expect("a turn");
    let evidence = state.phase.rounds().expect("rounds").all_evidence();
    let offered = grammar::references(&evidence);
    // Of all that may come next a random model would hardly ever begin a call.
    let either = grammar.lark(&[]);
    let calls_only = either.replacen("start: calls | reply", "start: calls", 1);
    assert_ne!(calls_only, either);
    let (mut calls, mut replies) = (0, 0);
    for number in 0..MESSAGES {
        let request = GenerateRequest {
            request_id: format!("r{number}"),
            conversation_key: "c".into(),
            adapter: None,
            messages: prompt.clone(),
            resume: Vec::new(),
            grammar: Some(Grammar::Lark(if number % 2 == 0 {
                calls_only.clone()
            } else {
                either.clone()
            })),
            max_tokens: TOKENS_MAX,
            temperature: 2.0,
            top_p: 1.0,
            deadline: Duration::from_secs(120),
            priority: Priority::Interactive,
        };
        let generation = engine.generate(request).await.expect("taken");
        let written = generation.complete().await.expect("written");
        let text = &written.text;
        if Plan::is_begun_by(text) {
            if written.finish == Finish::Stop {
                calls += 1;
                let plan: Plan = serde_json::from_str(text).expect("a plan");
                assert!(tools::admits(&state, turn, false, &plan), "{text}");
            }
        } else {
            replies += 1;
            for (start, _) in text.match_indices("{{") {
                let reference = text[start..]
                    .split_inclusive("}}")
                    .next()
                    .unwrap_or_default();
                let is_whole = reference.ends_with("}}");
                assert!(!is_whole || offered.contains(reference), "{text}");
            }
        }
    }
    assert!(calls > 0 && replies > 0, "{calls} calls, {replies} replies");
}
