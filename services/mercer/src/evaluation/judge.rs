//! Judging a turn: what was expected of it, and whether its figures are backed.

use std::collections::BTreeSet;

use mercer_conversation::tools::{
    LookUp, OrderStatus, ProductDetails, SearchCatalog, SearchPolicies,
};
use mercer_replay::{Turns, What};
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Claim, Evidence, Intent, Plan, RecordKey};
use serde::Serialize;

use crate::evaluation::dialogue::Expect;
use crate::evaluation::driver::PlayedTurn;
use crate::evaluation::grounding::grounded;
use crate::evaluation::shelf::Shelf;
use crate::evaluation::wording::fold;

/// What came of one turn.
#[derive(Clone, Serialize)]
pub(crate) struct TurnResult {
    /// Name of the dialogue.
    pub(crate) dialogue: String,
    /// Number of the turn, from 1.
    pub(crate) turn: usize,
    /// What kind of turn it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The customer's words.
    pub(crate) customer: String,
    /// Whether everything expected holds.
    pub(crate) right: bool,
    /// Whether every figure of the reply is backed by the stores.
    pub(crate) grounded: bool,
    /// What does not hold.
    pub(crate) faults: Vec<String>,
    /// Tools called.
    pub(crate) tools: Vec<String>,
    /// The plan as the model wrote it, arguments included.
    pub(crate) plan: Plan,
    /// The intents that the plan was narrowed to; empty where it was not.
    pub(crate) intents: Vec<Intent>,
    /// What the tools found: the records, in their order.
    pub(crate) found: Vec<String>,
    /// Rules that blocked a draft, in the order of the drafts.
    pub(crate) blocked: Vec<String>,
    /// Texts that reached the customer.
    pub(crate) replies: Vec<String>,
    /// A person was called.
    pub(crate) handed_over: bool,
    /// From posting the message to the arrival of the reply, milliseconds.
    pub(crate) ms: u64,
}

/// How a turn came to its answer.
pub(crate) struct Course {
    /// The plan that was carried out.
    pub(crate) plan: Plan,
    /// The intents that it was narrowed to.
    pub(crate) intents: Vec<Intent>,
    /// Records that the tools found.
    pub(crate) found: Vec<String>,
    /// Rules that blocked a draft.
    pub(crate) blocked: Vec<String>,
}

/// Reads how a turn came to its answer.
pub(crate) fn course(played: &PlayedTurn) -> Course {
    let turns = &played.turns.turns;
    let last = turns.last();
    let drafts = turns.iter().flat_map(|turn| &turn.drafts);
    let failed = drafts
        .flat_map(|draft| &draft.blocked_by)
        .filter(|verdict| !verdict.passed);
    Course {
        plan: plan(&played.turns).cloned().unwrap_or_default(),
        intents: last.map_or_else(Vec::new, |turn| turn.intents.clone()),
        found: last.map_or_else(Vec::new, |turn| {
            turn.evidence.iter().filter_map(record_of).collect()
        }),
        blocked: failed.map(|verdict| verdict.rule.clone()).collect(),
    }
}

/// Returns the plan that was carried out.
fn plan(turns: &Turns) -> Option<&Plan> {
    turns.turns.last().and_then(|turn| turn.plan.as_ref())
}

fn record_of(line: &Evidence) -> Option<String> {
    match line {
        Evidence::Record { key, .. } => Some(key.to_string()),
        _ => None,
    }
}

/// What the judge says of a turn.
pub(crate) struct Judged {
    /// What does not hold.
    pub(crate) faults: Vec<String>,
    /// Whether every figure of the reply is backed by the stores.
    pub(crate) grounded: bool,
    /// Tools called.
    pub(crate) tools: Vec<String>,
    /// A person was called.
    pub(crate) handed_over: bool,
}

/// What expectations are compared with.
struct Heard<'a> {
    reply: String,
    sent: bool,
    tools: Vec<String>,
    evidence: Vec<&'a Evidence>,
    claims: Vec<&'a Claim>,
    handed_over: bool,
}

/// Judges a turn. `words` is all that the customer has said so far.
///
/// # Errors
/// When the stores cannot be read or an expectation names a record that does not exist.
pub(crate) async fn judge(
    shelf: &Shelf<'_>,
    words: &str,
    expect: &Expect,
    played: &PlayedTurn,
) -> anyhow::Result<Judged> {
    let turns = &played.turns;
    let calls = plan(turns).map_or(&[][..], |plan| &plan.calls);
    let handed_over = |what: &What| matches!(what, What::HandedOver { .. });
    let heard = Heard {
        reply: played.replies.join("\n"),
        sent: turns.sent().next().is_some(),
        tools: calls.iter().map(|call| call.tool().to_owned()).collect(),
        evidence: turns.turns.iter().flat_map(|turn| &turn.evidence).collect(),
        claims: turns.sent().flat_map(|sent| &sent.claims).collect(),
        handed_over: turns.steps.iter().any(|step| handed_over(&step.what)),
    };
    let mut faults = faults(shelf, expect, &heard).await?;
    if let Some(fault) = none_of(shelf, &expect.any_of, &heard).await? {
        faults.push(fault);
    }
    let grounded = grounded(shelf, words, turns, &heard.evidence, &heard.reply).await?;
    if !grounded {
        faults.push("a figure of the reply is not backed by the stores".to_owned());
    }
    Ok(Judged {
        faults,
        grounded,
        tools: heard.tools,
        handed_over: heard.handed_over,
    })
}

/// Says what is wrong with each alternative, where there are some and none holds.
async fn none_of(
    shelf: &Shelf<'_>,
    alternatives: &[Expect],
    heard: &Heard<'_>,
) -> anyhow::Result<Option<String>> {
    let mut wrong = Vec::new();
    for (place, expect) in alternatives.iter().enumerate() {
        let faults = faults(shelf, expect, heard).await?;
        if faults.is_empty() {
            return Ok(None);
        }
        wrong.push(format!("({}) {}", place + 1, faults.join(", ")));
    }
    Ok((!wrong.is_empty()).then(|| format!("any_of: none holds: {}", wrong.join("; "))))
}

/// Tools that bring what a turn that begins with a look-up may have found already.
const LOOKED_UP: [&str; 3] = [
    SearchCatalog::TOOL,
    ProductDetails::TOOL,
    SearchPolicies::TOOL,
];

/// Says whether a look-up told a customer's order.
fn looked_up_order(line: &&Evidence) -> bool {
    matches!(line, Evidence::Record { key: RecordKey::Order(_), tool: Some(tool), .. } if tool == LookUp::TOOL)
}

/// Says what does not hold, leaving alternatives aside.
async fn faults(
    shelf: &Shelf<'_>,
    expect: &Expect,
    heard: &Heard<'_>,
) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    if let Some(expected) = &expect.tools {
        let (mut expected, mut called): (BTreeSet<&str>, BTreeSet<&str>) = (
            expected.iter().map(String::as_str).collect(),
            heard.tools.iter().map(String::as_str).collect(),
        );
        // What was looked up first need not be called for, and may be.
        if called.remove(LookUp::TOOL) {
            let tells_order = heard.evidence.iter().any(looked_up_order);
            let is_found =
                |tool: &str| LOOKED_UP.contains(&tool) || tells_order && tool == OrderStatus::TOOL;
            for tools in [&mut expected, &mut called] {
                tools.retain(|tool| !is_found(tool));
            }
        }
        if expected != called {
            faults.push(format!("tools: expected {expected:?}, called {called:?}"));
        }
    }
    for record in &expect.evidence {
        let is_it = |line: &&Evidence| matches!(line, Evidence::Record { key, .. } if same_record(key, &record.0));
        if !heard.evidence.iter().any(is_it) {
            faults.push(format!("evidence: {} is missing", record.0));
        }
    }
    for fact in &expect.facts {
        if !shelf.tells(fact, &heard.reply, &heard.claims).await? {
            faults.push(format!("facts: {} is not in the reply", fact.written));
        }
    }
    let folded = fold(&heard.reply);
    for quote in &expect.quotes {
        if !folded.contains(&fold(&quote.sentence)) {
            let (policy, sentence) = (&quote.policy.0, &quote.sentence);
            faults.push(format!("quotes: the reply lacks `{sentence}` of {policy}"));
        }
    }
    if let Some(expected) = expect.handoff
        && heard.handed_over != expected
    {
        let was = heard.handed_over;
        faults.push(format!("handoff: expected {expected}, was {was}"));
    }
    match (expect.reply, heard.sent) {
        (Some(true), false) => faults.push("reply: none was sent".to_owned()),
        (Some(false), true) => faults.push("reply: expected none, one was sent".to_owned()),
        _ => {}
    }
    for wording in &expect.contains {
        if !wording.is_in(&heard.reply) {
            faults.push(format!("contains: the reply lacks `{}`", wording.written()));
        }
    }
    for wording in &expect.not_contains {
        if wording.is_in(&heard.reply) {
            let written = wording.written();
            faults.push(format!("not_contains: the reply holds `{written}`"));
        }
    }
    let lower = heard.reply.to_lowercase();
    for text in &expect.forbid {
        if lower.contains(&text.to_lowercase()) {
            faults.push(format!("forbid: the reply holds `{text}`"));
        }
    }
    Ok(faults)
}

/// `policy:` names every kind of document.
fn same_record(found: &RecordKey, expected: &RecordKey) -> bool {
    use RecordKey::{Document, Promotion};
    match (found, expected) {
        (Document(found) | Promotion(found), Document(id) | Promotion(id)) => found == id,
        (found, expected) => found == expected,
    }
}

#[cfg(test)]
mod tests;
