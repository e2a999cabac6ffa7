//! What is told of a conversation, given its events.

use mercer_conversation::tools::ProductDetails;
use mercer_conversation::{State, evolve, notices};
use mercer_schemas::notice::{NOTICE_WORDS_MAX, Open};
use mercer_schemas::{
    ActionBy, Channel, Content, ConversationId, Event, Evidence, Field, Handle, HandoffReason,
    InboundMessage, MessageId, Notice, Plan, ProductId, RecordKey, ShopId, Stream, ToolCall,
    TurnId,
};

fn stream() -> Stream {
    Stream {
        shop: ShopId::new("highbarn").expect("key"),
        conversation: ConversationId::from_parts(1, 1),
    }
}

fn started() -> Event {
    Event::ConversationStarted {
        channel: Channel::Whatsapp,
        address: "447700900001".into(),
    }
}

fn received(words: &str) -> Event {
    Event::MessageReceived {
        message: InboundMessage {
            id: MessageId::from_parts(1, 7),
            provider_id: "m".to_owned(),
            sent_at_ms: 1,
            content: Content::Text { text: words.into() },
            cut_from_chars: None,
        },
    }
}

/// A turn that found a kettle, and a person who is called at its end.
fn handed_over(words: &str) -> Vec<Event> {
    let turn = TurnId::from_parts(1, 1);
    let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
    vec![
        received(words),
        Event::TurnStarted {
            turn: turn.clone(),
            attempt: 0,
            words: words.into(),
            cut: false,
        },
        Event::PlanMade {
            turn: turn.clone(),
            plan: Plan {
                calls: vec![ToolCall::new(&ProductDetails {
                    products: vec!["p1".to_owned()],
                    about: Vec::new(),
                })],
            },
        },
        Event::EvidenceGathered {
            turn: turn.clone(),
            evidence: vec![
                Evidence::Record {
                    handle: Handle::new(&key, 1),
                    key,
                    version: 1,
                    role: None,
                    tool: None,
                    fields: vec![Field::new("name", "Kettle")],
                },
                Evidence::HandedOver,
            ],
        },
        Event::TurnEnded {
            turn,
            failed: false,
            still_failed: false,
        },
        Event::HandedOver {
            reason: HandoffReason::Unable,
        },
    ]
}

fn after(events: &[Event]) -> State {
    events.iter().fold(State::default(), evolve)
}

#[test]
fn a_person_who_is_called_is_told_who_asked_what_and_what_was_found() {
    let before = after(&[started()]);
    let told = notices(&stream(), &before, &handed_over("does it whistle?"));
    let [
        Notice::HandedOver {
            reason, summary, ..
        },
    ] = told.as_slice()
    else {
        panic!("{} notices", told.len());
    };
    assert_eq!(*reason, HandoffReason::Unable);
    assert_eq!(summary.who.address.expose(), "447700900001");
    assert_eq!(summary.asked.expose(), "does it whistle?");
    assert_eq!(summary.found.len(), 1);
    let name = summary.found[0].name.as_ref().expect("a name");
    assert_eq!(name.expose(), "Kettle");
    assert_eq!(summary.open, Open::AnswerQuestion);
}

#[test]
fn messages_are_told_only_while_a_person_has_the_conversation() {
    let by = ActionBy {
        key_id: "k".to_owned(),
    };
    let before = after(&[started()]);
    assert!(notices(&stream(), &before, &[received("one")]).is_empty());
    let events = [
        received("two"),
        Event::TakenOver { by: by.clone() },
        received("three"),
        Event::HandedBack { by },
        received("four"),
    ];
    let told = notices(&stream(), &before, &events);
    let kinds: Vec<&str> = told.iter().map(|one| one.kind().as_str()).collect();
    assert_eq!(kinds, ["conversation.taken_over", "message.received"]);
    assert!(matches!(
        &told[1],
        Notice::MessageReceived { text: Some(text), .. } if text.expose() == "three"
    ));
}

#[test]
fn long_words_are_cut() {
    let before = after(&[started()]);
    let told = notices(&stream(), &before, &handed_over(&"é".repeat(50_000)));
    let Some(Notice::HandedOver { summary, .. }) = told.first() else {
        panic!("no notice");
    };
    assert_eq!(summary.asked.expose().chars().count(), NOTICE_WORDS_MAX);
    let bytes = serde_json::to_vec(&told[0]).expect("JSON").len();
    assert!(
        bytes < 20_000,
        "Standard Webhooks: below 20 kB, not {bytes}"
    );
}
