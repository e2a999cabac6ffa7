//! The grammar of replies: words, references, and what an answer must refer to.

use std::collections::BTreeSet;
use std::fmt::Write;

use mercer_schemas::{Evidence, Field, Handle};

use super::{Literals, words_of};
use crate::bounds::NUMBERS_SAID_MAX;
use crate::{prompt, spans};

/// Characters that a reply's words cannot contain: digits, braces and currency come by reference
/// only, and `<>|` would look like template markup to some models.
const NOT_WORDS: &str = r"0-9{}<>|\\£€$¥%";

/// Most references that one answer must hold: their orders are 16 rules then.
const NEEDED_MAX: usize = 4;

/// Longest number that a reply may repeat, in bytes.
const NUMBER_BYTES_MAX: usize = 20;

/// Everyday words by which customers call for a field.
const SAID_FOR: &[(&str, &[&str])] = &[
    (
        "carrier",
        &[
            "courier", "couriers", "firm", "company", "carrying", "carries", "driver", "who",
            "bringing", "brings", "brought",
        ],
    ),
    ("tracking", &["track", "tracked", "trace", "traced"]),
    ("items", &["contents", "inside"]),
    (
        "stock",
        &["left", "available", "availability", "stocked", "buy"],
    ),
    (
        "price",
        &["cost", "costs", "costing", "much", "expensive", "charge"],
    ),
    ("colour", &["color", "colors"]),
];

/// Builds the grammar of all replies that the evidence admits. Where records were found, a reply
/// refers to what answers the question.
pub fn reply(evidence: &[Evidence], words: &str) -> String {
    let references = references(evidence);
    let numbers = numbers(evidence, words);
    let mut rules = format!("TEXT: /[^{NOT_WORDS}]+/\n");
    let mut literals = Literals::new();
    // Between two items stands at least a space or a letter, so that two literals cannot be
    // joined to a number that neither of them is ("1" "." "5").
    let _ = writeln!(rules, "GAP: /[^{NOT_WORDS}]*[ a-zA-Z][^{NOT_WORDS}]*/");
    let item = match (references.is_empty(), numbers.is_empty()) {
        (true, true) => return format!("start: TEXT\n{rules}"),
        (false, true) => "REF",
        (true, false) => "NUM",
        (false, false) => "(REF | NUM)",
    };
    if !references.is_empty() {
        let _ = writeln!(rules, "REF: {}", literals.write(&references));
    }
    if !numbers.is_empty() {
        let _ = writeln!(rules, "NUM: {}", literals.write(&numbers));
    }
    let answers = answers(evidence, words);
    let start = if references.is_empty() {
        format!("TEXT | TEXT? {item} (GAP {item})* TEXT?")
    } else if answers.is_empty() {
        let first = if numbers.is_empty() {
            ""
        } else {
            "(NUM GAP)* "
        };
        format!("TEXT? {first}REF (GAP {item})* TEXT?")
    } else {
        let ways: Vec<String> = answers
            .iter()
            .enumerate()
            .map(|(number, needed)| {
                way(number, needed, &references, item, &mut literals, &mut rules)
            })
            .collect();
        ways.join(" | ")
    };
    format!("start: {start}\n{rules}")
}

/// Adds the rules of one answer, whose references may come in any order, and returns its start.
///
/// There is a rule for each set of needed references that were written already, as a bit mask.
/// What a rule offers beside the missing ones leaves those out, so that within one answer there is
/// one way only to read a reply, and the parser has little to keep in mind.
fn way(
    number: usize,
    needed: &[String],
    references: &BTreeSet<String>,
    item: &str,
    literals: &mut Literals,
    rules: &mut String,
) -> String {
    let full = (1_usize << needed.len()) - 1;
    let rule = |mask: usize| format!("way{number}x{mask}");
    for (at, name) in needed.iter().enumerate() {
        let literal = serde_json::to_string(name).unwrap_or_default();
        let _ = writeln!(rules, "NEED{number}X{at}: {literal}");
    }
    let mut next = |mask: usize, rules: &mut String| {
        let missing = |name: &&String| {
            (0..needed.len()).all(|at| mask & (1 << at) != 0 || needed[at] != **name)
        };
        let others: BTreeSet<String> = references.iter().filter(missing).cloned().collect();
        let mut steps: Vec<String> = (0..needed.len())
            .filter(|at| mask & (1 << at) == 0)
            .map(|at| format!("NEED{number}X{at} {}", rule(mask | (1 << at))))
            .collect();
        if !others.is_empty() {
            let _ = writeln!(rules, "OTHER{number}X{mask}: {}", literals.write(&others));
            steps.push(format!("OTHER{number}X{mask} {}", rule(mask)));
        }
        if item.contains("NUM") {
            steps.push(format!("NUM {}", rule(mask)));
        }
        steps.join(" | ")
    };
    let start = next(0, rules);
    let _ = writeln!(rules, "{}: GAP ({start})", rule(0));
    for mask in 1..full {
        let steps = next(mask, rules);
        let _ = writeln!(rules, "{}: GAP ({steps})", rule(mask));
    }
    let _ = writeln!(rules, "{}: (GAP {item})* TEXT?", rule(full));
    format!("TEXT? ({start})")
}

/// Returns what a reply must refer to, as alternatives: what was found is what was asked for, so
/// an attribute, an order's status or a policy's text may not be left out of the answer. Empty where
/// the evidence does not tell what was asked: then any one reference does.
/// Fields of an order or of a single product that the customer calls by name ("tracking", "sizes")
/// belong to the answer too. The references of one alternative may come in any order; there are at
/// most [`NEEDED_MAX`].
pub fn answers(evidence: &[Evidence], words: &str) -> Vec<Vec<String>> {
    let records: Vec<(&Handle, &[Field])> = evidence
        .iter()
        .filter_map(|line| match line {
            Evidence::Record { handle, fields, .. } => Some((handle, fields.as_slice())),
            _ => None,
        })
        .collect();
    let reference = |handle: &Handle, name: &str| format!("{{{{{handle}.{name}}}}}");
    let has = |fields: &[Field], name: &str| fields.iter().any(|field| field.name == name);
    // A product's attributes that were asked for stand in lines of their own. Of several products
    // each is told.
    let attributes: Vec<(&Handle, String)> = records
        .iter()
        .filter(|(_, fields)| fields.len() == 1 && fields[0].name != prompt::TEXT_FIELD)
        .map(|(handle, fields)| (*handle, reference(handle, &fields[0].name)))
        .collect();
    if let Some((first, _)) = attributes.first() {
        if attributes.iter().all(|(handle, _)| handle == first) {
            return attributes.into_iter().map(|(_, name)| vec![name]).collect();
        }
        let mut told: Vec<(&Handle, String)> = Vec::new();
        for (handle, name) in attributes {
            if told.iter().all(|(known, _)| *known != handle) {
                told.push((handle, name));
            }
        }
        told.truncate(NEEDED_MAX);
        return vec![told.into_iter().map(|(_, name)| name).collect()];
    }
    let of_kind = |letter: char| {
        records
            .iter()
            .filter(move |(handle, _)| handle.as_str().starts_with(letter))
    };
    let said = words_of(words);
    let called = |handle: &Handle, fields: &[Field], not: &[&str]| {
        let is_called = |field: &&Field| {
            !not.contains(&field.name.as_str())
                && (is_said_for(&field.name, &said)
                    || field.name.split('_').all(|part| {
                        said.iter()
                            .any(|word| word == part || word.strip_suffix('s') == Some(part))
                    }))
        };
        fields
            .iter()
            .filter(is_called)
            .map(|field| reference(handle, &field.name))
            .collect::<Vec<String>>()
    };
    let mut out: Vec<Vec<String>> = Vec::new();
    for (handle, fields) in of_kind('o').filter(|(_, fields)| has(fields, "status")) {
        let mut needed = vec![reference(handle, "status")];
        needed.extend(has(fields, "eta").then(|| reference(handle, "eta")));
        needed.extend(called(handle, fields, &["number", "status", "eta"]));
        out.push(needed);
    }
    if out.is_empty() {
        let priced =
            |(_, fields): &&(&Handle, &[Field])| has(fields, "price") && has(fields, "stock");
        for (handle, _) in of_kind('v').filter(priced) {
            out.push(
                ["price", "stock"]
                    .map(|name| reference(handle, name))
                    .to_vec(),
            );
        }
    }
    let is_search = evidence
        .iter()
        .any(|line| matches!(line, Evidence::Found { .. }));
    // What is not on record was asked for instead.
    let is_unknown = evidence
        .iter()
        .any(|line| matches!(line, Evidence::NoRecordAbout { .. }));
    let is_looked_at = !is_search && !is_unknown;
    if out.is_empty()
        && is_looked_at
        && let [(handle, fields)] = records.as_slice()
    {
        out.extend(
            Some(called(
                handle,
                fields,
                &["name", "title", prompt::TEXT_FIELD],
            ))
            .filter(|answer| !answer.is_empty()),
        );
    }
    if out.is_empty() && is_looked_at && of_kind('p').count() == 2 {
        // Two products side by side are both told.
        out.push(
            of_kind('p')
                .flat_map(|(handle, _)| ["name", "price"].map(|name| reference(handle, name)))
                .collect(),
        );
    }
    if out.is_empty() && is_search {
        for (handle, _) in of_kind('p') {
            out.push(
                ["name", "price"]
                    .map(|name| reference(handle, name))
                    .to_vec(),
            );
        }
    }
    let passages = || {
        records
            .iter()
            .filter(|(_, fields)| has(fields, prompt::TEXT_FIELD))
    };
    if out.is_empty() {
        out.extend(passages().map(|(handle, _)| vec![format!("{{{{{handle}}}}}")]));
    } else if let Some((handle, _)) = passages().next() {
        // Two questions in one message: both are answered.
        let passage = format!("{{{{{handle}}}}}");
        out.iter_mut()
            .for_each(|answer| answer.push(passage.clone()));
    }
    out.iter_mut()
        .for_each(|needed| needed.truncate(NEEDED_MAX));
    out
}

/// Says whether the words call for a field by an everyday word.
fn is_said_for(field: &str, said: &BTreeSet<String>) -> bool {
    SAID_FOR
        .iter()
        .filter(|(name, _)| *name == field)
        .any(|(_, words)| words.iter().any(|word| said.contains(*word)))
}

/// Returns every reference that the evidence offers, with braces.
pub fn references(evidence: &[Evidence]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for line in evidence {
        match line {
            Evidence::Record { handle, fields, .. } => {
                for field in fields {
                    out.insert(match field.name.as_str() {
                        prompt::TEXT_FIELD => format!("{{{{{handle}}}}}"),
                        name => format!("{{{{{handle}.{name}}}}}"),
                    });
                }
            }
            Evidence::NoRecordAbout { .. }
            | Evidence::Found { .. }
            | Evidence::NothingFound
            | Evidence::NoPolicy
            | Evidence::IdentityNeeded
            | Evidence::OrderNotFound
            | Evidence::HandedOver => {}
        }
    }
    out
}

/// Returns the complete numbers that a reply may repeat: from the evidence and the last ones of the
/// customer's words, amounts of money excepted.
pub fn numbers(evidence: &[Evidence], words: &str) -> BTreeSet<String> {
    let mut texts = Vec::new();
    for line in evidence {
        if let Evidence::Record { fields, .. } = line {
            texts.extend(
                fields
                    .iter()
                    .filter(|field| field.name != "price")
                    .map(|field| field.value.expose().as_str()),
            );
        }
    }
    let repeatable = |text| {
        spans::number_runs(text)
            .filter(|run| !run.is_amount && run.text.len() <= NUMBER_BYTES_MAX)
            .map(|run| run.text)
    };
    let said: Vec<&str> = repeatable(words).collect();
    let mut out: BTreeSet<String> = BTreeSet::new();
    for number in said.into_iter().rev() {
        if out.len() == NUMBERS_SAID_MAX {
            break;
        }
        out.insert(number.to_owned());
    }
    out.extend(texts.into_iter().flat_map(repeatable).map(str::to_owned));
    out
}
