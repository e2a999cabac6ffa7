//! Each expectation, where it holds and where it does not.

use std::path::Path;
use std::sync::Arc;

use mercer_import::{OnError, import_shop};
use mercer_replay::{Sent, Step, Turn};
use mercer_schemas::{Handle, HandoffReason, MessageId, OutboundMessage, Personal, ShopId, TurnId};
use mercer_store::{Store, StoreConfig};
use tempfile::TempDir;

use super::*;
use crate::evaluation::dialogue::parse;

const SHOP: &str = "id = \"northwind\"\nname = \"Northwind\"\ncurrency = \"GBP\"\nlocale = \"en-GB\"\nlink_hosts = [\"northwind.example\"]\ngreeting = \"Hello\"\n";
const KETTLE: &str = r#"{"id":"K-1","title":"Kettle","brand":"","category":"Kitchen","description":"","attributes":{"material":"steel"},"visible":true,"variants":[{"sku":"K-1-R","ean":"5012345678900","options":{"colour":"red"},"price":{"minor":3999,"currency":"GBP"},"list_price":null,"stock":12},{"sku":"K-1-B","ean":"5012345678917","options":{"colour":"blue"},"price":{"minor":4599,"currency":"GBP"},"list_price":null,"stock":3}]}
{"id":"T-1","title":"Toaster","brand":"","category":"Kitchen","description":"","attributes":{},"visible":true,"variants":[{"sku":"T-1","ean":"5012345678924","options":{},"price":{"minor":4599,"currency":"GBP"},"list_price":null,"stock":3}]}"#;
const CUSTOMER: &str = r#"{"id":"C-1","name":"Ann Example","email":"ann@example.com","postcode":"AB1 2CD","phone":"+447700900123"}"#;
const ORDER: &str = r#"{"number":"O-1","customer_id":"C-1","placed_at":"2026-10-01T10:00:00Z","status":"shipped","lines":[{"sku":"K-1-B","title":"Kettle","quantity":1,"unit_price":{"minor":4599,"currency":"GBP"}}],"carrier":"Post","tracking":null,"eta":"2026-10-05","total":{"minor":4599,"currency":"GBP"}}"#;
const RETURNS: &str = "---\nid: returns\nkind: policy\ntitle: Returns\nvalid_from: 2026-01-01\nvalid_to: 2026-12-31\n---\n## How long\nYou can send back an **unused** item. Sending it back is free with our label.\n";

/// The test's shop, on disk.
struct Northwind {
    store: Store,
    _folder: TempDir,
}

async fn northwind() -> Northwind {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = folder.path().join("shop");
    std::fs::create_dir_all(shop.join("policies")).expect("make the folder");
    for (name, text) in [
        ("shop.toml", SHOP),
        ("catalog.jsonl", KETTLE),
        ("customers.jsonl", CUSTOMER),
        ("orders.jsonl", ORDER),
        ("policies/returns.md", RETURNS),
    ] {
        std::fs::write(shop.join(name), text).expect("write a file");
    }
    let store = Store::open(&StoreConfig::new(mercer_testing::sqlite_url(folder.path())))
        .await
        .expect("open the store");
    import_shop(&shop, &store, None, OnError::Abort, Arc::new(()))
        .await
        .expect("import");
    Northwind {
        store,
        _folder: folder,
    }
}

impl Northwind {
    async fn shelf(&self) -> Shelf<'_> {
        let shop = ShopId::new("northwind").expect("an id");
        Shelf::open(&self.store, &shop).await.expect("the shop")
    }

    /// Judges an answer by one expectation, and returns what does not hold.
    async fn faults(&self, expect: &str, played: &PlayedTurn) -> String {
        let file = format!("name: x\nturns:\n  - customer: hi\n    expect: {{ {expect} }}\n");
        let dialogue = parse(Path::new("x.yaml"), &file).expect("a dialogue");
        let expect = &dialogue.turns[0].expect;
        let judged = judge(&self.shelf().await, "hi", expect, played).await;
        judged.expect("judged").faults.join(" | ")
    }
}

/// An answer: its text, and what was filled into it as reference, record and value.
fn said(text: &str, claims: &[(&str, &str, &str)]) -> PlayedTurn {
    let claim = |(reference, record, value): &(&str, &str, &str)| Claim {
        reference: (*reference).to_owned(),
        record: record.parse().expect("a record"),
        version: 1,
        value: Personal::new((*value).to_owned()),
        read_at_ms: 0,
    };
    let sent = Sent {
        message: MessageId::from_parts(0, 1),
        queued_at_ms: 0,
        content: OutboundMessage {
            text: Personal::new(text.to_owned()),
            cards: Vec::new(),
        },
        verdicts: Vec::new(),
        claims: claims.iter().map(claim).collect(),
        delivery: None,
    };
    let turn = Turn {
        turn: TurnId::from_parts(0, 1),
        restarts: 0,
        started_at_ms: 0,
        ended_at_ms: Some(1),
        words: Personal::new("hi".to_owned()),
        intents: Vec::new(),
        plan: Some(Plan::default()),
        evidence: Vec::new(),
        drafts: Vec::new(),
        replies: vec![sent],
    };
    let turns = Turns {
        turns: vec![turn],
        steps: Vec::new(),
    };
    PlayedTurn {
        turns,
        replies: vec![text.to_owned()],
    }
}

/// No answer.
fn silence() -> PlayedTurn {
    PlayedTurn {
        turns: Turns::default(),
        replies: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_up_first_need_not_be_called_for() {
    let shop = northwind().await;
    let called = |tools: &[&str]| {
        let mut played = said("So it is.", &[]);
        let calls: Vec<String> = tools
            .iter()
            .map(|tool| format!(r#"{{"tool":"{tool}"}}"#))
            .collect();
        let plan = format!(r#"{{"calls":[{}]}}"#, calls.join(","));
        played.turns.turns[0].plan = Some(serde_json::from_str(&plan).expect("a plan"));
        played
    };
    for (expect, tools, holds) in [
        ("[search_policies]", &["look_up"][..], true),
        ("[]", &["look_up", "product_details"], true),
        ("[]", &["product_details"], false),
        ("[order_status]", &["look_up"], false),
        ("[search_catalog]", &["look_up", "order_status"], false),
        ("[order_status]", &["look_up", "order_status"], true),
    ] {
        let faults = shop
            .faults(&format!("tools: {expect}"), &called(tools))
            .await;
        assert_eq!(faults.is_empty(), holds, "{expect} {tools:?}: {faults}");
    }
    // An order that the look-up told may be called for or not.
    let key: RecordKey = "order:NW-1".parse().expect("a record");
    let order = Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 1,
        role: None,
        tool: Some("look_up".to_owned()),
        fields: Vec::new(),
    };
    for (expect, tools, holds) in [
        ("[order_status]", &["look_up"][..], true),
        ("[]", &["look_up", "order_status"], true),
        ("[order_status]", &["search_catalog"], false),
    ] {
        let mut played = called(tools);
        played.turns.turns[0].evidence = vec![order.clone()];
        let faults = shop.faults(&format!("tools: {expect}"), &played).await;
        assert_eq!(faults.is_empty(), holds, "{expect} {tools:?}: {faults}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_holds_what_it_must_and_not_what_it_must_not() {
    let shop = northwind().await;
    let reply = said("Yes, we gift-wrap it’s box.", &[]);
    for (expect, fault) in [
        ("contains: ['IT''S BOX', '/gift.?wrap/']", ""),
        ("contains: ['/it’s box/']", ""),
        ("contains: [ribbon]", "contains: the reply lacks `ribbon`"),
        (
            "contains: ['/^wrap/']",
            "contains: the reply lacks `/^wrap/`",
        ),
        ("not_contains: [ribbon, '/no\\b/']", ""),
        (
            "not_contains: ['/\\byes\\b/']",
            "not_contains: the reply holds `/\\byes\\b/`",
        ),
        ("forbid: [ribbon]", ""),
        ("forbid: [YES]", "forbid: the reply holds `YES`"),
    ] {
        assert_eq!(shop.faults(expect, &reply).await, fault, "{expect}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_expectations_is_enough_and_none_is_not() {
    let shop = northwind().await;
    let reply = said("A person will see to it.", &[]);
    let one = "any_of: [{ contains: [label], handoff: false }, { contains: [person] }]";
    assert_eq!(shop.faults(one, &reply).await, "");
    let none = "any_of: [{ contains: [label] }, { contains: [person], handoff: true }]";
    assert_eq!(
        shop.faults(none, &reply).await,
        "any_of: none holds: (1) contains: the reply lacks `label`; (2) handoff: expected true, was false"
    );
    let beside = "contains: [label], any_of: [{ contains: [person] }]";
    assert_eq!(
        shop.faults(beside, &reply).await,
        "contains: the reply lacks `label`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_products_price_is_told_by_the_price_of_one_of_its_variants() {
    let shop = northwind().await;
    let expect = "facts: [product:K-1.price]";
    let fault = "facts: product:K-1.price is not in the reply";
    let reply = |text: &str, reference: &str, record: &str, value: &str| {
        said(text, &[(reference, record, value)])
    };
    let of_product = reply(
        "It is from £39.99.",
        "p1.price",
        "product:K-1",
        "from £39.99",
    );
    assert_eq!(shop.faults(expect, &of_product).await, "");
    let of_variant = reply("The blue is £45.99.", "v1.price", "variant:K-1-B", "£45.99");
    assert_eq!(shop.faults(expect, &of_variant).await, "");
    // The same amount, of another product.
    let of_other = reply("It is £45.99.", "v1.price", "variant:T-1", "£45.99");
    assert_eq!(shop.faults(expect, &of_other).await, fault);
    // The variant was told, its price was not.
    let of_name = reply(
        "The Kettle (blue).",
        "v1.name",
        "variant:K-1-B",
        "Kettle (blue)",
    );
    assert_eq!(shop.faults(expect, &of_name).await, fault);
    // A variant's price is no other variant's.
    let red = "facts: [variant:K-1-R.price]";
    assert_ne!(shop.faults(red, &of_variant).await, "");
    // A price that the variant has not is not told, and not backed.
    let stale = reply("The blue is £44.99.", "v1.price", "variant:K-1-B", "£44.99");
    assert!(shop.faults(expect, &stale).await.starts_with(fault));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_in_another_field_is_not_the_fact() {
    let shop = northwind().await;
    let told = |reference: &str| said("It is steel.", &[(reference, "product:K-1", "steel")]);
    let expect = "facts: ['product:K-1.material']";
    assert_eq!(shop.faults(expect, &told("p1.material")).await, "");
    assert_ne!(shop.faults(expect, &told("p1.finish")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_an_order_and_its_day_are_facts() {
    let shop = northwind().await;
    let claims = [
        ("o1.total", "order:O-1", "£45.99"),
        ("o1.placed_at", "order:O-1", "1 October 2026"),
    ];
    let told = said("You paid £45.99 on 1 October 2026.", &claims);
    let expect = "facts: [order:O-1.total, order:O-1.placed_at]";
    assert_eq!(shop.faults(expect, &told).await, "");
    let untold = said("It is on its way.", &[]);
    assert_eq!(
        shop.faults(expect, &untold).await,
        "facts: order:O-1.total is not in the reply | facts: order:O-1.placed_at is not in the reply"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_this_sentence_of_the_policy_and_no_other() {
    let shop = northwind().await;
    let reply = said("Sending it back is free with our label.", &[]);
    let quote =
        |sentence: &str| format!("quotes: [{{ policy: returns, sentence: \"{sentence}\" }}]");
    let this = quote("Sending it back is free with our label.");
    assert_eq!(shop.faults(&this, &reply).await, "");
    assert_eq!(
        shop.faults("facts: [policy:returns.text]", &reply).await,
        ""
    );
    let other = quote("You can send back an unused item.");
    assert_eq!(
        shop.faults(&other, &reply).await,
        "quotes: the reply lacks `You can send back an unused item.` of returns"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_person_has_it_nothing_is_said() {
    let shop = northwind().await;
    let reply = said("I can help.", &[]);
    assert_eq!(shop.faults("reply: false", &silence()).await, "");
    assert_eq!(
        shop.faults("reply: false", &reply).await,
        "reply: expected none, one was sent"
    );
    assert_eq!(shop.faults("reply: true", &reply).await, "");
    assert_eq!(
        shop.faults("reply: true", &silence()).await,
        "reply: none was sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_called_in_the_turn_that_calls_one() {
    let shop = northwind().await;
    let mut called = said("A colleague will write to you.", &[]);
    called.turns.steps.push(Step {
        seq: 1,
        at_ms: 1,
        what: What::HandedOver {
            reason: HandoffReason::Asked,
        },
    });
    assert_eq!(shop.faults("handoff: true", &called).await, "");
    assert_ne!(shop.faults("handoff: false", &called).await, "");
    assert_eq!(shop.faults("handoff: false", &silence()).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_shop_does_not_have_is_named_with_file_line_turn_and_field() {
    let shop = northwind().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.yaml");
    let shelf = shop.shelf().await;
    for (expect, place, message) in [
        (
            "facts:\n        - product:K-1.price\n        - product:K-9.price",
            ":8:11: turn 2: expect.facts[1]: ",
            "`product:K-9.price`: no such record",
        ),
        (
            "facts: [product:K-1.wieght]",
            ":6:15: turn 2: expect.facts[0]: ",
            "`product:K-1.wieght`: the record has no such field",
        ),
        (
            "facts: [policy:returns.title]",
            ":6:15: turn 2: expect.facts[0]: ",
            "`policy:returns.title`: of a document only `text` can be expected",
        ),
        (
            "any_of:\n        - contains: [x]\n        - quotes: [{ policy: returns, sentence: Half of it is free. }]",
            ":8:20: turn 2: expect.any_of[1].quotes[0]: ",
            "`returns` has no sentence `Half of it is free.`",
        ),
    ] {
        let text = format!(
            "name: a\nturns:\n  - customer: hi\n  - customer: hi\n    expect:\n      {expect}\n"
        );
        std::fs::write(&file, &text).expect("write the file");
        let dialogues = crate::evaluation::dialogue::read(&file).expect("a dialogue");
        let error = shelf.check(&dialogues).await.expect_err("an error");
        let (error, name) = (error.to_string(), file.display().to_string());
        let told = error.strip_prefix(&name).unwrap_or(&error);
        assert_eq!(told, format!("{place}{message}"));
    }
}
