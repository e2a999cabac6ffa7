//! Who writes: how long a proof holds, and when a person is called.

use mercer_conversation::{Effect, Phase, State, decide, evolve, invariants, wanted};
use mercer_schemas::{
    ActionBy, Channel, Content, CustomerId, Detail, Event, Evidence, Field, Generated, Handle,
    HandoffReason, IdentityEnd, InboundMessage, Input, MessageId, Meta, OrderNumber, PromptStyle,
    Proof, RecordKey, RenderedReply, Settings,
};

const HOUR_MS: i64 = 60 * 60 * 1_000;
const HOME: &str = "447700900001";

fn settings() -> Settings {
    Settings {
        shop_name: "Shop".into(),
        prompt_style: PromptStyle::Compact,
        history_chars_max: 6_000,
        output_tokens_max: 64,
        introduction: None,
        locale: "en-GB".to_owned(),
        hints: true,
    }
}

fn customer() -> CustomerId {
    CustomerId::new("C-1").expect("key")
}

fn order() -> Evidence {
    let key = RecordKey::Order(OrderNumber::new("HB-70417").expect("key"));
    Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 1,
        role: None,
        tool: None,
        fields: vec![
            Field::new("number", "HB-70417"),
            Field::new("status", "shipped"),
        ],
    }
}

fn proof(stamp: &str) -> Proof {
    Proof {
        stamp: Some(stamp.into()),
        ..Proof::default()
    }
}

fn wrong() -> Proof {
    Proof {
        wrong: true,
        given: vec![Detail {
            key: "hb70417".into(),
            fits: true,
        }],
        ..Proof::default()
    }
}

/// A conversation under test, and the time.
#[derive(Default)]
struct Talk {
    state: State,
    at_ms: i64,
    inputs: u64,
}

impl Talk {
    fn when(&mut self, input: Input) -> Vec<Event> {
        self.inputs += 1;
        let meta = Meta {
            at_ms: self.at_ms,
            entropy: self.inputs,
            settings: settings(),
        };
        let events = decide(&self.state, &input, &meta).expect("not refused");
        for event in &events {
            self.state = evolve(std::mem::take(&mut self.state), event);
            invariants::check(&self.state).expect("invariants hold");
        }
        events
    }

    fn says(&mut self, address: &str) -> Vec<Event> {
        let message = InboundMessage {
            id: MessageId::from_parts(1, u128::from(self.inputs)),
            provider_id: format!("m{}", self.inputs),
            sent_at_ms: self.at_ms,
            content: Content::Text {
                text: "where is HB-70417?".into(),
            },
            cut_from_chars: None,
        };
        self.when(Input::ReceiveMessages {
            channel: Channel::Whatsapp,
            address: address.into(),
            messages: vec![message],
            terms: None,
        })
    }

    fn effect(&self) -> Effect {
        wanted(&self.state, &settings()).expect("an effect is open")
    }

    /// Lets the tools answer a message, and the reply pass.
    fn told(
        &mut self,
        evidence: Evidence,
        identified: Option<CustomerId>,
        proof: Proof,
    ) -> Vec<Event> {
        let mut events = self.looks(Some("HB-70417"), evidence, identified, proof);
        events.extend(self.replies());
        events
    }

    /// Lets the model look at an order, and the tools answer.
    fn looks(
        &mut self,
        order: Option<&str>,
        evidence: Evidence,
        identified: Option<CustomerId>,
        proof: Proof,
    ) -> Vec<Event> {
        let order = order.map_or(String::new(), |order| format!(r#","order":"{order}""#));
        let mut events = self.writes(&format!(
            r#"{{"calls":[{{"tool":"order_status"{order}}}]}}"#
        ));
        events.extend(self.when(Input::ToolsAnswered {
            effect: self.effect().id().clone(),
            evidence: vec![evidence],
            identified,
            proof: Some(proof),
        }));
        events
    }

    fn replies(&mut self) -> Vec<Event> {
        let mut events = self.writes("ok");
        let reply = RenderedReply {
            text: "ok".into(),
            cards: Vec::new(),
            claims: Vec::new(),
        };
        events.extend(self.when(Input::ReplyChecked {
            effect: self.effect().id().clone(),
            verdicts: Vec::new(),
            reply: Some(reply),
        }));
        events
    }

    fn writes(&mut self, text: &str) -> Vec<Event> {
        self.when(Input::Generated {
            effect: self.effect().id().clone(),
            output: Generated {
                text: text.into(),
                model: "m".into(),
                prompt_sha256: String::new(),
                prompt_tokens: 1,
                cached_tokens: 0,
                output_tokens: 1,
                first_token_ms: 1,
                total_ms: 1,
            },
            intents: Vec::new(),
        })
    }

    /// A conversation in which an order was told.
    fn proven() -> Self {
        let mut talk = Self::default();
        talk.says(HOME);
        talk.told(order(), Some(customer()), proof("a"));
        assert_eq!(talk.state.customer, Some(customer()));
        talk
    }
}

fn ends(events: &[Event]) -> Vec<IdentityEnd> {
    let ends = events.iter().filter_map(|event| match event {
        Event::IdentityEnded { cause } => Some(*cause),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_proof_holds_for_a_day_after_the_last_message() {
    let mut talk = Talk::proven();
    for _ in 0..3 {
        talk.at_ms += 24 * HOUR_MS;
        assert!(ends(&talk.says(HOME)).is_empty());
        talk.told(order(), Some(customer()), proof("a"));
    }
    talk.at_ms += 24 * HOUR_MS + 1;
    assert_eq!(ends(&talk.says(HOME)), [IdentityEnd::Silence]);
    assert_eq!(talk.state.customer, None);
    assert!(talk.state.identity.is_empty());
    // What was told is not in the prompt of whoever writes now.
    assert!(talk.state.past.is_empty());
    talk.writes(r#"{"calls":[{"tool":"order_status"}]}"#);
    let Effect::CallTools { lookup, .. } = talk.effect() else {
        panic!("no tools")
    };
    assert_eq!(lookup.customer, None);
}

#[test]
fn messages_to_a_person_keep_a_proof_alive() {
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    let mut talk = Talk::proven();
    talk.when(Input::TakeOver { by: by.clone() });
    for _ in 0..3 {
        talk.at_ms += 20 * HOUR_MS;
        assert!(ends(&talk.says(HOME)).is_empty());
    }
    talk.when(Input::HandBack { by });
    assert_eq!(talk.state.customer, Some(customer()));
}

#[test]
fn a_proof_ends_on_another_address() {
    let mut talk = Talk::proven();
    assert_eq!(ends(&talk.says("447700900002")), [IdentityEnd::Address]);
    assert_eq!(talk.state.customer, None);
}

#[test]
fn a_proof_ends_when_the_tools_say_that_its_ground_has_changed() {
    let mut talk = Talk::proven();
    talk.says(HOME);
    let ended = Proof {
        ended: true,
        ..Proof::default()
    };
    let events = talk.told(Evidence::IdentityNeeded, None, ended.clone());
    assert_eq!(ends(&events), [IdentityEnd::Record]);
    assert_eq!(talk.state.customer, None);
    // It may end and be proven anew at once: by the phone's new owner.
    let mut talk = Talk::proven();
    talk.says(HOME);
    let other = CustomerId::new("C-2").expect("key");
    let anew = Proof {
        stamp: Some("b".into()),
        ..ended
    };
    talk.told(order(), Some(other.clone()), anew);
    assert_eq!(talk.state.customer, Some(other));
    assert!(talk.state.identity.stamp == Some("b".into()));
}

#[test]
fn a_proof_of_older_records_ends_at_the_next_message() {
    let old: Event =
        serde_json::from_str(r#"{"type":"customer_identified","customer":"C-1"}"#).expect("event");
    let started = Event::ConversationStarted {
        channel: Channel::Whatsapp,
        address: HOME.into(),
    };
    let state = [started, old].iter().fold(State::default(), evolve);
    assert_eq!(state.customer, Some(customer()));
    let written = serde_json::to_string(&state).expect("state");
    assert!(
        !written.contains("identity"),
        "it is written as it was: {written}"
    );
    let mut talk = Talk {
        state,
        at_ms: 1_790_000_000_000,
        ..Talk::default()
    };
    assert_eq!(ends(&talk.says(HOME)), [IdentityEnd::Silence]);
}

#[test]
fn wrong_proofs_are_counted_until_a_person_hands_the_conversation_back() {
    let mut talk = Talk::default();
    for count in 1..=5 {
        talk.says(HOME);
        talk.told(Evidence::OrderNotFound, None, wrong());
        assert_eq!(talk.state.identity.wrong, count);
    }
    talk.says(HOME);
    let Effect::Generate { .. } = talk.effect() else {
        panic!("no plan")
    };
    let still = Proof {
        given: talk.state.identity.given.clone(),
        ..Proof::default()
    };
    let events = talk.told(Evidence::HandedOver, None, still);
    let reason = HandoffReason::Identity;
    assert!(events.contains(&Event::HandedOver { reason }));
    assert!(talk.state.phase == Phase::WithPerson);
    let by = ActionBy {
        key_id: "key_1".into(),
    };
    talk.when(Input::HandBack { by });
    assert!(talk.state.identity.wrong == 0 && talk.state.identity.given.is_empty());
}

#[test]
fn a_turn_that_looks_again_with_the_same_details_has_tried_once() {
    let mut talk = Talk::default();
    talk.says(HOME);
    talk.looks(Some("HB-70417"), Evidence::OrderNotFound, None, wrong());
    assert_eq!(talk.state.identity.wrong, 1);
    // In a later round, and once more after the turn began again.
    talk.looks(None, Evidence::OrderNotFound, None, wrong());
    assert_eq!(talk.state.identity.wrong, 1);
    talk.says(HOME);
    talk.looks(None, Evidence::OrderNotFound, None, wrong());
    assert_eq!(talk.state.identity.wrong, 1);
    // Something new is another try, in the same turn or not.
    let mut other = wrong();
    other.given.push(Detail {
        key: "bs14dj".into(),
        fits: false,
    });
    talk.looks(
        Some("HB-70417"),
        Evidence::OrderNotFound,
        None,
        other.clone(),
    );
    assert_eq!(talk.state.identity.wrong, 2);
    assert_eq!(talk.state.identity.given.len(), 2);
    talk.replies();
    // And so are the same details in another message.
    talk.says(HOME);
    talk.told(Evidence::OrderNotFound, None, other);
    assert_eq!(talk.state.identity.wrong, 3);
}

#[test]
fn what_was_given_is_forgotten_after_a_day_but_not_the_count() {
    let mut talk = Talk::default();
    talk.says(HOME);
    talk.told(Evidence::OrderNotFound, None, wrong());
    talk.at_ms += 25 * HOUR_MS;
    assert_eq!(ends(&talk.says(HOME)), [IdentityEnd::Silence]);
    assert!(talk.state.identity.given.is_empty());
    assert_eq!(talk.state.identity.wrong, 1);
}
