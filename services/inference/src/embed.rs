//! Embeddings: a model in this process that turns texts into vectors.
//!
//! Not here: prefixes such as `query: ` that some models want; the caller knows which side it embeds.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use llama_cpp_2::{model::LlamaModel, token::LlamaToken};

use crate::{
    Embedder, EmbedderInfo, Error,
    backend::text_threads,
    hardware::Hardware,
    model_file::{self, fault},
    text_model::{Shape, TEXT_BYTES_MAX, Task, TextModel},
};

/// An embedding model that runs in this process.
pub struct LlamaEmbedder {
    info: EmbedderInfo,
    threads: u32,
    model: TextModel<Embedding>,
}

impl LlamaEmbedder {
    /// Loads an embedding model and embeds a word as a check. `threads` 0 takes one for each four cores, or one in all
    /// for a model of less than 100 million parameters. Blocks, so call it outside of async code.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file, what is wrong and what to do.
    pub fn load(path: impl AsRef<Path>, threads: u32) -> Result<Self, Error> {
        const OTHER: &str = "choose an embedding model in GGUF format";
        let path = path.as_ref();
        let file = model_file::load(path, &Hardware::default())?;
        let shape = Shape::embedding(&file.model).map_err(|problem| fault(path, problem, OTHER))?;
        let info = EmbedderInfo {
            id: format!("{}@{}", file.name, &file.sha256[..12]),
            dim: file.model.n_embd_out().max(0) as usize,
        };
        let threads = text_threads(threads.min(512), file.model.n_params());
        let trial = "check".to_owned();
        let model = TextModel::start("mercer-embed", file.model, shape, threads, Embedding, trial)
            .map_err(|problem| fault(path, problem, OTHER))?;
        tracing::info!(
            embedder.id = info.id,
            dimensions = info.dim,
            threads,
            "embedding model is loaded"
        );
        Ok(Self {
            info,
            threads,
            model,
        })
    }

    /// Returns how many threads it computes with.
    pub fn threads(&self) -> u32 {
        self.threads
    }
}

#[async_trait]
impl Embedder for LlamaEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        self.model.compute(texts).await
    }
}

struct Embedding;

impl Task for Embedding {
    type Input = String;
    type Output = Vec<f32>;

    /// Cuts a text to the model's context, keeping the end token where the model has one.
    fn tokens(&self, model: &LlamaModel, text: &String, max: usize) -> Vec<LlamaToken> {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let vocab = model.vocab();
        let mut tokens = vocab.tokenize(text.as_bytes(), true, false);
        if tokens.len() > max {
            let last = tokens[tokens.len() - 1];
            tokens.truncate(max);
            if vocab.is_control(last) {
                tokens[max - 1] = last;
            }
        }
        tokens
    }

    fn read(&self, numbers: &[f32]) -> Result<Vec<f32>, Error> {
        normalised(numbers)
    }

    fn note(&self, texts: usize, took: Duration) {
        metrics::counter!("mercer_inference_texts_embedded_total").increment(texts as u64);
        metrics::histogram!("mercer_inference_embed_seconds").record(took.as_secs_f64());
    }
}

/// Returns a vector scaled to length 1.
fn normalised(vector: &[f32]) -> Result<Vec<f32>, Error> {
    let length = vector
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        .sqrt();
    if !length.is_finite() || length == 0.0 {
        return Err(Error::Decode("the vector has no length".to_owned()));
    }
    Ok(vector
        .iter()
        .map(|x| (f64::from(*x) / length) as f32)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_get_length_one_and_a_broken_one_is_refused() {
        assert_eq!(normalised(&[3.0, 4.0]).unwrap(), [0.6, 0.8]);
        assert!(normalised(&[0.0, 0.0]).is_err());
        assert!(normalised(&[f32::NAN]).is_err());
    }
}
