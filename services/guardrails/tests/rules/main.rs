//! The rules against claims made up by the hundred, and against honest replies.

use std::collections::BTreeSet;
use std::path::Path;

use mercer_guardrails::{RULES, ReplyPolicy, check, check_with};
use mercer_schemas::{DocumentId, Evidence, Field, Handle, OrderNumber, ProductId, RecordKey};
use proptest::prelude::*;

mod addresses;
mod claims;
mod money;
mod numbers;
mod shouting;

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

fn product(number: usize, name: &str, stock: &str) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    let fields = [
        ("name", name),
        ("price", "£45.99"),
        ("stock", stock),
        ("capacity", "1.7 l"),
    ];
    record(key, number, &fields)
}

fn returns() -> Evidence {
    let key = RecordKey::Document(DocumentId::new("returns").expect("key"));
    let text = "Send it back within 30 days; return postage is free.";
    record(key, 1, &[("title", "Returns"), ("text", text)])
}

/// All that the honest replies speak of.
fn everything() -> Vec<Evidence> {
    let order = RecordKey::Order(OrderNumber::new("HB-70417").expect("key"));
    let fields = [
        ("number", "HB-70417"),
        ("status", "shipped"),
        ("carrier", "Example Post"),
        ("eta", "5 October 2026"),
    ];
    vec![
        product(1, "Arden Kettle", "in stock"),
        product(2, "Copper Kettle", "out of stock"),
        returns(),
        record(order, 1, &fields),
    ]
}

fn broken(text: &str, evidence: &[Evidence], words: &str) -> Vec<String> {
    let policy = ReplyPolicy {
        link_hosts: vec!["shop.example".into()],
        names: BTreeSet::from(["arden".into(), "velora".into()]),
    };
    check(text, evidence, words, &policy)
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule)
        .collect()
}

#[test]
fn a_claim_is_blocked_by_the_rule_meant_for_it() {
    let evidence = [
        product(2, "Copper Kettle", "out of stock"),
        product(1, "Arden Kettle", "in stock"),
        returns(),
    ];
    for (text, rule) in [
        ("", "empty_or_too_long"),
        ("It is {{p3.price}}.", "unknown_reference"),
        ("It is {p1.price}.", "broken_reference"),
        ("You have 60 days.", "number_not_in_evidence"),
        ("You have ٣٠ days.", "number_not_in_evidence"),
        ("Yours for £45.99!", "money_in_words"),
        ("Yours for 2 quid.", "money_in_words"),
        ("Yours for 2 SEK.", "money_in_words"),
        ("Yours for a tenner.", "money_in_words"),
        ("Two grand, then.", "money_in_words"),
        ("Yours for ₹2.", "money_in_words"),
        ("Delivery takes two days.", "number_word_without_source"),
        (
            "Delivery takes sixteen working days.",
            "number_word_without_source",
        ),
        ("It lasts seventy hours.", "number_word_without_source"),
        ("By the fifth of May.", "number_word_without_source"),
        ("It holds sev\u{ad}en litres.", "number_word_without_source"),
        ("It costs 2.", "price_in_figures"),
        ("It costs five.", "price_in_figures"),
        (
            "I cannot give a discount. Your discount is applied.",
            "commitment_without_source",
        ),
        ("No problem, you get a refund.", "commitment_without_source"),
        ("We guarantee it.", "commitment_without_source"),
        ("It is a bargain for {{p1.price}}.", "price_without_source"),
        ("It is sold out.", "stock_without_source"),
        ("{{p2.name}} is in stock.", "stock_without_source"),
        ("{{p2.name}} is available.", "stock_without_source"),
        ("{{p1.name}} is not available.", "stock_without_source"),
        ("Both are in stock.", "stock_without_source"),
        ("{{d1}} The kettle is in stock.", "stock_without_source"),
        ("It comes in a fortnight.", "delivery_without_source"),
        ("{{p1.name}} is here tomorrow.", "delivery_without_source"),
        ("Yes, 2 years.", "number_not_in_evidence"),
        ("See https://evil.example/x", "link_not_allowed"),
        ("The Velora is better.", "name_not_in_evidence"),
    ] {
        let rules = broken(text, &evidence, "is the arden 2 litre kettle good?");
        assert!(rules.contains(&rule.to_owned()), "{text}: {rules:?}");
    }
}

proptest! {
    #[test]
    fn any_text_gets_a_verdict_of_every_rule(text in "\\PC{0,120}", words in "\\PC{0,60}") {
        let policy = ReplyPolicy::default();
        let verdicts = check(&text, &everything(), &words, &policy);
        prop_assert!(verdicts.len() == RULES.len() || verdicts[0].rule == "broken_reference");
    }
}

#[test]
fn what_is_said_where_the_rest_cannot_be_read_passes() {
    use mercer_conversation::{REST_TO_PERSON, TRY_REST_AGAIN};
    for rest in [TRY_REST_AGAIN, REST_TO_PERSON] {
        let text = format!("{{{{p1.name}}}}: {{{{p1.price}}}}.\n{rest}");
        let blocked = broken(&text, &[product(1, "Arden Kettle", "in stock")], "a kettle");
        assert!(blocked.is_empty(), "{rest}: {blocked:?}");
    }
}

#[test]
fn a_rule_is_one_file_and_one_line() {
    let rules = [RULES, &[shouting::RULE]].concat();
    let verdicts =
        |text: &str| check_with(&rules, text, &everything(), "", &ReplyPolicy::default());
    assert!(
        verdicts("Hello, what do you need?")
            .iter()
            .all(|verdict| verdict.passed)
    );
    let failed: Vec<String> = verdicts("HELLO!")
        .into_iter()
        .filter(|verdict| !verdict.passed)
        .map(|verdict| verdict.rule)
        .collect();
    assert_eq!(failed, ["shouting"]);
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let files = std::fs::read_dir(folder)
        .expect("folder")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file()))
        .count();
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!((names.len(), RULES.len()), (files, files));
}
