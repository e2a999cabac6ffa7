//! LoRA adapters: chosen by a request, never mixed with what another one computed.

use futures::future::join_all;
use mercer_inference::{AdapterConfig, Error, GenerateRequest};

use super::*;

/// An engine with two adapters, `warm` and `brief`.
fn engine_with_adapters() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.gguf");
    let model = RandomModel::default();
    write_random_model(&path, &model).unwrap();
    let adapters = [("warm", 1), ("brief", 2)].map(|(name, seed)| {
        let path = folder.path().join(format!("{name}.gguf"));
        model.write_adapter(&path, 4, seed).unwrap();
        AdapterConfig {
            name: name.to_owned(),
            path,
            scale: 1.0,
        }
    });
    let config = EngineConfig {
        adapters: adapters.to_vec(),
        drafts: 0,
        ..EngineConfig::for_testing(path)
    };
    Fixture {
        engine: Arc::new(LlamaEngine::load(config).unwrap()),
        _folder: folder,
    }
}

fn ask(id: &str, adapter: Option<&str>) -> GenerateRequest {
    GenerateRequest {
        adapter: adapter.map(str::to_owned),
        ..request(id, conversation("do you have a red kettle"))
    }
}

#[tokio::test]
async fn each_request_is_computed_with_the_adapter_it_names() {
    let fixture = engine_with_adapters();
    let engine = &fixture.engine;
    let plain = complete(engine, ask("plain", None)).await;
    let warm = complete(engine, ask("warm", Some("warm"))).await;
    let brief = complete(engine, ask("brief", Some("brief"))).await;
    assert_ne!(plain.tokens, warm.tokens);
    assert_ne!(warm.tokens, brief.tokens);
    assert_eq!(
        (warm.usage.cached_tokens, brief.usage.cached_tokens),
        (0, 0),
        "nothing that was computed without it"
    );
    // In turns the same comes out as alone, whatever the others do meanwhile.
    let together = join_all((0..6).map(|n| {
        complete(
            engine,
            ask(&format!("t{n}"), [None, Some("warm"), Some("brief")][n % 3]),
        )
    }))
    .await;
    for (n, done) in together.iter().enumerate() {
        let alone = [&plain, &warm, &brief][n % 3];
        assert_eq!(done.tokens, alone.tokens, "{n}");
    }
    // What one conversation computed with an adapter helps its next request with it.
    assert!(together[4].usage.cached_tokens > 0);
}

#[tokio::test]
async fn an_adapter_that_is_not_there_is_refused() {
    let fixture = engine_with_adapters();
    let error = fixture
        .engine
        .generate(ask("other", Some("other")))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Request(_)), "{error:?}");
}

#[test]
fn a_file_that_is_no_adapter_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.gguf");
    write_random_model(&path, &RandomModel::default()).unwrap();
    for (adapter, expected) in [
        (path.clone(), "LoRA adapter"),
        (folder.path().join("none.gguf"), "no such file"),
    ] {
        let config = EngineConfig {
            adapters: vec![AdapterConfig {
                name: "a".to_owned(),
                path: adapter,
                scale: 1.0,
            }],
            ..EngineConfig::for_testing(&path)
        };
        let error = LlamaEngine::load(config).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
