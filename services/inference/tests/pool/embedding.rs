//! Embedding in the pool: the same vectors as in one process, whatever dies, lies or is late.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::Client;
use async_trait::async_trait;
use futures::StreamExt;
use mercer_inference::{
    BusyReason, ChatModel, Embedder, EmbedderInfo, Error, LlamaEmbedder, PoolConfig, PoolEmbedder,
    TextModels,
};
use mercer_schemas::worker::{
    Body, EMBED_TEXTS_MAX, EmbedRequest, FRAME_BYTES_MAX, Frame, Refusal, StreamId, TextModelState,
    embed_subject, stream_of, stream_subject,
};
use tokio::sync::Semaphore;

use crate::{forgery::Fake, support::*};

/// An embedder that waits until it is let.
struct Gated {
    inner: Arc<LlamaEmbedder>,
    /// Closed, it holds nobody any more.
    gate: Semaphore,
    asked: AtomicUsize,
    done: AtomicUsize,
}

impl Gated {
    fn new(inner: &Arc<LlamaEmbedder>) -> Arc<Self> {
        Arc::new(Self {
            inner: inner.clone(),
            gate: Semaphore::new(0),
            asked: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        })
    }

    fn open(&self) {
        self.gate.close();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Embedder for Gated {
    fn info(&self) -> &EmbedderInfo {
        self.inner.info()
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _ = self.gate.acquire().await;
        self.done.fetch_add(1, Ordering::SeqCst);
        self.inner.embed(texts).await
    }
}

/// Workers that embed, and a caller that knows them.
struct Texts {
    nodes: Vec<Node>,
    gates: Vec<Arc<Gated>>,
    embedder: Arc<PoolEmbedder>,
    own: Arc<LlamaEmbedder>,
    model: Model,
    nats: Nats,
}

impl Texts {
    async fn new(workers: usize) -> Self {
        let (nats, model) = (Nats::start().await, Model::new());
        let own = model.embedder();
        let gates: Vec<Arc<Gated>> = (0..workers).map(|_| Gated::new(&own)).collect();
        let nodes = gates.iter().enumerate().map(|(n, gate)| {
            Node::start_with(nats.url(), &model, &format!("w{n}"), embedding(gate))
        });
        let nodes = nodes.collect();
        let embedder = Arc::new(connect(&nats).await);
        until("all workers are heard", async || {
            embedder.ready().len() == workers
        })
        .await;
        Self {
            nodes,
            gates,
            embedder,
            own,
            model,
            nats,
        }
    }

    fn open(&self) {
        self.gates.iter().for_each(|gate| gate.open());
    }

    /// Asks for the vector of a text, and returns when a worker has the request, with the worker's number.
    async fn begin(
        &self,
        text: &str,
    ) -> (usize, tokio::task::JoinHandle<Result<Vec<Vec<f32>>, Error>>) {
        let asked = || -> Vec<usize> { self.gates.iter().map(|gate| gate.asked()).collect() };
        let before = asked();
        let (embedder, texts) = (self.embedder.clone(), vec![text.to_owned()]);
        let embedding = tokio::spawn(async move { embedder.embed(texts).await });
        until("a worker has it", async || asked() != before).await;
        let taken = asked().iter().zip(&before).position(|(a, b)| a != b);
        (taken.unwrap(), embedding)
    }

    async fn expect(&self, vectors: &[Vec<f32>], texts: &[String]) {
        let expected = self.own.embed(texts.to_vec()).await.unwrap();
        assert_eq!(vectors.len(), expected.len());
        for (vector, expected) in vectors.iter().zip(&expected) {
            let cosine: f32 = vector.iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.9999, "{cosine}");
        }
    }
}

async fn connect(nats: &Nats) -> PoolEmbedder {
    PoolEmbedder::connect(PoolConfig::new(nats.url(), "test"))
        .await
        .unwrap()
}

/// What a worker serves that embeds.
fn embedding(gate: &Arc<Gated>) -> TextModels {
    TextModels {
        embedder: Some(gate.clone()),
        reranker: None,
    }
}

fn remembering(nats: &Nats, folder: &Path) -> PoolConfig {
    PoolConfig {
        memory: Some(folder.join("pool-test-embedder.json")),
        start_patience: Duration::from_secs(10),
        ..PoolConfig::new(nats.url(), "test")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_embeds_what_the_embedder_embeds_and_no_subject_tells_a_word() {
    let world = Texts::new(2).await;
    world.open();
    let client = client(&world.nats).await;
    let mut all = client.subscribe(">").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(world.embedder.info(), world.own.info());
    let long = "kettle ".repeat(3_000);
    let texts: Vec<String> = (0..40)
        .map(|n| format!("kettle number {n}"))
        .chain([String::new(), "é\u{1}\u{2}".to_owned(), long])
        .collect();
    let vectors = world.embedder.embed(texts.clone()).await.unwrap();
    world.expect(&vectors, &texts).await;
    assert!(world.gates.iter().all(|gate| gate.asked() > 0), "both work");
    assert!(world.embedder.embed(Vec::new()).await.unwrap().is_empty());

    let mut seen = 0;
    while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(300), all.next()).await
    {
        assert!(!message.subject.contains("kettle"), "{}", message.subject);
        seen += usize::from(message.subject.starts_with("llm.v1.emb."));
        if seen == 3 {
            return;
        }
    }
    panic!("of 43 texts three requests are made, and {seen} were seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_go_where_least_waits() {
    let world = Texts::new(2).await;
    let mut running = Vec::new();
    for n in 0..6 {
        running.push(world.begin(&format!("text {n}")).await.1);
    }
    let asked: Vec<usize> = world.gates.iter().map(|gate| gate.asked()).collect();
    assert_eq!(asked, [3, 3]);
    world.open();
    for embedding in running {
        assert_eq!(embedding.await.unwrap().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_or_freezes_is_left_for_another() {
    for freeze in [false, true] {
        let mut world = Texts::new(2).await;
        let (first, embedding) = world.begin("kettle").await;
        let other = 1 - first;
        world.gates[other].open();
        let began = Instant::now();
        match freeze {
            true => world.nodes[first].freeze(Duration::from_secs(8)),
            false => world.nodes[first].die(),
        }
        let vectors = embedding.await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{freeze}");
        world.expect(&vectors, &["kettle".to_owned()]).await;
        assert_eq!(world.gates[other].asked(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_leaves_ends_what_it_has_and_takes_nothing_new() {
    let mut world = Texts::new(2).await;
    let (first, embedding) = world.begin("kettle").await;
    let mut worker = world.nodes[first].worker.take().unwrap();
    worker.drain();
    until("it is left out", async || world.embedder.ready().len() == 1).await;
    let (second, later) = world.begin("teapot").await;
    assert_ne!(first, second);
    world.open();
    assert!(embedding.await.unwrap().is_ok());
    assert!(later.await.unwrap().is_ok());
    let left = tokio::time::timeout(PATIENCE, worker.left()).await;
    left.expect("it leaves").unwrap();
    assert_eq!(world.gates[first].asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_nats_in_the_middle_loses_no_vector() {
    let mut world = Texts::new(2).await;
    let (_, embedding) = world.begin("kettle").await;
    world.nats.restart().await;
    world.open();
    let vectors = embedding.await.unwrap().unwrap();
    world.expect(&vectors, &["kettle".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_another_embedder_is_never_asked() {
    let mut world = Texts::new(1).await;
    world.open();
    let other = Model::with_seed(2);
    let gate = Gated::new(&other.embedder());
    gate.open();
    assert_ne!(gate.info().id, world.own.info().id);
    let _node = Node::start_with(world.nats.url(), &other, "other", embedding(&gate));
    let pool = pool(&world.nats).await;
    until("it is heard", async || pool.ready().len() == 2).await;
    for _ in 0..5 {
        let texts = vec!["kettle".to_owned()];
        let vectors = world.embedder.embed(texts.clone()).await.unwrap();
        world.expect(&vectors, &texts).await;
    }
    world.nodes[0].die();
    let error = world.embedder.embed(vec!["kettle".to_owned()]).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    assert_eq!(gate.asked(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_forged_late_and_oversized_answers_change_nothing() {
    let world = Texts::new(1).await;
    let client = client(&world.nats).await;
    let mut frames = client.subscribe("llm.v1.out.>").await.unwrap();
    let (_, embedding) = world.begin("kettle").await;
    let alive = tokio::time::timeout(PATIENCE, frames.next()).await;
    let alive = alive.expect("a sign of life").unwrap();
    let body = Frame::decode(&alive.payload).unwrap().body;
    assert!(body == Body::Keepalive);
    let (stream, attempt) = stream_of(alive.subject.as_str()).unwrap();
    let caller = alive.subject.split('.').nth(3).unwrap();
    let send = async |stream, attempt, payload: Vec<u8>| {
        let subject = stream_subject(caller, stream, attempt);
        client.publish(subject, payload.into()).await.unwrap();
    };
    let forged = |stream, attempt| {
        let dim = world.own.info().dim;
        let mut numbers = vec![0.0; dim];
        numbers[0] = 1.0;
        frame(stream, attempt, numbers, dim).encode()
    };
    send(stream, attempt, b"nonsense, as long as a head is".to_vec()).await;
    send(stream, attempt, vec![1; FRAME_BYTES_MAX + 1]).await;
    let mut odd = forged(stream, attempt);
    odd.pop();
    send(stream, attempt, odd).await;
    send(stream, attempt, forged(StreamId(1), attempt)).await;
    send(StreamId(5), 1, forged(StreamId(5), 1)).await;
    send(stream, attempt + 1, forged(stream, attempt + 1)).await;
    until("all are counted", async || {
        let dropped = world.embedder.dropped();
        [
            "version",
            "too_large",
            "length",
            "forged",
            "unknown_stream",
            "late",
        ]
        .iter()
        .all(|reason| dropped.get(reason) == Some(&1))
    })
    .await;
    world.open();
    let vectors = embedding.await.unwrap().unwrap();
    world.expect(&vectors, &["kettle".to_owned()]).await;
}

fn frame(stream: StreamId, attempt: u16, numbers: Vec<f32>, width: usize) -> Frame {
    Frame {
        stream,
        attempt,
        seq: 0,
        first_token: 0,
        body: Body::Numbers {
            width: width as u32,
            numbers,
        },
    }
}

/// A worker that says it embeds, and answers every request with what it is told to.
async fn fake(
    nats: &Nats,
    model: &Model,
    name: &str,
    embedder: &EmbedderInfo,
    answer: impl Fn(&EmbedRequest) -> Frame + Send + 'static,
) -> (Fake, Arc<AtomicUsize>) {
    let state = TextModelState {
        id: embedder.id.clone(),
        dim: embedder.dim as u32,
        waiting: 0,
        waiting_max: 64,
    };
    let mut fake = Fake::ghost_with(nats, name, &model.engine.info(), |heartbeat| {
        heartbeat.embedder = Some(state);
    })
    .await;
    let client = client(nats).await;
    let mut requests = client.subscribe(embed_subject(name)).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    fake.tasks.spawn(async move {
        while let Some(message) = requests.next().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let request: EmbedRequest = serde_json::from_slice(&message.payload).unwrap();
            let (frame, reply) = (answer(&request), message.reply.unwrap());
            // Until the test ends, where it only says that it lives.
            loop {
                let payload = frame.encode().into();
                client.publish(reply.clone(), payload).await.unwrap();
                if frame.body != Body::Keepalive {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    });
    (fake, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_vectors_cannot_be_true_is_left_and_rests() {
    type Lie = fn(usize) -> (usize, Vec<f32>);
    let lies: [Lie; 4] = [
        |dim| (dim + 1, vec![0.0; dim + 1]),
        |dim| (dim, vec![1.0; 2 * dim]),
        |dim| (dim, vec![f32::NAN; dim]),
        |dim| (dim, vec![0.5; dim]),
    ];
    let world = Texts::new(1).await;
    world.open();
    for (n, lie) in lies.into_iter().enumerate() {
        let info = world.own.info().clone();
        let dim = info.dim;
        let name = format!("liar{n}");
        let (liar, asked) = fake(&world.nats, &world.model, &name, &info, move |request| {
            let (width, numbers) = lie(dim);
            frame(request.stream, request.attempt, numbers, width)
        })
        .await;
        until("the liar is heard", async || {
            world.embedder.ready().len() == 2
        })
        .await;
        while asked.load(Ordering::SeqCst) == 0 {
            let texts = vec!["kettle".to_owned()];
            let vectors = world.embedder.embed(texts.clone()).await.unwrap();
            world.expect(&vectors, &texts).await;
        }
        assert_eq!(world.embedder.ready(), ["w0"], "it rests");
        drop(liar);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_at_its_deadline_and_says_so() {
    let (nats, model) = (Nats::start().await, Model::new());
    let info = model.embedder().info().clone();
    let (_fake, asked) = fake(&nats, &model, "mute", &info, |request| Frame {
        body: Body::Keepalive,
        ..frame(request.stream, request.attempt, Vec::new(), 1)
    })
    .await;
    let embedder = connect(&nats).await;
    let began = Instant::now();
    let error = embedder.embed(vec!["kettle".to_owned()]).await.unwrap_err();
    assert!(matches!(error, Error::Deadline), "{error:?}");
    assert_eq!(error.to_string(), "no answer came before the deadline");
    let took = began.elapsed();
    assert!((6..9).contains(&took.as_secs()), "{took:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// Asks by hand and returns what comes first that is no sign of life, if anything does.
async fn by_hand(client: &Client, change: impl FnOnce(&mut EmbedRequest)) -> Option<Body> {
    let stream = StreamId(rand::random());
    let subject = stream_subject("hand", stream, 1);
    let mut frames = client.subscribe(subject.clone()).await.unwrap();
    let mut request = EmbedRequest {
        stream,
        attempt: 1,
        embedder: String::new(),
        texts: vec!["kettle".to_owned()],
        deadline_ms: 60_000,
    };
    change(&mut request);
    let payload = serde_json::to_vec(&request).unwrap();
    let asked = client.publish_with_reply(embed_subject("w0"), subject, payload.into());
    asked.await.unwrap();
    loop {
        let message = tokio::time::timeout(Duration::from_secs(2), frames.next()).await;
        let frame = Frame::decode(&message.ok()??.payload).unwrap();
        if frame.body != Body::Keepalive {
            return Some(frame.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_refuses_what_it_cannot_do_and_computes_nothing_too_late() {
    let world = Texts::new(1).await;
    let client = client(&world.nats).await;
    let id = world.own.info().id.clone();
    let refused = |body: Option<Body>| match body {
        Some(Body::Refused(refused)) => refused.refusal,
        body => panic!("{}", body.is_some()),
    };
    let other = by_hand(&client, |request| request.embedder = "other".to_owned()).await;
    assert_eq!(refused(other), Refusal::OtherModel);
    for count in [0, EMBED_TEXTS_MAX + 1] {
        let body = by_hand(&client, |request| {
            request.embedder.clone_from(&id);
            request.texts = vec!["kettle".to_owned(); count];
        });
        assert_eq!(refused(body.await), Refusal::Request, "{count}");
    }
    let late = by_hand(&client, |request| {
        request.embedder.clone_from(&id);
        request.deadline_ms = 100;
    });
    assert!(late.await.is_none());
    assert_eq!(world.gates[0].asked(), 1);
    world.open();
    let body = by_hand(&client, |request| request.embedder = id).await;
    assert!(matches!(body, Some(Body::Numbers { .. })));
    let done = world.gates[0].done.load(Ordering::SeqCst);
    assert_eq!(done, 1, "nobody waited for the late one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_waits_for_any_more_is_not_computed() {
    let mut world = Texts::new(1).await;
    // A request that is not answered yet holds its model.
    let held = || Arc::strong_count(&world.gates[0]);
    let before = held();
    let (_, embedding) = world.begin("kettle").await;
    assert_eq!(held(), before + 1);
    let began = Instant::now();
    embedding.abort();
    until("it is called off", async || held() == before).await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "not by its deadline"
    );
    world.open();
    let texts = ["teapot".to_owned()];
    let vectors = world.embedder.embed(texts.to_vec()).await.unwrap();
    world.expect(&vectors, &texts).await;
    let done = world.gates[0].done.load(Ordering::SeqCst);
    assert_eq!(done, 1, "the second alone");
    let mut worker = world.nodes[0].worker.take().unwrap();
    worker.drain();
    let left = tokio::time::timeout(PATIENCE, worker.left()).await;
    left.expect("nothing is left over").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_the_embedder_that_was_used_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = Texts::new(1).await;
    world.open();
    let first = PoolEmbedder::connect(remembering(&world.nats, folder.path())).await;
    assert_eq!(first.unwrap().info(), world.own.info());

    // A worker with another one joined last, and changes nothing.
    let other = Model::with_seed(2);
    let gate = Gated::new(&other.embedder());
    let node = Node::start_with(world.nats.url(), &other, "other", embedding(&gate));
    let pool = pool(&world.nats).await;
    until("it is heard", async || pool.ready().len() == 2).await;
    let again = PoolEmbedder::connect(remembering(&world.nats, folder.path())).await;
    assert_eq!(again.unwrap().info(), world.own.info());

    // Without NATS too, and it works when that is back.
    world.nats.kill();
    let away = PoolEmbedder::connect(remembering(&world.nats, folder.path())).await;
    let away = away.unwrap();
    assert_eq!(away.info(), world.own.info());
    world.nats.restart().await;
    until("the worker is heard", async || !away.ready().is_empty()).await;
    let texts = vec!["kettle".to_owned()];
    world
        .expect(&away.embed(texts.clone()).await.unwrap(), &texts)
        .await;

    // Where nobody has it any more, the other one is taken.
    world.nodes[0].die();
    until("it is missed", async || pool.ready().len() == 1).await;
    let changed = PoolEmbedder::connect(remembering(&world.nats, folder.path())).await;
    assert_eq!(changed.unwrap().info(), gate.info());
    drop(node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_an_embedder_in_the_pool_ends_with_what_to_do() {
    let world = World::new(1).await;
    let config = PoolConfig {
        start_patience: Duration::from_millis(600),
        ..PoolConfig::new(world.nats.url(), "test")
    };
    let Err(error) = PoolEmbedder::connect(config).await else {
        panic!("no worker embeds")
    };
    let text = error.to_string();
    assert!(text.contains("models.embedder set to a file"), "{text}");
}
