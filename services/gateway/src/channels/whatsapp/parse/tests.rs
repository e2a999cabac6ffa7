//! Examples and properties of the webhook reader.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn envelope(value: Value) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }]
    })
    .to_string()
    .into_bytes()
}

fn value_with(part: &str, items: Vec<Value>) -> Value {
    let mut value =
        json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": "1055" } });
    value[part] = Value::Array(items);
    value
}

fn one_message(message: Value) -> Item {
    let mut items = parse(&envelope(value_with("messages", vec![message])), "1055");
    assert_eq!(items.len(), 1);
    items.remove(0)
}

fn describe(item: &Item) -> String {
    match item {
        Item::Message(m) => match &m.content {
            Content::Text { .. } => "text".to_owned(),
            Content::Choice { id, .. } => format!("choice {id}"),
            Content::Unsupported { kind_name, quiet } => {
                format!(
                    "{} {kind_name}",
                    if *quiet { "quiet" } else { "unsupported" }
                )
            }
        },
        Item::Status(s) => format!("status {:?} {:?}", s.status, s.error),
        Item::Parked(p) => format!("parked {}", p.reason),
    }
}

fn with(base: Value, change: Value) -> Value {
    let mut message = base;
    for (key, value) in change.as_object().into_iter().flatten() {
        message[key] = value.clone();
    }
    message
}

#[test]
fn each_kind_of_message_is_read_or_kept() {
    let base = json!({ "id": "wamid.1", "from": "447700900123", "timestamp": "1760000000" });
    let cases = [
        (json!({"type": "text", "text": {"body": "hello"}}), "text"),
        (
            json!({"type": "text", "text": {"body": "  "}}),
            "unsupported empty_text",
        ),
        (
            json!({"type": "text", "text": {}}),
            "parked text message without a body",
        ),
        (
            json!({"type": "text"}),
            "parked text message without a body",
        ),
        (
            json!({"type": "button", "button": {"payload": "yes", "text": "Yes"}}),
            "choice yes",
        ),
        (
            json!({"type": "button", "button": {"text": "Yes"}}),
            "choice ",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "b1", "title": "Blue"}}}),
            "choice b1",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "l2", "title": "Red", "description": "d"}}}),
            "choice l2",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}}),
            "unsupported interactive.nfm_reply",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "list_reply"}}),
            "parked reply without a title",
        ),
        (
            json!({"type": "image", "image": {"id": "9"}}),
            "unsupported image",
        ),
        (json!({"type": "audio"}), "unsupported audio"),
        (json!({"type": "order", "order": {}}), "unsupported order"),
        (
            json!({"type": "reaction", "reaction": {"emoji": "👍"}}),
            "quiet reaction",
        ),
        (
            json!({"type": "unsupported", "errors": [{"code": 131051}]}),
            "unsupported unsupported",
        ),
        (json!({"type": "My name is Ann"}), "unsupported unknown"),
        (json!({"type": 7}), "parked message without a type"),
        (
            json!({"group_id": "g", "type": "text", "text": {"body": "hi"}}),
            "parked message of a group",
        ),
        (
            json!({"id": "", "type": "text"}),
            "parked message without a usable id",
        ),
        (
            json!({"id": "a b", "type": "text"}),
            "parked message without a usable id",
        ),
        (
            json!({"id": "x\u{0}", "type": "text"}),
            "parked message without a usable id",
        ),
        (
            json!({"from": null, "type": "text"}),
            "parked message without a usable sender",
        ),
    ];
    for (change, expected) in cases {
        let item = one_message(with(base.clone(), change.clone()));
        assert_eq!(describe(&item), expected, "{change}");
    }
}

#[test]
fn a_sender_without_a_phone_is_known_by_user_id() {
    let text = json!({"id": "wamid.1", "type": "text", "text": {"body": "hi"}});
    let address = |message: Value, contacts: Value| {
        let mut value = value_with("messages", vec![message]);
        value["contacts"] = contacts;
        match parse(&envelope(value), "1055").remove(0) {
            Item::Message(message) => message.address.into_inner(),
            other => describe(&other),
        }
    };
    let by_message = with(text.clone(), json!({"from_user_id": "GB.104712"}));
    assert_eq!(address(by_message, Value::Null), "GB.104712");
    assert_eq!(address(text.clone(), json!([{"user_id": "GB.7"}])), "GB.7");
    let phone_first = with(
        text.clone(),
        json!({"from": "447700900123", "from_user_id": "GB.1"}),
    );
    assert_eq!(address(phone_first, Value::Null), "447700900123");
    let two = json!([{"user_id": "GB.7"}, {"user_id": "GB.8"}]);
    assert_eq!(address(text, two), "parked message without a usable sender");
}

#[test]
fn statuses_are_read_with_our_id_and_the_error() {
    let ours = MessageId::from_parts(1, 2);
    let cases = [
        (json!({"status": "sent"}), "status Sent None"),
        (json!({"status": "delivered"}), "status Delivered None"),
        (json!({"status": "read"}), "status Read None"),
        (
            json!({"status": "failed", "errors": [{"code": 131047, "title": "x"}]}),
            "status Failed Some(\"131047\")",
        ),
        (
            json!({"status": "warning"}),
            "parked status that is not known",
        ),
        (json!({}), "parked status that is not known"),
    ];
    for (change, expected) in cases {
        let base = json!({"id": "wamid.9", "recipient_id": "447700900123",
            "timestamp": "1760000001", "biz_opaque_callback_data": ours.as_str()});
        let body = envelope(value_with("statuses", vec![with(base, change)]));
        let item = parse(&body, "1055").remove(0);
        assert_eq!(describe(&item), expected);
        if let Item::Status(status) = item {
            assert_eq!(status.message.as_ref(), Some(&ours));
            assert_eq!(status.sent_at_ms, Some(1_760_000_001_000));
        }
    }
}

#[test]
fn envelopes_that_are_not_understood_are_set_aside_whole() {
    let change = |field: &str, value: Value| json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": field, "value": value}]}]});
    let cases = [
        (json!(null), "not of a WhatsApp business account"),
        (json!([]), "not of a WhatsApp business account"),
        (
            json!({"object": "page", "entry": []}),
            "not of a WhatsApp business account",
        ),
        (json!({"object": "whatsapp_business_account"}), "no entries"),
        (
            json!({"object": "whatsapp_business_account", "entry": []}),
            "no entries",
        ),
        (
            json!({"object": "whatsapp_business_account", "entry": [{}]}),
            "entry without changes",
        ),
        (
            json!({"object": "whatsapp_business_account", "entry": [7]}),
            "entry without changes",
        ),
        (
            change("account_update", json!({})),
            "field that is not read",
        ),
        (change("messages", json!({})), "number of another shop"),
        (
            change(
                "messages",
                json!({"metadata": {"phone_number_id": "2"}, "messages": [{}]}),
            ),
            "number of another shop",
        ),
        (
            change("messages", json!({"metadata": {"phone_number_id": 1055}})),
            "number of another shop",
        ),
        (
            change("messages", json!({"metadata": {"phone_number_id": "1055"}})),
            "no messages and no statuses",
        ),
        (
            change(
                "messages",
                json!({"metadata": {"phone_number_id": "1055"}, "messages": {}}),
            ),
            "not a list",
        ),
        (
            change(
                "messages",
                json!({"metadata": {"phone_number_id": "1055"}, "errors": [{"code": 1}]}),
            ),
            "error reported by the platform",
        ),
    ];
    for (body, reason) in cases {
        let items = parse(body.to_string().as_bytes(), "1055");
        assert_eq!(items.len(), 1, "{body}");
        assert_eq!(describe(&items[0]), format!("parked {reason}"));
    }
    let deep = "[".repeat(100_000);
    for broken in ["", "{", "\u{feff}{}", "{\"object\":", deep.as_str()] {
        let items = parse(broken.as_bytes(), "1055");
        assert_eq!(describe(&items[0]), "parked not JSON");
        assert!(matches!(&items[0], Item::Parked(p) if p.raw == broken.as_bytes()));
    }
}

#[test]
fn words_lose_what_no_database_can_hold() {
    let base = json!({ "id": "wamid.1", "from": "447700900123", "timestamp": "1760000000" });
    let text = |body: &str| {
        let change = json!({"type": "text", "text": {"body": body}});
        one_message(with(base.clone(), change))
    };
    let Item::Message(message) = text("HB-\u{0}1042?") else {
        panic!("no message");
    };
    assert!(matches!(&message.content, Content::Text { text } if text.expose() == "HB-1042?"));
    assert_eq!(describe(&text("\0\0")), "unsupported empty_text");
}

#[test]
fn times_outside_any_calendar_are_left_out() {
    for (value, expected) in [
        (json!("1760000000"), Some(1_760_000_000_000)),
        (json!(1_760_000_000), Some(1_760_000_000_000)),
        (json!("-5"), None),
        (json!("9223372036854775807"), None),
        (json!("soon"), None),
        (json!(1.5), None),
        (json!(null), None),
    ] {
        assert_eq!(time_ms(&value), expected, "{value}");
    }
}

/// Any JSON value, with the keys that the reader looks for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "text",
            "interactive",
            "button",
            "messages",
            "whatsapp_business_account",
            "1055",
            "failed"
        ])
        .prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "object",
        "entry",
        "changes",
        "field",
        "value",
        "metadata",
        "phone_number_id",
        "messages",
        "statuses",
        "errors",
        "contacts",
        "id",
        "from",
        "type",
        "text",
        "body",
        "interactive",
        "button_reply",
        "title",
        "timestamp",
        "status",
        "code",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_give_at_least_one_item(body in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!parse(&body, "1055").is_empty());
    }

    #[test]
    fn any_json_gives_at_least_one_item(body in any_json()) {
        prop_assert!(!parse(body.to_string().as_bytes(), "1055").is_empty());
    }

    #[test]
    fn a_truncated_body_is_set_aside(at in 0_usize..200) {
        let body = envelope(value_with("messages", vec![json!({"id": "wamid.1", "from": "44", "type": "text", "text": {"body": "hello"}})]));
        let at = at.min(body.len() - 1);
        let items = parse(&body[..at], "1055");
        prop_assert_eq!(items.len(), 1);
        prop_assert!(matches!(&items[0], Item::Parked(_)));
    }

    #[test]
    fn a_valid_message_survives_any_neighbours(
        before in prop::collection::vec(any_json(), 0..4),
        after in prop::collection::vec(any_json(), 0..4),
        other_changes in prop::collection::vec(any_json(), 0..3),
        other_entries in prop::collection::vec(any_json(), 0..3),
    ) {
        let valid = json!({"id": "wamid.kept", "from": "447700900123", "type": "text", "text": {"body": "keep me"}});
        let count = before.len() + after.len() + 1;
        let messages: Vec<Value> = before.into_iter().chain([valid]).chain(after).collect();
        let change = json!({"field": "messages", "value": value_with("messages", messages)});
        let changes: Vec<Value> = other_changes.into_iter().chain([change]).collect();
        let entries: Vec<Value> = other_entries.into_iter().chain([json!({"changes": changes})]).collect();
        let body = json!({"object": "whatsapp_business_account", "entry": entries}).to_string();
        let items = parse(body.as_bytes(), "1055");
        prop_assert!(items.len() >= count);
        let kept = items.iter().filter(|item| {
            matches!(item, Item::Message(m) if m.provider_id == "wamid.kept"
                && m.content.words().is_some_and(|w| w.expose() == "keep me"))
        });
        prop_assert_eq!(kept.count(), 1);
    }
}
