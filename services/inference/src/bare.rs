//! A bare decode loop over llama.cpp, to compare the engine with: no requests, no streams, no rules, no sharing.

use std::time::{Duration, Instant};

use llama_cpp_2::{llama_batch::LlamaBatch, model::LlamaModel, token::LlamaToken};

use crate::{
    EngineConfig, Error,
    backend::{backend, creation_lock},
    engine::context_params,
    model_file,
};

/// A model and the context settings that an engine would use for it.
pub struct BareLoop {
    model: LlamaModel,
    config: EngineConfig,
}

impl BareLoop {
    /// Loads a model. Blocks while it loads.
    ///
    /// # Errors
    /// As [`crate::LlamaEngine::load`].
    pub fn load(config: EngineConfig) -> Result<Self, Error> {
        let file = model_file::load(&config.model, &config.hardware)?;
        let config = config.resolved(file.model.n_ctx_train(), file.model.n_params())?;
        Ok(Self {
            model: file.model,
            config,
        })
    }

    /// Computes prompts of token ids side by side, a sequence each, then `tokens` tokens for each of them: one batch a
    /// step that holds one token of every sequence, each the likeliest. Returns the time from the first batch to the
    /// last token. Blocks.
    ///
    /// # Errors
    /// [`Error::Decode`] when llama.cpp cannot make the context or refuses a batch, [`Error::Request`] when there are
    /// more prompts than sequences.
    pub fn run(&self, prompts: &[Vec<u32>], tokens: usize) -> Result<Duration, Error> {
        let refused = |error: &dyn std::fmt::Display| Error::Decode(error.to_string());
        if prompts.len() > self.config.sequences() as usize || prompts.iter().any(Vec::is_empty) {
            return Err(Error::Request("it has too many prompts, or an empty one"));
        }
        let mut context = {
            let _guard = creation_lock();
            self.model
                .new_context(backend()?, context_params(&self.config))
                .map_err(|error| refused(&error))?
        };
        let mut batch = LlamaBatch::new(self.config.batch as usize, 1);
        let add = |batch: &mut LlamaBatch<'_>, token, position: usize, seq: usize, logits| {
            batch
                .add(LlamaToken(token), position as i32, &[seq as i32], logits)
                .map_err(|error| refused(&error))
        };
        let began = Instant::now();
        let mut next: Vec<i32> = Vec::new();
        for (seq, prompt) in prompts.iter().enumerate() {
            let last = prompt.len() - 1;
            let mut position = 0;
            for chunk in prompt.chunks(self.config.batch as usize) {
                batch.clear();
                for &token in chunk {
                    add(&mut batch, token as i32, position, seq, position == last)?;
                    position += 1;
                }
                context
                    .decode(&mut batch)
                    .map_err(|error| refused(&error))?;
            }
            next.push(likeliest(context.get_logits_ith(batch.n_tokens() - 1)));
        }
        for step in 1..tokens {
            batch.clear();
            for (seq, prompt) in prompts.iter().enumerate() {
                add(&mut batch, next[seq], prompt.len() + step - 1, seq, true)?;
            }
            context
                .decode(&mut batch)
                .map_err(|error| refused(&error))?;
            for (row, next) in next.iter_mut().enumerate() {
                *next = likeliest(context.get_logits_ith(row as i32));
            }
        }
        Ok(began.elapsed())
    }
}

/// Returns the token with the highest logit, the lower id on a tie.
fn likeliest(logits: &[f32]) -> i32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as i32
}
