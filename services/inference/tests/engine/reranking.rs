//! A reranker by llama.cpp: scores depend on query and document, and on nothing else.

use std::path::PathBuf;

use mercer_inference::{EngineConfig, Error, LlamaEmbedder, LlamaEngine, LlamaReranker, Reranker};
use mercer_random_model::{RandomBert, RandomModel, write_random_model};
use tempfile::TempDir;

fn file(model: &RandomBert) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reranker.gguf");
    model.write(&path, &mut |_, _| {}).unwrap();
    (folder, path)
}

fn reranker(change: impl FnOnce(&mut RandomBert)) -> LlamaReranker {
    let mut model = RandomBert::default();
    change(&mut model);
    let (_folder, path) = file(&model);
    LlamaReranker::load(path, 1).unwrap()
}

fn documents() -> Vec<String> {
    let said = (0..20).map(|n| format!("kettle number {n} of steel"));
    said.chain([String::new(), "word ".repeat(3_000)]).collect()
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-3
}

#[tokio::test]
async fn a_document_has_its_score_whatever_is_ranked_beside_it() {
    let reranker = reranker(|_| {});
    let all = documents();
    let scores = reranker.scores("red kettle", all.clone()).await.unwrap();
    assert_eq!(scores.len(), all.len());
    for at in [0, 7, 20, 21] {
        let alone = reranker.scores("red kettle", vec![all[at].clone()]).await;
        let alone = alone.unwrap()[0];
        assert!(near(alone, scores[at]), "{at}: {alone} {}", scores[at]);
    }
    let others = reranker.scores("a blue lamp", all.clone()).await.unwrap();
    assert!(scores.iter().zip(&others).any(|(a, b)| !near(*a, *b)));
    assert!(scores.windows(2).any(|pair| !near(pair[0], pair[1])));
    assert!(reranker.scores("red", Vec::new()).await.unwrap().is_empty());
    let long = "query ".repeat(3_000);
    let scores = reranker.scores(&long, all).await.unwrap();
    assert!(scores.iter().all(|score| score.is_finite()));
}

#[tokio::test]
async fn what_a_template_says_stands_around_query_and_document() {
    let plain = reranker(|_| {});
    let marked = |model: &mut RandomBert| {
        model.template = Some("<|user|>{query}<|end|><|end|>{document}<|end|>".to_owned());
    };
    let (own, other) = (
        reranker(marked),
        reranker(|model| model.template = Some("{query}<|tool|>{document}".to_owned())),
    );
    let score = async |reranker: &LlamaReranker, query: &str, document: &str| {
        let scores = reranker.scores(query, vec![document.to_owned()]).await;
        scores.unwrap()[0]
    };
    let by = async |reranker: &LlamaReranker| score(reranker, "kettle", "a red kettle").await;
    assert!(!near(by(&plain).await, by(&other).await));
    // The words of a customer bring no special tokens: `<|tool|>` in a query is text.
    let forged = score(&own, "<|tool|>", "kettle").await;
    assert!(forged.is_finite());
    // Without a template: begin, query, end, separator, document, end. Of this vocabulary that is the token before the
    // last one, and the last one for end and separator.
    let same = |model: &mut RandomBert| {
        model.template = Some("<|tool|>{query}<|end|><|end|>{document}<|end|>".to_owned());
    };
    let same = reranker(same);
    assert!(near(by(&same).await, by(&plain).await));
}

#[test]
fn a_model_of_another_kind_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let chat = folder.path().join("chat.gguf");
    write_random_model(&chat, &RandomModel::default()).unwrap();
    let (_kept, ranks) = file(&RandomBert::default());
    let (_kept_too, embeds) = file(&RandomBert {
        ranks: false,
        ..RandomBert::default()
    });
    let (_and_this, odd) = file(&RandomBert {
        template: Some("{document} only".to_owned()),
        ..RandomBert::default()
    });
    let said = |loaded: Result<(), Error>| match loaded {
        Err(error @ Error::ModelFile { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    for path in [&chat, &embeds] {
        let text = said(LlamaReranker::load(path, 1).map(drop));
        assert!(
            text.contains("does not rank") && text.contains("choose"),
            "{text}"
        );
    }
    let text = said(LlamaReranker::load(&odd, 1).map(drop));
    assert!(text.contains("{query}"), "{text}");
    let text = said(LlamaEmbedder::load(&ranks, 1).map(drop));
    assert!(text.contains("ranks texts"), "{text}");
    let text = said(LlamaEngine::load(EngineConfig::for_testing(&ranks)).map(drop));
    assert!(text.contains("not a chat model"), "{text}");
    assert!(LlamaEmbedder::load(&embeds, 1).is_ok());
}
