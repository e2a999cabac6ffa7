//! Embeddings: a thread that owns an embedding model and turns batches of texts into vectors.
//!
//! Not here: prefixes such as `query: ` that some models want; the caller knows which side it embeds.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use async_trait::async_trait;
use llama_cpp_2::{
    context::{
        LlamaContext,
        params::{LlamaContextParams, LlamaPoolingType},
    },
    llama_batch::LlamaBatch,
    model::LlamaModel,
    token::LlamaToken,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Embedder, EmbedderInfo, Error,
    backend::{backend, creation_lock, embedder_threads},
    hardware::Hardware,
    model_file::{self, fault},
};

/// Tokens of one text at most; retrieval passages are shorter, and attention grows with the square.
pub(crate) const TEXT_TOKENS_MAX: u32 = 512;
/// Texts computed in one pass.
pub(crate) const TEXTS_MAX: usize = 16;
/// Calls that may wait; further callers wait for a place.
const QUEUE: usize = 64;
/// A longer text is cut to this many bytes before it is tokenized; it could not fit anyway.
pub(crate) const TEXT_BYTES_MAX: usize = 16 * TEXT_TOKENS_MAX as usize;

struct Ask {
    texts: Vec<String>,
    answer: oneshot::Sender<Result<Vec<Vec<f32>>, Error>>,
}

/// An embedding model that runs in this process.
pub struct LlamaEmbedder {
    info: EmbedderInfo,
    threads: u32,
    asks: Option<mpsc::Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
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
        let shape = Shape::of(&file.model).map_err(|problem| fault(path, problem, OTHER))?;
        let info = EmbedderInfo {
            id: format!("{}@{}", file.name, &file.sha256[..12]),
            dim: file.model.n_embd_out().max(0) as usize,
        };
        let model = Arc::new(file.model);
        let (asks, mut inbox) = mpsc::channel::<Ask>(QUEUE);
        let (ready, loaded) = std::sync::mpsc::channel();
        let threads = embedder_threads(threads.min(512), model.n_params());
        let thread = thread::Builder::new()
            .name("mercer-embed".to_owned())
            .spawn(move || {
                let mut worker = match Worker::start(&model, shape, threads) {
                    Ok(worker) => worker,
                    Err(problem) => {
                        let _ = ready.send(Err(problem));
                        return;
                    }
                };
                let trial = worker.embed(&["check".to_owned()]).map(|_| ());
                let failed = trial.is_err();
                if ready
                    .send(trial.map_err(|error| error.to_string()))
                    .is_err()
                    || failed
                {
                    return;
                }
                while let Some(Ask { texts, answer }) = inbox.blocking_recv() {
                    if !answer.is_closed() {
                        let _ = answer.send(worker.embed(&texts));
                    }
                }
            })
            .map_err(|error| Error::Decode(format!("start the embedding thread: {error}")))?;
        loaded
            .recv()
            .map_err(|_| Error::Stopped)?
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
            asks: Some(asks),
            thread: Some(thread),
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
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        let asks = self.asks.as_ref().ok_or(Error::Stopped)?;
        asks.send(Ask { texts, answer })
            .await
            .map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)?
    }
}

impl Drop for LlamaEmbedder {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a model's metadata says about how to run it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// It has no memory and sees a text at once.
    pub(crate) encoder: bool,
    pooling: LlamaPoolingType,
    text_tokens_max: u32,
}

impl Shape {
    pub(crate) fn of(model: &LlamaModel) -> Result<Self, String> {
        let architecture = model
            .meta_val_str("general.architecture")
            .map_err(|_| "it does not say its architecture".to_owned())?;
        let causal = model
            .meta_val_str(&format!("{architecture}.attention.causal"))
            .map_or(true, |value| value == "true");
        let encoder =
            architecture.contains("bert") || architecture.contains("embedding") || !causal;
        let pooling = model
            .meta_val_str(&format!("{architecture}.pooling_type"))
            .ok()
            .and_then(|value| value.parse::<u32>().ok());
        // Numbers of llama.h: 0 none, 1 mean, 2 cls, 3 last, 4 rank.
        let pooling = match pooling {
            Some(1) => LlamaPoolingType::Mean,
            Some(2) => LlamaPoolingType::Cls,
            Some(3) => LlamaPoolingType::Last,
            Some(4) => return Err("it ranks texts and does not embed them".to_owned()),
            _ if encoder => LlamaPoolingType::Mean,
            _ => LlamaPoolingType::Last,
        };
        Ok(Self {
            encoder,
            pooling,
            text_tokens_max: model.n_ctx_train().clamp(8, TEXT_TOKENS_MAX),
        })
    }
}

struct Worker<'m> {
    model: &'m LlamaModel,
    shape: Shape,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
}

impl<'m> Worker<'m> {
    fn start(model: &'m LlamaModel, shape: Shape, threads: u32) -> Result<Self, String> {
        // A batch is one ubatch: a model that sees a text at once asserts otherwise.
        let size = TEXT_TOKENS_MAX;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(size))
            .with_n_batch(size)
            .with_n_ubatch(size)
            .with_n_seq_max(TEXTS_MAX as u32)
            .with_kv_unified(true)
            .with_embeddings(true)
            .with_pooling_type(shape.pooling)
            .with_n_threads(threads as i32)
            .with_n_threads_batch(threads as i32);
        let backend = backend().map_err(|error| error.to_string())?;
        let _guard = creation_lock();
        let context = model
            .new_context(backend, params)
            .map_err(|error| format!("llama.cpp cannot make a context for it ({error})"))?;
        Ok(Self {
            model,
            shape,
            context,
            batch: LlamaBatch::new(size as usize, 1),
        })
    }

    fn embed(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let began = Instant::now();
        let mut vectors = Vec::with_capacity(texts.len());
        let mut group: Vec<Vec<LlamaToken>> = Vec::new();
        let mut size = 0;
        for text in texts {
            let tokens = self.tokenize(text);
            if group.len() == TEXTS_MAX || size + tokens.len() > TEXT_TOKENS_MAX as usize {
                self.compute(&group, &mut vectors)?;
                group.clear();
                size = 0;
            }
            size += tokens.len();
            group.push(tokens);
        }
        self.compute(&group, &mut vectors)?;
        metrics::counter!("mercer_inference_texts_embedded_total").increment(texts.len() as u64);
        metrics::histogram!("mercer_inference_embed_seconds").record(began.elapsed().as_secs_f64());
        Ok(vectors)
    }

    /// Tokenizes a text and cuts it to the model's context, keeping the end token where the model has one.
    fn tokenize(&self, text: &str) -> Vec<LlamaToken> {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let vocab = self.model.vocab();
        let mut tokens = vocab.tokenize(text.as_bytes(), true, false);
        let max = self.shape.text_tokens_max as usize;
        if tokens.len() > max {
            let last = tokens[tokens.len() - 1];
            tokens.truncate(max);
            if vocab.is_control(last) {
                tokens[max - 1] = last;
            }
        }
        if tokens.is_empty() {
            // A text of no tokens has no vector; the first token of the vocabulary stands for it.
            tokens.push(LlamaToken(0));
        }
        tokens
    }

    fn compute(
        &mut self,
        group: &[Vec<LlamaToken>],
        vectors: &mut Vec<Vec<f32>>,
    ) -> Result<(), Error> {
        if group.is_empty() {
            return Ok(());
        }
        let failed = |error: String| Error::Decode(error);
        self.batch.clear();
        for (seq, tokens) in group.iter().enumerate() {
            for (position, &token) in tokens.iter().enumerate() {
                self.batch
                    .add(token, position as i32, &[seq as i32], true)
                    .map_err(|error| failed(error.to_string()))?;
            }
        }
        if self.shape.encoder {
            self.context
                .encode(&mut self.batch)
                .map_err(|error| failed(error.to_string()))?;
        } else {
            self.context.clear_kv_cache();
            self.context
                .decode(&mut self.batch)
                .map_err(|error| failed(error.to_string()))?;
        }
        for seq in 0..group.len() {
            let vector = self
                .context
                .embeddings_seq_ith(seq as i32)
                .map_err(|error| failed(error.to_string()))?;
            vectors.push(normalised(vector)?);
        }
        Ok(())
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
