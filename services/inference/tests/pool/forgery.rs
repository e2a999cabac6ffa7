//! Whoever reaches NATS can send anything: what is not true is dropped and counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_nats::Client;
use futures::StreamExt;
use mercer_inference::{ChatModel, GenerateRequest, ModelInfo};
use mercer_schemas::worker::{
    Accepted, Body, Control, Done, FRAME_BYTES_MAX, Finish, Frame, Heartbeat, Load, Residency,
    StreamId, Timings, Usage, WorkRequest, control_subject, heartbeat_subject, prefix_hashes,
    request_subject, stream_of, stream_subject,
};
use tokio::task::JoinSet;

use crate::support::*;

/// A worker that only says that it is one.
pub(crate) struct Fake {
    pub(crate) tasks: JoinSet<()>,
}

impl Fake {
    /// Tells a load and listens for requests without answering.
    pub(crate) async fn start(nats: &Nats, name: &str, load: impl FnOnce(&mut Load)) -> Self {
        let telling = |heartbeat: &mut Heartbeat| load(&mut heartbeat.load);
        let mut fake = Self::ghost_with(nats, name, &model(), telling).await;
        let client = client(nats).await;
        let mut requests = client.subscribe(request_subject(name)).await.unwrap();
        fake.tasks
            .spawn(async move { while requests.next().await.is_some() {} });
        fake
    }

    /// Tells that it is idle and fast, and does not listen.
    pub(crate) async fn ghost(nats: &Nats, name: &str, model: &ModelInfo) -> Self {
        let telling = |heartbeat: &mut Heartbeat| heartbeat.load.prefill_tokens_per_s = 1e9;
        Self::ghost_with(nats, name, model, telling).await
    }

    /// Tells what it is made to tell, and does not listen.
    pub(crate) async fn ghost_with(
        nats: &Nats,
        name: &str,
        model: &ModelInfo,
        telling: impl FnOnce(&mut Heartbeat),
    ) -> Self {
        let client = client(nats).await;
        let mut heartbeat = Heartbeat {
            worker: name.to_owned(),
            incarnation: 1,
            up_ms: 0,
            seq: 0,
            model: model.clone(),
            draining: false,
            load: Load {
                slots: 4,
                waiting_max: 8,
                ..Load::default()
            },
            residency: Residency::Snapshot { starts: Vec::new() },
            embedder: None,
            reranker: None,
        };
        telling(&mut heartbeat);
        let subject = heartbeat_subject("test", name);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                heartbeat.seq += 1;
                let payload = serde_json::to_vec(&heartbeat).unwrap();
                client
                    .publish(subject.clone(), payload.into())
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { tasks }
    }
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "fake".to_owned(),
        sha256: "0".repeat(64),
        n_ctx: 512,
        n_vocab: 277,
        n_params: 1,
        prompt_style: "full".to_owned(),
        template_sha256: String::new(),
        adapters: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_forged_late_and_oversized_frames_change_nothing() {
    let world = World::new(1).await;
    let client = client(&world.nats).await;
    let mut frames = client.subscribe("llm.v1.out.>").await.unwrap();
    let request = bound("a");
    let expected = world.model.undisturbed(&request).await;
    let mut reader = world.begin(&request, 2).await;
    let first = frames.next().await.unwrap();
    let (stream, attempt) = stream_of(first.subject.as_str()).unwrap();
    let send = async |stream, attempt, payload: Vec<u8>| {
        let caller = first.subject.split('.').nth(3).unwrap();
        let subject = stream_subject(caller, stream, attempt);
        client.publish(subject, payload.into()).await.unwrap();
    };
    let text = |stream, attempt, seq| Frame {
        stream,
        attempt,
        seq,
        first_token: 0,
        body: Body::Tokens {
            tokens: vec![1],
            text: "FORGED".to_owned(),
        },
    };
    send(
        stream,
        attempt,
        b"nonsense, and long enough for a head".to_vec(),
    )
    .await;
    send(stream, attempt, vec![1; FRAME_BYTES_MAX + 1]).await;
    send(stream, attempt, text(StreamId(1), attempt, 9).encode()).await;
    send(stream, attempt + 1, text(stream, attempt, 9).encode()).await;
    send(StreamId(5), 1, text(StreamId(5), 1, 0).encode()).await;
    send(stream, 7, text(stream, 7, 0).encode()).await;
    send(stream, attempt, text(stream, attempt, 0).encode()).await;
    send(stream, attempt, text(stream, attempt, 5_000).encode()).await;
    client
        .publish(heartbeat_subject("test", "w9"), "nonsense".into())
        .await
        .unwrap();
    reader.end_whole(&expected).await;
    until("all are counted", async || {
        let dropped = world.pool.dropped();
        [
            "version",
            "too_large",
            "unknown_stream",
            "late",
            "repeated",
            "early",
            "heartbeat",
        ]
        .iter()
        .all(|reason| dropped.contains_key(reason))
            && dropped.get("forged") == Some(&2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_lies_is_left_and_not_asked_again() {
    let world = World::new(1).await;
    let mut liar = Fake::ghost(&world.nats, "liar", &world.model.engine.info()).await;
    let client = client(&world.nats).await;
    let mut requests = client.subscribe(request_subject("liar")).await.unwrap();
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    liar.tasks.spawn(async move {
        while let Some(message) = requests.next().await {
            let request: WorkRequest = serde_json::from_slice(&message.payload).unwrap();
            let frame = Frame {
                stream: request.stream,
                attempt: request.attempt,
                seq: 0,
                first_token: 3,
                body: Body::Tokens {
                    tokens: vec![1],
                    text: "LIE".to_owned(),
                },
            };
            let reply = message.reply.unwrap();
            client.publish(reply, frame.encode().into()).await.unwrap();
            told.send(()).unwrap();
        }
    });
    until("the liar is heard", async || world.pool.ready().len() == 2).await;
    // Words of its own, computed nowhere before: where the honest worker holds them, it is the nearer one.
    let new = |id: String| GenerateRequest {
        messages: conversation(&format!("tell me about kettle {id}")),
        ..bound(&id)
    };
    let mut begun = Vec::new();
    let mut begin = async |id: String| {
        let request = new(id);
        begun.push((world.begin(&request, 1).await, request));
    };
    // The first rest is of a second, and each of twice the one before.
    let mut rest = Duration::from_secs(1);
    let mut rested = false;
    for n in 0..8 {
        let began = Instant::now();
        begin(format!("a{n}")).await;
        if asked.try_recv().is_err() {
            // What is held nowhere goes anywhere now and then.
            continue;
        }
        begin(format!("b{n}")).await;
        let again = asked.try_recv().is_ok();
        if began.elapsed() < rest {
            assert!(!again, "it rests after a lie");
            rested = true;
            break;
        }
        // Too slow to tell: its rest was over.
        rest *= 2;
    }
    assert!(rested, "it was never asked, or each rest was too short");
    for (mut reader, request) in begun {
        let expected = world.model.undisturbed(&request).await;
        reader.end_whole(&expected).await;
    }
}

/// A caller that speaks the protocol by hand.
struct Hand {
    client: Client,
    frames: async_nats::Subscriber,
}

impl Hand {
    const STREAM: StreamId = StreamId(42);

    async fn ask(nats: &Nats, request: &GenerateRequest, credit: u32) -> Self {
        let client = client(nats).await;
        let subject = stream_subject("hand", Self::STREAM, 1);
        let frames = client.subscribe(subject.clone()).await.unwrap();
        let request = WorkRequest {
            stream: Self::STREAM,
            attempt: 1,
            request_id: request.request_id.clone(),
            conversation_key: request.conversation_key.clone(),
            adapter: None,
            messages: request.messages.clone(),
            resume: Vec::new(),
            grammar: request.grammar.clone(),
            max_tokens: request.max_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            deadline_ms: 60_000,
            priority: request.priority,
            credit,
        };
        let hand = Self { client, frames };
        let payload = serde_json::to_vec(&request).unwrap();
        let asked = hand
            .client
            .publish_with_reply(request_subject("w0"), subject, payload.into());
        asked.await.unwrap();
        hand
    }

    async fn steer(&self, control: Control) {
        let payload = serde_json::to_vec(&control).unwrap();
        let subject = control_subject("w0");
        self.client.publish(subject, payload.into()).await.unwrap();
    }

    /// Reads frames until one satisfies a condition; all of them are returned.
    async fn until(&mut self, enough: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut all = Vec::new();
        loop {
            let message = tokio::time::timeout(PATIENCE, self.frames.next()).await;
            let message = message.expect("a frame in time").unwrap();
            all.push(Frame::decode(&message.payload).unwrap());
            if enough(&all[all.len() - 1]) {
                return all;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_sends_no_more_than_its_credit_and_again_what_was_lost() {
    let world = World::new(1).await;
    let request = bound("slow");
    let expected = world.model.undisturbed(&request).await;
    let mut hand = Hand::ask(&world.nats, &request, 3).await;
    let is_keepalive = |frame: &Frame| frame.body == Body::Keepalive;
    let first = hand
        .until(|frame| is_keepalive(frame) && frame.seq == 3)
        .await;
    let seqs: Vec<u32> = first
        .iter()
        .filter(|frame| !is_keepalive(frame))
        .map(|frame| frame.seq)
        .collect();
    assert_eq!(seqs, [0, 1, 2]);
    assert!(matches!(first[0].body, Body::Accepted(Accepted { .. })));
    let stream = Hand::STREAM;
    hand.steer(Control::Credit {
        stream,
        attempt: 1,
        upto: 1_000,
    })
    .await;
    let is_done = |frame: &Frame| matches!(frame.body, Body::Done { .. });
    hand.until(is_done).await;
    hand.steer(Control::Resend {
        stream,
        attempt: 1,
        from: 0,
    })
    .await;
    let again = hand.until(is_done).await;
    let texts = again.iter().filter_map(|frame| match &frame.body {
        Body::Tokens { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(texts.collect::<String>(), expected.text);
    let seqs: Vec<u32> = again.iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, (0..again.len() as u32).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_reads_nothing_any_more_loses_its_slot() {
    let world = World::new(1).await;
    let mut hand = Hand::ask(&world.nats, &bound("gone"), 2).await;
    let frames = hand
        .until(|frame| matches!(frame.body, Body::Done { .. }))
        .await;
    let Some(Body::Done { done, .. }) = frames.last().map(|frame| &frame.body) else {
        panic!("an end")
    };
    // The engine was through before nobody read; the frames were not.
    assert!(done.usage.output_tokens > 0);
    until("the slot is free", async || world.nodes[0].active() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_tells_a_hash_which_is_none_is_not_known() {
    let world = World::new(1).await;
    let forged = ModelInfo {
        // Its twelfth byte is in the middle of a character.
        sha256: format!("0123456789a{}", "é".repeat(20)),
        ..world.model.engine.info().as_ref().clone()
    };
    let liar = Fake::ghost(&world.nats, "liar", &forged).await;
    until("it is counted", async || {
        world.pool.dropped().contains_key("heartbeat")
    })
    .await;
    assert_eq!(world.pool.ready(), ["w0"]);
    assert_eq!(*world.pool.info(), *world.model.engine.info());
    let request = bound("a");
    let expected = world.model.undisturbed(&request).await;
    world.begin(&request, 1).await.end_whole(&expected).await;
    drop(liar);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_last_frame_tells_a_hash_which_is_none_is_left() {
    let world = World::new(1).await;
    let request = bound("a");
    let expected = world.model.undisturbed(&request).await;
    let info = world.model.engine.info();
    let starts = prefix_hashes(&info, None, &request.messages);
    let mut liar = Fake::ghost_with(&world.nats, "liar", &info, |heartbeat| {
        heartbeat.load.prefill_tokens_per_s = 1e9;
        heartbeat.residency = Residency::Snapshot { starts };
    })
    .await;
    let client = client(&world.nats).await;
    let mut requests = client.subscribe(request_subject("liar")).await.unwrap();
    liar.tasks.spawn(async move {
        while let Some(message) = requests.next().await {
            let request: WorkRequest = serde_json::from_slice(&message.payload).unwrap();
            let frame = Frame {
                stream: request.stream,
                attempt: request.attempt,
                seq: 0,
                first_token: 0,
                body: Body::Done {
                    tokens: Vec::new(),
                    done: Done {
                        finish: Finish::Stop,
                        usage: Usage::default(),
                        timings: Timings::default(),
                        prompt_sha256: "é".repeat(32),
                        model: "m".to_owned(),
                    },
                },
            };
            let reply = message.reply.unwrap();
            client.publish(reply, frame.encode().into()).await.unwrap();
        }
    });
    until("the liar is heard", async || world.pool.ready().len() == 2).await;
    // Routing may take the other worker, which a conversation then stays with: whoever is asked, the text is whole.
    let asked = AtomicUsize::new(0);
    until("the liar is asked and found out", async || {
        let request = bound(&asked.fetch_add(1, Ordering::SeqCst).to_string());
        let mut reader = world.begin(&request, 1).await;
        reader.end_whole(&expected).await;
        world.pool.dropped().contains_key("body")
    })
    .await;
}
