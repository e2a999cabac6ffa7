//! The model's vocabulary as grammars see it.

use std::sync::Arc;

use llama_cpp_2::{
    model::{LlamaModel, VocabType},
    sampling::LlamaSampler,
};
use toktrie::{TokEnv, TokTrie, TokenId, TokenizerEnv};

/// Makes the vocabulary of a model ready for grammars.
///
/// Where a grammar leaves no choice, the forced text becomes the tokens that the model's own tokenizer makes of it,
/// as in the texts it was trained on. That needs a tokenizer that treats a text the same wherever it stands:
/// byte-level BPE does. For others, any tokens that spell the text are allowed, one at a time.
pub(crate) fn new(model: &Arc<LlamaModel>) -> TokEnv {
    let spelled = LlamaSampler::llguidance_tok_env(model);
    match model.vocab().vocab_type() {
        VocabType::BPE => Arc::new(ByteLevel {
            model: model.clone(),
            spelled,
        }),
        _ => spelled,
    }
}

struct ByteLevel {
    model: Arc<LlamaModel>,
    spelled: TokEnv,
}

impl TokenizerEnv for ByteLevel {
    fn tok_trie(&self) -> &TokTrie {
        self.spelled.tok_trie()
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        // llama.cpp's tokenizers read UTF-8; half a character is spelled in bytes.
        if std::str::from_utf8(bytes).is_err() {
            return self.spelled.tokenize_bytes(bytes);
        }
        let tokens = self.model.vocab().tokenize(bytes, false, false);
        tokens.into_iter().map(|token| token.0 as TokenId).collect()
    }
}
