//! What the model computes on, as far as a processor alone can show it.

use futures::future::join_all;
use mercer_inference::{Error, FlashAttention, Hardware, KvType};

use super::*;

/// Heads of 32 numbers: the narrowest that quantized types store.
fn engine_on(hardware: Hardware) -> Result<Fixture, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.gguf");
    let shape = RandomModel {
        width: 128,
        heads: 4,
        heads_kv: 2,
        ..RandomModel::default()
    };
    write_random_model(&path, &shape).unwrap();
    let mut config = EngineConfig::for_testing(path);
    config.hardware = hardware;
    Ok(Fixture {
        engine: Arc::new(LlamaEngine::load(config)?),
        _folder: folder,
    })
}

fn refused(hardware: Hardware) -> &'static str {
    match engine_on(hardware) {
        Err(Error::Config { key, .. }) => key,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was loaded"),
    }
}

#[tokio::test]
async fn every_type_of_cache_that_is_allowed_computes() {
    use FlashAttention::{Auto, Off, On};
    use KvType::{F16, Q4_0, Q8_0};
    for (kv_keys, kv_values, flash_attention) in [
        (F16, F16, Off),
        (F16, F16, On),
        (Q8_0, F16, Off),
        (Q8_0, Q8_0, Auto),
        (Q4_0, Q4_0, On),
    ] {
        let fixture = engine_on(Hardware {
            kv_keys,
            kv_values,
            flash_attention,
            ..Hardware::default()
        })
        .unwrap();
        let done = complete(&fixture.engine, planned("q", conversation("a kettle"))).await;
        assert_plan(&done.text);
    }
}

#[test]
fn what_llama_cpp_would_not_load_is_refused_with_the_setting() {
    let values = Hardware {
        kv_values: KvType::Q8_0,
        flash_attention: FlashAttention::Off,
        ..Hardware::default()
    };
    assert_eq!(refused(values), "kv_values");
}

#[test]
#[cfg(not(any(
    feature = "cuda",
    feature = "vulkan",
    feature = "metal",
    feature = "dynamic-backends"
)))]
fn layers_for_a_gpu_are_not_computed_elsewhere_in_silence() {
    let layers = Hardware {
        gpu_layers: 1,
        ..Hardware::default()
    };
    assert_eq!(refused(layers), "gpu_layers");
}

#[test]
fn heads_too_narrow_for_a_quantized_cache_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.gguf");
    // The default model's heads are 16 wide.
    write_random_model(&path, &RandomModel::default()).unwrap();
    let mut config = EngineConfig::for_testing(path);
    config.hardware.kv_keys = KvType::Q8_0;
    match LlamaEngine::load(config) {
        Err(Error::Config { key: "kv_keys", .. }) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was loaded"),
    }
}

#[tokio::test]
async fn a_file_that_is_read_whole_computes_as_one_that_is_mapped() {
    let mut texts = Vec::new();
    for mmap in [true, false] {
        let fixture = engine_on(Hardware {
            mmap,
            ..Hardware::default()
        })
        .unwrap();
        texts.push(
            complete(&fixture.engine, request("m", conversation("hello")))
                .await
                .text,
        );
    }
    assert_eq!(texts[0], texts[1]);
}

/// llama.cpp ends the process when a part of one share is copied to another, so this test also shows that nothing is.
#[tokio::test]
async fn a_split_cache_serves_many_conversations_and_shares_nothing_between_them() {
    let fixture = engine_on(Hardware {
        kv_unified: false,
        ..Hardware::default()
    })
    .unwrap();
    let first = complete(&fixture.engine, planned("one", conversation("one"))).await;
    let others = (0..12).map(|n| planned(&format!("s{n}"), conversation(&format!("{n}"))));
    for done in join_all(others.map(|request| complete(&fixture.engine, request))).await {
        assert_plan(&done.text);
        assert_eq!(done.usage.cached_tokens, 0, "{:?}", done.usage);
    }
    // A conversation's own cache is still its own, cut back to where its prompt goes on.
    let mut messages = conversation("one");
    messages.push(ChatMessage::new(Role::Assistant, first.text));
    messages.push(ChatMessage::new(Role::User, "two"));
    let again = planned("again", messages);
    let mut turns = Vec::new();
    for id in ["t1", "t2"] {
        let mut turn = again.clone();
        (turn.request_id, turn.conversation_key) = (id.to_owned(), "c".to_owned());
        turns.push(complete(&fixture.engine, turn).await.usage);
    }
    assert!(turns[1].cached_tokens >= turns[1].prompt_tokens - 1);
}
