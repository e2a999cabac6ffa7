//! What stays computed between requests, and what happens when there is no room.

use futures::future::join_all;
use mercer_inference::{BusyReason, Error, Finish};

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
async fn a_full_cache_refuses_the_youngest_only() {
    let fixture = engine_with(|config| {
        config.cache_tokens = 512;
        config.n_ctx = 512;
        config.slots = 4;
        config.parked = 1;
        config.prefixes = 0;
    });
    // Three prompts of about 230 tokens with nothing in common do not fit into 512.
    let requests = (0..3).map(|n| {
        let letter = ["x", "y", "z"][n];
        planned(
            &format!("f{n}"),
            vec![ChatMessage::new(Role::User, letter.repeat(230))],
        )
    });
    let results = join_all(requests.map(|request| async {
        fixture
            .engine
            .generate(request)
            .await
            .unwrap()
            .complete()
            .await
    }))
    .await;
    let good = results.iter().filter(|result| result.is_ok()).count();
    assert!((1..=2).contains(&good), "{results:?}");
    for result in &results {
        match result {
            Ok(done) => assert_plan(&done.text),
            Err(error) => assert!(
                matches!(error, Error::Busy(BusyReason::CacheFull)),
                "{error:?}"
            ),
        }
    }
    // And the engine goes on.
    assert_plan(
        &complete(&fixture.engine, planned("after", conversation("again")))
            .await
            .text,
    );
}
