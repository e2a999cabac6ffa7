//! A reply refers to what this turn's evidence offers only.

use mercer_conversation::grammar;

use super::{Reply, Rule};
use crate::draft::Segment;

pub(super) const RULE: Rule = Rule {
    name: "unknown_reference",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    let known = grammar::references(reply.evidence);
    reply.draft.segments.iter().all(|segment| match segment {
        Segment::Reference(name) => known.contains(&format!("{{{{{name}}}}}")),
        Segment::Words(_) => true,
    })
}
