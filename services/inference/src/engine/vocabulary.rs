//! What the engine asks of a model's vocabulary for every token, looked up once.

use llama_cpp_2::model::LlamaModel;
use toktrie::SimpleVob;

/// Texts and kinds of all tokens.
pub(super) struct Vocabulary {
    /// The bytes of all tokens, one after the other.
    bytes: Vec<u8>,
    /// Where each token's bytes begin, and where the last one's end.
    starts: Vec<usize>,
    /// Tokens that end a text.
    ends: SimpleVob,
    /// Tokens that free text may hold: all but control tokens and unused ones, and the end tokens.
    pub(super) free_text: SimpleVob,
}

impl Vocabulary {
    pub(super) fn of(model: &LlamaModel) -> Self {
        let vocab = model.vocab();
        let count = vocab.n_tokens().max(0) as usize;
        let mut known = Self {
            bytes: Vec::new(),
            starts: vec![0],
            ends: SimpleVob::alloc(count),
            free_text: SimpleVob::alloc(count),
        };
        for token in vocab.tokens() {
            let piece = vocab.token_to_piece(token, false, None);
            if vocab.is_eog(token) {
                known.ends.allow_token(token.0 as u32);
            }
            let speaks = !vocab.is_control(token) && !piece.is_empty();
            if speaks || vocab.is_eog(token) {
                known.free_text.allow_token(token.0 as u32);
            }
            known.bytes.extend(piece);
            known.starts.push(known.bytes.len());
        }
        for token in vocab.suppress_tokens() {
            known.free_text.disallow_token(token.0 as u32);
        }
        known
    }

    /// Tells whether a token ends a text.
    pub(super) fn is_end(&self, token: u32) -> bool {
        (token as usize) < self.ends.len() && self.ends.is_allowed(token)
    }

    /// Returns a token's text, which may be a part of a character; special tokens have none.
    pub(super) fn piece(&self, token: u32) -> &[u8] {
        match (
            self.starts.get(token as usize),
            self.starts.get(token as usize + 1),
        ) {
            (Some(&start), Some(&end)) => &self.bytes[start..end],
            _ => &[],
        }
    }
}
