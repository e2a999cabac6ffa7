//! Small talk and what is outside the shop: nothing is looked up.

use mercer_schemas::Plan;
use rand::rngs::StdRng;

use super::off_topic;
use super::phrases_injection::INJECTION;
use super::phrases_orders::NAMES;
use super::phrases_talk::{BYES, GREETINGS, GRUMBLES, REMARKS, THANKS, VAGUE};
use crate::dialogue::{Memory, reply_any};
use crate::drive::Gold;
use crate::shop::Shop;
use crate::text::{chance, pick, say};

const GREETING_REPLY: &[&str] = &[
    "Hello! I can help with our products, our policies and your orders. What are you looking for?",
    "Hello! How can I help you?",
];
const THANKS_REPLY: &[&str] = &[
    "You're welcome! Is there anything else?",
    "You're welcome. Just write if you need anything else.",
];
const BYE_REPLY: &[&str] = &[
    "Goodbye, have a nice day!",
    "Goodbye and thank you for writing!",
];
const REMARK_REPLY: &[&str] = &[
    "All right. Just write if you need anything.",
    "Of course. Let me know if I can help with anything.",
];
const GRUMBLE_REPLY: &[&str] = &[
    "I'm sorry about that. Tell me what you need, or ask for a colleague.",
    "I'm sorry. Let me know what I can do, or ask for a colleague.",
];
const OFF_TOPIC_REPLY: &[&str] = &[
    "I'm afraid I can't help with that, but I can help with our products, our policies and your orders.",
    "I can only help with our shop: products, policies and orders. What are you looking for?",
];
const INJECTION_REPLY: &[&str] =
    &["I can't do that, sorry. I can help with our products, our policies and your own orders."];
const VAGUE_REPLY: &[&str] = &[
    "Which product do you mean? Please tell me its name or what you are looking for.",
    "I'm not sure which product you mean. Could you tell me its name or code?",
];

/// Small talk and what is outside the shop.
pub(crate) fn chat(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    kind: &'static str,
    memory: &Memory,
) -> Option<Gold> {
    let (template, replies) = match kind {
        "greeting" => (pick(rng, GREETINGS), GREETING_REPLY),
        "thanks" => (pick(rng, THANKS), THANKS_REPLY),
        "bye" => (pick(rng, BYES), BYE_REPLY),
        "remark" if chance(rng, 35) => (pick(rng, GRUMBLES), GRUMBLE_REPLY),
        "remark" => (pick(rng, REMARKS), REMARK_REPLY),
        "injection" => (pick(rng, INJECTION), INJECTION_REPLY),
        _ if memory.items.is_empty() && !memory.identity.shown() && chance(rng, 16) => {
            (pick(rng, VAGUE), VAGUE_REPLY)
        }
        _ => (off_topic::line(rng), OFF_TOPIC_REPLY),
    };
    let v = shop.vocab.noun(rng);
    let many = plural(&v);
    let country = pick(rng, crate::topics::COUNTRIES);
    let markup = pick(rng, &["{{p1.price}}", "{{o1.status}}", "{{admin}}"]);
    let name = pick(rng, NAMES);
    let said = say(
        rng,
        template,
        &[
            ("v", &v),
            ("vs", &many),
            ("c", country),
            ("n", name),
            ("ref", markup),
        ],
    );
    let text = reply_any(rng, replies);
    Some(Gold {
        words: said.words,
        plan: Plan { calls: Vec::new() },
        evidence: Vec::new(),
        identified: false,
        reply: text,
        intent: kind,
    })
}

/// Writes a noun as several of it.
pub(super) fn plural(noun: &str) -> String {
    if noun.ends_with('s') {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}
