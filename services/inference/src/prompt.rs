//! Turns rendered messages into tokens.

use llama_cpp_2::{model::LlamaModel, token::LlamaToken};
use sha2::{Digest, Sha256};

use crate::{
    ChatMessage, Error, Role,
    template::{ChatTemplate, Piece},
};

/// A text of more bytes for each token of context is not worth tokenizing: it cannot fit.
const BYTES_PER_TOKEN_MAX: usize = 32;

/// A prompt, ready to compute.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// All tokens: the prompt's own, then output that exists already.
    pub(crate) tokens: Vec<i32>,
    /// How many of them are the prompt's own.
    pub(crate) own: usize,
    /// How many tokens at the start say the shop's rules and nothing of this conversation; 0 where that is unknown.
    pub(crate) rules: usize,
    /// SHA-256 of the prompt's own tokens, hexadecimal.
    pub(crate) sha256: String,
}

/// Renders and tokenizes messages with the opening of the assistant's next message.
pub(crate) fn build(
    model: &LlamaModel,
    template: &ChatTemplate,
    messages: &[ChatMessage],
    n_ctx: usize,
) -> Result<Prompt, Error> {
    if messages.is_empty() {
        return Err(Error::Request("it has no messages"));
    }
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    if bytes / BYTES_PER_TOKEN_MAX > n_ctx {
        return Err(Error::PromptTooLong {
            tokens: bytes / BYTES_PER_TOKEN_MAX,
            limit: n_ctx,
        });
    }
    let tokens = tokenize(model, &template.render(messages, true)?);
    let rules = match messages {
        [first, _, ..] if first.role == Role::System && template.abilities().system_role => {
            template
                .render(&messages[..1], false)
                .map(|pieces| common_prefix(&tokens, &tokenize(model, &pieces)))
                .unwrap_or(0)
        }
        _ => 0,
    };
    let mut hash = Sha256::new();
    for token in &tokens {
        hash.update(token.to_le_bytes());
    }
    Ok(Prompt {
        sha256: hex::encode(hash.finalize()),
        own: tokens.len(),
        tokens,
        rules,
    })
}

/// Tokenizes pieces: special tokens are read in markup only.
pub(crate) fn tokenize(model: &LlamaModel, pieces: &[Piece]) -> Vec<i32> {
    let vocab = model.vocab();
    let mut tokens: Vec<LlamaToken> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Markup(text) => vocab.tokenize_into(text.as_bytes(), &mut tokens, false, true),
            Piece::Content(text) => vocab.tokenize_into(text.as_bytes(), &mut tokens, false, false),
        }
    }
    let bos = vocab.bos();
    if vocab.should_add_bos() && tokens.first() != Some(&bos) {
        tokens.insert(0, bos);
    }
    tokens.into_iter().map(|token| token.0).collect()
}

/// Returns how many tokens two lists have in common at their start.
pub(crate) fn common_prefix(a: &[i32], b: &[i32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
