//! Which chat model a test runs on.
//!
//! The shipped model where there is one. Otherwise, and wherever only the machinery matters, a tiny
//! model with random weights and a few reflexes: it closes what it opened, searches the catalog
//! with a word of the customer's and answers with a reference. It needs no training. An answer that
//! must hold several references is too much for it: there the template answers.

use std::fs;
use std::path::{Path, PathBuf};

use mercer_random_model::{RandomModel, write_random_model};
use mercer_testing::fixture;

const WIDTH: usize = 64;
const LAYERS: usize = 1;
/// 256 bytes, 16 merges, 5 special tokens.
const VOCABULARY: usize = 256 + 16 + 5;
/// The merge `{{`, and the token that ends a message.
const BRACES: usize = 256 + 14;
const END: usize = VOCABULARY - 1;
/// First number of every token's embedding: so large that it stays positive through the layers,
/// which makes the same column of the output a constant preference for each token.
const CONSTANT: f32 = 6.0;

/// A model to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// The one in `fixtures/models`, trained.
    Shipped,
    /// The tiny one.
    Reflex,
}

impl Model {
    /// Returns the shipped model where there is one, the tiny one otherwise.
    pub(crate) fn best() -> Self {
        if shipped().exists() {
            Self::Shipped
        } else {
            Self::Reflex
        }
    }

    /// Returns the file, writing it into a folder where it has to be made.
    pub(crate) fn file(self, folder: &Path) -> PathBuf {
        match self {
            Self::Shipped => shipped(),
            Self::Reflex => write_reflex(&folder.join("reflex.gguf")),
        }
    }
}

fn shipped() -> PathBuf {
    fixture("models/mercer-chat-v1.gguf")
}

fn write_reflex(path: &Path) -> PathBuf {
    let shape = RandomModel {
        layers: LAYERS as u32,
        width: WIDTH as u32,
        context: 8192,
        ..RandomModel::default()
    };
    write_random_model(path, &shape).expect("model file");
    let mut bytes = fs::read(path).expect("model file");
    // The tensors come last in the file, the embeddings and the output before all others.
    let hidden = 2 * WIDTH;
    let layer = 4 * WIDTH * WIDTH + 3 * WIDTH * hidden + 2 * WIDTH;
    let embedding = bytes.len() - 4 * (2 * VOCABULARY * WIDTH + WIDTH + LAYERS * layer);
    let output = embedding + 4 * VOCABULARY * WIDTH;
    for token in 0..VOCABULARY {
        put(&mut bytes, embedding + 4 * token * WIDTH, CONSTANT);
        put(&mut bytes, output + 4 * token * WIDTH, preference(token));
    }
    fs::write(path, bytes).expect("model file");
    path.to_owned()
}

fn put(bytes: &mut [u8], at: usize, value: f32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// How much a token is liked before all context. A byte's token has the byte's own number.
fn preference(token: usize) -> f32 {
    match token {
        BRACES => 9.0,
        END => 6.0,
        _ => match u8::try_from(token).map(char::from) {
            Ok('{') => 5.0,
            Ok('}') => 4.5,
            Ok(']') => 4.0,
            // search_catalog
            Ok('s' | 'c') => 3.0,
            Ok('"') => 2.0,
            _ => 0.0,
        },
    }
}

#[tokio::test]
async fn the_tiny_model_searches_and_answers_with_a_reference() {
    use mercer_inference::{
        ChatMessage, ChatModel, EngineConfig, GenerateRequest, Grammar, LlamaEngine, Priority, Role,
    };
    let folder = tempfile::tempdir().expect("folder");
    let engine = LlamaEngine::load(EngineConfig::for_testing(Model::Reflex.file(folder.path())))
        .expect("model");
    let write = async |grammar: &str| {
        let request = GenerateRequest {
            request_id: "reflex".to_owned(),
            conversation_key: String::new(),
            adapter: None,
            messages: vec![ChatMessage::new(Role::User, "a coat for rain")],
            resume: Vec::new(),
            grammar: Some(Grammar::Lark(grammar.to_owned())),
            max_tokens: 160,
            temperature: 0.0,
            top_p: 1.0,
            deadline: std::time::Duration::from_secs(60),
            priority: Priority::Interactive,
        };
        engine
            .generate(request)
            .await
            .expect("a generation")
            .complete()
            .await
            .expect("a text")
            .text
    };
    let plan = r#"start: "{\"calls\":[" (call (",\" call)?)? "]}"
call: search | handoff
search: "{\"tool\":\"search_catalog\",\"query\":\"" PHRASE "\"" (",\"in_stock\":true")? "}"
PHRASE: "coat" | "rain" | "coat for rain"
handoff: "{\"tool\":\"handoff\"}"
"#
    .replace(r#"(",\" call)?"#, r#"("," call)?"#);
    assert_eq!(
        write(&plan).await,
        r#"{"calls":[{"tool":"search_catalog","query":"coat"}]}"#
    );
    let reply = "start: TEXT? REF (TEXT REF)* TEXT?\nTEXT: /[^0-9{}]+/\nREF: \"{{p1.price}}\" | \"{{p1.stock}}\"\n";
    assert_eq!(write(reply).await, "{{p1.stock}}");
}
