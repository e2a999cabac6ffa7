//! Orders: who asks, what proves it, and what is told.

use mercer_conversation::grammar;
use mercer_conversation::tools::OrderStatus;
use mercer_schemas::{
    Evidence, EvidenceRole, Field, Handle, OrderNumber, Plan, RecordKey, ToolCall,
};
use rand::{Rng, rngs::StdRng};

use super::phrases_orders as phrases;
use crate::dialogue::{Memory, reply, reply_any};
use crate::drive::Gold;
use crate::shop::Shop;
use crate::text::{chance, expand, pick, say};

/// An order as evidence shows it.
#[derive(Clone)]
pub(crate) struct Order {
    fields: Vec<(&'static str, String)>,
}

/// What a customer has said of an order so far.
#[derive(Default, Clone)]
pub(crate) struct Identity {
    number: Option<String>,
    email: Option<String>,
    postcode: Option<String>,
    waiting: bool,
    /// The details fitted no order, and may be corrected.
    missed: bool,
    known: bool,
    order: Option<Order>,
}

impl Identity {
    /// Says whether the customer was asked for details.
    pub(crate) fn waiting(&self) -> bool {
        self.waiting || self.missed
    }
    /// Says whether an order was shown.
    pub(crate) fn shown(&self) -> bool {
        self.order.is_some()
    }
    fn has(&self) -> (bool, bool, bool) {
        (
            self.number.is_some(),
            self.email.is_some(),
            self.postcode.is_some(),
        )
    }
}

const ASK_ALL: &[&str] =
    &["I can check that. Please send me the order number, the e-mail address and the postcode."];
const ASK_TWO: &[&str] = &["I can check that. Please send me the e-mail address and the postcode."];
const ASK_NUMBER_EMAIL: &[&str] = &["I also need the order number and the e-mail address."];
const ASK_NUMBER_POSTCODE: &[&str] = &["I also need the order number and the postcode."];
const ASK_EMAIL: &[&str] = &["I also need the e-mail address of the order."];
/// Where a customer pleads instead of telling.
const ASK_STILL: &str = "I'm sorry, I can't show an order without knowing that it is yours.";
const NOT_FOUND: &[&str] = &[
    "I could not find an order with these details. Please check the number, the e-mail address and the postcode.",
];

fn order_number(rng: &mut StdRng) -> String {
    let letters: String = (0..rng.random_range(1..4))
        .map(|_| rng.random_range('A'..='Z'))
        .collect();
    match rng.random_range(0..8) {
        0..3 => format!("{letters}-{}", rng.random_range(1_000..999_999)),
        3 => rng.random_range(10_000..99_999_999).to_string(),
        4 => format!("{letters}{}", rng.random_range(1_000..999_999)),
        5 => format!("W#{}", rng.random_range(1_000..99_999)),
        6 => format!(
            "{}-{}",
            rng.random_range(100..999),
            rng.random_range(10_000..999_999)
        ),
        _ => format!(
            "{letters}-{}-{}",
            rng.random_range(2_020..2_030),
            rng.random_range(100..9_999)
        ),
    }
}

fn email(rng: &mut StdRng, shop: &Shop<'_>) -> String {
    let user = if chance(rng, 50) {
        shop.vocab.invented(rng)
    } else {
        shop.vocab.word(rng).to_owned()
    };
    let other = if chance(rng, 50) {
        shop.vocab.invented(rng)
    } else {
        shop.vocab.word(rng).to_owned()
    };
    let host = pick(
        rng,
        &[
            "example.com",
            "example.org",
            "mail.example",
            "post.example.net",
            "inbox.example",
            "example.net",
        ],
    );
    let host = if chance(rng, 40) {
        format!("{}.example", shop.vocab.invented(rng))
    } else {
        host.to_owned()
    };
    match rng.random_range(0..5) {
        0 => format!("{user}@{host}"),
        1 => format!("{user}.{other}@{host}"),
        2 => format!("{user}{}@{host}", rng.random_range(1..100)),
        3 => format!("{}.{other}@{host}", user.chars().next().unwrap_or('a')),
        _ => format!("{user}_{other}@{host}"),
    }
}

fn postcode(rng: &mut StdRng) -> String {
    let mut letter = || rng.random_range('A'..='Z');
    let (a, b, c, d) = (letter(), letter(), letter(), letter());
    match rng.random_range(0..9) {
        0..4 => format!(
            "{a}{b}{} {}{c}{d}",
            rng.random_range(1..99),
            rng.random_range(1..9)
        ),
        4 => format!(
            "{a}{} {}{c}{d}",
            rng.random_range(1..20),
            rng.random_range(1..9)
        ),
        5 => format!(
            "{a}{b}{}{}{c}{d}",
            rng.random_range(1..99),
            rng.random_range(1..9)
        ),
        6 => rng.random_range(10_000..99_999).to_string(),
        7 => format!("{} {c}{d}", rng.random_range(1_000..9_999)),
        _ => rng.random_range(1_000..9_999).to_string(),
    }
}

fn new_order(rng: &mut StdRng, shop: &Shop<'_>, number: &str) -> Order {
    let status = pick(
        rng,
        &[
            "pending",
            "being packed",
            "shipped",
            "shipped",
            "shipped",
            "delivered",
            "delivered",
            "cancelled",
            "return requested",
            "returned",
            "refunded",
        ],
    );
    let mut fields = vec![
        ("number", number.to_uppercase()),
        ("status", status.to_owned()),
    ];
    if matches!(
        status,
        "shipped" | "delivered" | "return requested" | "returned" | "refunded"
    ) {
        fields.push((
            "carrier",
            format!(
                "{} {}",
                shop.vocab.brand(rng),
                pick(rng, &["Express", "Post", "Logistics", "Parcel", "Delivery"])
            ),
        ));
        if chance(rng, 85) {
            let letters: String = (0..3).map(|_| rng.random_range('A'..='Z')).collect();
            fields.push((
                "tracking",
                format!("{letters}{}", rng.random_range(10_000_000..999_999_999)),
            ));
        }
    }
    if chance(rng, 80) && status != "cancelled" {
        fields.push(("eta", super::date(rng)));
    }
    let mut items = Vec::new();
    for _ in 0..rng.random_range(1..3) {
        let noun = shop.vocab.noun(rng);
        let item = shop.item(rng, &noun);
        items.push(if chance(rng, 30) {
            format!("2 x {}", item.name)
        } else {
            item.name
        });
    }
    fields.push(("items", items.join(", ")));
    Order { fields }
}

/// Number and status always, the date where there is one; the rest only if asked: as the `needed`
/// references of the reply grammar say, or the words as they were before typing errors came in.
fn order_reply(rng: &mut StdRng, order: &Order, words: &str, needed: &[String]) -> String {
    let has = |name: &str| order.fields.iter().any(|(field, _)| *field == name);
    let needs = |name: &str| needed.contains(&format!("{{{{o1.{name}}}}}"));
    let asks = |list: &[&str]| list.iter().any(|w| words.contains(w));
    let mut text = "The status of order ~o1.number~ is ~o1.status~.".to_owned();
    if has("eta") {
        text.push_str(" Delivery date: ~o1.eta~.");
    }
    let delivery = asks(&["track", "carrier"])
        || (asks(&["deliver", "bring", "carries", "courier"]) && asks(&["who", "which"]));
    if needs("carrier") || delivery && has("carrier") {
        text.push_str(" Carrier: ~o1.carrier~.");
    }
    if needs("tracking") || delivery && has("tracking") {
        text.push_str(" Tracking number: ~o1.tracking~.");
    }
    let items = asks(&["in it?", "items", "products", "what i ordered"])
        || (asks(&[
            "in it",
            "in order",
            "i order",
            "in my last",
            "to that order, what",
        ]) && asks(&["what ", "what's in", "which "]));
    if items || needs("items") {
        text.push_str(" It contains ~o1.items~.");
    }
    reply(rng, &text)
}

fn order_line(order: &Order) -> Option<Evidence> {
    let key = RecordKey::Order(OrderNumber::new(order.fields[0].1.as_str()).ok()?);
    let fields = order
        .fields
        .iter()
        .map(|(name, value)| Field::new(name, value.as_str()))
        .collect();
    Some(Evidence::Record {
        handle: Handle::new(&key, 1),
        key,
        version: 1,
        role: Some(EvidenceRole::Shown),
        tool: None,
        fields,
    })
}

/// Chooses what a customer says who was asked for what is missing.
fn given(rng: &mut StdRng, id: &Identity) -> &'static str {
    match id.has() {
        (true, true, _) => pick(rng, phrases::GIVE_POSTCODE),
        (true, false, true) => pick(rng, phrases::GIVE_EMAIL),
        (true, false, false) => match rng.random_range(0..10) {
            0..6 => pick(rng, phrases::GIVE_BOTH),
            6..8 => pick(rng, phrases::GIVE_EMAIL),
            _ => pick(rng, phrases::GIVE_POSTCODE),
        },
        (false, true, true) => pick(rng, phrases::GIVE_NUMBER),
        (false, true, false) => match rng.random_range(0..10) {
            0..5 => pick(rng, phrases::GIVE_NUMBER_POSTCODE),
            5..8 => pick(rng, phrases::GIVE_NUMBER),
            _ => pick(rng, phrases::GIVE_POSTCODE),
        },
        (false, false, true) => match rng.random_range(0..10) {
            0..5 => pick(rng, phrases::GIVE_NUMBER_EMAIL),
            5..8 => pick(rng, phrases::GIVE_NUMBER),
            _ => pick(rng, phrases::GIVE_EMAIL),
        },
        (false, false, false) => match rng.random_range(0..12) {
            0..5 => pick(rng, phrases::GIVE_ALL),
            5..7 => pick(rng, phrases::GIVE_NUMBER),
            7 => pick(rng, phrases::GIVE_BOTH),
            8 => pick(rng, phrases::GIVE_EMAIL_FIRST),
            9 => pick(rng, phrases::GIVE_NUMBER_POSTCODE),
            _ => pick(rng, phrases::GIVE_NUMBER_EMAIL),
        },
    }
}

/// Chooses what a customer says whose details fitted no order.
fn corrected(rng: &mut StdRng, id: &Identity) -> &'static str {
    match rng.random_range(0..3) {
        0 if id.email.is_some() => pick(rng, phrases::CORRECT_EMAIL),
        1 if id.postcode.is_some() => pick(rng, phrases::CORRECT_POSTCODE),
        _ => pick(rng, phrases::CORRECT_NUMBER),
    }
}

/// Asks for what is missing.
fn ask(rng: &mut StdRng, id: &Identity, pleads: bool) -> String {
    let mut text = reply_any(
        rng,
        match id.has() {
            (true, false, false) => ASK_TWO,
            (false, true, false) => ASK_NUMBER_POSTCODE,
            (false, false, true) => ASK_NUMBER_EMAIL,
            (true, false, true) => ASK_EMAIL,
            // Who pleads after a wrong proof is asked for everything.
            (false, false, false) | (_, true, _) => ASK_ALL,
        },
    );
    if pleads {
        let missing = text.trim_start_matches("I can check that. ");
        text = format!("{ASK_STILL} {missing}");
    }
    text
}

/// A customer asks for an order, or gives what was missing.
pub(crate) fn order(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let mut id = memory.identity.clone();
    let (o, e, p) = (order_number(rng), email(rng, shop), postcode(rng));
    let again = id.shown() && !id.waiting() && chance(rng, 80);
    let other = again && chance(rng, 12);
    let pleads = id.waiting && chance(rng, 18);
    let mut foreign = false;
    let template = if other {
        pick(rng, phrases::AGAIN_OTHER)
    } else if again {
        pick(rng, phrases::AGAIN)
    } else if pleads {
        pick(rng, phrases::PLEAD)
    } else if id.waiting {
        given(rng, &id)
    } else if id.missed {
        corrected(rng, &id)
    } else {
        id = Identity {
            known: id.known,
            ..Identity::default()
        };
        match rng.random_range(0..20) {
            0..7 => pick(rng, phrases::OPEN),
            7..13 => pick(rng, phrases::NUMBER),
            13 => {
                foreign = true;
                pick(rng, phrases::OTHERS)
            }
            14 => pick(rng, phrases::SOME),
            _ => pick(rng, phrases::ALL),
        }
    };
    let (mo, me, mp) = (format!("[o:{o}]"), format!("[e:{e}]"), format!("[p:{p}]"));
    let noun = shop.vocab.noun(rng);
    let name = pick(rng, phrases::NAMES);
    let slots = [
        ("o", mo.as_str()),
        ("e", &me),
        ("p", &mp),
        ("n", name),
        ("v", &noun),
    ];
    let asked = expand(rng, template, &slots);
    let said = say(rng, &asked, &[]);
    id.number = said.span('o').or(id.number);
    id.email = said.span('e').or(id.email);
    id.postcode = said.span('p').or(id.postcode);
    let call = ToolCall::new(&OrderStatus {
        order: id.number.clone(),
    });
    let complete = id.number.is_some() && id.email.is_some() && id.postcode.is_some();
    // A channel identity shows only in what the tools answer.
    if !id.known && !id.waiting() && !foreign && chance(rng, 35) {
        id.known = true;
    }
    let (evidence, text, identified) = if again || id.known || complete {
        let missed = foreign || (!again && id.number.is_some() && chance(rng, 14));
        if missed {
            id.order = None;
            id.waiting = false;
            id.missed = !foreign;
            (
                vec![Evidence::OrderNotFound],
                reply_any(rng, NOT_FOUND),
                false,
            )
        } else {
            let order = match &id.order {
                Some(order) if again && !other => order.clone(),
                _ => new_order(rng, shop, id.number.as_deref().unwrap_or(&o)),
            };
            let evidence = vec![order_line(&order)?];
            // What is asked for is read before typing errors come in, and not from a name.
            let question = asked.replace(&noun, "").replace(&e, "");
            let needed = grammar::answers(&evidence, &said.words, true).concat();
            let text = order_reply(rng, &order, &question, &needed);
            id.order = Some(order);
            id.waiting = false;
            id.missed = false;
            id.known = true;
            (evidence, text, true)
        }
    } else {
        id.waiting = true;
        // An e-mail address and a code are a proof, and one that lacks something is a wrong one.
        let is_proof = id.email.is_some() && (id.number.is_some() || id.postcode.is_some());
        if is_proof && !pleads {
            (
                vec![Evidence::OrderNotFound],
                reply_any(rng, NOT_FOUND),
                false,
            )
        } else {
            let text = ask(rng, &id, pleads);
            (vec![Evidence::IdentityNeeded], text, false)
        }
    };
    let gold = Gold {
        words: said.words,
        plan: Plan { calls: vec![call] },
        evidence,
        identified,
        reply: text,
        intent: "order",
    };
    memory.identity = id;
    Some(gold)
}
