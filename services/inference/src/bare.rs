//! A bare decode loop over llama.cpp, to compare the engine with: no requests, no streams, no rules, no sharing.
//! Built with the feature `bare` alone, which the laboratory (`services/lab`) asks for.

use std::time::{Duration, Instant};

use llama_cpp_2::{llama_batch::LlamaBatch, model::LlamaModel, token::LlamaToken};

use crate::{
    EngineConfig, Error,
    backend::{backend, creation_lock},
    engine::{context_params, highest},
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

    /// Computes prompts of token ids side by side, a sequence each, as full batches as they fill; then for each of them as
    /// many tokens as `lengths` says: one batch a step that holds one token of every sequence that is not at its end, each
    /// the likeliest. Returns the time from the first batch to the last token. Blocks.
    ///
    /// # Errors
    /// [`Error::Decode`] when llama.cpp cannot make the context or refuses a batch, [`Error::Request`] when there are
    /// more prompts than sequences, an empty prompt, or not a length for each.
    pub fn run(&self, prompts: &[Vec<u32>], lengths: &[usize]) -> Result<Duration, Error> {
        let refused = |error: &dyn std::fmt::Display| Error::Decode(error.to_string());
        if prompts.len() > self.config.sequences() as usize
            || prompts.len() != lengths.len()
            || prompts.iter().any(Vec::is_empty)
        {
            return Err(Error::Request(
                "it has too many prompts, an empty one, or not a length for each",
            ));
        }
        let mut context = {
            let _guard = creation_lock();
            self.model
                .new_context(backend()?, context_params(&self.config))
                .map_err(|error| refused(&error))?
        };
        let mut batch = LlamaBatch::new(self.config.batch as usize, 1);
        let mut compute = |batch: &mut LlamaBatch<'_>, rows: &[Row]| -> Result<Vec<i32>, Error> {
            batch.clear();
            for row in rows {
                batch
                    .add(
                        LlamaToken(row.token),
                        row.position,
                        &[row.seq as i32],
                        row.wanted,
                    )
                    .map_err(|error| refused(&error))?;
            }
            context.decode(batch).map_err(|error| refused(&error))?;
            let wanted = (0..).zip(rows).filter(|(_, row)| row.wanted);
            Ok(wanted
                .map(|(at, _)| highest(context.get_logits_ith(at)).unwrap_or(0) as i32)
                .collect())
        };
        let rows: Vec<Row> = prompts
            .iter()
            .enumerate()
            .flat_map(|(seq, prompt)| {
                prompt
                    .iter()
                    .enumerate()
                    .map(move |(position, &token)| Row {
                        seq,
                        token: token as i32,
                        position: position as i32,
                        wanted: position + 1 == prompt.len(),
                    })
            })
            .collect();
        let began = Instant::now();
        let mut next: Vec<i32> = Vec::new();
        for part in rows.chunks(self.config.batch as usize) {
            next.extend(compute(&mut batch, part)?);
        }
        for step in 1..lengths.iter().copied().max().unwrap_or(0) {
            let rows: Vec<Row> = (0..prompts.len())
                .filter(|&seq| step < lengths[seq])
                .map(|seq| Row {
                    seq,
                    token: next[seq],
                    position: (prompts[seq].len() + step - 1) as i32,
                    wanted: true,
                })
                .collect();
            for (row, token) in rows.iter().zip(compute(&mut batch, &rows)?) {
                next[row.seq] = token;
            }
        }
        Ok(began.elapsed())
    }
}

/// A token in a batch.
struct Row {
    seq: usize,
    token: i32,
    position: i32,
    /// Its logits choose the next token.
    wanted: bool,
}
