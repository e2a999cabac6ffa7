//! A written reply as the model would write it: references by the handles of what was found.

use mercer_conversation::grammar;
use mercer_corpus::written::Turn;
use mercer_schemas::Evidence;
use mercer_schemas::evidence::{field, value_of};

use super::school::Obstacle;

/// Writes a reply with the references that the evidence offers in place of records' ids.
pub(super) fn reply(turn: &Turn, evidence: &[Evidence]) -> Result<String, Obstacle> {
    let mut out = String::new();
    let mut rest = turn.reply.trim();
    let offered = grammar::references(evidence);
    while let Some((before, after)) = rest.split_once("{{") {
        let (written, after) = after
            .split_once("}}")
            .ok_or_else(|| ("braces that do not fit", rest.to_owned()))?;
        out.push_str(before);
        for reference in references(written, turn, evidence)? {
            let is_number = reference.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number && !offered.contains(&reference) {
                return Err(("a field that is not told", written.to_owned()));
            }
            if out.ends_with("}}") {
                out.push(' ');
            }
            out.push_str(&reference);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Says whether the evidence has what a written reference tells.
pub(super) fn is_told(written: &str, turn: &Turn, evidence: &[Evidence]) -> bool {
    let offered = grammar::references(evidence);
    references(written, turn, evidence).is_ok_and(|found| {
        found
            .iter()
            .all(|reference| !reference.starts_with('{') || offered.contains(reference))
    })
}

/// Returns what stands for a reference: of a policy one for each sentence that answers.
fn references(written: &str, turn: &Turn, evidence: &[Evidence]) -> Result<Vec<String>, Obstacle> {
    let missing = || ("a record that was not found", written.to_owned());
    if written == "search.count" {
        let total = evidence.iter().rev().find_map(|line| match line {
            Evidence::Found { total, .. } => *total,
            _ => None,
        });
        return Ok(vec![total.ok_or_else(missing)?.to_string()]);
    }
    let (record, name) = match written.split_once(':') {
        Some(("policy", id)) => (format!("policy:{id}"), None),
        _ => match written.rsplit_once('.') {
            Some((record, name)) => (record.to_owned(), Some(name)),
            None => return Err(missing()),
        },
    };
    let lines = evidence.iter().filter_map(|line| match line {
        Evidence::Record {
            handle,
            key,
            fields,
            ..
        } => {
            let key = key.to_string();
            // The shops' conversations call promotions policies.
            let is_it = match (
                key.strip_prefix("promotion:"),
                record.strip_prefix("policy:"),
            ) {
                (Some(promotion), Some(policy)) => promotion == policy,
                _ => key == record,
            };
            is_it.then_some((handle, fields))
        }
        _ => None,
    });
    if let Some(name) = name {
        let handle = lines.map(|(handle, _)| handle).next().ok_or_else(missing)?;
        return Ok(vec![format!("{{{{{handle}.{name}}}}}")]);
    }
    let mut out = Vec::new();
    let mut is_found = false;
    for (handle, fields) in lines {
        is_found = true;
        for name in field::SENTENCES {
            let Some(sentence) = value_of(fields, name) else {
                break;
            };
            let sentence = squeezed(&sentence.text(""));
            let answers = |quote: &String| {
                let quote = squeezed(quote);
                quote.contains(&sentence) || sentence.contains(&quote)
            };
            if turn.quotes.iter().any(answers) {
                out.push(format!("{{{{{handle}.{name}}}}}"));
            }
        }
    }
    if !is_found {
        return Err(missing());
    }
    if out.is_empty() {
        return Err((
            "a quote that is not in the passages",
            turn.quotes.join(" | "),
        ));
    }
    Ok(out)
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
