//! Checks that a gold reply is one that the reply grammar admits and the guardrails would pass.
//!
//! It reads the reply as the grammar of [`mercer_conversation::grammar::reply`] does: words,
//! references and complete numbers, with a space or letter between two of the latter.

use mercer_conversation::{grammar, spans};
use mercer_schemas::Evidence;

/// Words that promise something; the shop's own text is quoted for them, never said.
const PROMISES: &[&str] = &[
    "guarantee",
    "guaranteed",
    "promise",
    "free",
    "refund",
    "discount",
    "cheaper",
    "reduce",
    "reduced",
    "in stock",
    "out of stock",
    "sold out",
    "lifetime",
    "compensation",
];

/// Says whether a reply consists only of what the grammar admits for the evidence.
pub(crate) fn reply_fits(reply: &str, evidence: &[Evidence], words: &str) -> bool {
    let references = grammar::references(evidence);
    let numbers = grammar::numbers(evidence, words);
    let mut rest = reply;
    let mut spoken = String::new();
    let mut referred: Vec<&str> = Vec::new();
    let mut gap_ok = true;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("{{") {
            let Some(end) = rest.find("}}") else {
                return false;
            };
            if !gap_ok || !references.contains(&rest[..end + 2]) {
                return false;
            }
            referred.push(&rest[..end + 2]);
            gap_ok = false;
            rest = &rest[end + 2..];
        } else if c.is_ascii_digit() {
            let Some(run) = spans::number_runs(rest).next() else {
                return false;
            };
            if !gap_ok || !rest.starts_with(run.text) || !numbers.contains(run.text) {
                return false;
            }
            gap_ok = false;
            rest = &rest[run.text.len()..];
        } else if "{}<>|\\£€$¥₹₦₩₪₫₱฿%".contains(c) {
            return false;
        } else {
            gap_ok |= c == ' ' || c.is_ascii_alphabetic();
            spoken.push(c.to_ascii_lowercase());
            rest = &rest[c.len_utf8()..];
        }
    }
    !reply.trim().is_empty()
        && (references.is_empty() || (!referred.is_empty() && answered(evidence, words, &referred)))
        && spoken
            .split(|c: char| !c.is_alphabetic())
            .all(|word| !PROMISES.contains(&word))
        && PROMISES
            .iter()
            .filter(|p| p.contains(' '))
            .all(|p| !spoken.contains(p))
}

fn answered(evidence: &[Evidence], words: &str, referred: &[&str]) -> bool {
    let answers = grammar::answers(evidence, words, true);
    answers.is_empty()
        || answers
            .iter()
            .any(|needed| needed.iter().all(|name| referred.contains(&name.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schemas::{EvidenceRole, Field, Handle, ProductId, RecordKey};

    #[test]
    fn only_references_and_known_numbers_pass() {
        let key = RecordKey::Product(ProductId::new("K").expect("key"));
        let evidence = [Evidence::Record {
            handle: Handle::new(&key, 1),
            key,
            version: 1,
            role: Some(EvidenceRole::Shown),
            tool: None,
            fields: vec![Field::new("name", "Lamp 7"), Field::new("price", "£9.99")],
        }];
        let fits = |reply: &str| reply_fits(reply, &evidence, "size 42 for £5");
        assert!(fits("{{p1.name}} in 42 costs {{p1.price}}."));
        for bad in [
            "The lamp.",
            "{{p1.name}} costs £9.99",
            "{{p1.stock}}",
            "{{p1.name}} is 5",
            "{{p1.name}}{{p1.price}}",
            "{{p1.name}} 43",
            "{{p1.name}} is free",
            "{{p1.name}} is in stock",
        ] {
            assert!(!fits(bad), "{bad}");
        }
    }
}
