//! Claims and honest replies by the hundred.
//!
//! `claims/*.txt` hold one reply a line; lines with `#` are comments.

use std::path::Path;

use mercer_schemas::{DocumentId, RecordKey};

use crate::{broken, everything, product, record};

/// Files of claims, each of which must be blocked.
const CLAIMS: &[&str] = &[
    "stock.txt",
    "price.txt",
    "delivery.txt",
    "commitment.txt",
    "clauses.txt",
    "assistants.txt",
];
/// Files of honest replies, each of which must pass.
const HONEST: &[&str] = &[
    "honest.txt",
    "honest_clauses.txt",
    "honest_words.txt",
    "honest_assistants.txt",
];

/// What the rules last did with `unseen.txt` and `unseen_honest.txt`.
const CAUGHT_MIN: usize = 102;
const LET_PASS_MIN: usize = 112;

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

/// The claims of a file that pass all rules, and how many there are.
fn passed(name: &str) -> (Vec<String>, usize) {
    let sold_out = [product(1, "Arden Kettle", "out of stock")];
    let mut passed = lines(name);
    let all = passed.len();
    passed.retain(|line| broken(line, &sold_out, "what about this kettle?").is_empty());
    (passed, all)
}

/// The honest replies of a file that a rule blocks, with the rules, and how many there are.
fn blocked(name: &str) -> (Vec<(String, Vec<String>)>, usize) {
    let evidence = everything();
    let words = "do you deliver the 2 litre one by Friday?";
    let lines = lines(name);
    let all = lines.len();
    let blocked = lines
        .into_iter()
        .map(|line| {
            let rules = broken(&line, &evidence, words);
            (line, rules)
        })
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    (blocked, all)
}

#[test]
fn claims_of_stock_price_and_delivery_are_blocked() {
    let mut sum = 0;
    let mut let_pass = Vec::new();
    for name in CLAIMS {
        let (passed, all) = passed(name);
        let_pass.extend(passed);
        sum += all;
    }
    assert!(
        let_pass.is_empty(),
        "{} of {sum}: {let_pass:#?}",
        let_pass.len()
    );
    assert!(sum >= 670, "{sum}");
}

#[test]
fn honest_replies_pass() {
    let blocked: Vec<_> = HONEST.iter().flat_map(|name| blocked(name).0).collect();
    assert!(blocked.is_empty(), "{}: {blocked:#?}", blocked.len());
}

/// Shows counts, never lines: nobody may write a rule for one of them.
#[test]
fn most_replies_that_no_rule_was_written_for_are_judged_right() {
    let (passed, claims) = passed("unseen.txt");
    let (blocked, honest) = blocked("unseen_honest.txt");
    let (caught, let_pass) = (claims - passed.len(), honest - blocked.len());
    println!("{caught} of {claims} claims blocked, {let_pass} of {honest} honest replies pass");
    assert!(caught >= CAUGHT_MIN, "{caught} of {claims}");
    assert!(let_pass >= LET_PASS_MIN, "{let_pass} of {honest}");
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
