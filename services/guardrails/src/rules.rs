//! The rules, each in a file of its own with a stable name that appears in the ledger and in
//! metrics. A new rule is a file and a line in [`RULES`].

use std::collections::BTreeSet;

use mercer_schemas::{Evidence, Verdict};

use crate::claims::{self, Clause};
use crate::draft::Draft;
use crate::words::plain;

mod commitment;
mod delivery;
mod length;
mod link;
mod money;
mod name;
mod number;
mod number_word;
mod price;
mod price_figure;
mod reference;
mod stock;

/// All rules, in the order of their verdicts.
pub const RULES: &[Rule] = &[
    length::RULE,
    reference::RULE,
    number::RULE,
    money::RULE,
    price_figure::RULE,
    number_word::RULE,
    commitment::RULE,
    price::RULE,
    stock::RULE,
    delivery::RULE,
    link::RULE,
    name::RULE,
];

/// What a draft is called that cannot be taken apart; no rule is asked then.
const BROKEN_REFERENCE: &str = "broken_reference";

/// A rule over drafts.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name in verdicts and metrics, for instance `number_not_in_evidence`.
    pub name: &'static str,
    /// Says whether a draft keeps to it.
    pub holds: fn(&Reply<'_>) -> bool,
}

/// What a shop allows beyond the built-in rules.
#[derive(Debug, Clone, Default)]
pub struct ReplyPolicy {
    /// Hosts that may be linked.
    pub link_hosts: Vec<String>,
    /// Brand and product names of the shop, lower case; one that the evidence and the customer
    /// did not mention may not appear.
    pub names: BTreeSet<String>,
}

/// A draft as rules see it, with all that it may lean on.
pub struct Reply<'a> {
    /// As written, references unfilled.
    pub text: &'a str,
    /// Taken apart.
    pub draft: &'a Draft<'a>,
    /// The words, a neutral mark in place of every reference.
    pub said: String,
    /// The same in lower case, look-alikes as plain letters.
    pub lower: String,
    /// What the tools found.
    pub evidence: &'a [Evidence],
    /// Names and values of the evidence, lower case.
    pub sources: String,
    /// What the customer wrote in this turn.
    pub words: &'a str,
    /// What the shop allows.
    pub policy: &'a ReplyPolicy,
    pub(crate) clauses: Vec<Clause<'a>>,
}

/// Checks a draft against the turn's evidence and the customer's words. One verdict per rule, in
/// the order of [`RULES`]; the reply may go out when all passed.
pub fn check(text: &str, evidence: &[Evidence], words: &str, policy: &ReplyPolicy) -> Vec<Verdict> {
    check_with(RULES, text, evidence, words, policy)
}

/// Checks a draft against some rules; see [`check`].
pub fn check_with(
    rules: &[Rule],
    text: &str,
    evidence: &[Evidence],
    words: &str,
    policy: &ReplyPolicy,
) -> Vec<Verdict> {
    let verdict = |rule: &str, passed| Verdict {
        rule: rule.to_owned(),
        passed,
    };
    // The other rules would take time with the square of the length, and change nothing.
    if text.chars().nth(length::CHARS_MAX).is_some() {
        return vec![verdict(length::RULE.name, false)];
    }
    // Control characters stand for references while a draft is looked at.
    let has_marks = text.chars().any(|c| c.is_control() && c != '\n');
    let parsed = Draft::parse(text).ok().filter(|_| !has_marks);
    let Some(draft) = parsed else {
        return vec![verdict(BROKEN_REFERENCE, false)];
    };
    let said = draft.words();
    let reply = Reply {
        text,
        draft: &draft,
        lower: plain(&said).to_lowercase(),
        said,
        evidence,
        sources: source_text(evidence),
        words,
        policy,
        clauses: claims::clauses(&draft),
    };
    rules
        .iter()
        .map(|rule| verdict(rule.name, (rule.holds)(&reply)))
        .collect()
}

/// All names and values of the evidence, lower case: what words may lean on.
fn source_text(evidence: &[Evidence]) -> String {
    let mut out = String::new();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            for field in fields {
                out.push_str(&field.name.replace('_', " "));
                out.push(' ');
                out.push_str(&plain(&claims::shown(field)).to_lowercase());
                out.push('\n');
            }
        }
    }
    out
}
