//! A thread that owns a model which turns texts into numbers, several texts in one pass, each a sequence of its own.
//!
//! What goes in and what the numbers are is a [`Task`]'s business: `embed` and `rerank` have one each.

use std::{
    num::NonZeroU32,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

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
    Error,
    backend::{backend, creation_lock},
};

/// Tokens of one text at most; retrieval passages are shorter, and attention grows with the square.
pub(crate) const TEXT_TOKENS_MAX: u32 = 512;
/// Texts computed in one pass.
pub(crate) const TEXTS_MAX: usize = 16;
/// A longer text is cut to this many bytes before it is tokenized; it could not fit anyway.
pub(crate) const TEXT_BYTES_MAX: usize = 16 * TEXT_TOKENS_MAX as usize;
/// Calls that may wait; further callers wait for a place.
const QUEUE: usize = 64;

/// What a text model is used for.
pub(crate) trait Task: Send + 'static {
    /// One text, or what one is made of.
    type Input: Send + 'static;
    /// What becomes of its numbers.
    type Output: Send + 'static;

    /// Returns the tokens of a text, `max` at most.
    fn tokens(&self, model: &LlamaModel, input: &Self::Input, max: usize) -> Vec<LlamaToken>;

    /// Reads the model's numbers for a text.
    ///
    /// # Errors
    /// [`Error::Decode`] when they cannot be right.
    fn read(&self, numbers: &[f32]) -> Result<Self::Output, Error>;

    /// Notes a call for the metrics.
    fn note(&self, texts: usize, took: Duration);
}

struct Ask<T: Task> {
    inputs: Vec<T::Input>,
    answer: oneshot::Sender<Result<Vec<T::Output>, Error>>,
}

/// A model on its thread. Dropping it ends the thread.
pub(crate) struct TextModel<T: Task> {
    asks: Option<mpsc::Sender<Ask<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Task> TextModel<T> {
    /// Starts the thread and computes a trial with it. The error says what is wrong with the model.
    pub(crate) fn start(
        name: &str,
        model: LlamaModel,
        shape: Shape,
        threads: u32,
        task: T,
        trial: T::Input,
    ) -> Result<Self, String> {
        let (asks, mut inbox) = mpsc::channel::<Ask<T>>(QUEUE);
        let (ready, loaded) = std::sync::mpsc::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let mut runner = match ModelRunner::start(&model, shape, threads, task) {
                    Ok(runner) => runner,
                    Err(problem) => {
                        let _ = ready.send(Err(problem));
                        return;
                    }
                };
                let tried = runner.compute(&[trial]).map(|_| ());
                let failed = tried.is_err();
                let told = ready.send(tried.map_err(|error| error.to_string()));
                if told.is_err() || failed {
                    return;
                }
                while let Some(Ask { inputs, answer }) = inbox.blocking_recv() {
                    if !answer.is_closed() {
                        let _ = answer.send(runner.compute(&inputs));
                    }
                }
            })
            .map_err(|error| format!("its thread does not start: {error}"))?;
        loaded
            .recv()
            .map_err(|_| "its thread has ended".to_owned())??;
        Ok(Self {
            asks: Some(asks),
            thread: Some(thread),
        })
    }

    /// Computes texts, in order.
    ///
    /// # Errors
    /// [`Error::Decode`] when the model could not compute a batch, [`Error::Stopped`] when the model is gone.
    pub(crate) async fn compute(&self, inputs: Vec<T::Input>) -> Result<Vec<T::Output>, Error> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        let asks = self.asks.as_ref().ok_or(Error::Stopped)?;
        asks.send(Ask { inputs, answer })
            .await
            .map_err(|_| Error::Stopped)?;
        answered.await.map_err(|_| Error::Stopped)?
    }
}

impl<T: Task> Drop for TextModel<T> {
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
    /// Reads the metadata of a model that embeds.
    pub(crate) fn embedding(model: &LlamaModel) -> Result<Self, String> {
        // Numbers of llama.h: 0 none, 1 mean, 2 cls, 3 last, 4 rank.
        Self::of(model, |pooling, encoder| match pooling {
            Some(1) => Ok(LlamaPoolingType::Mean),
            Some(2) => Ok(LlamaPoolingType::Cls),
            Some(3) => Ok(LlamaPoolingType::Last),
            Some(4) => Err("it ranks texts and does not embed them".to_owned()),
            _ if encoder => Ok(LlamaPoolingType::Mean),
            _ => Ok(LlamaPoolingType::Last),
        })
    }

    /// Reads the metadata of a model that ranks.
    pub(crate) fn ranking(model: &LlamaModel) -> Result<Self, String> {
        Self::of(model, |pooling, _| match pooling {
            Some(4) => Ok(LlamaPoolingType::Rank),
            _ => Err("it does not rank texts".to_owned()),
        })
    }

    fn of(
        model: &LlamaModel,
        choose: impl FnOnce(Option<u32>, bool) -> Result<LlamaPoolingType, String>,
    ) -> Result<Self, String> {
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
            .and_then(|value| value.parse().ok());
        Ok(Self {
            encoder,
            pooling: choose(pooling, encoder)?,
            text_tokens_max: model.n_ctx_train().clamp(8, TEXT_TOKENS_MAX),
        })
    }
}

/// Returns a text's tokens without any special ones, whatever it says.
pub(crate) fn plain_tokens(model: &LlamaModel, text: &str) -> Vec<LlamaToken> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    model.vocab().tokenize(text.as_bytes(), false, false)
}

struct ModelRunner<'m, T: Task> {
    model: &'m LlamaModel,
    shape: Shape,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    task: T,
}

impl<'m, T: Task> ModelRunner<'m, T> {
    fn start(model: &'m LlamaModel, shape: Shape, threads: u32, task: T) -> Result<Self, String> {
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
            task,
        })
    }

    fn compute(&mut self, inputs: &[T::Input]) -> Result<Vec<T::Output>, Error> {
        let began = Instant::now();
        let mut outputs = Vec::with_capacity(inputs.len());
        let mut group: Vec<Vec<LlamaToken>> = Vec::new();
        let mut size = 0;
        for input in inputs {
            let mut tokens =
                self.task
                    .tokens(self.model, input, self.shape.text_tokens_max as usize);
            if tokens.is_empty() {
                // A text of no tokens has no numbers; the first token of the vocabulary stands for it.
                tokens.push(LlamaToken(0));
            }
            if group.len() == TEXTS_MAX || size + tokens.len() > TEXT_TOKENS_MAX as usize {
                self.pass(&group, &mut outputs)?;
                group.clear();
                size = 0;
            }
            size += tokens.len();
            group.push(tokens);
        }
        self.pass(&group, &mut outputs)?;
        self.task.note(inputs.len(), began.elapsed());
        Ok(outputs)
    }

    fn pass(
        &mut self,
        group: &[Vec<LlamaToken>],
        outputs: &mut Vec<T::Output>,
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
            let numbers = self
                .context
                .embeddings_seq_ith(seq as i32)
                .map_err(|error| failed(error.to_string()))?;
            outputs.push(self.task.read(numbers)?);
        }
        Ok(())
    }
}
