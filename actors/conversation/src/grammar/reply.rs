//! The grammar of replies: words, references, and what an answer must refer to.

use std::collections::BTreeSet;

use mercer_schemas::Evidence;
use mercer_schemas::evidence::field;

use super::told::reference;
use super::{Rules, Told};
use crate::bounds::NUMBERS_SAID_MAX;
use crate::spans;
use crate::tools::ALL;

/// Characters that a reply's words cannot contain: digits, braces and currency come by reference
/// only, and `<>|` would look like template markup to some models.
const NOT_WORDS: &str = r"0-9{}<>|\\£€$¥₹₦₩₪₫₱฿%";

/// Most references that one answer must hold: their orders are 16 rules then.
pub(super) const NEEDED_MAX: usize = 4;

/// Longest number that a reply may repeat, in bytes.
const NUMBER_BYTES_MAX: usize = 20;

/// Writes the rules of all replies that the evidence admits, the first of them named `reply`: which
/// references answer the question, the model decides.
pub(super) fn free(evidence: &[Evidence], words: &str) -> String {
    let mut rules = Rules::new();
    let Some(item) = items(evidence, words, &mut rules) else {
        return format!("reply: TEXT\n{}", rules.into_text());
    };
    let start = format!("TEXT | TEXT? {item} (GAP {item})* TEXT?");
    format!("reply: {start}\n{}", rules.into_text())
}

/// Writes the rules of all replies that the evidence admits, the first of them named `reply`. Where
/// records were found, a reply refers to what answers the question. Without `hints`, everyday words for
/// a field do not call it.
pub(super) fn bound(evidence: &[Evidence], words: &str, hints: bool) -> String {
    let mut rules = Rules::new();
    let Some(item) = items(evidence, words, &mut rules) else {
        return format!("reply: TEXT\n{}", rules.into_text());
    };
    let references = references(evidence);
    let answers = answers(evidence, words, hints);
    let start = if references.is_empty() {
        format!("TEXT | TEXT? {item} (GAP {item})* TEXT?")
    } else if answers.is_empty() {
        let first = if item == REFERENCE { "" } else { "(NUM GAP)* " };
        format!("TEXT? {first}REF (GAP {item})* TEXT?")
    } else {
        let ways: Vec<String> = answers
            .iter()
            .enumerate()
            .map(|(number, needed)| way(number, needed, &references, item, &mut rules))
            .collect();
        ways.join(" | ")
    };
    format!("reply: {start}\n{}", rules.into_text())
}

/// What stands between words where nothing but references can.
const REFERENCE: &str = "REF";

/// Adds the terminals of a reply, and returns what may stand between words; none where only words may.
fn items(evidence: &[Evidence], words: &str, rules: &mut Rules) -> Option<&'static str> {
    let references = references(evidence);
    let numbers = numbers(evidence, words);
    rules.rule("TEXT", &format!("/[^{NOT_WORDS}]+/"));
    // Between two items stands at least a space or a letter, so that two literals cannot be
    // joined to a number that neither of them is ("1" "." "5").
    rules.rule("GAP", &format!("/[^{NOT_WORDS}]*[ a-zA-Z][^{NOT_WORDS}]*/"));
    if !references.is_empty() {
        rules.terminal("REF", &references);
    }
    if !numbers.is_empty() {
        rules.terminal("NUM", &numbers);
    }
    match (references.is_empty(), numbers.is_empty()) {
        (true, true) => None,
        (false, true) => Some(REFERENCE),
        (true, false) => Some("NUM"),
        (false, false) => Some("(REF | NUM)"),
    }
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
    rules: &mut Rules,
) -> String {
    let full = (1_usize << needed.len()) - 1;
    let rule = |mask: usize| format!("way{number}x{mask}");
    for (at, name) in needed.iter().enumerate() {
        let literal = serde_json::to_string(name).unwrap_or_default();
        rules.rule(&format!("NEED{number}X{at}"), &literal);
    }
    let next = |mask: usize, rules: &mut Rules| {
        let missing = |name: &&String| {
            (0..needed.len()).all(|at| mask & (1 << at) != 0 || needed[at] != **name)
        };
        let others: BTreeSet<String> = references.iter().filter(missing).cloned().collect();
        let mut steps: Vec<String> = (0..needed.len())
            .filter(|at| mask & (1 << at) == 0)
            .map(|at| format!("NEED{number}X{at} {}", rule(mask | (1 << at))))
            .collect();
        if !others.is_empty() {
            rules.terminal(&format!("OTHER{number}X{mask}"), &others);
            steps.push(format!("OTHER{number}X{mask} {}", rule(mask)));
        }
        if item.contains("NUM") {
            steps.push(format!("NUM {}", rule(mask)));
        }
        steps.join(" | ")
    };
    let start = next(0, rules);
    rules.rule(&rule(0), &format!("GAP ({start})"));
    for mask in 1..full {
        let steps = next(mask, rules);
        rules.rule(&rule(mask), &format!("GAP ({steps})"));
    }
    rules.rule(&rule(full), &format!("(GAP {item})* TEXT?"));
    format!("TEXT? ({start})")
}

/// Returns what a reply must refer to, as alternatives: what was found is what was asked for, so
/// an attribute, an order's status or a policy's text may not be left out of the answer. Empty where
/// the evidence does not tell what was asked: then any one reference does.
///
/// Where several tools found something, several things were asked, and the answer to each belongs to
/// the reply: of the later tools the first alternative of theirs. The references of one alternative may come in any order; there are at most
/// [`NEEDED_MAX`].
pub fn answers(evidence: &[Evidence], words: &str, hints: bool) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    for tool in ALL {
        let needed = tool.needed(&Told::new(evidence, tool.name(), words, hints));
        if out.is_empty() {
            out = needed;
        } else if let Some(first) = needed.into_iter().next() {
            for answer in &mut out {
                let more = first.iter().filter(|name| !answer.contains(name));
                let more: Vec<String> = more.cloned().collect();
                answer.extend(more);
            }
        }
    }
    out.iter_mut()
        .for_each(|needed| needed.truncate(NEEDED_MAX));
    out
}

/// Returns every reference that the evidence offers, with braces.
pub fn references(evidence: &[Evidence]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for line in evidence {
        if let Evidence::Record { handle, fields, .. } = line {
            out.extend(fields.iter().map(|field| reference(handle, &field.name)));
        }
    }
    out
}

/// Returns the complete numbers that a reply may repeat: from the evidence and the last ones of the
/// customer's words, amounts of money excepted.
pub fn numbers(evidence: &[Evidence], words: &str) -> BTreeSet<String> {
    let said: Vec<&str> = repeatable(words).collect();
    let mut out: BTreeSet<String> = BTreeSet::new();
    for number in said.into_iter().rev() {
        if out.len() == NUMBERS_SAID_MAX {
            break;
        }
        out.insert(number.to_owned());
    }
    for line in evidence {
        if let Evidence::Found {
            total: Some(total), ..
        } = line
        {
            out.insert(total.to_string());
        }
        let Evidence::Record { fields, .. } = line else {
            continue;
        };
        // Prices of older records are texts.
        let fields = fields.iter().filter(|field| field.name != field::PRICE);
        for value in fields.map(|field| &field.value).filter(|v| !v.is_money()) {
            // Nothing but money is worded by the locale.
            let text = value.text("");
            out.extend(repeatable(&text).map(str::to_owned));
        }
    }
    out
}

fn repeatable(text: &str) -> impl Iterator<Item = &str> {
    spans::number_runs(text)
        .filter(|run| !run.is_amount && run.text.len() <= NUMBER_BYTES_MAX)
        .map(|run| run.text)
}
