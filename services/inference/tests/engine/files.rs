//! Files that are no chat model: the error names the file, what is wrong and what to do.

use mercer_inference::{Error, LlamaEmbedder};
use std::{fs, path::Path};

use super::*;

fn problem_with(path: &Path) -> String {
    match LlamaEngine::load(EngineConfig::for_testing(path)) {
        Err(error @ Error::ModelFile { .. }) => {
            let text = error.to_string();
            assert!(text.contains(&path.display().to_string()), "{text}");
            assert!(text.contains("; "), "{text} has no advice");
            text
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("{} was loaded", path.display()),
    }
}

#[test]
fn a_wrong_file_is_named_with_its_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("short"), b"GG").unwrap();
    fs::write(path("text"), b"this is not a model").unwrap();
    fs::write(
        path("pointer"),
        b"version https://git-lfs.github.com/spec/v1\n",
    )
    .unwrap();
    fs::write(path("old"), b"GGUF\x01\x00\x00\x00rest").unwrap();
    write_random_model(path("whole"), &RandomModel::default()).unwrap();
    let bytes = fs::read(path("whole")).unwrap();
    fs::write(path("cut"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(path("header"), &bytes[..200]).unwrap();
    let untalkative = RandomModel {
        chat_template: None,
        ..RandomModel::default()
    };
    write_random_model(path("untalkative"), &untalkative).unwrap();
    let broken = RandomModel {
        chat_template: Some("{% for %}".to_owned()),
        ..RandomModel::default()
    };
    write_random_model(path("broken"), &broken).unwrap();
    let deaf = RandomModel {
        chat_template: Some("hello".to_owned()),
        ..RandomModel::default()
    };
    write_random_model(path("deaf"), &deaf).unwrap();

    for (name, expected) in [
        ("missing", "no such file"),
        ("", "directory"),
        ("short", "too short"),
        ("text", "does not start with GGUF"),
        ("pointer", "Git LFS pointer"),
        ("old", "GGUF version is 1"),
        ("cut", "llama.cpp does not load it"),
        ("header", "llama.cpp does not load it"),
        ("untalkative", "no chat template"),
        ("broken", "does not compile"),
        ("deaf", "leaves out a user message"),
    ] {
        let text = problem_with(&path(name));
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn a_context_that_the_model_was_not_trained_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    write_random_model(
        &path,
        &RandomModel {
            context: 256,
            ..RandomModel::default()
        },
    )
    .unwrap();
    let error = LlamaEngine::load(EngineConfig::for_testing(&path))
        .err()
        .unwrap();
    assert!(
        matches!(error, Error::Config { key: "n_ctx", .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_decoder_can_embed_too() {
    use mercer_inference::Embedder;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    write_random_model(&path, &RandomModel::default()).unwrap();
    let embedder = tokio::task::spawn_blocking(move || LlamaEmbedder::load(&path, 2))
        .await
        .unwrap()
        .unwrap();
    let texts = ["kettle", "a red kettle", "", "kettle"].map(str::to_owned);
    let many: Vec<String> = texts
        .iter()
        .cloned()
        .cycle()
        .take(40)
        .chain([("word ".repeat(3000))])
        .collect();
    let vectors = embedder.embed(many).await.unwrap();
    assert_eq!(vectors.len(), 41);
    for vector in &vectors {
        assert_eq!(vector.len(), embedder.info().dim);
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-3);
    }
    let alike = |a: usize, b: usize| {
        vectors[a]
            .iter()
            .zip(&vectors[b])
            .map(|(x, y)| x * y)
            .sum::<f32>()
    };
    assert!(alike(0, 3) > 0.999, "the same text has the same vector");
    assert!(alike(0, 1) < 0.999);
}
