//! Conversations: what is shown of them, and a person stepping in.

use axum::body::Body;
use mercer_schemas::{
    ActionBy, Channel, Claim, Content, DeliveryStatus, DraftSource, Event, Evidence, Field, Handle,
    HandoffReason, InboundMessage, LogBody, LogRecord, MessageId, OutboundMessage, Plan, ProductId,
    RecordKey, Stream, TurnId, Verdict, partition_of,
};
use mercer_store::{Append, Command, InboxItem, InboxKind, NewInbox, Role};
use serde_json::{Value, json};

use crate::support::{Server, shop_id};

const CONVERSATIONS: &str = "/v1/shops/highbarn/conversations";

fn message_id(n: u128) -> MessageId {
    MessageId::from_parts(1_000, n)
}

/// Stores a customer's message and returns the conversation that it opened.
async fn receive(server: &Server, address: &str, channel: Channel, text: &str) -> Stream {
    receive_at(server, address, channel, text, 1_000).await
}

/// Returns the time, UTC milliseconds.
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_millis()).expect("a small number")
}

async fn receive_at(
    server: &Server,
    address: &str,
    channel: Channel,
    text: &str,
    at_ms: i64,
) -> Stream {
    let message = InboundMessage {
        id: message_id(1),
        provider_id: format!("wamid.{address}"),
        sent_at_ms: at_ms,
        cut_from_chars: None,
        content: Content::Text { text: text.into() },
    };
    let item = NewInbox {
        channel,
        provider_id: message.provider_id.clone(),
        address: address.into(),
        kind: InboxKind::Message,
        payload: InboxItem::Message(message).to_payload(),
        received_at_ms: at_ms,
        sent_at_ms: at_ms,
    };
    let inserted = server.store.inbox().insert(&shop_id(), vec![item]).await;
    let first = inserted.expect("stored").remove(0);
    first.stream.expect("a conversation")
}

/// Appends events as the owner of the conversation would.
async fn append(server: &Server, stream: &Stream, events: Vec<Event>) {
    let leases = server.store.leases();
    leases.register("test", "local").await.expect("registered");
    let claimed = leases.claim_all("test", true).await.expect("claimed");
    let partition = partition_of(&stream.shop, &stream.conversation);
    let lease = claimed
        .into_iter()
        .find(|lease| lease.partition == partition);
    let lease = lease.expect("all partitions");
    let records = events
        .into_iter()
        .zip(1_u64..)
        .map(|(event, seq)| LogRecord {
            seq,
            at_ms: 1_000 + seq as i64,
            epoch: lease.epoch,
            logic_version: 1,
            body: LogBody::Event { event },
        });
    let append = Append {
        stream: stream.clone(),
        records: records.collect(),
        lease,
        inbox_done: Vec::new(),
        inbox_quarantined: Vec::new(),
        outbox: Vec::new(),
        phase: "idle".to_owned(),
        handed_over: true,
        turns: 1,
        snapshot: None,
        notices: Vec::new(),
        expect_versions: Vec::new(),
    };
    let appended = server.store.conversations().append(append).await;
    assert!(appended.is_ok());
}

/// A turn that was interrupted once and blocked once, then a person.
fn a_conversation() -> Vec<Event> {
    let turn = TurnId::from_parts(1_000, 7);
    let kettle = RecordKey::Product(ProductId::new("HB-1042").expect("id"));
    let verdict = |passed| Verdict {
        rule: "number_not_in_evidence".to_owned(),
        passed,
    };
    let started = |attempt, words: &str| Event::TurnStarted {
        turn: turn.clone(),
        attempt,
        words: words.into(),
        cut: false,
    };
    let plan = |query: &str| Event::PlanMade {
        turn: turn.clone(),
        plan: Plan {
            calls: serde_json::from_value(json!([{"tool": "search_catalog", "query": query}]))
                .expect("calls"),
        },
    };
    let drafted = |draft: &str, source| Event::ReplyDrafted {
        turn: turn.clone(),
        draft: draft.into(),
        source,
    };
    let queued = |n, turn: Option<TurnId>, text: &str, claims| Event::ReplyQueued {
        turn,
        message: message_id(n),
        content: OutboundMessage {
            text: text.into(),
            cards: Vec::new(),
        },
        verdicts: vec![verdict(true)],
        claims,
    };
    let delivered = |n, status| Event::DeliveryUpdated {
        message: message_id(n),
        status,
    };
    let by = ActionBy {
        key_id: "ada".to_owned(),
    };
    let claim = Claim {
        reference: "p1.price".to_owned(),
        record: kettle.clone(),
        version: 3,
        value: "£45.99".into(),
        read_at_ms: 1_008,
    };
    vec![
        Event::ConversationStarted {
            channel: Channel::Whatsapp,
            address: "447700900123".into(),
        },
        started(0, "kettle"),
        plan("kettle"),
        started(1, "kettle\nthe red one"),
        plan("the red one"),
        Event::EvidenceGathered {
            turn: turn.clone(),
            evidence: vec![Evidence::Record {
                handle: Handle::new(&kettle, 1),
                key: kettle.clone(),
                version: 3,
                role: None,
                tool: None,
                fields: vec![Field::new("price", "£45.99")],
            }],
        },
        drafted("It costs 9.", DraftSource::Model),
        Event::ReplyBlocked {
            turn: turn.clone(),
            verdicts: vec![verdict(false)],
        },
        drafted("It costs {{p1.price}}.", DraftSource::Repair),
        queued(20, Some(turn.clone()), "It costs £45.99.", vec![claim]),
        Event::TurnEnded {
            turn: turn.clone(),
            failed: false,
            still_failed: false,
        },
        delivered(20, DeliveryStatus::Read),
        delivered(20, DeliveryStatus::Delivered),
        Event::HandedOver {
            reason: HandoffReason::Asked,
        },
        Event::TakenOver { by },
        queued(21, None, "Ada here.", Vec::new()),
        delivered(21, DeliveryStatus::Sent),
    ]
}

#[tokio::test]
async fn a_conversation_is_shown_with_everything_that_made_its_replies() {
    let server = Server::start().await;
    let stream = receive(&server, "447700900123", Channel::Whatsapp, "kettle").await;
    append(&server, &stream, a_conversation()).await;
    let mut answer = server
        .get(&format!("{CONVERSATIONS}/{}", stream.conversation))
        .await;
    assert_eq!(answer.status, 200);
    let conversation = answer.json["conversation"].take();
    assert_eq!(conversation["id"], json!(stream.conversation));
    assert_eq!(
        (&conversation["handed_over"], &conversation["turns"]),
        (&json!(true), &json!(1))
    );
    insta::assert_json_snapshot!(answer.json, @r#"
    {
      "conversation": null,
      "turns": [
        {
          "turn": "turn_00000000Z80000000000000007",
          "restarts": 1,
          "started_at_ms": 1002,
          "ended_at_ms": 1011,
          "words": "kettle\nthe red one",
          "plan": {
            "calls": [
              {
                "tool": "search_catalog",
                "query": "the red one"
              }
            ]
          },
          "evidence": [
            {
              "kind": "record",
              "handle": "p1",
              "key": "product:HB-1042",
              "version": 3,
              "fields": [
                {
                  "name": "price",
                  "value": "£45.99"
                }
              ]
            }
          ],
          "drafts": [
            {
              "at_ms": 1007,
              "source": "model",
              "text": "It costs 9.",
              "blocked_by": [
                {
                  "rule": "number_not_in_evidence",
                  "passed": false
                }
              ]
            },
            {
              "at_ms": 1009,
              "source": "repair",
              "text": "It costs {{p1.price}}.",
              "blocked_by": []
            }
          ],
          "replies": [
            {
              "message": "msg_00000000Z8000000000000000M",
              "queued_at_ms": 1010,
              "text": "It costs £45.99.",
              "cards": [],
              "verdicts": [
                {
                  "rule": "number_not_in_evidence",
                  "passed": true
                }
              ],
              "ledger": [
                {
                  "reference": "p1.price",
                  "record": "product:HB-1042",
                  "version": 3,
                  "value": "£45.99",
                  "read_at_ms": 1008
                }
              ],
              "delivery": "read"
            }
          ]
        }
      ],
      "steps": [
        {
          "seq": 14,
          "at_ms": 1014,
          "kind": "handed_over",
          "reason": "asked"
        },
        {
          "seq": 15,
          "at_ms": 1015,
          "kind": "taken_over",
          "by": {
            "key_id": "ada"
          }
        },
        {
          "seq": 16,
          "at_ms": 1016,
          "kind": "message",
          "sent": {
            "message": "msg_00000000Z8000000000000000N",
            "queued_at_ms": 1016,
            "text": "Ada here.",
            "cards": [],
            "verdicts": [
              {
                "rule": "number_not_in_evidence",
                "passed": true
              }
            ],
            "ledger": [],
            "delivery": "sent"
          }
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn customers_words_are_shown_to_keys_that_may_read_conversations_only() {
    let server = Server::start().await;
    let stream = receive(&server, "canary-address", Channel::Webchat, "canary words").await;
    append(&server, &stream, a_conversation()).await;
    for role in [Role::Integration, Role::Analyst] {
        for path in [
            "",
            &format!("/{}", stream.conversation),
            &format!("/{}/replay", stream.conversation),
        ] {
            let request = format!("GET {CONVERSATIONS}{path}");
            let answer = server
                .send(&request, Some(server.key(role)), &[], Body::empty())
                .await;
            let text = answer.json.to_string();
            if role == Role::Integration {
                assert_eq!(answer.status, 403);
                assert!(!text.contains("canary") && !text.contains("kettle"));
            } else {
                assert_eq!(answer.status, 200);
            }
        }
    }
}

#[tokio::test]
async fn lists_filter_and_have_pages() {
    let server = Server::start().await;
    for n in 0..7 {
        let channel = if n < 5 {
            Channel::Whatsapp
        } else {
            Channel::Webchat
        };
        let stream = receive(&server, &format!("4477009000{n}"), channel, "hello").await;
        if n == 0 {
            append(&server, &stream, a_conversation()).await;
        }
    }
    for (filter, count) in [
        ("", 7),
        ("?channel=webchat", 2),
        ("?handed_over=true", 1),
        ("?handed_over=false&channel=whatsapp", 4),
        ("?phase=nothing", 0),
        ("?since=9000000000000000", 0),
    ] {
        let page = server.get(&format!("{CONVERSATIONS}{filter}")).await;
        assert_eq!(
            page.json["items"].as_array().map(Vec::len),
            Some(count),
            "{filter}"
        );
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server
            .get(&format!("{CONVERSATIONS}?limit=3{cursor}"))
            .await;
        let items = page.json["items"].as_array().expect("items");
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        match page.json["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn stepping_in_puts_commands_into_the_inbox_in_order_and_once_per_key() {
    let server = Server::start().await;
    let stream = receive_at(&server, "447700900123", Channel::Whatsapp, "help", now_ms()).await;
    let path = format!("POST {CONVERSATIONS}/{}", stream.conversation);
    let once = [("idempotency-key", "answer-1")];
    let taken = server.json(&format!("{path}/take-over"), Value::Null).await;
    let body = json!({"text": "Ada here, how can I help?"});
    let first = server
        .json_with(&format!("{path}/answer"), &once, body.clone())
        .await;
    let again = server
        .json_with(&format!("{path}/answer"), &once, body)
        .await;
    let back = server.json(&format!("{path}/hand-back"), Value::Null).await;
    for answer in [&taken, &first, &again, &back] {
        assert_eq!(answer.status, 202, "{}", answer.json);
    }
    assert_eq!(first.json, again.json);

    let open = server.store.inbox().open(&stream).await.expect("rows").rows;
    let commands: Vec<String> = open
        .iter()
        .filter_map(|row| match &row.item {
            InboxItem::Command(Command::TakeOver { by }) => {
                Some(format!("take over {}", by.key_id))
            }
            InboxItem::Command(Command::Answer { text, .. }) => Some(text.expose().clone()),
            InboxItem::Command(Command::HandBack { .. }) => Some("hand back".to_owned()),
            _ => None,
        })
        .collect();
    let keys = server
        .store
        .keys()
        .list(Some(&shop_id()))
        .await
        .expect("keys");
    let owner = keys
        .iter()
        .find(|key| key.role == Role::Owner)
        .expect("owner");
    let wanted = [
        format!("take over {}", owner.id),
        "Ada here, how can I help?".to_owned(),
        "hand back".to_owned(),
    ];
    assert_eq!(commands, wanted);

    for bad in [
        json!({"text": " "}),
        json!({}),
        json!({"text": "a\u{0}"}),
        json!({"text": "x".repeat(4097)}),
    ] {
        let answer = server.json(&format!("{path}/answer"), bad).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["errors"][0]["field"]),
            (422, &json!("text"))
        );
    }
}

#[tokio::test]
async fn an_answer_after_the_channels_window_is_refused_before_it_is_stored() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let server = Server::start().await;
    let wrote_at_ms = now_ms() - DAY_MS - 60_000;
    let body = json!({"text": "Ada here. Your parcel has come."});
    for (channel, address, wanted) in [
        (Channel::Whatsapp, "447700900301", 409),
        (Channel::Webchat, "page-301", 202),
    ] {
        let stream = receive_at(&server, address, channel, "hello?", wrote_at_ms).await;
        let path = format!("POST {CONVERSATIONS}/{}", stream.conversation);
        server.json(&format!("{path}/take-over"), Value::Null).await;
        let answer = server.json(&format!("{path}/answer"), body.clone()).await;
        assert_eq!(answer.status, wanted, "{}", answer.json);
        let open = server.store.inbox().open(&stream).await.expect("rows").rows;
        let is_answer = |row: &mercer_store::InboxRow| {
            matches!(row.item, InboxItem::Command(Command::Answer { .. }))
        };
        assert_eq!(open.iter().any(is_answer), wanted == 202);
        if wanted == 409 {
            assert_eq!(answer.json["type"], "urn:mercer:problem:window-closed");
            let closed_at = (wrote_at_ms + DAY_MS).to_string();
            let detail = answer.json["detail"].as_str().expect("detail");
            assert!(detail.contains(&closed_at), "{detail}");
        }
    }
    // The customer writes again, and the window is open.
    let stream = receive_at(
        &server,
        "447700900302",
        Channel::Whatsapp,
        "still there?",
        now_ms() - DAY_MS + 600_000,
    )
    .await;
    let path = format!("POST {CONVERSATIONS}/{}", stream.conversation);
    server.json(&format!("{path}/take-over"), Value::Null).await;
    let answer = server.json(&format!("{path}/answer"), body).await;
    assert_eq!(answer.status, 202, "{}", answer.json);
}

#[tokio::test]
async fn an_answer_without_a_take_over_is_refused_before_it_is_stored() {
    let server = Server::start().await;
    let phone = "447700900123";
    let stream = receive_at(&server, phone, Channel::Whatsapp, "help", now_ms()).await;
    let path = format!("POST {CONVERSATIONS}/{}", stream.conversation);
    let body = json!({"text": "Ada here, how can I help?"});
    let post = |action: &str, body: Value| {
        let (server, path) = (&server, format!("{path}/{action}"));
        let key = [("idempotency-key", "answer-1")];
        async move { server.json_with(&path, &key, body).await }
    };
    let early = server.json(&format!("{path}/answer"), body.clone()).await;
    assert_eq!(early.status, 409);
    let open = server.store.inbox().open(&stream).await.expect("rows").rows;
    assert_eq!(open.len(), 1, "the customer's message alone");

    assert_eq!(post("take-over", Value::Null).await.status, 202);
    let taken = post("answer", body.clone()).await;
    assert_eq!(taken.status, 202);
    assert_eq!(post("hand-back", Value::Null).await.status, 202);
    // The same request again is the same answer; another one comes too late.
    let again = post("answer", body.clone()).await;
    assert_eq!((again.status.as_u16(), again.json), (202, taken.json));
    let late = server.json(&format!("{path}/answer"), body).await;
    assert_eq!(late.status, 409);
}

#[tokio::test]
async fn a_replay_names_what_the_log_holds() {
    let server = Server::start().await;
    let stream = receive(&server, "447700900123", Channel::Whatsapp, "kettle").await;
    append(&server, &stream, a_conversation()).await;
    let answer = server
        .get(&format!("{CONVERSATIONS}/{}/replay", stream.conversation))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json["verified"]),
        (200, &json!(true))
    );
    let timeline = answer.json["timeline"].as_array().expect("timeline");
    assert_eq!(
        (timeline.len(), &timeline[0]["title"]),
        (17, &json!("conversation_started"))
    );
}
