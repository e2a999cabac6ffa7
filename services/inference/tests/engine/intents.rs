//! The intent classifier: the shipped one with the shipped embedder, and files that are wrong.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use mercer_inference::{Embedder, Error, IntentClassifier, LlamaEmbedder};
use mercer_schemas::Intent;
use mercer_testing::fixture;
use safetensors::{Dtype, serialize, tensor::TensorView};

/// As many as the core tells; the shipped file was trained for them.
const FEATURES: usize = 14;

fn shipped(name: &str) -> PathBuf {
    fixture("models").join(name)
}

fn embedder() -> Arc<dyn Embedder> {
    Arc::new(LlamaEmbedder::load(shipped("mercer-embed-v2.gguf"), 1).unwrap())
}

/// Features of a first message, as the core tells them: no turn before, its length, a question mark.
fn first_message(words: &str) -> [f32; FEATURES] {
    let mut features = [0.0; FEATURES];
    features[1] = 1.0;
    features[9] = words.split_whitespace().count() as f32 / 30.0;
    features[13] = f32::from(u8::from(words.contains('?')));
    features
}

#[tokio::test]
async fn plain_wishes_are_told_apart() {
    let classifier = IntentClassifier::load(
        shipped("mercer-intents-v3.safetensors"),
        embedder(),
        FEATURES,
    )
    .unwrap()
    .expect("the shipped files belong together");
    for (words, wanted) in [
        ("how long does delivery take?", Intent::Policies),
        ("do you have a red kettle?", Intent::Search),
        ("where is my order?", Intent::Order),
        ("let me talk to a human being", Intent::Handoff),
        ("hello there", Intent::Talk),
    ] {
        let likely = classifier
            .likely(words, &first_message(words))
            .await
            .unwrap();
        assert_eq!(likely.first(), Some(&wanted), "{words}: {likely:?}");
        let all = classifier
            .probabilities(words, &first_message(words))
            .await
            .unwrap();
        let total: f32 = all.iter().map(|(_, probability)| probability).sum();
        assert!((total - 1.0).abs() < 1e-3);
    }
    assert!(classifier.likely("", &first_message("")).await.is_ok());
    let other = classifier.likely("hello", &[0.0]).await;
    assert!(matches!(other, Err(Error::Request(_))));
}

#[test]
fn a_file_that_is_wrong_is_named_and_one_of_another_embedder_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let embedder = embedder();
    let inputs = embedder.info().dim + FEATURES;
    let write = |name: &str, hidden: usize, id: &str| {
        let zeros = vec![0u8; 4 * (inputs * hidden).max(7 * hidden).max(7)];
        let view = |shape: Vec<usize>| {
            let bytes = 4 * shape.iter().product::<usize>();
            TensorView::new(Dtype::F32, shape, &zeros[..bytes]).unwrap()
        };
        let tensors = [
            ("w1", view(vec![hidden, inputs])),
            ("b1", view(vec![hidden])),
            ("w2", view(vec![7, hidden])),
            ("b2", view(vec![7])),
        ];
        let names: Vec<&str> = Intent::ALL.iter().map(|intent| intent.name()).collect();
        let metadata = HashMap::from([
            ("embedder".to_owned(), id.to_owned()),
            ("scale".to_owned(), "6.0".to_owned()),
            ("intents".to_owned(), names.join(",")),
        ]);
        let path = folder.path().join(name);
        std::fs::write(&path, serialize(tensors, Some(metadata)).unwrap()).unwrap();
        path
    };
    let load = |path: &PathBuf, features| IntentClassifier::load(path, embedder.clone(), features);
    let own = embedder.info().id.clone();
    assert!(load(&write("good", 4, &own), FEATURES).unwrap().is_some());
    assert!(
        load(&write("other", 4, "another@0"), FEATURES)
            .unwrap()
            .is_none()
    );
    let text = folder.path().join("text");
    std::fs::write(&text, "no tensors").unwrap();
    for (path, features) in [
        (folder.path().join("absent"), FEATURES),
        (text, FEATURES),
        (write("empty", 0, &own), FEATURES),
        (write("wide", 4, &own), FEATURES + 1),
    ] {
        match load(&path, features) {
            Err(Error::ModelFile { path: named, .. }) => assert_eq!(named, path),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{} is taken", path.display()),
        }
    }
}
