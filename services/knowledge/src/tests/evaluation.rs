//! `mercer eval retrieval` on a small data set.

use super::*;
use crate::Progress;
use crate::beir::{Error, Gain, evaluate};

fn dataset(folder: &Path) {
    write(
        folder,
        "corpus.jsonl",
        concat!(
            "{\"_id\":\"d1\",\"title\":\"Red kettle\",\"text\":\"Boils water.\",\"metadata\":{\"brand\":\"Fell\",\"codes\":[\"ZX-77\"],\"ean\":\"5012345678900\"}}\n",
            "{\"_id\":\"d2\",\"title\":\"Blue toaster\",\"text\":\"Toasts bread.\",\"metadata\":{\"category\":\"Kitchen\",\"codes\":\"ZX-77\"}}\n",
            "{\"_id\":3,\"title\":\"\",\"text\":\"A tent for two people.\",\"metadata\":{}}\n",
        ),
    );
    write(
        folder,
        "queries.jsonl",
        "{\"_id\":\"q1\",\"text\":\"kettle\"}\n{\"_id\":\"q2\",\"text\":\"zx77\"}\n{\"_id\":\"q3\",\"text\":\"tent\"}\n{\"_id\":\"q4\",\"text\":\"unjudged\"}\n",
    );
    write(
        folder,
        "qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td1\t1\nq3\t3\t1\nq3\td1\t0\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_data_set_is_measured_with_all_legs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    dataset(folder.path());
    let report = evaluate(
        folder.path(),
        Gain::Exponential,
        SearchModels {
            embedder: Some(NGrams::new()),
            reranker: None,
        },
        SearchConfig::default(),
        &Progress::hidden(),
    )
    .await
    .expect("evaluate");
    assert_eq!((report.documents, report.queries), (3, 3));
    for leg in [report.lexical, report.hybrid] {
        assert_eq!(
            (
                leg.ndcg_at_10,
                leg.mrr_at_10,
                leg.recall_at_10,
                leg.recall_at_100
            ),
            (1.0, 1.0, 1.0, 1.0)
        );
        assert!(leg.p50_ms > 0.0 && leg.p95_ms >= leg.p50_ms);
    }
    assert!(report.vector.is_some_and(|leg| leg.recall_at_100 == 1.0));
    let json = serde_json::to_value(&report).expect("a report is JSON");
    let mut keys: Vec<_> = json["hybrid"]
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "mrr_at_10",
            "ndcg_at_10",
            "p50_ms",
            "p95_ms",
            "recall_at_10",
            "recall_at_100"
        ]
    );
    let without = evaluate(
        folder.path(),
        Gain::Linear,
        SearchModels::default(),
        SearchConfig::default(),
        &Progress::hidden(),
    )
    .await;
    assert!(without.expect("evaluate").vector.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_data_set_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fails = async || {
        let result = evaluate(
            folder.path(),
            Gain::Linear,
            SearchModels::default(),
            SearchConfig::default(),
            &Progress::hidden(),
        )
        .await;
        result.expect_err("the data set is broken")
    };
    assert!(matches!(fails().await, Error::Read { .. }));
    dataset(folder.path());
    write(
        folder.path(),
        "queries.jsonl",
        "{\"_id\":\"q1\",\"text\":\"kettle\"}\n",
    );
    assert_eq!(
        fails().await.to_string(),
        "qrels/test.tsv:3: query q2 is not in queries.jsonl"
    );
    write(
        folder.path(),
        "corpus.jsonl",
        "{\"_id\":\"a\"}\n{\"_id\":\"a\"}\n",
    );
    assert_eq!(
        fails().await.to_string(),
        "corpus.jsonl:2: `_id` a comes twice"
    );
    write(folder.path(), "corpus.jsonl", "{\"title\":1}\n");
    assert!(
        fails()
            .await
            .to_string()
            .starts_with("corpus.jsonl:1: title")
    );
    write(folder.path(), "corpus.jsonl", "");
    write(folder.path(), "qrels/test.tsv", "q\td\tg\n");
    assert!(matches!(fails().await, Error::Nothing { .. }));
}
