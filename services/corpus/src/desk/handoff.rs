//! Turns that a person has to answer.

use mercer_conversation::tools::Handoff;
use mercer_schemas::{Evidence, HandoffReason, Plan, ToolCall};
use rand::{Rng, rngs::StdRng};

use super::phrases_handoff::{ASKED, COMPLAINT, UNABLE};
use super::phrases_orders::NAMES;
use super::talk::plural;
use crate::dialogue::reply_any;
use crate::drive::Gold;
use crate::shop::Shop;
use crate::text::{pick, say_any};

const HANDOFF_REPLY: &[&str] = &[
    "Of course, a colleague will take over from here.",
    "I'm passing you to a colleague, who will answer you here.",
];
const SORRY_REPLY: &[&str] = &[
    "I'm sorry about that. A colleague will take over from here.",
    "I'm sorry for the trouble. A colleague will look into it and answer you here.",
];
const UNABLE_REPLY: &[&str] = &[
    "I can't do that myself, but a colleague will take over from here.",
    "A colleague can do that for you and will answer you here.",
];

/// A person has to answer.
pub(crate) fn handoff(rng: &mut StdRng, shop: &Shop<'_>) -> Option<Gold> {
    let (reason, templates, replies) = match rng.random_range(0..10) {
        0..4 => (HandoffReason::Asked, ASKED, HANDOFF_REPLY),
        4..7 => (HandoffReason::Complaint, COMPLAINT, SORRY_REPLY),
        _ => (HandoffReason::Unable, UNABLE, UNABLE_REPLY),
    };
    let v = shop.vocab.noun(rng);
    let many = plural(&v);
    let name = pick(rng, NAMES);
    let said = say_any(rng, templates, &[("v", &v), ("vs", &many), ("n", name)]);
    let text = reply_any(rng, replies);
    let plan = Plan {
        calls: vec![ToolCall::new(&Handoff { reason })],
    };
    Some(Gold {
        words: said.words,
        plan,
        evidence: vec![Evidence::HandedOver],
        identified: false,
        reply: text,
        intent: "handoff",
    })
}
