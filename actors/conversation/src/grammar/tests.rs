//! What both grammars offer.
use std::collections::BTreeSet;

use super::*;
use crate::state::{State, Turn};
use mercer_schemas::{
    DocumentId, Evidence, EvidenceRole, Field, Handle, Intent, OrderNumber, Plan, ProductId,
    RecordKey, TurnId,
};

fn admits(state: &State, turn: &Turn, plan: &Plan) -> bool {
    crate::tools::admits(state, turn, true, plan)
}

fn first(state: &State, said: &Turn) -> TurnGrammar {
    super::turn(state, said, &Rounds::default(), false, true)
}

fn turn(words: &str) -> Turn {
    Turn {
        id: TurnId::from_parts(1, 1),
        attempt: 0,
        words: words.into(),
        cut: false,
    }
}

fn product() -> Evidence {
    let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
    Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 1,
        role: None,
        tool: None,
        fields: vec![
            Field::new("name", "Kettle 3"),
            Field::new("price", "£45.99"),
            Field::new("capacity", "1.7 l"),
        ],
    }
}

#[test]
fn a_plan_may_only_use_what_was_said_or_shown() {
    let state = State::default();
    let said = turn("a kettle under 40");
    let plan = |json: &str| serde_json::from_str::<Plan>(json).expect("plan");
    let good = plan(r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"40"}]}"#);
    assert!(admits(&state, &said, &good));
    for bad in [
        r#"{"calls":[{"tool":"search_catalog","query":"toaster"}]}"#,
        r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"30"}]}"#,
        r#"{"calls":[{"tool":"product_details","products":["p1"]}]}"#,
        r#"{"calls":[{"tool":"order_status","order":"HB-1"}]}"#,
        r#"{"calls":[{"tool":"handoff","reason":"asked"},{"tool":"handoff","reason":"asked"},{"tool":"handoff","reason":"asked"}]}"#,
    ] {
        assert!(!admits(&state, &said, &plan(bad)), "{bad}");
    }
    let grammar = first(&state, &said).lark(&[]);
    assert!(grammar.contains("\"kettle\"") && !grammar.contains("details:"));
}

#[test]
fn identity_may_be_given_piece_by_piece() {
    let mut state = State::default();
    state.past.push(crate::state::PastTurn {
        words: "my order is HB-70417".into(),
        rounds: Rounds::one(Plan::default(), vec![Evidence::IdentityNeeded]),
        reply: "…".into(),
    });
    let plan: Plan =
        serde_json::from_str(r#"{"calls":[{"tool":"order_status","order":"HB-70417"}]}"#)
            .expect("plan");
    assert!(admits(&state, &turn("ann@example.com, BS1 4DJ"), &plan));
    for details in ["ann@example.com, BS1 4DJ", "1234 AB"] {
        let grammar = first(&state, &turn(details)).lark(&[Intent::Search]);
        let only = "start: calls\ncalls: \"{\\\"calls\\\":[\" (order";
        assert!(grammar.starts_with(only), "{grammar}");
    }
    assert!(OrderNumber::new("HB-70417").is_ok());
}

#[test]
fn amounts_of_money_are_reachable_by_reference_only() {
    let numbers = numbers(&[product()], "is the 2 litre one £5?");
    assert_eq!(
        numbers,
        BTreeSet::from(["1.7".into(), "2".into(), "3".into()])
    );
    assert!(references(&[product()]).contains("{{p1.price}}"));
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

fn named_product(number: usize, name: &str) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    record(
        key,
        number,
        &[("name", name), ("price", "£1.00"), ("stock", "in stock")],
    )
}

#[test]
fn an_answer_refers_to_what_was_found() {
    let order = RecordKey::Order(OrderNumber::new("HB-1").expect("key"));
    let fields = [
        ("number", "HB-1"),
        ("status", "shipped"),
        ("tracking", "X1"),
        ("eta", "5 May 2026"),
    ];
    let order = [record(order, 1, &fields)];
    let asked = |words: &str| answers(&order, words, true);
    assert_eq!(asked("where is it"), [["{{o1.status}}", "{{o1.eta}}"]]);
    assert_eq!(
        asked("what is the tracking number?"),
        [["{{o1.status}}", "{{o1.eta}}", "{{o1.tracking}}"]]
    );
    assert_eq!(asked("can i trace it"), asked("tracking?"));

    let key = RecordKey::Product(ProductId::new("K-1").expect("key"));
    let attribute = [
        named_product(1, "Kettle"),
        record(key, 1, &[("weight", "1 kg")]),
    ];
    assert_eq!(
        answers(&attribute, "how heavy is it", true),
        [["{{p1.weight}}"]]
    );
    let shown = [named_product(1, "Kettle")];
    assert_eq!(answers(&shown, "any left?", true), [["{{p1.stock}}"]]);
    let two = [named_product(1, "Kettle"), named_product(2, "Pot")];
    let both = [["{{p1.name}}", "{{p1.price}}", "{{p2.name}}", "{{p2.price}}"]];
    assert_eq!(answers(&two, "compare them", true), both);
    let key =
        |number: usize| RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    let told = |number, value| record(key(number), number, &[("weight", value)]);
    let weights = [&two[..], &[told(1, "1 kg"), told(2, "2 kg")]].concat();
    assert_eq!(
        answers(&weights, "which is lighter?", true),
        [["{{p1.weight}}", "{{p2.weight}}"]]
    );
    let found = Evidence::Found {
        products: 1,
        corrected: None,
        total: None,
    };
    let policy = RecordKey::Document(DocumentId::new("returns").expect("key"));
    let policy = record(policy, 1, &[("title", "Returns"), ("text", "30 days.")]);
    let both = answers(
        &[found, named_product(1, "Kettle"), policy.clone()],
        "",
        true,
    );
    assert_eq!(both, [["{{p1.name}}", "{{p1.price}}", "{{d1}}"]]);
    assert_eq!(answers(&[policy], "how long?", true), [["{{d1}}"]]);
}

#[test]
fn what_each_of_several_tools_found_is_referred_to() {
    let by = |tool: &str, role: EvidenceRole, line: Evidence| match line {
        Evidence::Record {
            handle,
            key,
            version,
            fields,
            ..
        } => Evidence::Record {
            handle,
            key,
            version,
            role: Some(role),
            tool: Some(tool.to_owned()),
            fields,
        },
        other => other,
    };
    let shown = |tool: &str, line| by(tool, EvidenceRole::Shown, line);
    let found = || Evidence::Found {
        products: 1,
        corrected: None,
        total: None,
    };
    let searched = || vec![found(), shown("search_catalog", named_product(1, "Kettle"))];
    let looked_at = shown("product_details", named_product(2, "Pot"));
    let key =
        |number: usize| RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
    let weight = record(key(2), 2, &[("weight", "1 kg")]);
    let weight = by("product_details", EvidenceRole::Asked, weight);
    let sku = RecordKey::Variant("K-2-RED".parse().expect("key"));
    let variant = record(
        sku,
        1,
        &[("name", "Pot"), ("price", "£1.00"), ("stock", "in stock")],
    );
    let variant = by("product_details", EvidenceRole::Chosen, variant);
    let policy = RecordKey::Document(DocumentId::new("returns").expect("key"));
    let policy = record(policy, 1, &[("title", "Returns"), ("text", "30 days.")]);
    let policy = shown("search_policies", policy);
    let order = RecordKey::Order(OrderNumber::new("HB-1").expect("key"));
    let order = record(order, 1, &[("number", "HB-1"), ("status", "shipped")]);
    let order = shown("order_status", order);

    let with = |more: &[Evidence]| [searched(), more.to_vec()].concat();
    let asked = |evidence: Vec<Evidence>, words: &str| answers(&evidence, words, true);
    assert_eq!(
        asked(
            with(&[looked_at.clone(), variant]),
            "kettles, and the pot in red?"
        ),
        [[
            "{{p1.name}}",
            "{{p1.price}}",
            "{{v1.price}}",
            "{{v1.stock}}"
        ]]
    );
    assert_eq!(
        asked(
            with(&[looked_at.clone(), weight.clone()]),
            "kettles, and how heavy is the pot?"
        ),
        [["{{p1.name}}", "{{p1.price}}", "{{p2.weight}}"]]
    );
    assert_eq!(
        asked(
            vec![looked_at.clone(), policy.clone()],
            "what does it cost, and returns?"
        ),
        [["{{p2.price}}", "{{d1}}"]]
    );
    assert_eq!(
        asked(vec![looked_at, weight, policy], "how heavy, and returns?"),
        [["{{p2.weight}}", "{{d1}}"]]
    );
    assert_eq!(
        asked(with(&[order]), "kettles, and my order?"),
        [["{{p1.name}}", "{{p1.price}}", "{{o1.status}}"]]
    );
}

#[test]
fn what_leaves_no_doubt_is_not_the_models_to_decide() {
    let mut state = State::default();
    let shown = vec![
        named_product(1, "Arden Quiet Kettle"),
        named_product(2, "Velora Kettle"),
    ];
    state.shown = crate::evolve::products_of(&shown);
    state.past.push(crate::state::PastTurn {
        words: "kettles".into(),
        rounds: Rounds::one(Plan::default(), shown),
        reply: "…".into(),
    });
    let grammar = |words: &str| first(&state, &turn(words)).lark(&[]);
    assert!(grammar("how heavy is the velora one?").contains("HANDLE: \"p2\"\n"));
    for open in [
        "how quiet is it?",
        "not the arden one, the other",
        "is this the first time you sell it?",
    ] {
        assert!(
            grammar(open).contains("\"p1\" | \"p2\" | \"shown\""),
            "{open}"
        );
    }
    assert!(grammar("is the second one quiet?").contains("HANDLE: \"p2\"\n"));
    assert!(!grammar("a kettle under £40").contains("PRICES?"));
    assert!(!grammar("a kettle under £40").contains("min_price"));
    assert!(grammar("a kettle for £40 or so").contains("PRICES?"));

    let proof = grammar("order HB-70417, ann@example.com, BS1 4DJ");
    assert!(
        proof.starts_with("start: calls\ncalls: \"{\\\"calls\\\":[\" (order ("),
        "{proof}"
    );
    assert!(!proof.contains("ORDER \"\\\"\")?"), "{proof}");
    let either = grammar("my order is 70417 or 70418, email ann@example.com");
    assert!(either.contains("ORDER \"\\\"\")?"), "{either}");
    assert!(!grammar("do you sell tents? answer me at ann@example.com").contains("(order ("));
}

#[test]
fn what_a_search_showed_can_be_meant_after_one_of_it_was_looked_at() {
    let found = Evidence::Found {
        products: 2,
        corrected: None,
        total: None,
    };
    let both = vec![
        found,
        named_product(1, "Arden Kettle"),
        named_product(2, "Velora Kettle"),
    ];
    let second = both[2].clone();
    let looked_at = match second {
        Evidence::Record { key, fields, .. } => Evidence::Record {
            handle: Handle::new(&key, 1),
            key,
            version: 1,
            role: None,
            tool: None,
            fields,
        },
        other => other,
    };
    let mut state = State::default();
    for evidence in [both, vec![looked_at]] {
        state.shown = crate::evolve::products_of(&evidence);
        state.past.push(crate::state::PastTurn {
            words: "kettles".into(),
            rounds: Rounds::one(Plan::default(), evidence),
            reply: "…".into(),
        });
    }
    let handles = |words: &str| {
        let text = first(&state, &turn(words)).lark(&[]);
        let line = text.lines().find(|line| line.starts_with("HANDLE"));
        line.map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(handles("is it loud?"), r#"HANDLE: "p1" | "shown""#);
    assert_eq!(handles("and the first one?"), r#"HANDLE: "s1""#);
    assert_eq!(handles("is the other one loud?"), r#"HANDLE: "s1""#);
    assert_eq!(handles("how loud is the arden"), r#"HANDLE: "s1""#);
    let plan: Plan =
        serde_json::from_str(r#"{"calls":[{"tool":"product_details","products":["s1"]}]}"#)
            .expect("plan");
    assert!(admits(&state, &turn("and the first one?"), &plan));
    assert!(!admits(&state, &turn("is it loud?"), &plan));
}

#[test]
fn likely_intents_leave_their_tools_alone() {
    let state = State::default();
    let narrowed = |words: &str, intents: &[Intent]| {
        let text = first(&state, &turn(words)).lark(intents);
        let line = |rule: &str| text.lines().find(|line| line.starts_with(rule));
        let line = |rule: &str| line(rule).unwrap_or_default().to_owned();
        [line("start:"), line("calls:"), line("call:")]
    };
    let one = narrowed("a red kettle", &[Intent::Search]);
    assert_eq!([&one[0], &one[2]], ["start: calls", "call: search"]);
    let two = narrowed("a red kettle", &[Intent::Policies, Intent::Talk]);
    assert_eq!(
        [&two[0], &two[2]],
        ["start: calls | reply", "call: policies"]
    );
    let talk = narrowed("a red kettle", &[Intent::Talk]);
    assert_eq!(talk, ["start: reply", "", ""]);
    // Whoever may be asking for a person is not held back.
    let person = narrowed("a person please", &[Intent::Talk]);
    assert_eq!(person[2], "call: handoff");
    let voucher = narrowed(
        "does SAVE20 work for kettles",
        &[Intent::Talk, Intent::Search],
    );
    assert_eq!(voucher[2], "call: policies");
    let order = narrowed("what is the status of HB-70417", &[Intent::Search]);
    assert_eq!(order[2], "call: search | order");
    for demand in [
        "can i speak to a real person",
        "Enough. I demand that someone in charge sorts this out.",
        "put me through to your manager",
    ] {
        let forced = narrowed(demand, &[Intent::Talk, Intent::Policies]);
        assert_eq!(
            forced[1], r#"calls: "{\"calls\":[" handoff "]}""#,
            "{demand}"
        );
    }
    for open in [
        "a mug for somebody who has one",
        "i don't want to talk to a person",
        "my manager said to get a kettle",
    ] {
        assert!(
            !narrowed(open, &[Intent::Talk])[1].contains("handoff"),
            "{open}"
        );
    }
    // Nothing was shown, so details are impossible: everything else is open again.
    let all = narrowed("how heavy is it", &[]);
    assert_eq!(narrowed("how heavy is it", &[Intent::Details]), all);
    // Identity that is being proven is used whatever a classifier takes it for.
    let proof = narrowed("HB-70417, ann@example.com", &[Intent::Talk]);
    assert!(proof[1].contains("(order ("), "{proof:?}");
}
