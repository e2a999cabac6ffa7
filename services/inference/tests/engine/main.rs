//! The engine with a real llama.cpp and a random model: what it promises whatever the model says.

mod adapters;
mod batching;
mod cache;
mod drafts;
mod ending;
mod files;
mod grammars;
mod hanging;
mod hardware;
mod intents;
mod prompts;
mod reranking;

use std::{sync::Arc, time::Duration};

use mercer_inference::{
    ChatMessage, ChatModel, Completion, EngineConfig, GenerateRequest, Grammar, LlamaEngine,
    Priority, Role,
};
use mercer_random_model::{RandomModel, write_random_model};
use tempfile::TempDir;

/// A small JSON object with a word in it: some 20 tokens, valid whatever the model likes.
const PLAN: &str = r#"start: "{\"calls\":[{\"tool\":\"" tool "\",\"query\":\"" /[a-z]{1,12}/ "\"}]}"
tool: "search_catalog" | "search_policies" | "handoff"
"#;

/// An engine and the folder that its model file is in.
struct Fixture {
    engine: Arc<LlamaEngine>,
    _folder: TempDir,
}

fn engine() -> Fixture {
    engine_with(|_| {})
}

fn engine_with(change: impl FnOnce(&mut EngineConfig)) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.gguf");
    write_random_model(&path, &RandomModel::default()).unwrap();
    let mut config = EngineConfig::for_testing(path);
    change(&mut config);
    Fixture {
        engine: Arc::new(LlamaEngine::load(config).unwrap()),
        _folder: folder,
    }
}

fn conversation(words: &str) -> Vec<ChatMessage> {
    vec![
        ChatMessage::new(
            Role::System,
            "You answer customers of Harbour. First plan tools, then reply from the evidence.",
        ),
        ChatMessage::new(Role::User, words),
    ]
}

fn request(id: &str, messages: Vec<ChatMessage>) -> GenerateRequest {
    GenerateRequest {
        request_id: id.to_owned(),
        conversation_key: format!("conversation of {id}"),
        adapter: None,
        messages,
        resume: Vec::new(),
        grammar: None,
        max_tokens: 24,
        temperature: 0.0,
        top_p: 1.0,
        deadline: Duration::from_secs(120),
        priority: Priority::Interactive,
    }
}

fn planned(id: &str, messages: Vec<ChatMessage>) -> GenerateRequest {
    GenerateRequest {
        grammar: Some(Grammar::Lark(PLAN.to_owned())),
        max_tokens: 120,
        ..request(id, messages)
    }
}

async fn complete(engine: &LlamaEngine, request: GenerateRequest) -> Completion {
    engine
        .generate(request)
        .await
        .unwrap()
        .complete()
        .await
        .unwrap()
}

/// Fails unless a text is what [`PLAN`] allows.
fn assert_plan(text: &str) {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let call = &value["calls"][0];
    assert!(
        ["search_catalog", "search_policies", "handoff"].contains(&call["tool"].as_str().unwrap())
    );
    let query = call["query"].as_str().unwrap();
    assert!(
        (1..=12).contains(&query.len()) && query.bytes().all(|byte| byte.is_ascii_lowercase()),
        "{query}"
    );
}
