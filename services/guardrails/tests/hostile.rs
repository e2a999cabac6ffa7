//! The rules are quick whatever a customer or a model wrote, at the lengths that the core lets through.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mercer_conversation::bounds::TURN_CHARS_MAX;
use mercer_guardrails::{ReplyPolicy, check};
use mercer_schemas::conversation::GENERATED_CHARS_MAX;

/// Characters of the longest draft that all rules read.
const LONGEST_READ: usize = 1_500;
/// Longest that one check may take: no turn takes longer without a model.
const CHECK_MAX: Duration = Duration::from_secs(1);

fn repeated(unit: &str, chars: usize) -> String {
    unit.chars().cycle().take(chars).collect()
}

#[test]
fn hostile_words_and_drafts_are_checked_quickly() {
    let units = [
        "0 ",
        "1a",
        "£5 ",
        "5 kr ",
        "cannot ",
        "once it ",
        "{{p1.price}} ",
        "{",
        "}}",
        "((",
        "aaaa",
        "ß",
        "İ",
        ". ",
        "\n",
        "1.1",
        "http://",
        "a.b/",
        "twenty ",
        "in stock ",
        "kettle ",
        "%",
        "\u{202e}",
    ];
    let names: BTreeSet<String> = (0..500).map(|n| format!("brand {n}")).collect();
    let policy = ReplyPolicy {
        link_hosts: vec!["shop.example".to_owned()],
        names,
    };
    for unit in units {
        let words = repeated(unit, TURN_CHARS_MAX);
        for chars in [LONGEST_READ, GENERATED_CHARS_MAX] {
            let draft = repeated(unit, chars);
            let started = Instant::now();
            let verdicts = check(&draft, &[], &words, &policy);
            let took = started.elapsed();
            assert!(took < CHECK_MAX, "{unit:?} took {took:?}");
            let blocked = verdicts.iter().any(|verdict| !verdict.passed);
            assert!(blocked || chars == LONGEST_READ, "{unit:?}");
        }
    }
}
