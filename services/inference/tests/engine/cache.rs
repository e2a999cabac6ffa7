//! What stays computed between requests, and what happens when there is no room.

use std::path::{Path, PathBuf};

use futures::future::join_all;
use mercer_inference::{Finish, KvLayout};

use super::*;

#[tokio::test]
async fn a_second_turn_computes_only_what_is_new() {
    let fixture = engine();
    let mut messages = conversation("do you have a red kettle for less than forty pounds");
    let mut first = planned("t1", messages.clone());
    first.conversation_key = "c".to_owned();
    let first = complete(&fixture.engine, first).await;
    assert_eq!(first.usage.cached_tokens, 0);

    messages.push(ChatMessage::new(Role::Assistant, first.text));
    messages.push(ChatMessage::new(Role::Tool, "search: nothing found"));
    let mut second = planned("t2", messages);
    second.conversation_key = "c".to_owned();
    let second = complete(&fixture.engine, second).await;
    assert!(
        second.usage.cached_tokens >= first.usage.prompt_tokens - 1,
        "{:?} {:?}",
        first.usage,
        second.usage
    );
    assert!(second.usage.prompt_tokens > second.usage.cached_tokens);
}

#[tokio::test]
async fn a_new_conversation_starts_from_the_shared_rules() {
    let fixture = engine();
    complete(&fixture.engine, planned("a", conversation("one"))).await;
    let other = complete(&fixture.engine, planned("b", conversation("two"))).await;
    let rules = conversation("").swap_remove(0).content.len() / 8;
    assert!(
        other.usage.cached_tokens as usize > rules,
        "{:?}",
        other.usage
    );
}

#[tokio::test]
async fn simultaneous_conversations_compute_their_shared_rules_once() {
    let fixture = engine();
    let requests = (0..4).map(|n| planned(&format!("s{n}"), conversation(&format!("{n}"))));
    let completions = join_all(requests.map(|request| complete(&fixture.engine, request))).await;
    let computed: u32 = completions
        .iter()
        .map(|done| done.usage.prompt_tokens - done.usage.cached_tokens)
        .sum();
    let one = completions[0].usage.prompt_tokens;
    // Were nothing shared, it would be four times one prompt.
    assert!(computed < 2 * one, "{computed} of {}", 4 * one);
}

#[tokio::test]
async fn conversations_beyond_the_cache_push_out_parked_ones_and_all_succeed() {
    let fixture = engine_with(|config| {
        config.hardware.kv_layout = KvLayout::Unified;
        config.cache_tokens = 768;
        config.n_ctx = 512;
        config.slots = 2;
    });
    for n in 0..12 {
        let words = format!("{n} {}", "long question ".repeat(15));
        let done = complete(
            &fixture.engine,
            planned(&format!("e{n}"), conversation(&words)),
        )
        .await;
        assert_eq!(done.finish, Finish::Stop);
        assert_plan(&done.text);
    }
}

#[tokio::test]
async fn a_conversation_that_was_pushed_out_comes_back_from_main_memory() {
    for host_cache in [0, 64 << 20] {
        let fixture = engine_with(|config| {
            config.slots = 1;
            config.parked = 1;
            config.host_cache = host_cache;
        });
        let words = |n: usize| format!("{n} {}", "a long question about kettles ".repeat(5));
        let mut firsts = Vec::new();
        for n in 0..5 {
            let mut request = planned(&format!("h{n}"), conversation(&words(n)));
            request.conversation_key = format!("c{n}");
            firsts.push(complete(&fixture.engine, request).await);
        }
        let mut messages = conversation(&words(0));
        messages.push(ChatMessage::new(Role::Assistant, firsts[0].text.clone()));
        messages.push(ChatMessage::new(Role::User, "and a cheaper one?"));
        let mut request = planned("again", messages);
        request.conversation_key = "c0".to_owned();
        let again = complete(&fixture.engine, request).await;
        assert_plan(&again.text);
        let counts = fixture.engine.counts();
        let whole = again.usage.cached_tokens >= firsts[0].usage.prompt_tokens - 1;
        if host_cache == 0 {
            assert!(!whole, "{:?}", again.usage);
            assert_eq!((counts.spilled, counts.fetched), (0, 0));
        } else {
            assert!(whole, "{:?} {:?}", firsts[0].usage, again.usage);
            assert!(counts.spilled >= 3 && counts.fetched == 1, "{counts:?}");
        }
    }
}

/// One slot, one parked conversation, no main memory, and a folder for files.
fn with_files(folder: &Path) -> Fixture {
    engine_with(|config| {
        config.slots = 1;
        config.parked = 1;
        config.host_cache = 0;
        config.disk_cache = 64 << 20;
        config.disk_folder = folder.to_owned();
        config.drafts = 0;
    })
}

/// Starts conversations, each with its own words; all but the last two leave the context. Returns the first one's next
/// request.
async fn leave_the_context(engine: &LlamaEngine) -> GenerateRequest {
    let words = |n: usize| format!("{n} {}", "a long question about kettles ".repeat(5));
    let mut first = None;
    for n in 0..4 {
        let mut request = request(&format!("k{n}"), conversation(&words(n)));
        request.conversation_key = format!("c{n}");
        let done = complete(engine, request).await;
        first.get_or_insert(done);
    }
    let mut messages = conversation(&words(0));
    messages.push(ChatMessage::new(Role::Assistant, first.unwrap().text));
    messages.push(ChatMessage::new(Role::User, "and a cheaper one?"));
    let mut request = request("again", messages);
    request.conversation_key = "c0".to_owned();
    request
}

fn cache_files(folder: &Path) -> Vec<PathBuf> {
    let engines = std::fs::read_dir(folder).unwrap().flatten();
    engines
        .filter(|engine| engine.path().is_dir())
        .flat_map(|engine| std::fs::read_dir(engine.path()).unwrap().flatten())
        .map(|file| file.path())
        .filter(|file| file.extension().is_some_and(|kind| kind == "kv"))
        .collect()
}

#[tokio::test]
async fn a_conversation_that_main_memory_has_no_room_for_comes_back_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = with_files(folder.path());
    let request = leave_the_context(&fixture.engine).await;
    assert!(cache_files(folder.path()).len() >= 2);
    let again = complete(&fixture.engine, request.clone()).await;
    let counts = fixture.engine.counts();
    assert!(counts.written >= 2 && counts.read == 1, "{counts:?}");
    let fresh = complete(&engine_with(|config| config.drafts = 0).engine, request).await;
    assert!(
        again.usage.cached_tokens > 150 && fresh.usage.cached_tokens == 0,
        "{:?}",
        again.usage
    );
    assert_eq!(again.tokens, fresh.tokens, "it holds what it held");
    drop(fixture);
    assert!(
        cache_files(folder.path()).is_empty(),
        "they go with the engine"
    );
}

#[tokio::test]
async fn a_cache_file_that_was_cut_changed_or_removed_is_computed_again() {
    for fault in ["cut", "changed", "removed"] {
        let folder = tempfile::tempdir().unwrap();
        let fixture = with_files(folder.path());
        let request = leave_the_context(&fixture.engine).await;
        for file in cache_files(folder.path()) {
            let mut bytes = std::fs::read(&file).unwrap();
            let length = bytes.len();
            match fault {
                "cut" => bytes.truncate(length - 100),
                // In the numbers of the cache: the tokens at the start of the file stay what they are.
                "changed" => bytes[length / 2..].fill(0x3c),
                _ => {
                    std::fs::remove_file(file).unwrap();
                    continue;
                }
            }
            std::fs::write(file, bytes).unwrap();
        }
        let again = complete(&fixture.engine, request.clone()).await;
        assert_eq!(fixture.engine.counts().read, 0);
        let fresh = complete(&engine_with(|config| config.drafts = 0).engine, request).await;
        assert_eq!(again.tokens, fresh.tokens, "{fault}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.gguf");
    write_random_model(&path, &RandomModel::default()).unwrap();
    let config = EngineConfig {
        disk_cache: 1 << 20,
        disk_folder: path.join("below-a-file"),
        ..EngineConfig::for_testing(&path)
    };
    let refused = LlamaEngine::load(config)
        .err()
        .map(|error| error.to_string());
    let refused = refused.unwrap_or_default();
    assert!(refused.contains("below-a-file"), "{refused}");
}

#[tokio::test]
async fn in_a_full_cache_requests_step_aside_and_lose_nothing() {
    const TOKENS: usize = 60;
    let small = |config: &mut EngineConfig| {
        config.hardware.kv_layout = KvLayout::Unified;
        config.cache_tokens = 512;
        config.slots = 4;
        config.parked = 1;
        config.prefixes = 0;
    };
    // Three prompts of about 230 tokens with nothing in common do not fit into 512.
    let ask = |n: usize| GenerateRequest {
        max_tokens: TOKENS as u32,
        ..request(
            &format!("f{n}"),
            vec![ChatMessage::new(Role::User, ["x", "y", "z"][n].repeat(230))],
        )
    };
    let fixture = engine_with(small);
    let done = join_all((0..3).map(|n| complete(&fixture.engine, ask(n)))).await;
    let counts = fixture.engine.counts();
    assert!(
        counts.suspended > 0 && counts.resumed == counts.suspended,
        "{counts:?}"
    );
    // Each token is the one that follows what was there before, computed anew. Not quite all: where two tokens are as
    // likely to a bit, the sum of other cells in another order may tip it.
    let alone = engine_with(small);
    for (n, done) in done.iter().enumerate() {
        assert_eq!((done.finish, done.tokens.len()), (Finish::Length, TOKENS));
        let mut right = 0;
        for at in 0..TOKENS {
            let again = GenerateRequest {
                resume: done.tokens[..at].to_vec(),
                max_tokens: at as u32 + 1,
                ..ask(n)
            };
            right +=
                usize::from(complete(&alone.engine, again).await.tokens[at] == done.tokens[at]);
        }
        assert!(right + 3 >= TOKENS, "{n}: {right} of {TOKENS}");
    }
    // And the engine goes on.
    let after = complete(&fixture.engine, planned("after", conversation("again"))).await;
    assert_plan(&after.text);
}

#[tokio::test]
async fn a_request_that_stepped_aside_keeps_its_deadline() {
    let fixture = engine_with(|config| {
        config.hardware.kv_layout = KvLayout::Unified;
        config.cache_tokens = 512;
        config.n_ctx = 512;
        config.slots = 2;
        config.parked = 1;
        config.prefixes = 0;
        config.drafts = 0;
    });
    let ask = |n: usize, deadline: Duration| GenerateRequest {
        max_tokens: 200,
        deadline,
        ..request(
            &format!("l{n}"),
            vec![ChatMessage::new(Role::User, ["x", "y"][n].repeat(250))],
        )
    };
    let patient = complete(&fixture.engine, ask(0, Duration::from_secs(120)));
    // Later than the other's deadline, so this one is the one to step aside; then it is cancelled.
    let generation = fixture
        .engine
        .generate(ask(1, Duration::from_secs(240)))
        .await
        .unwrap();
    let cancel = generation.cancel_handle();
    let watch = async {
        while fixture.engine.counts().suspended == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        cancel.cancel();
    };
    let (patient, cancelled, ()) = tokio::join!(patient, generation.complete(), watch);
    assert_eq!(patient.finish, Finish::Length);
    assert_eq!(cancelled.unwrap().finish, Finish::Cancelled);
}
