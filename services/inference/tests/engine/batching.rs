//! Many conversations at once.

use futures::StreamExt;
use futures::future::join_all;
use mercer_inference::{Chunk, Finish, GenerateRequest};

use super::*;

#[tokio::test]
async fn one_request_alone_gives_the_same_tokens_each_time() {
    for temperature in [0.0, 0.8] {
        let mut seen = Vec::new();
        for _ in 0..2 {
            // With drafts the size of a batch depends on how fast the machine is, and with it the last bits of logits.
            let fixture = engine_with(|config| config.drafts = 0);
            let request = GenerateRequest {
                temperature,
                top_p: 0.9,
                ..request("alone", conversation("hello"))
            };
            seen.push(complete(&fixture.engine, request).await);
        }
        assert_eq!(seen[0].tokens, seen[1].tokens);
        assert_eq!(seen[0].prompt_sha256, seen[1].prompt_sha256);
        assert!(!seen[0].tokens.is_empty());
    }
}

#[tokio::test]
async fn another_request_id_draws_other_tokens() {
    let fixture = engine();
    let draw = |id: &str| GenerateRequest {
        temperature: 1.5,
        ..request(id, conversation("hello"))
    };
    let one = complete(&fixture.engine, draw("one")).await;
    let two = complete(&fixture.engine, draw("two")).await;
    assert_ne!(one.tokens, two.tokens);
}

#[tokio::test]
async fn eight_conversations_at_once_all_follow_their_grammar() {
    let fixture = engine();
    let requests = (0..8).map(|n| {
        let temperature = if n % 2 == 0 { 0.0 } else { 1.0 };
        let words = format!("customer {n} asks for {}", "kettles ".repeat(n * 5));
        GenerateRequest {
            temperature,
            ..planned(&format!("r{n}"), conversation(&words))
        }
    });
    let completions = join_all(requests.map(|request| complete(&fixture.engine, request))).await;
    for completion in completions {
        assert_eq!(completion.finish, Finish::Stop);
        assert_plan(&completion.text);
    }
}

#[tokio::test]
async fn chunks_add_up_to_the_completion() {
    let fixture = engine();
    let mut generation = fixture
        .engine
        .generate(planned("chunks", conversation("hi")))
        .await
        .unwrap();
    let (mut text, mut tokens, mut started, mut done) = (String::new(), Vec::new(), 0, None);
    while let Some(chunk) = generation.next().await {
        match chunk.unwrap() {
            Chunk::Started { prompt_tokens, .. } => {
                assert!(text.is_empty() && prompt_tokens > 10);
                started += 1;
            }
            Chunk::Text {
                text: more,
                tokens: ids,
            } => {
                text.push_str(&more);
                tokens.extend(ids);
            }
            Chunk::Done(completion) => done = Some(completion),
        }
    }
    let done = done.unwrap();
    assert_eq!(started, 1);
    assert_eq!(
        (text, tokens.len()),
        (done.text, done.usage.output_tokens as usize)
    );
    assert_eq!(tokens, done.tokens);
    assert!(done.model.starts_with("mercer-random@"));
}
