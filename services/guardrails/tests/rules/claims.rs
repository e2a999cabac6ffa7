//! Claims and honest replies by the hundred.
//!
//! `claims/*.txt` hold one reply a line; lines with `#` are comments.

use std::path::Path;

use mercer_schemas::{DocumentId, Evidence, RecordKey};

use crate::{broken, everything, product, record};

fn lines(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rules/claims")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "{name} is empty");
    lines
}

/// The claims of a file that pass all rules.
fn passed(name: &str, evidence: &[Evidence]) -> Vec<String> {
    let mut passed = lines(name);
    passed.retain(|line| broken(line, evidence, "what about this kettle?").is_empty());
    passed
}

#[test]
fn three_hundred_claims_of_stock_price_and_delivery_are_blocked() {
    let sold_out = [product(1, "Arden Kettle", "out of stock")];
    let files = ["stock.txt", "price.txt", "delivery.txt"];
    let let_pass: Vec<String> = files
        .iter()
        .flat_map(|name| passed(name, &sold_out))
        .collect();
    assert!(let_pass.is_empty(), "{let_pass:#?}");
    let all: usize = files.iter().map(|name| lines(name).len()).sum();
    assert!(all >= 300, "{all}");
}

#[test]
fn honest_replies_pass() {
    let evidence = everything();
    let blocked: Vec<(String, Vec<String>)> = lines("honest.txt")
        .into_iter()
        .map(|line| {
            let rules = broken(
                &line,
                &evidence,
                "do you deliver the 2 litre one by Friday?",
            );
            (line, rules)
        })
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    assert!(blocked.is_empty(), "{blocked:#?}");
}

#[test]
fn what_the_evidence_says_may_be_said() {
    let delivery = RecordKey::Document(DocumentId::new("delivery").expect("key"));
    let text = "We deliver to Ireland within three working days, by Friday if you order on Monday. Delivery costs nothing.";
    let evidence = [
        product(1, "Arden Kettle", "in stock"),
        record(delivery, 1, &[("title", "Delivery"), ("text", text)]),
    ];
    for honest in [
        "We deliver to Ireland.",
        "Delivery to Ireland is within three working days.",
        "We deliver by Friday.",
        "Delivery costs nothing.",
        "It is in stock.",
        "It's available.",
    ] {
        let rules = broken(honest, &evidence, "do you deliver to Ireland?");
        assert_eq!(rules, Vec::<String>::new(), "{honest}");
    }
    for claim in [
        "We deliver to France.",
        "We deliver by Saturday.",
        "Delivery is within four working days.",
        "It is not available.",
    ] {
        assert!(!broken(claim, &evidence, "").is_empty(), "{claim}");
    }
}
