//! A model file's vocabulary and chat template without its weights: counts and makes prompts where no model runs.

use std::path::Path;

use llama_cpp_2::{model::LlamaModel, token::LlamaToken};

use crate::{
    ChatMessage, Error,
    model_file::{self, fault},
    prompt,
    template::{ChatTemplate, Piece},
    utf8::Utf8Stream,
};

/// Turns messages into the text and the tokens that the model's engine would compute.
pub struct Tokenizer {
    model: LlamaModel,
    template: ChatTemplate,
}

impl Tokenizer {
    /// Loads the vocabulary of a model file: quick and small whatever the model's size.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file, what is wrong and what to do.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let model = model_file::load_vocabulary(path)?;
        let template = model_file::chat_template(&model)
            .map_err(|(problem, fix)| fault(path, problem, fix))?;
        Ok(Self { model, template })
    }

    /// Returns the tokens of the prompt that these messages make, generation prompt included.
    ///
    /// # Errors
    /// [`Error::Template`] when the template refuses the messages, [`Error::Request`] when there are none.
    pub fn prompt_tokens(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, Error> {
        // No context limits it: whoever computes the prompt knows whether it fits.
        let prompt = prompt::build(&self.model, &self.template, messages, u32::MAX as usize)?;
        let tokens = prompt.tokens.into_iter().map(|token| token as u32);
        Ok(tokens.collect())
    }

    /// Returns the text of that prompt, special tokens spelled out.
    ///
    /// # Errors
    /// [`Error::Template`] when the template refuses the messages.
    pub fn prompt_text(&self, messages: &[ChatMessage]) -> Result<String, Error> {
        let pieces = self.template.render(messages, true)?;
        let texts = pieces.into_iter().map(|piece| match piece {
            Piece::Markup(text) | Piece::Content(text) => text,
        });
        Ok(texts.collect())
    }

    /// Returns the text of output tokens as a generation tells it: whole characters, special tokens left out.
    pub fn output_text(&self, tokens: &[u32]) -> String {
        let vocab = self.model.vocab();
        let mut stream = Utf8Stream::default();
        let known = |token: &u32| {
            i32::try_from(*token)
                .ok()
                .filter(|id| *id < vocab.n_tokens())
        };
        let pieces = tokens.iter().filter_map(known).map(|id| {
            let piece = vocab.token_to_piece(LlamaToken(id), false, None);
            stream.push(&piece)
        });
        pieces.collect()
    }

    /// Counts the tokens of a text that stands in a message.
    pub fn count(&self, text: &str) -> usize {
        let vocab = self.model.vocab();
        vocab.tokenize(text.as_bytes(), false, false).len()
    }

    /// Returns the tokens that the model says it was trained with.
    pub fn context_tokens(&self) -> Option<u32> {
        let architecture = self.model.meta_val_str("general.architecture").ok()?;
        let context = self
            .model
            .meta_val_str(&format!("{architecture}.context_length"))
            .ok()?;
        context.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use mercer_random_model::{RandomModel, write_random_model};

    use super::*;
    use crate::{EngineConfig, LlamaEngine, Role};

    #[test]
    fn a_vocabulary_alone_makes_the_prompts_that_the_engine_makes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("random.gguf");
        write_random_model(&path, &RandomModel::default()).unwrap();
        let tokenizer = Tokenizer::load(&path).unwrap();
        let engine = LlamaEngine::load(EngineConfig::for_testing(&path)).unwrap();
        let messages = [
            ChatMessage::new(Role::System, "Answer from the evidence."),
            ChatMessage::new(Role::User, "<|end|> is the kettle in stock?"),
        ];
        let tokens = tokenizer.prompt_tokens(&messages).unwrap();
        assert_eq!(tokens, engine.prompt_tokens(&messages).unwrap());
        assert_eq!(
            tokenizer.prompt_text(&messages).unwrap(),
            engine.text_of(&tokens)
        );
        assert_eq!(tokenizer.context_tokens(), Some(2048));
        assert!(tokenizer.count("the kettle") < "the kettle".len());
        let words = tokenizer
            .model
            .vocab()
            .tokenize("kéttle 12".as_bytes(), false, false);
        let mut words: Vec<u32> = words.into_iter().map(|token| token.0 as u32).collect();
        words.push(u32::MAX);
        assert_eq!(tokenizer.output_text(&words), "kéttle 12");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Tokenizer::load("no/such.gguf").err().unwrap().to_string();
        assert!(error.contains("no/such.gguf"), "{error}");
    }
}
