//! How generations end early, and what is refused.

use std::time::{Duration, Instant};

use futures::StreamExt;
use mercer_inference::{BusyReason, Chunk, Error, Finish, GenerateRequest};
use mercer_schemas::worker::prefix_hashes;

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
    let (mut streamed, mut done) = (0, None);
    while let Some(chunk) = generation.next().await {
        match chunk.unwrap() {
            Chunk::Text { tokens, .. } => {
                streamed += tokens.len();
                if streamed >= 3 {
                    handle.cancel();
                }
            }
            Chunk::Done(completion) => done = Some(completion),
            Chunk::Started { .. } => {}
        }
    }
    let done = done.unwrap();
    assert_eq!(done.finish, Finish::Cancelled);
    assert_eq!(done.usage.output_tokens as usize, streamed);
    // Tokens may pile up in the channel before this task runs, but the context's 512 are far from reached.
    assert!(done.usage.output_tokens < 200, "{:?}", done.usage);
}

#[tokio::test]
async fn text_is_passed_on_at_once_and_then_in_pieces_that_a_reader_can_follow() {
    let fixture = engine();
    let mut generation = fixture.engine.generate(endless("pieces")).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(chunk) = generation.next().await {
        if let Chunk::Text { tokens, .. } = chunk.unwrap() {
            pieces.push(tokens.len());
        }
    }
    assert!(pieces[0] < 8, "{pieces:?}");
    assert!(pieces.len() > 1, "{pieces:?}");
    assert!(pieces[1..].iter().any(|&tokens| tokens > 1), "{pieces:?}");
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

#[tokio::test]
async fn an_attempt_that_broke_off_goes_on_to_the_same_end() {
    let fixture = engine();
    let whole = complete(&fixture.engine, planned("r", conversation("hello"))).await;
    assert!(whole.tokens.len() > 6);
    for kept in [1, 5, whole.tokens.len() - 1] {
        let rest = GenerateRequest {
            resume: whole.tokens[..kept].to_vec(),
            conversation_key: format!("elsewhere {kept}"),
            ..planned("r", conversation("hello"))
        };
        let mut generation = fixture.engine.generate(rest).await.unwrap();
        let mut streamed = String::new();
        let done = loop {
            match generation.next().await.unwrap().unwrap() {
                Chunk::Started { .. } => {}
                Chunk::Text { text, .. } => streamed.push_str(&text),
                Chunk::Done(done) => break done,
            }
        };
        assert_eq!((&done.tokens, &done.text), (&whole.tokens, &whole.text));
        assert_eq!(done.prompt_sha256, whole.prompt_sha256);
        assert_eq!(done.usage.prompt_tokens, whole.usage.prompt_tokens);
        assert!(
            whole.text.ends_with(&streamed) && streamed.len() < whole.text.len(),
            "only what is new is streamed"
        );
    }
}

#[tokio::test]
async fn resumed_tokens_that_cannot_be_are_refused() {
    let fixture = engine();
    let with = |resume: Vec<u32>| GenerateRequest {
        resume,
        ..planned("r", conversation("hello"))
    };
    for wrong in [
        vec![u32::MAX],
        vec![fixture.engine.info().n_vocab - 1],
        vec![fixture.engine.info().n_vocab],
        // The grammar wants an opening brace.
        vec![u32::from(b'z' - b'!')],
        vec![0; 120],
    ] {
        let refused = fixture.engine.generate(with(wrong)).await.err();
        assert!(matches!(refused, Some(Error::Request(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn the_engine_tells_its_load_and_what_it_holds() {
    let fixture = engine();
    let messages = conversation("hello");
    assert!(fixture.engine.starts().is_empty());
    complete(&fixture.engine, planned("r", messages.clone())).await;
    let hashes = prefix_hashes(&fixture.engine.info(), None, &messages);
    let held = fixture.engine.starts();
    assert!(hashes.iter().all(|hash| held.contains(hash)));
    let load = fixture.engine.take_load();
    assert_eq!((load.active, load.waiting, load.requests), (0, 0, 1));
    assert!(load.kv_used > 0 && load.stall_ms_max > 0.0 && load.prompt_tokens > 0);
    assert_eq!(fixture.engine.take_load().stall_ms_max.to_bits(), 0);
}
