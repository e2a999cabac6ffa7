//! How generations end early, and what is refused.

use std::time::{Duration, Instant};

use futures::StreamExt;
use mercer_inference::{BusyReason, Chunk, Error, Finish, GenerateRequest};

use super::*;

/// Words without end, so that only something else ends the generation.
const ENDLESS: &str = "start: /[a-z ]{5000}/\n";

fn endless(id: &str) -> GenerateRequest {
    GenerateRequest {
        grammar: Some(Grammar::Lark(ENDLESS.to_owned())),
        max_tokens: 100_000,
        ..request(id, conversation("talk"))
    }
}

#[tokio::test]
async fn max_tokens_and_the_contexts_end_break_a_text_off() {
    let fixture = engine();
    let short = complete(
        &fixture.engine,
        GenerateRequest {
            max_tokens: 7,
            ..endless("short")
        },
    )
    .await;
    assert_eq!((short.finish, short.tokens.len()), (Finish::Length, 7));
    let long = complete(&fixture.engine, endless("long")).await;
    assert_eq!(long.finish, Finish::Length);
    assert_eq!(
        long.usage.prompt_tokens + long.usage.output_tokens,
        512 + 1 - 1
    );
}

#[tokio::test]
async fn cancelling_ends_with_what_there_is() {
    let fixture = engine();
    let mut generation = fixture.engine.generate(endless("cancel")).await.unwrap();
    let handle = generation.cancel_handle();
    let (mut texts, mut after, mut done) = (0, 0, None);
    while let Some(chunk) = generation.next().await {
        match chunk.unwrap() {
            Chunk::Text { .. } if handle.is_cancelled() => after += 1,
            Chunk::Text { .. } => {
                texts += 1;
                if texts == 3 {
                    handle.cancel();
                }
            }
            Chunk::Done(completion) => done = Some(completion),
            Chunk::Started { .. } => {}
        }
    }
    let done = done.unwrap();
    assert_eq!(done.finish, Finish::Cancelled);
    assert_eq!(done.usage.output_tokens, texts + after);
    // Tokens may pile up in the channel before this task runs, but the context's 512 are far from reached.
    assert!(done.usage.output_tokens < 200, "{:?}", done.usage);
}

#[tokio::test]
async fn dropping_the_stream_frees_its_slot() {
    let fixture = engine_with(|config| config.slots = 1);
    let dropped = fixture.engine.generate(endless("dropped")).await.unwrap();
    drop(dropped);
    let next = complete(&fixture.engine, planned("next", conversation("my turn"))).await;
    assert_plan(&next.text);
}

#[tokio::test]
async fn a_deadline_ends_a_running_and_a_waiting_request() {
    let fixture = engine_with(|config| config.slots = 1);
    let began = Instant::now();
    let running = fixture.engine.generate(GenerateRequest {
        deadline: Duration::from_millis(60),
        ..endless("running")
    });
    let running = running.await.unwrap();
    let waiting = GenerateRequest {
        deadline: Duration::ZERO,
        ..endless("waiting")
    };
    let waiting = complete(&fixture.engine, waiting).await;
    assert_eq!(
        (waiting.finish, waiting.usage.output_tokens),
        (Finish::Deadline, 0)
    );
    let running = running.complete().await.unwrap();
    assert!(
        matches!(running.finish, Finish::Deadline | Finish::Length),
        "{running:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_so() {
    let fixture = engine_with(|config| {
        config.slots = 1;
        config.queue = 2;
    });
    let mut held = Vec::new();
    let mut refused = 0;
    for n in 0..12 {
        match fixture.engine.generate(endless(&format!("q{n}"))).await {
            Ok(generation) => held.push(generation),
            Err(error) => {
                assert!(
                    matches!(error, Error::Busy(BusyReason::QueueFull)),
                    "{error:?}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    drop(held);
    // Places are given back when the engine comes to its next step.
    let later = loop {
        match fixture
            .engine
            .generate(planned("later", conversation("x")))
            .await
        {
            Err(Error::Busy(_)) => tokio::time::sleep(Duration::from_millis(2)).await,
            other => break other.unwrap(),
        }
    };
    assert_plan(&later.complete().await.unwrap().text);
}

#[tokio::test]
async fn requests_that_nobody_could_serve_are_refused() {
    let fixture = engine();
    let long = GenerateRequest {
        ..request("long", conversation(&"word ".repeat(600)))
    };
    let cases = [
        GenerateRequest {
            max_tokens: 0,
            ..request("a", conversation("x"))
        },
        GenerateRequest {
            temperature: f32::NAN,
            ..request("b", conversation("x"))
        },
        GenerateRequest {
            top_p: 0.0,
            ..request("c", conversation("x"))
        },
        request("d", Vec::new()),
    ];
    for case in cases {
        let error = fixture.engine.generate(case).await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{error:?}");
    }
    let error = fixture.engine.generate(long).await.unwrap_err();
    assert!(
        matches!(error, Error::PromptTooLong { limit: 512, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_generation_that_outlives_its_engine_is_told() {
    let fixture = engine();
    let generation = fixture.engine.generate(endless("orphan")).await.unwrap();
    drop(fixture);
    let done = generation.complete().await.unwrap();
    assert!(matches!(done.finish, Finish::Cancelled | Finish::Length));
}
