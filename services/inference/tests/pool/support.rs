//! Workers that can die or freeze, and what is asked of them.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt;
use mercer_inference::{
    ChatMessage, ChatModel, Chunk, Completion, EngineConfig, Error, Finish, GenerateRequest,
    Generation, Grammar, LlamaEmbedder, LlamaEngine, LlamaReranker, ModelInfo, PoolConfig,
    Priority, Role, TextModels, Worker, WorkerConfig, WorkerEngine, WorkerPool, testing::StepHook,
};
use mercer_random_model::{RandomBert, RandomModel, write_random_model};
use mercer_schemas::worker::Load;
pub(crate) use mercer_testing::{Nats, PATIENCE, until};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::sleep};

/// Pause before each piece of text, so that there is a middle of a stream.
const PACE: Duration = Duration::from_millis(20);
/// Words without end, so that only `max_tokens` ends them.
const ENDLESS: &str = "start: /[a-z ]{5000}/\n";

/// Connects to NATS as anyone may.
pub(crate) async fn client(nats: &Nats) -> async_nats::Client {
    async_nats::connect(nats.url()).await.unwrap()
}

/// Connects to the pool as a caller.
pub(crate) async fn pool(nats: &Nats) -> WorkerPool {
    let pool = WorkerPool::connect(PoolConfig::new(nats.url(), "test"));
    pool.await.unwrap()
}

/// A model file, and an engine of it that nothing disturbs.
pub(crate) struct Model {
    path: PathBuf,
    pub(crate) engine: Arc<LlamaEngine>,
    folder: TempDir,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self::with_seed(1)
    }

    pub(crate) fn with_seed(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("random.gguf");
        let shape = RandomModel {
            seed,
            ..RandomModel::default()
        };
        write_random_model(&path, &shape).unwrap();
        let engine = Arc::new(LlamaEngine::load(EngineConfig::for_testing(&path)).unwrap());
        Self {
            path,
            engine,
            folder,
        }
    }

    /// Returns a reranker of its own.
    pub(crate) fn reranker(&self) -> Arc<LlamaReranker> {
        let path = self.folder.path().join("reranker.gguf");
        RandomBert::default().write(&path, &mut |_, _| {}).unwrap();
        Arc::new(LlamaReranker::load(&path, 1).unwrap())
    }

    /// Returns an embedder of the same file.
    pub(crate) fn embedder(&self) -> Arc<LlamaEmbedder> {
        Arc::new(LlamaEmbedder::load(&self.path, 1).unwrap())
    }

    /// Returns what the model writes when nothing disturbs it.
    pub(crate) async fn undisturbed(&self, request: &GenerateRequest) -> Completion {
        let generation = self.engine.generate(request.clone()).await.unwrap();
        generation.complete().await.unwrap()
    }
}

/// An engine that writes slowly, and may end by a fault.
struct Paced {
    engine: Arc<LlamaEngine>,
    ended: Arc<AtomicBool>,
}

#[async_trait]
impl ChatModel for Paced {
    fn info(&self) -> Arc<ModelInfo> {
        self.engine.info()
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    async fn generate(&self, request: GenerateRequest) -> Result<Generation, Error> {
        let mut inner = self.engine.generate(request).await?;
        let (sink, generation) = Generation::channel();
        let (cancelled, stop) = (sink.cancel_handle(), inner.cancel_handle());
        let engine = self.engine.clone();
        tokio::spawn(async move {
            let mut told = 0;
            while let Some(item) = inner.next().await {
                match item {
                    // The engine passes on what it wrote in some milliseconds; this one writes token by token.
                    Ok(Chunk::Text { text, tokens }) => {
                        for (text, tokens) in pieces(&engine, &text, &tokens) {
                            tokio::select! {
                                () = cancelled.cancelled() => stop.cancel(),
                                () = sleep(PACE) => {
                                    told += tokens.len();
                                    sink.send(Ok(Chunk::Text { text, tokens }));
                                }
                            }
                        }
                    }
                    // The engine is far ahead, so it may have ended long before it is cancelled.
                    Ok(Chunk::Done(mut completion)) if cancelled.is_cancelled() => {
                        completion.finish = Finish::Cancelled;
                        completion.tokens.truncate(told);
                        completion.usage.output_tokens = told as u32;
                        sink.send(Ok(Chunk::Done(completion)));
                    }
                    other => sink.send(other),
                }
            }
        });
        Ok(generation)
    }
}

/// Cuts text into the shortest pieces whose characters are whole.
fn pieces(engine: &LlamaEngine, text: &str, tokens: &[u32]) -> Vec<(String, Vec<u32>)> {
    let (mut pieces, mut text, mut from) = (Vec::new(), text, 0);
    for to in 1..=tokens.len() {
        let (head, rest) = (
            engine.text_of(&tokens[from..to]),
            engine.text_of(&tokens[to..]),
        );
        if let Some(after) = text.strip_prefix(head.as_str())
            && after == rest
        {
            pieces.push((head, tokens[from..to].to_vec()));
            (text, from) = (after, to);
        }
    }
    assert!(text.is_empty() && from == tokens.len());
    pieces
}

impl WorkerEngine for Paced {
    fn take_load(&self) -> Load {
        self.engine.take_load()
    }

    fn starts(&self) -> BTreeSet<u64> {
        self.engine.starts()
    }
}

/// A worker in a runtime of its own, as if it were another process.
pub(crate) struct Node {
    runtime: Option<Runtime>,
    pub(crate) worker: Option<Worker>,
    pub(crate) engine: Arc<LlamaEngine>,
    /// Set, its engine says that it has ended.
    pub(crate) engine_ended: Arc<AtomicBool>,
}

impl Node {
    pub(crate) fn start(nats: &Nats, model: &Model, name: &str) -> Self {
        Self::start_at(nats.url(), model, name)
    }

    pub(crate) fn start_at(url: String, model: &Model, name: &str) -> Self {
        Self::start_with(url, model, name, TextModels::default())
    }

    /// Starts one that also has text models.
    pub(crate) fn start_with(url: String, model: &Model, name: &str, texts: TextModels) -> Self {
        let config = EngineConfig::for_testing(&model.path);
        Self::start_engine(url, config, name, texts)
    }

    /// Starts one whose engine hangs while the gate is held, and soon says so.
    pub(crate) fn start_gated(
        nats: &Nats,
        model: &Model,
        name: &str,
        gate: &Arc<Mutex<()>>,
    ) -> Self {
        let mut config = EngineConfig::for_testing(&model.path);
        config.step_patience = Duration::from_millis(200);
        let gate = gate.clone();
        config.before_step = Some(StepHook::new(move || drop(gate.lock())));
        Self::start_engine(nats.url(), config, name, TextModels::default())
    }

    fn start_engine(url: String, mut config: EngineConfig, name: &str, texts: TextModels) -> Self {
        config.slots = 2;
        let engine = Arc::new(LlamaEngine::load(config).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let config = WorkerConfig {
            url,
            pool: "test".to_owned(),
            name: name.to_owned(),
        };
        let engine_ended = Arc::new(AtomicBool::new(false));
        let paced = Arc::new(Paced {
            engine: engine.clone(),
            ended: engine_ended.clone(),
        });
        let (told, started) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let worker = Worker::start(config, paced, texts).await;
            let _ = told.send(worker.unwrap());
        });
        Self {
            worker: Some(started.recv().unwrap()),
            runtime: Some(runtime),
            engine,
            engine_ended,
        }
    }

    /// Ends it as `kill -9` would: no goodbye.
    pub(crate) fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Stops all of it for a while, connection included, as SIGSTOP would.
    pub(crate) fn freeze(&self, how_long: Duration) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move { std::thread::sleep(how_long) });
        }
    }

    pub(crate) fn active(&self) -> u32 {
        self.engine.take_load().active
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.die();
    }
}

/// Two workers of one model and a caller that knows both.
pub(crate) struct World {
    pub(crate) nats: Nats,
    pub(crate) model: Model,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pool: WorkerPool,
}

impl World {
    pub(crate) async fn new(workers: usize) -> Self {
        let (nats, model) = (Nats::start().await, Model::new());
        let nodes: Vec<Node> = (0..workers)
            .map(|n| Node::start(&nats, &model, &format!("w{n}")))
            .collect();
        let pool = pool(&nats).await;
        until("all workers are heard", async || {
            pool.ready().len() == workers
        })
        .await;
        Self {
            nats,
            model,
            nodes,
            pool,
        }
    }

    /// Reads a stream until it has this many pieces of text.
    pub(crate) async fn begin(&self, request: &GenerateRequest, pieces: usize) -> Reader {
        let generation = self.pool.generate(request.clone()).await.unwrap();
        let mut reader = Reader::new(generation);
        reader.pieces(pieces).await;
        reader
    }
}

/// Reads a generation piece by piece.
pub(crate) struct Reader {
    pub(crate) generation: Generation,
    pub(crate) text: String,
    pub(crate) tokens: Vec<u32>,
}

impl Reader {
    pub(crate) fn new(generation: Generation) -> Self {
        Self {
            generation,
            text: String::new(),
            tokens: Vec::new(),
        }
    }

    pub(crate) async fn pieces(&mut self, count: usize) {
        for _ in 0..count {
            let done = self.next().await;
            assert!(done.is_none(), "it ended too early for this test: {done:?}");
        }
    }

    /// Reads the next piece of text, or the end.
    async fn next(&mut self) -> Option<Result<Completion, Error>> {
        loop {
            let chunk = tokio::time::timeout(PATIENCE, self.generation.next()).await;
            match chunk.expect("a chunk in time").expect("an end") {
                Ok(Chunk::Started { .. }) => {}
                Ok(Chunk::Text { text, tokens }) => {
                    self.text.push_str(&text);
                    self.tokens.extend(tokens);
                    return None;
                }
                Ok(Chunk::Done(completion)) => return Some(Ok(completion)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> Result<Completion, Error> {
        loop {
            if let Some(end) = self.next().await {
                return end;
            }
        }
    }

    /// Reads to the end and fails unless all of it came once, and is what an undisturbed engine writes.
    pub(crate) async fn end_whole(&mut self, expected: &Completion) -> Completion {
        let completion = self.end().await.unwrap();
        assert_eq!(completion.tokens, expected.tokens);
        assert_eq!(completion.text, expected.text);
        assert_eq!(completion.finish, expected.finish);
        assert_eq!(self.text, expected.text, "what was streamed");
        assert!(expected.tokens.starts_with(&self.tokens));
        completion
    }
}

pub(crate) fn conversation(words: &str) -> Vec<ChatMessage> {
    let rules = "You answer customers of Harbour. First plan tools, then reply from the evidence.";
    vec![
        ChatMessage::new(Role::System, rules),
        ChatMessage::new(Role::User, words),
    ]
}

/// Sixty tokens under a grammar.
pub(crate) fn bound(id: &str) -> GenerateRequest {
    GenerateRequest {
        request_id: id.to_owned(),
        conversation_key: format!("conversation of {id}"),
        adapter: None,
        messages: conversation("tell me about kettles"),
        resume: Vec::new(),
        grammar: Some(Grammar::Lark(ENDLESS.to_owned())),
        max_tokens: 60,
        temperature: 0.0,
        top_p: 1.0,
        deadline: Duration::from_secs(60),
        priority: Priority::Interactive,
    }
}

/// Sixty tokens under a grammar, drawn at random.
pub(crate) fn drawn(id: &str) -> GenerateRequest {
    GenerateRequest {
        temperature: 0.9,
        top_p: 0.95,
        ..bound(id)
    }
}

/// Up to sixty tokens of noise.
pub(crate) fn free(id: &str) -> GenerateRequest {
    GenerateRequest {
        grammar: None,
        ..bound(id)
    }
}
