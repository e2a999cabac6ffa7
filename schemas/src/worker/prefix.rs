//! Names the starts of a conversation, so that a caller can tell what a worker's cache holds without a tokenizer.

use xxhash_rust::xxh3::Xxh3;

use super::ModelInfo;
use crate::ChatMessage;

/// Returns one hash for each start of a conversation: the first message, the first two, and so on.
///
/// A prompt only grows at its end, so a worker whose cache holds a start of it computes the rest alone. The hashes
/// are of one model, template and LoRA adapter (by its name, or none): the same messages make other tokens, or other
/// caches, elsewhere.
pub fn prefix_hashes(
    model: &ModelInfo,
    adapter: Option<&str>,
    messages: &[ChatMessage],
) -> Vec<u64> {
    let mut hash = Xxh3::new();
    hash.update(model.sha256.as_bytes());
    hash.update(model.template_sha256.as_bytes());
    if let Some(adapter) = adapter {
        hash.update(adapter.as_bytes());
    }
    messages
        .iter()
        .map(|message| {
            hash.update(message.role.as_str().as_bytes());
            // Lengths keep "ab" + "c" and "a" + "bc" apart.
            hash.update(&(message.content.len() as u64).to_le_bytes());
            hash.update(message.content.as_bytes());
            hash.digest()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn model(sha256: &str) -> ModelInfo {
        ModelInfo {
            name: "m".to_owned(),
            sha256: sha256.to_owned(),
            n_ctx: 1,
            n_vocab: 1,
            n_params: 1,
            prompt_style: "full".to_owned(),
            template_sha256: String::new(),
            adapters: Vec::new(),
        }
    }

    #[test]
    fn a_longer_conversation_begins_with_the_hashes_of_a_shorter_one() {
        let all: Vec<ChatMessage> = ["rules", "hello", "hi"]
            .map(|text| ChatMessage::new(Role::User, text))
            .into();
        let hashes = prefix_hashes(&model("a"), None, &all);
        assert_eq!(prefix_hashes(&model("a"), None, &all[..2]), hashes[..2]);
        assert_ne!(prefix_hashes(&model("b"), None, &all)[0], hashes[0]);
        assert_ne!(prefix_hashes(&model("a"), Some("x"), &all)[0], hashes[0]);
        let split = |a: &str, b: &str| {
            prefix_hashes(
                &model("a"),
                None,
                &[
                    ChatMessage::new(Role::User, a),
                    ChatMessage::new(Role::User, b),
                ],
            )[1]
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
    }
}
