//! Replies that need no model: fixed sentences, and templates built from evidence.

use std::collections::BTreeSet;

use mercer_schemas::{Evidence, EvidenceRole};

use crate::tools::ALL;

/// To a message that holds only what Mercer cannot read.
pub(crate) const UNSUPPORTED: &str = "Thanks for your message. I can only read text so far: please tell me in a few words what you need.";
/// When the stores could not be read: nothing is known against asking again.
pub(crate) const TRY_AGAIN: &str =
    "I'm sorry, I can't look that up right now. Please try again in a few minutes.";
/// Behind what was found before the stores could not be read.
pub const TRY_REST_AGAIN: &str =
    "I'm sorry, I can't look up the rest right now. Please ask me again a little later.";
/// The same where the turn before could not read all that it needed either.
pub const REST_TO_PERSON: &str = "I'm sorry, I could not look up the rest. A colleague will read this conversation and get back to you.";
/// Behind a reply to more words than were read.
pub(crate) const CUT: &str = "You wrote more than I can read at once, so I answered the first part. Please send me the rest again in short messages.";
/// When every way to an answer failed.
pub(crate) const GIVE_UP: &str = "I'm sorry, I could not answer that properly. A colleague will read this conversation and get back to you.";

const GREETING: &str = "I can help with our products, prices and stock, our policies, and your orders. What are you looking for?";

/// Says whether a draft ends where a look-up failed, so that the customer may ask for the rest again.
pub(crate) fn leaves_rest(draft: &str) -> bool {
    draft.ends_with(TRY_REST_AGAIN)
}

/// Says whether a draft ends where a look-up failed again, so that a person answers the rest.
pub(crate) fn promises_person(draft: &str) -> bool {
    draft.ends_with(REST_TO_PERSON)
}

/// Most products that a template names.
const PRODUCTS_MAX: usize = 3;

/// Returns the handles that a reply with unfilled references names, in order.
pub(crate) fn references(reply: &str) -> Vec<&str> {
    let references = reply.split("{{").skip(1);
    let handles = references.filter_map(|rest| {
        let (reference, _) = rest.split_once("}}")?;
        Some(
            reference
                .split_once('.')
                .map_or(reference, |(handle, _)| handle),
        )
    });
    handles.collect()
}

/// Returns a reply's references, without its words.
pub(crate) fn references_alone(reply: &str) -> String {
    let references = reply.split("{{").skip(1);
    let whole = references.filter_map(|rest| Some(format!("{{{{{}}}}}", rest.split_once("}}")?.0)));
    whole.collect::<Vec<_>>().join(" ")
}

/// Writes a reply, references unfilled, that says what the evidence holds and nothing else.
pub(crate) fn from_evidence(evidence: &[Evidence]) -> String {
    told(evidence).unwrap_or_else(|| GREETING.to_owned())
}

/// Says what the evidence holds, each record once; none where there is nothing to say.
pub(crate) fn told(evidence: &[Evidence]) -> Option<String> {
    let mut products = 0;
    let mut seen = BTreeSet::new();
    let mut is_told = |line: &&Evidence| {
        if let Evidence::Record { handle, fields, .. } = line {
            let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            let is_shown = line.role() == Some(EvidenceRole::Shown);
            // An attribute that was asked for is told beside its product.
            if !seen.insert((handle.clone(), if is_shown { Vec::new() } else { names })) {
                return false;
            }
        }
        let is_product = matches!(line, Evidence::Record { key, .. } if key.kind().is_sold())
            && line.role() != Some(EvidenceRole::Asked);
        products += usize::from(is_product);
        !is_product || products <= PRODUCTS_MAX
    };
    let sentences: Vec<String> = evidence
        .iter()
        .filter(&mut is_told)
        .filter_map(|line| ALL.iter().find_map(|tool| tool.sentence(line)))
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("\n"))
}
