//! Prompts and grammars as the models get them, for a handful of states.
//!
//! A difference here is a difference in what models read: a trained model may answer worse, and a
//! KV cache of before is of no use. `INSTA_UPDATE=always cargo nextest run -p mercer-conversation
//! --test snapshots` writes them anew.

use mercer_conversation::grammar;
use mercer_conversation::{PastTurn, Rounds, State, Turn, prompt};
use mercer_schemas::{
    ChatMessage, DocumentId, Evidence, Field, Handle, Intent, OrderNumber, Plan, ProductId,
    PromptStyle, RecordKey, Settings, Sku, TurnId,
};

fn settings(prompt_style: PromptStyle) -> Settings {
    Settings {
        shop_name: "Arden Home".into(),
        prompt_style,
        history_chars_max: 1_500,
        output_tokens_max: 160,
        introduction: None,
        locale: "en-GB".to_owned(),
        hints: true,
    }
}

fn turn(words: &str) -> Turn {
    Turn {
        id: TurnId::from_parts(1, 1),
        attempt: 0,
        words: words.into(),
        cut: false,
    }
}

fn plan(json: &str) -> Plan {
    serde_json::from_str(json).expect("plan")
}

fn record(key: RecordKey, number: usize, fields: &[(&str, &str)]) -> Evidence {
    Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: None,
        tool: None,
        fields: fields
            .iter()
            .map(|(name, value)| Field::new(name, *value))
            .collect(),
    }
}

fn product(number: usize, name: &str, price: &str) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    let fields = [
        ("name", name),
        ("price", price),
        ("stock", "in stock"),
        ("capacity", "1.7 l"),
    ];
    record(key, number, &fields)
}

fn found() -> Vec<Evidence> {
    vec![
        Evidence::Found {
            products: 2,
            corrected: Some(("ketle".into(), "kettle".to_owned())),
            total: None,
        },
        product(1, "Arden Quiet Kettle", "£45.99"),
        product(2, "Velora Kettle 3", "from £1,029.00"),
    ]
}

fn order() -> Vec<Evidence> {
    let key = RecordKey::Order(OrderNumber::new("HB-70417").expect("key"));
    let fields = [
        ("number", "HB-70417"),
        ("status", "shipped"),
        ("carrier", "Example Post"),
        ("tracking", "EP123456"),
        ("eta", "5 October 2026"),
        ("items", "2 × Arden Quiet Kettle"),
    ];
    vec![record(key, 1, &fields)]
}

fn policy() -> Vec<Evidence> {
    let key = RecordKey::Document(DocumentId::new("returns").expect("key"));
    let text = "Send it back within 30 days;\nreturn postage is free.";
    vec![record(key, 1, &[("title", "Returns"), ("text", text)])]
}

/// A conversation in which two kettles were shown and identity was asked for.
fn later() -> State {
    let mut state = State::default();
    for line in found() {
        if let Evidence::Record { handle, key, .. } = line {
            state.shown.push((handle, key));
        }
    }
    state.past.push(PastTurn {
        words: "a quiet ketle?".into(),
        rounds: Rounds::one(
            plan(r#"{"calls":[{"tool":"search_catalog","query":"quiet ketle"}]}"#),
            found(),
        ),
        reply: "We have {{p1.name}}: {{p1.price}}, {{p1.stock}}.".into(),
    });
    state.past.push(PastTurn {
        words: "and where is my order?".into(),
        rounds: Rounds::one(
            plan(r#"{"calls":[{"tool":"order_status"}]}"#),
            vec![Evidence::IdentityNeeded],
        ),
        reply: "I also need the order number.".into(),
    });
    state
}

fn shown(messages: &[ChatMessage]) -> String {
    let parts: Vec<String> = messages
        .iter()
        .map(|message| format!("[{:?}]\n{}", message.role, message.content))
        .collect();
    parts.join("\n")
}

#[test]
fn the_first_plan() {
    let turn = turn("Do you have a quiet kettle between £20 and £40, in stock?");
    let state = State::default();
    let messages = prompt::next(
        &state,
        &turn,
        &Rounds::default(),
        &settings(PromptStyle::Compact),
    );
    insta::assert_snapshot!("first_plan_prompt", shown(&messages));
    let full = prompt::next(
        &state,
        &turn,
        &Rounds::default(),
        &settings(PromptStyle::Full),
    );
    insta::assert_snapshot!("first_plan_prompt_full", shown(&full[..1]));
    let grammar = grammar::turn(&state, &turn, &Rounds::default(), false, true);
    insta::assert_snapshot!("first_plan_grammar", grammar.lark(&[]));
    insta::assert_snapshot!(
        "first_plan_grammar_narrowed",
        grammar.lark(&[Intent::Search])
    );
}

#[test]
fn a_later_plan() {
    let turn = turn("HB-70417, ann@example.com, BS1 4DJ. And is the Velora heavier?");
    let state = later();
    let messages = prompt::next(
        &state,
        &turn,
        &Rounds::default(),
        &settings(PromptStyle::Compact),
    );
    insta::assert_snapshot!("later_plan_prompt", shown(&messages));
    insta::assert_snapshot!(
        "later_plan_grammar",
        grammar::turn(&state, &turn, &Rounds::default(), false, true).lark(&[])
    );
}

#[test]
fn replies() {
    let variant = [
        ("name", "Arden Quiet Kettle (red)"),
        ("price", "£45.99"),
        ("stock", "only 3 left"),
    ]
    .as_slice();
    let variant_key = RecordKey::Variant(Sku::new("K-1-RED").expect("key"));
    for (name, words, calls, evidence) in [
        (
            "reply_found",
            "a quiet ketle for 2?",
            r#"{"tool":"search_catalog","query":"quiet ketle"}"#,
            found(),
        ),
        (
            "reply_order",
            "where is HB-70417, and what is its tracking number?",
            r#"{"tool":"order_status","order":"HB-70417"}"#,
            order(),
        ),
        (
            "reply_policy",
            "can I send it back after 40 days?",
            r#"{"tool":"search_policies","query":"send it back"}"#,
            policy(),
        ),
        (
            "reply_variant",
            "is it there in red?",
            r#"{"tool":"product_details","products":["p1"],"about":["red"]}"#,
            vec![record(variant_key, 1, variant)],
        ),
        ("reply_talk", "hello", "", Vec::new()),
    ] {
        let mut rounds = Rounds::default();
        if !calls.is_empty() {
            rounds.push(plan(&format!("{{\"calls\":[{calls}]}}")), evidence);
        }
        let (state, turn) = (State::default(), turn(words));
        let settings = settings(PromptStyle::Compact);
        let messages = prompt::next(&state, &turn, &rounds, &settings);
        let grammar = grammar::turn(&state, &turn, &rounds, true, true).lark(&[]);
        insta::assert_snapshot!(name, format!("{}\n\n{grammar}", shown(&messages)));
    }
}
