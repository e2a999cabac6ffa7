//! The page's event stream: history, resume, what passes, and the end.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures::StreamExt;
use mercer_gateway::LiveEvent;
use mercer_gateway::webchat::{SessionToken, new_token, provider_id};
use mercer_schemas::{
    ActionBy, Channel, Content, Event, HandoffReason, InboundMessage, Input, LogBody, LogRecord,
    MessageId, Meta, OutboundMessage, ProductCard, ProductId, PromptStyle, Settings, Stream,
    TurnId, partition_of,
};
use mercer_store::{Append, Lease};
use serde_json::{Value, json};

use crate::world::{World, read};

/// An event as the page reads it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    id: Option<u64>,
    name: String,
    data: Value,
}

struct Page {
    body: BodyDataStream,
    rest: String,
}

impl Page {
    async fn open(world: &World, token: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get("/chat/northwind/events")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        Self::of(world, request.body(Body::empty()).expect("request")).await
    }

    async fn of(world: &World, request: Request<Body>) -> Self {
        let response = world.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        Self {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
        }
    }

    /// Reads the next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let block = block.to_owned();
                self.rest = rest.to_owned();
                if !block.starts_with(':') {
                    return Some(parse(&block));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let chunk = chunk.expect("an event within 10 s")?.expect("chunk");
            self.rest
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    async fn until(&mut self, name: &str) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Some(event) = self.next().await {
            if event.name == name {
                return seen;
            }
            seen.push(event);
        }
        panic!("the stream ended before {name}");
    }
}

fn parse(block: &str) -> Seen {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    Seen {
        id: field("id: ").map(|id| id.parse().expect("number")),
        name: field("event: ").expect("name").to_owned(),
        data: serde_json::from_str(field("data: ").expect("data")).expect("json"),
    }
}

/// Writes a conversation's log as its owner would.
struct Owner {
    lease: Lease,
    stream: Stream,
    seq: u64,
}

impl Owner {
    async fn of(world: &World, stream: Stream) -> Self {
        let leases = world.store.leases();
        leases.register("boot", "").await.expect("node");
        let all = leases.claim_all("boot", false).await.expect("leases");
        let partition = partition_of(&stream.shop, &stream.conversation);
        let lease = all
            .into_iter()
            .find(|l| l.partition == partition)
            .expect("lease");
        Self {
            lease,
            stream,
            seq: 0,
        }
    }

    async fn append(&mut self, world: &World, bodies: Vec<LogBody>) {
        let mut records = Vec::new();
        for body in bodies {
            self.seq += 1;
            records.push(LogRecord {
                seq: self.seq,
                at_ms: 1_000 + self.seq as i64,
                epoch: self.lease.epoch,
                logic_version: 1,
                body,
            });
        }
        let append = Append {
            stream: self.stream.clone(),
            lease: self.lease.clone(),
            records,
            inbox_done: vec![],
            inbox_quarantined: vec![],
            outbox: vec![],
            phase: "idle".to_owned(),
            handed_over: false,
            turns: 0,
            snapshot: None,
            notices: vec![],
            expect_versions: vec![],
        };
        world
            .store
            .conversations()
            .append(append)
            .await
            .expect("append");
    }
}

fn event(event: Event) -> LogBody {
    LogBody::Event { event }
}

fn received(address: &str, id: &str, text: &str) -> LogBody {
    let message = InboundMessage {
        id: MessageId::from_parts(1, 1),
        provider_id: provider_id(address, id),
        sent_at_ms: 500,
        cut_from_chars: None,
        content: Content::Text { text: text.into() },
    };
    event(Event::MessageReceived { message })
}

fn turn(n: u128) -> TurnId {
    TurnId::from_parts(n as i64, n)
}

fn reply(of: Option<TurnId>, text: &str) -> LogBody {
    let card = ProductCard {
        product_id: ProductId::new("HB-1042").expect("key"),
        name: "Arden kettle".to_owned(),
        price: "£45.99".to_owned(),
        stock: "in stock".to_owned(),
        options: vec!["colour: red".to_owned()],
    };
    let content = OutboundMessage {
        text: text.into(),
        cards: if of.is_some() { vec![card] } else { vec![] },
    };
    let message = MessageId::from_parts(9, text.len() as u128);
    event(Event::ReplyQueued {
        turn: of,
        message,
        content,
        verdicts: vec![],
        claims: vec![],
    })
}

fn person_answers(text: &str) -> LogBody {
    let settings = Settings {
        shop_name: "N".to_owned(),
        prompt_style: PromptStyle::Compact,
        history_chars_max: 1,
        output_tokens_max: 1,
        introduction: None,
        locale: "en-GB".to_owned(),
        hints: true,
    };
    LogBody::Input {
        input: Input::AnswerAsPerson {
            by: ActionBy {
                key_id: "k".to_owned(),
            },
            text: text.into(),
        },
        meta: Meta {
            at_ms: 1,
            entropy: 1,
            settings,
        },
    }
}

/// Posts a first message and returns the token, the address and the conversation's owner.
async fn begin(world: &World) -> (String, String, Owner) {
    let token = new_token();
    let address = SessionToken::parse(&token).expect("token").address();
    post(world, &token, "m-1").await;
    let stream = world
        .stream_of(Channel::Webchat, &address)
        .await
        .expect("conversation");
    let owner = Owner::of(world, stream).await;
    (token, address, owner)
}

async fn post(world: &World, token: &str, id: &str) {
    let request = Request::post("/chat/northwind/messages")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(
            json!({ "id": id, "text": "a kettle?" }).to_string(),
        ))
        .expect("request");
    assert_eq!(world.send(request).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn history_is_shown_in_order_with_cards_and_notices() {
    let world = World::new().await;
    let (token, address, mut owner) = begin(&world).await;
    let log = vec![
        received(&address, "m-1", "a kettle?"),
        event(Event::TurnStarted {
            turn: turn(1),
            attempt: 0,
            words: "a kettle?".into(),
            cut: false,
        }),
        reply(Some(turn(1)), "The Arden."),
        event(Event::TurnEnded {
            turn: turn(1),
            failed: false,
            still_failed: false,
        }),
        event(Event::HandedOver {
            reason: HandoffReason::Asked,
        }),
        event(Event::TakenOver {
            by: ActionBy {
                key_id: "k".to_owned(),
            },
        }),
        person_answers("Good day."),
        reply(None, "Good day."),
        event(Event::HandedBack {
            by: ActionBy {
                key_id: "k".to_owned(),
            },
        }),
    ];
    owner.append(&world, log).await;
    let mut page = Page::open(&world, &token, None).await;
    let seen = page.until("ready").await;
    let names: Vec<(Option<u64>, &str)> = seen.iter().map(|s| (s.id, s.name.as_str())).collect();
    assert_eq!(
        names,
        [
            (Some(1), "customer"),
            (Some(3), "message"),
            (Some(5), "notice"),
            (Some(6), "notice"),
            (Some(8), "message"),
            (Some(9), "notice")
        ]
    );
    assert_eq!(
        seen[0].data,
        json!({ "seq": 1, "id": "m-1", "text": "a kettle?", "at_ms": 500 })
    );
    assert_eq!(seen[1].data["cards"][0]["price"], "£45.99");
    assert_eq!(seen[1].data["turn"], turn(1).as_str());
    assert_eq!(
        (&seen[1].data["person"], &seen[4].data["person"]),
        (&json!(false), &json!(true))
    );
    let kinds: Vec<&Value> = [2, 3, 5].iter().map(|n| &seen[*n].data["kind"]).collect();
    assert_eq!(kinds, ["handed_over", "taken_over", "handed_back"]);
    // A page that comes back right before the person's answer still knows whose it is.
    let mut back = Page::open(&world, &token, Some("6")).await;
    assert_eq!(back.until("ready").await, seen[4..]);
}

#[tokio::test]
async fn a_page_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let world = World::new().await;
    let (token, address, mut owner) = begin(&world).await;
    let mut seen: Vec<Seen> = Vec::new();
    let mut written = 0_u64;
    // Longer than one page of the log, with a disconnect after every round.
    for round in 0..6_u64 {
        let mut log = Vec::new();
        for _ in 0..(if round == 3 { 450 } else { 3 }) {
            written += 1;
            log.push(received(&address, &format!("m-{written}"), "hello"));
        }
        owner.append(&world, log).await;
        let last = seen.last().and_then(|s| s.id).map(|id| id.to_string());
        let mut page = Page::open(&world, &token, last.as_deref()).await;
        if round % 2 == 0 {
            seen.extend(page.until("ready").await);
        } else {
            // Leaves in the middle.
            seen.extend(page.next().await);
        }
    }
    let mut page = Page::open(
        &world,
        &token,
        seen.last()
            .and_then(|s| s.id)
            .map(|id| id.to_string())
            .as_deref(),
    )
    .await;
    seen.extend(page.until("ready").await);
    let ids: Vec<u64> = seen.iter().filter_map(|s| s.id).collect();
    assert_eq!(ids, (1..=written).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_reply_comes_as_sentences_and_then_whole() {
    let world = World::new().await;
    let (token, address, mut owner) = begin(&world).await;
    let conversation = owner.stream.conversation.clone();
    let mut page = Page::open(&world, &token, None).await;
    assert!(page.until("ready").await.is_empty());
    let sentence = |n, text: &str| LiveEvent::Sentence {
        turn: turn(n),
        text: text.into(),
    };

    owner
        .append(&world, vec![received(&address, "m-1", "a kettle?")])
        .await;
    world.live.publish(&conversation, LiveEvent::Typing);
    assert_eq!(page.next().await.expect("event").name, "customer");
    assert_eq!(page.next().await.expect("event").name, "typing");
    world.live.publish(&conversation, sentence(1, "The Arden."));
    let provisional = page.next().await.expect("event");
    assert_eq!(
        (provisional.id, provisional.name.as_str()),
        (None, "sentence")
    );
    assert_eq!(
        provisional.data,
        json!({ "turn": turn(1), "text": "The Arden." })
    );
    world.live.publish(&conversation, LiveEvent::Restarted);
    assert_eq!(page.next().await.expect("event").name, "restarted");

    owner
        .append(&world, vec![reply(Some(turn(1)), "The Arden. It is red.")])
        .await;
    let content = OutboundMessage {
        text: "x".into(),
        cards: vec![],
    };
    world.live.publish(
        &conversation,
        LiveEvent::Message {
            message: MessageId::from_parts(1, 1),
            turn: Some(turn(1)),
            content,
        },
    );
    let whole = page.next().await.expect("event");
    assert_eq!((whole.id, whole.name.as_str()), (Some(2), "message"));
    assert_eq!(whole.data["text"], "The Arden. It is red.");
    // A sentence that comes after its message is not shown; the next turn's is.
    world.live.publish(&conversation, sentence(1, "late"));
    world.live.publish(&conversation, sentence(2, "Next."));
    assert_eq!(page.next().await.expect("event").data["text"], "Next.");
}

#[tokio::test]
async fn a_page_that_comes_back_while_an_answer_is_written_gets_its_sentences_so_far() {
    let world = World::new().await;
    let (token, address, mut owner) = begin(&world).await;
    let conversation = owner.stream.conversation.clone();
    owner
        .append(&world, vec![received(&address, "m-1", "a kettle?")])
        .await;
    let say = |text: &str| {
        let (turn, text) = (turn(1), text.into());
        world
            .live
            .publish(&conversation, LiveEvent::Sentence { turn, text });
    };
    say("The Arden.");
    say("It is red.");
    let mut page = Page::open(&world, &token, None).await;
    let seen = page.until("ready").await;
    let names: Vec<&str> = seen.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["customer", "restarted", "sentence", "sentence"]);
    assert_eq!(seen[3].data["text"], "It is red.");
    // It goes on from there.
    say("It is in stock.");
    let next = page.next().await.expect("event");
    assert_eq!(next.data["text"], "It is in stock.");

    // Once the answer is in the log, it is told from there alone, even if its end was missed here.
    owner
        .append(&world, vec![reply(Some(turn(1)), "Whole.")])
        .await;
    let mut page = Page::open(&world, &token, None).await;
    let seen = page.until("ready").await;
    let names: Vec<&str> = seen.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["customer", "message"]);
}

#[tokio::test]
async fn a_page_may_watch_before_it_writes() {
    let world = World::new().await;
    let token = new_token();
    let mut page = Page::open(&world, &token, None).await;
    assert!(page.until("ready").await.is_empty());
    let address = SessionToken::parse(&token).expect("token").address();
    post(&world, &token, "m-1").await;
    let stream = world
        .stream_of(Channel::Webchat, &address)
        .await
        .expect("conversation");
    let mut owner = Owner::of(&world, stream).await;
    owner
        .append(&world, vec![received(&address, "m-1", "a kettle?")])
        .await;
    assert_eq!(page.next().await.expect("event").name, "customer");
}

#[tokio::test]
async fn a_slow_page_gets_the_whole_message_all_the_same() {
    let world = World::new().await;
    let (token, _, mut owner) = begin(&world).await;
    let mut page = Page::open(&world, &token, None).await;
    page.until("ready").await;
    owner
        .append(&world, vec![reply(Some(turn(1)), "Whole.")])
        .await;
    for n in 0..200 {
        let text = format!("sentence {n}").as_str().into();
        world.live.publish(
            &owner.stream.conversation,
            LiveEvent::Sentence {
                turn: turn(1),
                text,
            },
        );
    }
    let seen = page.next().await.expect("event");
    assert_eq!(
        (seen.name.as_str(), &seen.data["text"]),
        ("message", &json!("Whole."))
    );
}

#[tokio::test]
async fn streams_end_when_the_feed_is_closed_and_need_a_token() {
    let world = World::new().await;
    let token = new_token();
    // A token in the address would be in every proxy's log, so it is not even looked at.
    let in_the_address = format!("/chat/northwind/events?token={token}");
    for path in ["/chat/northwind/events", in_the_address.as_str()] {
        let response = world
            .send(Request::get(path).body(Body::empty()).expect("request"))
            .await;
        assert_eq!(read(response).await.0, StatusCode::UNAUTHORIZED);
    }
    let mut page = Page::open(&world, &token, Some("not a number")).await;
    page.until("ready").await;
    world.live.close();
    assert!(page.next().await.is_none());
}
