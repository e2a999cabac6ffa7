//! One conversation: which turn follows which.

use mercer_conversation::intent::IntentQuestion;
use mercer_schemas::{ChatMessage, Intent};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::desk::Identity;
use crate::drive::{Gold, Stage};
use crate::shop::{Item, Shop};
use crate::text::{chance, expand, pick};
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

/// What is learned from a dialogue.
pub(crate) struct Lesson {
    /// The last prompt with its reply: holds the whole dialogue.
    pub(crate) messages: Vec<ChatMessage>,
    /// What an intent classifier is asked, and should answer.
    pub(crate) asked: Vec<(IntentQuestion, Intent)>,
    /// What the customer wanted, turn by turn.
    pub(crate) intents: Vec<&'static str>,
}

/// Invents a dialogue. None where no admissible turn was found.
pub(crate) fn invent(rng: &mut StdRng, vocab: &Vocab) -> Option<Lesson> {
    let shop = Shop::invent(rng, vocab);
    let mut stage = Stage::new(shop.name.clone());
    let mut memory = Memory::default();
    let mut intents = Vec::new();
    if chance(rng, 12) {
        for _ in 0..rng.random_range(1..4) {
            let next = Kind::Copying;
            if !turn(rng, &shop, &mut stage, &mut memory, next, &mut intents) {
                break;
            }
        }
    } else {
        let turns = match rng.random_range(0..100) {
            0..25 => 1,
            25..55 => 2,
            55..80 => 3,
            80..90 => 4,
            90..96 => 5,
            _ => 6,
        };
        for at in 0..turns {
            let kind = next(rng, &memory, at, &intents);
            let fits = turn(rng, &shop, &mut stage, &mut memory, kind, &mut intents);
            if !fits || kind == Kind::Handoff {
                break;
            }
        }
    }
    let (messages, mut asked) = stage.into_lessons();
    // Nobody writes as the copying exercises do.
    asked.retain(|_| !intents.contains(&"copying"));
    let bytes: usize = messages
        .iter()
        .map(|message| message.content.len() + 12)
        .sum();
    (!messages.is_empty() && bytes <= BYTES_MAX).then_some(Lesson {
        messages,
        asked,
        intents,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Search,
    Code,
    Copying,
    Follow,
    FalsePrice,
    Policy,
    More,
    Order,
    Handoff,
    Mixed,
    Chat(&'static str),
}

impl Kind {
    /// Whether people tell something before they ask like this.
    fn may_follow_a_story(self) -> bool {
        matches!(
            self,
            Self::Search | Self::Follow | Self::Policy | Self::More | Self::Order | Self::Mixed
        )
    }
}

fn next(rng: &mut StdRng, memory: &Memory, at: usize, intents: &[&'static str]) -> Kind {
    let dice = rng.random_range(0..100);
    if memory.identity.waiting() && dice < 80 {
        return Kind::Order;
    }
    if memory.identity.shown() && intents.last() == Some(&"order") && dice < 35 {
        return Kind::Order;
    }
    if intents.last() == Some(&"thanks") && dice < 50 {
        return Kind::Chat("bye");
    }
    let asked_policy = matches!(intents.last(), Some(&("policy" | "promotion")));
    if asked_policy && !memory.items.is_empty() && dice < 22 {
        return Kind::More;
    }
    if !memory.items.is_empty() {
        return beside_products(rng);
    }
    if asked_policy {
        match rng.random_range(0..100) {
            0..28 => return Kind::More,
            28..42 => return Kind::Search,
            _ => {}
        }
    }
    match rng.random_range(0..100) {
        0..28 => Kind::Search,
        28..32 => Kind::Code,
        32..54 => Kind::Policy,
        54..66 => Kind::Order,
        66..71 => Kind::Handoff,
        71..75 => Kind::Mixed,
        75..88 => Kind::Chat("off_topic"),
        88..91 => Kind::Chat("injection"),
        91..92 => Kind::FalsePrice,
        92..98 if at == 0 => Kind::Chat("greeting"),
        92..94 => Kind::Chat("thanks"),
        94..96 => Kind::Chat("remark"),
        96..98 => Kind::Chat("bye"),
        _ => Kind::Search,
    }
}

/// What comes after products were shown: mostly a question on them, often another subject.
fn beside_products(rng: &mut StdRng) -> Kind {
    match rng.random_range(0..100) {
        0..42 => Kind::Follow,
        42..46 => Kind::FalsePrice,
        46..60 => Kind::Search,
        60..61 => Kind::Code,
        61..76 => Kind::Policy,
        76..81 => Kind::Order,
        81..83 => Kind::Handoff,
        83..84 => Kind::Mixed,
        84..91 => Kind::Chat("off_topic"),
        91..92 => Kind::Chat("injection"),
        92..95 => Kind::Chat("thanks"),
        95..99 => Kind::Chat("remark"),
        _ => Kind::Chat("bye"),
    }
}

/// How a customer returns to the products after another subject. `$n` is the only one shown.
const BACK_TO_ONE: &[&str] = &[
    "back to the $n: ",
    "ok, now the $n again. ",
    "and about the $n, ",
    "going back to the $n, ",
];
const BACK: &[&str] = &[
    "back to the {product|first subject|other thing}: ",
    "back to what you showed me: ",
    "ok, back to {those|these|that}. ",
    "going back to {the products|those}, ",
    "anyway, ",
    "right, about the products again: ",
    "coming back to those: ",
];

fn back(rng: &mut StdRng, memory: &Memory) -> String {
    match memory.items.as_slice() {
        [only] if chance(rng, 60) => {
            let template = pick(rng, BACK_TO_ONE);
            expand(rng, template, &[("n", &only.nickname)])
        }
        _ => {
            let template = pick(rng, BACK);
            expand(rng, template, &[])
        }
    }
}

/// Says whether the last turn left the products that were shown before.
fn strayed(intents: &[&'static str]) -> bool {
    intents.last().is_some_and(|last| {
        matches!(
            *last,
            "policy" | "promotion" | "order" | "off_topic" | "remark" | "thanks" | "injection"
        )
    })
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
            Kind::More => desk::more(rng, shop),
            Kind::Order => desk::order(rng, shop, &mut after),
            Kind::Handoff => desk::handoff(rng, shop),
            Kind::Mixed => desk::mixed(rng, shop, &mut after),
            Kind::Chat(kind) => desk::chat(rng, shop, kind, &after),
        };
        let Some(mut gold) = gold else {
            continue;
        };
        if kind == Kind::Follow && strayed(intents) && chance(rng, 35) {
            gold.words = format!("{}{}", back(rng, memory), gold.words);
        } else if kind.may_follow_a_story() && chance(rng, 10) {
            gold.words = desk::with_story(rng, &gold.words);
        }
        if stage.play(&gold) {
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
