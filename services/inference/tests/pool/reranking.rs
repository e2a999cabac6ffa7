//! Reranking in the pool, by the same way as embedding: what differs from it.

use mercer_inference::{
    BusyReason, Error, PoolConfig, PoolEmbedder, PoolReranker, Reranker, TextModels,
};

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
