//! The in-process engine: one thread owns a llama.cpp context and serves many conversations in it.
//!
//! This file is the caller's side: it loads the model, renders, tokenizes and compiles what a request brings, and
//! hands a finished job to the thread (`core`). The thread never blocks but in llama.cpp, and a job that fails
//! fails alone.

mod adapters;
mod cache;
mod config;
mod core;
mod disk;
mod drafts;
mod job;
mod monitor;
mod pace;
mod sampling;
mod sequences;
mod step;
mod tier;
mod vocabulary;

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Instant,
};

use async_trait::async_trait;
use llama_cpp_2::{model::LlamaModel, token::LlamaToken};
use llguidance::Matcher;
use mercer_schemas::worker::{Load, prefix_hashes};
use tokio::time::timeout_at;
use tracing::Instrument;

use self::{
    adapters::{AdapterId, Adapters},
    drafts::Drafts,
    job::{Job, Queue, Slot},
    monitor::Monitor,
};
use crate::{
    ChatMessage, ChatModel, Error, Finish, GenerateRequest, Generation, ModelInfo,
    footprint::Shape,
    grammar::GrammarCompiler,
    model_file::{self, fault},
    prompt,
    template::{Abilities, ChatTemplate},
    token_env,
};

pub use self::{adapters::AdapterConfig, config::EngineConfig, monitor::EngineCounts};
#[cfg(feature = "bare")]
pub(crate) use self::{core::context_params, sampling::highest};

/// Holds the recursion of grammar matching with room to spare. Only what is touched takes memory.
const STACK_BYTES: usize = 64 << 20;

/// A chat model that runs in this process.
pub struct LlamaEngine {
    info: Arc<ModelInfo>,
    config: EngineConfig,
    model: Arc<LlamaModel>,
    template: ChatTemplate,
    grammars: GrammarCompiler,
    queue: Arc<Queue>,
    monitor: Arc<Monitor>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl LlamaEngine {
    /// Loads a model, computes one token with it as a check, and starts its thread. Blocks while it loads.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file, what is wrong and what to do; [`Error::Config`] names the setting.
    pub fn load(config: EngineConfig) -> Result<Self, Error> {
        let path = config.model.clone();
        let mut file = model_file::load(&path, &config.hardware)?;
        let adapters = Adapters::load(&mut file.model, &config.adapters)?;
        let template = model_file::chat_template(&file.model)
            .map_err(|(problem, fix)| fault(&path, problem, fix))?;
        let config = config.resolved(file.model.n_ctx_train(), file.model.n_params())?;
        let shape = Shape::of(&file.model).unwrap_or_default();
        config
            .hardware
            .check_heads(shape.key_width, shape.value_width)?;
        let info = ModelInfo {
            name: file.name,
            sha256: file.sha256,
            n_ctx: config.n_ctx,
            n_vocab: file.model.vocab().n_tokens().max(0) as u32,
            n_params: file.model.n_params(),
            prompt_style: file
                .model
                .meta_val_str("mercer.prompt")
                .unwrap_or_else(|_| "full".to_owned()),
            template_sha256: template.sha256().to_owned(),
            adapters: config.adapters.iter().map(|one| one.name.clone()).collect(),
        };
        let model = Arc::new(file.model);
        let grammars = GrammarCompiler::start(&token_env::new(&model))?;
        let monitor = Arc::new(Monitor::default());
        let (jobs, inbox) = mpsc::channel();
        let (ready, loaded) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("mercer-llama".to_owned())
            .stack_size(STACK_BYTES)
            .spawn({
                let (model, config, label) = (model.clone(), config.clone(), info.label());
                let monitor = monitor.clone();
                move || core::run(&model, adapters, config, label, monitor, inbox, &ready)
            })
            .map_err(|error| Error::Decode(format!("start the engine thread: {error}")))?;
        loaded
            .recv()
            .map_err(|_| Error::Stopped)?
            .map_err(|problem| fault(&path, problem, "use less context or another model"))?;
        tracing::info!(
            model.name = info.name,
            model.parameters = info.n_params,
            tokens_max = info.n_ctx,
            threads = config.threads,
            "chat model is loaded"
        );
        Ok(Self {
            info: Arc::new(info),
            config,
            model,
            template,
            grammars,
            queue: Arc::new(Queue::default()),
            monitor,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Returns how many threads write, and how many read prompts.
    pub fn threads(&self) -> (u32, u32) {
        (self.config.threads, self.config.batch_threads)
    }

    /// Returns what the model's chat template can say.
    pub fn template_abilities(&self) -> Abilities {
        self.template.abilities()
    }

    /// Returns the tokens of a prompt, for replay and for developers.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::PromptTooLong`] as in [`ChatModel::generate`].
    pub fn prompt_tokens(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, Error> {
        let prompt = prompt::build(
            &self.model,
            &self.template,
            messages,
            self.config.n_ctx as usize,
        )?;
        Ok(prompt
            .tokens
            .into_iter()
            .map(|token| token as u32)
            .collect())
    }

    /// Returns the text of tokens, special tokens spelled out.
    pub fn text_of(&self, tokens: &[u32]) -> String {
        let vocab = self.model.vocab();
        let known = |token: &&u32| i32::try_from(**token).is_ok_and(|id| id < vocab.n_tokens());
        let bytes: Vec<u8> = tokens
            .iter()
            .filter(known)
            .flat_map(|&token| vocab.token_to_piece(LlamaToken(token as i32), true, None))
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns how busy the engine is. The longest stall counts from the call before.
    pub fn take_load(&self) -> Load {
        self.monitor.take_load()
    }

    /// Returns what the engine has done since it was started.
    pub fn counts(&self) -> EngineCounts {
        self.monitor.counts()
    }

    /// Returns hashes of the starts of conversations whose cache is held, as
    /// [`prefix_hashes`] makes them.
    pub fn starts(&self) -> BTreeSet<u64> {
        self.monitor.starts()
    }

    /// Counts the tokens of the prompt that these messages make, generation prompt included.
    ///
    /// # Errors
    /// [`Error::Template`] when the template refuses the messages.
    pub fn count_tokens(&self, messages: &[ChatMessage]) -> Result<u32, Error> {
        let pieces = self.template.render(messages, true)?;
        Ok(prompt::tokenize(&self.model, &pieces).len() as u32)
    }

    async fn submit(&self, request: GenerateRequest) -> Result<Generation, Error> {
        let submitted = Instant::now();
        request.check()?;
        if self.monitor.is_stalled() {
            return Err(Error::Stalled);
        }
        let deadline = submitted
            .checked_add(request.deadline)
            .ok_or(Error::Request("its deadline is out of range"))?;
        let adapter = self.adapter(request.adapter.as_deref())?;
        let ticket = Queue::enter(&self.queue, self.config.queue)?;
        let limit = self.config.n_ctx as usize;
        let mut prompt = prompt::build(&self.model, &self.template, &request.messages, limit)?;
        let resume = self.pieces(&request.resume)?;
        prompt
            .tokens
            .extend(request.resume.iter().map(|&token| token as i32));
        if prompt.tokens.len() >= limit {
            return Err(Error::PromptTooLong {
                tokens: prompt.tokens.len(),
                limit,
            });
        }
        let room = (limit - 1 - prompt.tokens.len())
            .min(request.max_tokens as usize - 1 - request.resume.len());
        let (sink, generation) = Generation::channel();
        let mut job = Job {
            request_id: request.request_id,
            conversation_key: request.conversation_key,
            adapter,
            prompt,
            resume,
            opening: Vec::new(),
            starts: prefix_hashes(&self.info, request.adapter.as_deref(), &request.messages),
            matcher: None,
            drafts: None,
            max_tokens: request.max_tokens as usize,
            temperature: request.temperature,
            top_p: request.top_p,
            priority: request.priority,
            submitted,
            deadline,
            sink,
            ticket: Some(ticket),
        };
        if let Some(grammar) = request.grammar {
            let compiling = self.grammars.compile(grammar);
            let Ok(compiled) = timeout_at(deadline.into(), compiling).await else {
                // What there is by now is what was resumed.
                Slot::never_admitted(job).finish(Finish::Deadline, &self.info.label());
                return Ok(generation);
            };
            let mut matcher = compiled?;
            matcher
                .consume_tokens(&request.resume)
                .map_err(|_| Error::Request("its grammar does not allow the resumed tokens"))?;
            let opening = opening(&mut matcher, room);
            job.prompt
                .tokens
                .extend(opening.iter().map(|&token| token as i32));
            job.opening = self.pieces(&opening)?;
            job.matcher = Some(matcher);
        }
        job.drafts = (self.config.drafts > 0)
            .then(|| Drafts::new(&job.prompt.tokens, self.config.drafts as usize));
        let jobs = self.jobs.as_ref().ok_or(Error::Stopped)?;
        jobs.send(job).map_err(|_| Error::Stopped)?;
        Ok(generation)
    }

    fn adapter(&self, name: Option<&str>) -> Result<AdapterId, Error> {
        name.map(|name| {
            let known = |adapter: &AdapterConfig| adapter.name == name;
            let at = self.config.adapters.iter().position(known);
            at.ok_or(Error::Request("it names an adapter that is not loaded"))
        })
        .transpose()
    }

    /// Returns tokens with the bytes of their text.
    fn pieces(&self, tokens: &[u32]) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        let vocab = self.model.vocab();
        tokens
            .iter()
            .map(|&token| {
                let id = i32::try_from(token)
                    .ok()
                    .filter(|&id| id < vocab.n_tokens())
                    .map(LlamaToken)
                    .filter(|&id| !vocab.is_eog(id))
                    .ok_or(Error::Request("resumed tokens are not of this model"))?;
                Ok((token, vocab.token_to_piece(id, false, None)))
            })
            .collect()
    }
}

/// Takes the tokens with which the output must begin, if they fit and leave the model something to choose.
fn opening(matcher: &mut Matcher, room: usize) -> Vec<u32> {
    let tokens = matcher.compute_ff_tokens();
    if tokens.is_empty() || tokens.len() > room || matcher.consume_tokens(&tokens).is_err() {
        return Vec::new();
    }
    if matcher.is_stopped() && matcher.rollback(tokens.len()).is_ok() {
        return Vec::new();
    }
    tokens
}

#[async_trait]
impl ChatModel for LlamaEngine {
    fn info(&self) -> Arc<ModelInfo> {
        self.info.clone()
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn is_stalled(&self) -> bool {
        self.monitor.is_stalled()
    }

    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error> {
        let span = tracing::debug_span!("inference.submit", request.id = request.request_id);
        let result = self.submit(request).instrument(span).await;
        if let Err(error) = &result {
            job::count_refusal(error);
        }
        result
    }
}

impl Drop for LlamaEngine {
    fn drop(&mut self) {
        // The thread ends when its channel closes: within one step.
        self.jobs = None;
        if self.monitor.is_stalled() {
            // It owns all that it uses, so it may stay behind; waiting for it would hang this thread too.
            tracing::error!("the engine's thread hangs in a step and is left behind");
            return;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
