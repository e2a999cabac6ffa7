//! The worker protocol on the wire: golden messages that other programs can be tested with.
//!
//! `schemas/worker/messages.json` holds an example of each JSON message, `frames.json` one frame of each kind as bytes
//! and as what they say. `MERCER_WRITE_SCHEMAS=1 cargo nextest run -p mercer-schemas worker` writes them anew; a change
//! of either is a change of the protocol.

use std::path::Path;

use mercer_schemas::worker::{
    Accepted, Body, Control, Done, EmbedRequest, Finish, Frame, Grammar, Heartbeat, Load,
    ModelInfo, Priority, Refusal, Refused, RerankRequest, Residency, StreamId, TextModelState,
    Timings, Usage, WorkRequest,
};
use mercer_schemas::{ChatMessage, Role};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const STREAM: StreamId = StreamId(0x0123_4567_89ab_cdef);

/// Compares a value with the committed file, after writing it where that is asked for.
fn golden(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("worker")
        .join(name);
    let text = serde_json::to_string_pretty(value).expect("JSON") + "\n";
    if std::env::var_os("MERCER_WRITE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(&path, &text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "schemas/worker/{name} is not what the code says:\n{text}"
    );
}

/// Returns a message as JSON, after reading it back.
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(message: &T) -> Value {
    let value = serde_json::to_value(message).expect("JSON");
    let again: T = serde_json::from_value(value.clone()).expect("the message");
    assert_eq!(again, *message);
    value
}

fn request() -> WorkRequest {
    WorkRequest {
        stream: STREAM,
        attempt: 2,
        request_id: "eff_1".to_owned(),
        conversation_key: "conv_1".to_owned(),
        adapter: None,
        messages: vec![
            ChatMessage::new(Role::System, "You answer customers of Harbour."),
            ChatMessage::new(Role::User, "Is the kettle in stock?"),
        ],
        resume: vec![84, 104],
        grammar: Some(Grammar::Lark("start: /[a-z ]+/".to_owned())),
        max_tokens: 160,
        temperature: 0.5,
        top_p: 0.75,
        deadline_ms: 29_000,
        priority: Priority::Interactive,
        credit: 64,
    }
}

fn heartbeat(seq: u64, residency: Residency) -> Heartbeat {
    Heartbeat {
        worker: "gpu-1".to_owned(),
        incarnation: 7,
        up_ms: 90_250,
        seq,
        model: ModelInfo {
            name: "mercer-chat".to_owned(),
            sha256: "ab".repeat(32),
            n_ctx: 8192,
            n_vocab: 4096,
            n_params: 18_000_000,
            prompt_style: "compact".to_owned(),
            template_sha256: "cd".repeat(32),
            adapters: Vec::new(),
        },
        draining: false,
        load: Load {
            slots: 4,
            active: 2,
            decoding: 1,
            waiting: 0,
            waiting_max: 64,
            backlog_tokens: 310,
            prefill_tokens_per_s: 1250.5,
            step_ms: 12.5,
            service_ms: 800.0,
            stalled: seq > 1,
            stall_ms_max: 40.5,
            kv_used: 2048,
            kv_total: 32_768,
            prompt_tokens: 9000,
            cached_tokens: 7000,
            output_tokens: 1200,
            requests: 30,
        },
        residency,
        // Workers of before it say nothing of it.
        embedder: (seq == 1).then(|| TextModelState {
            id: "mercer-embed@efefefefefef".to_owned(),
            dim: 384,
            waiting: 2,
            waiting_max: 64,
        }),
        reranker: None,
    }
}

fn rerank() -> RerankRequest {
    RerankRequest {
        stream: STREAM,
        attempt: 1,
        reranker: "a-reranker@efefefefefef".to_owned(),
        query: "is it in stock?".to_owned(),
        documents: vec!["a kettle".to_owned(), "a policy".to_owned()],
        deadline_ms: 6_750,
    }
}

fn embed() -> EmbedRequest {
    EmbedRequest {
        stream: STREAM,
        attempt: 1,
        embedder: "mercer-embed@efefefefefef".to_owned(),
        texts: vec!["a kettle".to_owned(), "is it in stock?".to_owned()],
        deadline_ms: 9_750,
    }
}

#[test]
fn the_committed_messages_are_those_of_the_code() {
    let (stream, attempt) = (STREAM, 2);
    let controls = [
        Control::Cancel { stream, attempt },
        Control::Credit {
            stream,
            attempt,
            upto: 128,
        },
        Control::Resend {
            stream,
            attempt,
            from: 17,
        },
        Control::Drain,
        Control::Snapshot,
    ];
    let heartbeats = [
        Residency::Snapshot { starts: vec![1, 2] },
        Residency::Changes {
            added: vec![3],
            removed: vec![1],
        },
    ];
    let messages = json!({
        "request": both_ways(&request()),
        "embed": both_ways(&embed()),
        "rerank": both_ways(&rerank()),
        "control": controls.iter().map(both_ways).collect::<Vec<_>>(),
        "heartbeat": heartbeats.into_iter().zip(1..)
            .map(|(residency, seq)| both_ways(&heartbeat(seq, residency)))
            .collect::<Vec<_>>(),
    });
    golden("messages.json", &messages);
}

#[test]
fn the_committed_frames_are_those_of_the_code() {
    let accepted = Accepted {
        worker: "gpu-1".to_owned(),
        incarnation: 7,
        prompt_tokens: 412,
        cached_tokens: 380,
    };
    let done = Done {
        finish: Finish::Stop,
        usage: Usage {
            prompt_tokens: 410,
            cached_tokens: 380,
            output_tokens: 6,
        },
        timings: Timings {
            queue_ms: 0.5,
            prefill_ms: 21.25,
            decode_ms: 60.0,
        },
        prompt_sha256: "ef".repeat(32),
        model: "mercer-chat@abababababab".to_owned(),
    };
    let refused = Refused {
        refusal: Refusal::QueueFull,
        tokens: 0,
        retry_after_ms: 400,
    };
    let text = Body::Tokens {
        tokens: vec![101, 257, 300],
        text: "é 12".to_owned(),
    };
    let cases = [
        (
            "accepted",
            0,
            2,
            json!(accepted),
            Body::Accepted(accepted.clone()),
        ),
        ("tokens", 1, 2, json!("é 12"), text),
        ("keepalive", 2, 5, Value::Null, Body::Keepalive),
        (
            "done",
            2,
            5,
            json!(done),
            Body::Done {
                tokens: vec![195],
                done: done.clone(),
            },
        ),
        (
            "refused",
            0,
            0,
            json!(refused),
            Body::Refused(refused.clone()),
        ),
        (
            "numbers",
            0,
            0,
            json!({ "width": 2, "rows": [[0.5, -0.25], [1.0, 0.0]] }),
            Body::Numbers {
                width: 2,
                numbers: vec![0.5, -0.25, 1.0, 0.0],
            },
        ),
    ];
    let frames = cases.into_iter().map(|(kind, seq, first_token, said, body)| {
        let tokens = match &body {
            Body::Tokens { tokens, .. } | Body::Done { tokens, .. } => tokens.clone(),
            _ => Vec::new(),
        };
        let frame = Frame {
            stream: STREAM,
            attempt: 2,
            seq,
            first_token,
            body,
        };
        let bytes = frame.encode();
        assert_eq!(Frame::decode(&bytes), Ok(frame));
        json!({
            "kind": kind, "stream": STREAM, "attempt": 2, "seq": seq, "first_token": first_token,
            "tokens": tokens, "body": said, "hex": hex::encode(bytes),
        })
    });
    golden("frames.json", &frames.collect());
}
