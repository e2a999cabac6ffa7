//! What the model computes on, as far as a processor alone can show it.

use futures::future::join_all;
use mercer_inference::{Error, FlashAttention, Hardware, KvLayout, KvType};

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

/// llama.cpp ends the process when a part of one share is copied to another, so this test also shows that none is.
#[tokio::test]
async fn conversations_compute_what_they_share_once_in_either_layout() {
    for layout in [KvLayout::Split, KvLayout::Unified] {
        share(layout).await;
    }
}

async fn share(layout: KvLayout) {
    let fixture = engine_on(Hardware {
        kv_layout: layout,
        ..Hardware::default()
    })
    .unwrap();
    let asked = |n: usize| {
        let mut request = planned(&format!("s{n}"), conversation(&format!("{n}")));
        request.conversation_key = format!("c{n}");
        complete(&fixture.engine, request)
    };
    let together = join_all((0..4).map(asked)).await;
    let computed = |done: &Completion| done.usage.prompt_tokens - done.usage.cached_tokens;
    let one = together[0].usage.prompt_tokens;
    let all: u32 = together.iter().map(computed).sum();
    assert!(all < 2 * one, "{all} of {}", 4 * one);
    for done in &together {
        assert_plan(&done.text);
    }
    // Those that come later find it with those that are parked, or in main memory when these were pushed out.
    for done in join_all((4..40).map(asked)).await {
        assert_plan(&done.text);
        assert!(computed(&done) < one / 2, "{:?}", done.usage);
    }
    let mut same = planned("same", conversation("0"));
    same.conversation_key = "other".to_owned();
    let same = complete(&fixture.engine, same).await;
    // The longest start in common may be another's, which goes on with other digits.
    assert!(computed(&same) < 8, "{:?}", same.usage);
    assert_eq!(same.text, together[0].text);
}

#[tokio::test]
async fn a_conversation_of_a_split_cache_goes_on_where_it_was() {
    let fixture = engine_on(Hardware {
        kv_layout: KvLayout::Split,
        ..Hardware::default()
    })
    .unwrap();
    let first = complete(&fixture.engine, planned("one", conversation("one"))).await;
    // Its own cache is cut back to where its prompt goes on.
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
