//! One conversation: which turn follows which.

use mercer_schemas::ChatMessage;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::desk::Identity;
use crate::drive::{Gold, Stage};
use crate::shop::{Item, Shop};
use crate::text::{chance, expand};
use crate::vocab::Vocab;
use crate::{browse, desk, follow};

/// Longest dialogue in bytes: about 900 tokens.
const BYTES_MAX: usize = 2_700;
/// Attempts at an admissible turn before the dialogue is given up.
const ATTEMPTS: usize = 12;

/// What the generator remembers of a conversation.
#[derive(Default, Clone)]
pub(crate) struct Memory {
    /// Products shown last.
    pub(crate) items: Vec<Item>,
    /// What was said of an order.
    pub(crate) identity: Identity,
}

/// Finishes a reply: expands choices and writes `~p1.name~` as a reference.
pub(crate) fn reply(rng: &mut StdRng, template: &str) -> String {
    let text = expand(rng, template, &[]);
    let mut out = String::new();
    for (at, part) in text.split('~').enumerate() {
        if at % 2 == 1 {
            // A passage is referred to by its handle alone.
            out.push_str(&format!("{{{{{part}}}}}"));
        } else {
            out.push_str(part);
        }
    }
    // "from …" and abbreviations aside, a sentence ends with one full stop.
    let mut out = out.replace("..", ".").trim().to_owned();
    if let Some(first) = out.chars().next().filter(|c| c.is_ascii_lowercase()) {
        out.replace_range(..1, &first.to_ascii_uppercase().to_string());
    }
    out
}

/// Invents a dialogue. None where no admissible turn was found.
pub(crate) fn invent(
    rng: &mut StdRng,
    vocab: &Vocab,
) -> Option<(Vec<ChatMessage>, Vec<&'static str>)> {
    let shop = Shop::invent(rng, vocab);
    let mut stage = Stage::new(shop.name.clone());
    let mut memory = Memory::default();
    let mut intents = Vec::new();
    if chance(rng, 20) {
        for _ in 0..rng.random_range(1..4) {
            let next = Kind::Copying;
            if !turn(rng, &shop, &mut stage, &mut memory, next, &mut intents) {
                break;
            }
        }
    } else {
        let turns = [1, 2, 2, 3, 3, 3, 4, 4, 5, 6][rng.random_range(0..10)];
        for at in 0..turns {
            let kind = next(rng, &memory, at, &intents);
            let fits = turn(rng, &shop, &mut stage, &mut memory, kind, &mut intents);
            if !fits || kind == Kind::Handoff {
                break;
            }
        }
    }
    let messages = stage.into_messages();
    let bytes: usize = messages
        .iter()
        .map(|message| message.content.len() + 12)
        .sum();
    (!messages.is_empty() && bytes <= BYTES_MAX).then_some((messages, intents))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Search,
    Code,
    Copying,
    Follow,
    FalsePrice,
    Policy,
    Order,
    Handoff,
    Mixed,
    Chat(&'static str),
}

fn next(rng: &mut StdRng, memory: &Memory, at: usize, intents: &[&'static str]) -> Kind {
    let dice = rng.random_range(0..100);
    if memory.identity.waiting() && dice < 82 {
        return Kind::Order;
    }
    if memory.identity.shown() && intents.last() == Some(&"order") && dice < 35 {
        return Kind::Order;
    }
    if !memory.items.is_empty() && dice < 56 {
        return if dice < 49 {
            Kind::Follow
        } else {
            Kind::FalsePrice
        };
    }
    if intents.last() == Some(&"thanks") && dice < 60 {
        return Kind::Chat("bye");
    }
    match rng.random_range(0..100) {
        0..40 => Kind::Search,
        40..44 => Kind::Code,
        44..61 => Kind::Policy,
        61..74 => Kind::Order,
        74..78 => Kind::Handoff,
        78..82 => Kind::Mixed,
        82..87 => Kind::Chat("off_topic"),
        87..90 => Kind::Chat("injection"),
        90..92 => Kind::FalsePrice,
        92..96 if at == 0 => Kind::Chat("greeting"),
        92..96 => Kind::Chat("thanks"),
        96..98 if at > 0 => Kind::Chat("bye"),
        96..98 => Kind::Chat("greeting"),
        _ => Kind::Search,
    }
}

fn turn(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    stage: &mut Stage,
    memory: &mut Memory,
    kind: Kind,
    intents: &mut Vec<&'static str>,
) -> bool {
    for _ in 0..ATTEMPTS {
        let mut after = memory.clone();
        let gold: Option<Gold> = match kind {
            Kind::Search => browse::search(rng, shop, &mut after),
            Kind::Code => browse::code(rng, shop, &mut after),
            Kind::Copying => browse::copying(rng, shop, &mut after),
            Kind::Follow => follow::follow(rng, shop, &mut after),
            Kind::FalsePrice => follow::false_price(rng, shop, &mut after),
            Kind::Policy => desk::policy(rng, shop),
            Kind::Order => desk::order(rng, shop, &mut after),
            Kind::Handoff => desk::handoff(rng, shop),
            Kind::Mixed => desk::mixed(rng, shop, &mut after),
            Kind::Chat(kind) => desk::chat(rng, shop, kind, &after),
        };
        if let Some(gold) = gold
            && stage.play(&gold)
        {
            *memory = after;
            intents.push(gold.intent);
            return true;
        }
    }
    false
}

/// Finishes one of several replies.
pub(crate) fn reply_any(rng: &mut StdRng, templates: &[&str]) -> String {
    let template = templates.choose(rng).copied().unwrap_or("");
    reply(rng, template)
}
