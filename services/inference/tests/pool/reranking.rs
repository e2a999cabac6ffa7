//! Reranking in the pool, by the same way as embedding: what differs from it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mercer_inference::{
    BusyReason, Error, LlamaReranker, PoolConfig, PoolEmbedder, PoolReranker, Reranker, TextModels,
};
use tokio::sync::Semaphore;

use crate::support::*;

fn ranks(model: &Model) -> TextModels {
    TextModels {
        embedder: None,
        reranker: Some(model.reranker()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_ranks_what_the_reranker_ranks_and_goes_on_without_a_worker() {
    let (nats, model) = (Nats::start().await, Model::new());
    let own = model.reranker();
    let mut nodes: Vec<Node> = ["w0", "w1"]
        .iter()
        .map(|name| Node::start_with(nats.url(), &model, name, ranks(&model)))
        .collect();
    let reranker = PoolReranker::connect(PoolConfig::new(nats.url(), "test"))
        .await
        .unwrap();
    assert_eq!(reranker.id(), own.id());
    until("both are heard", async || reranker.ready().len() == 2).await;
    let documents: Vec<String> = (0..30).map(|n| format!("kettle number {n}")).collect();
    let expected = own.scores("red kettle", documents.clone()).await.unwrap();
    for alive in [2, 1] {
        let scores = reranker
            .scores("red kettle", documents.clone())
            .await
            .unwrap();
        assert_eq!(scores.len(), expected.len());
        for (score, expected) in scores.iter().zip(&expected) {
            assert!((score - expected).abs() < 1e-3, "{score} {expected}");
        }
        if alive == 2 {
            nodes[0].die();
        }
    }
    assert!(reranker.scores("red", Vec::new()).await.unwrap().is_empty());
    nodes[1].die();
    until("it is missed", async || reranker.ready().is_empty()).await;
    let error = reranker.scores("red", documents).await.unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_ranks_is_no_embedder() {
    let (nats, model) = (Nats::start().await, Model::new());
    let _node = Node::start_with(nats.url(), &model, "w0", ranks(&model));
    let config = PoolConfig {
        start_patience: std::time::Duration::from_millis(1_500),
        ..PoolConfig::new(nats.url(), "test")
    };
    let Err(error) = PoolEmbedder::connect(config).await else {
        panic!("nobody embeds")
    };
    assert!(error.to_string().contains("models.embedder"), "{error}");
}

/// A reranker that waits until it is let.
struct Gated {
    inner: Arc<LlamaReranker>,
    /// Closed, it holds nobody any more.
    gate: Semaphore,
    asked: AtomicUsize,
    done: AtomicUsize,
}

#[async_trait]
impl Reranker for Gated {
    fn id(&self) -> &str {
        self.inner.id()
    }

    async fn scores(&self, query: &str, documents: Vec<String>) -> Result<Vec<f32>, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _ = self.gate.acquire().await;
        self.done.fetch_add(1, Ordering::SeqCst);
        self.inner.scores(query, documents).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ranking_that_nobody_waits_for_any_more_is_called_off() {
    let (nats, model) = (Nats::start().await, Model::new());
    let gated = Arc::new(Gated {
        inner: model.reranker(),
        gate: Semaphore::new(0),
        asked: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
    });
    let texts = TextModels {
        embedder: None,
        reranker: Some(gated.clone()),
    };
    let node = Node::start_with(nats.url(), &model, "w0", texts);
    let reranker = PoolReranker::connect(PoolConfig::new(nats.url(), "test"));
    let reranker = Arc::new(reranker.await.unwrap());
    // A request that is not answered yet holds its model.
    let held = || Arc::strong_count(&gated);
    let before = held();
    let ranking = tokio::spawn({
        let reranker = reranker.clone();
        async move { reranker.scores("red", vec!["kettle".to_owned()]).await }
    });
    until("the worker has it", async || {
        gated.asked.load(Ordering::SeqCst) == 1
    })
    .await;
    assert_eq!(held(), before + 1);
    let began = Instant::now();
    ranking.abort();
    until("it is called off", async || held() == before).await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "not by its deadline"
    );
    gated.gate.close();
    let scores = reranker.scores("red", vec!["teapot".to_owned()]).await;
    assert_eq!(scores.unwrap().len(), 1);
    assert_eq!(gated.done.load(Ordering::SeqCst), 1, "the second alone");
    drop(node);
}
