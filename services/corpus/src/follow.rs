//! Turns about products that were shown: options, attributes, stock, prices that were never said.

mod attributes;
mod phrases;

wordings!("follow": curious);

use mercer_conversation::tools::ProductDetails;
use mercer_schemas::{
    Evidence, Handle, Plan, ProductId, RecordKey, ToolCall, evidence::field_name,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::dialogue::{Memory, reply, reply_any};
use crate::drive::Gold;
use crate::shop::{Item, Shop, attribute_line, product_line, stock, variant_line};
use crate::text::{Said, chance, pick, say};
use crate::vocab::{COLOURS, SIZES};
use curious::CURIOUS;
use phrases::{
    AGAIN, AGAIN_RANGE, ATTRIBUTE_LIST, ATTRIBUTE_REPLY, BEFORE, BEHIND, BOTH, CHEAPEST, CHOOSE,
    CHOOSE_OPTION, CHOOSE_RANGE, COMPARE, COMPARE_ATTRIBUTE, COMPARE_ATTRIBUTE_REPLY,
    COMPARE_REPLY, COMPARE_UNKNOWN_REPLY, DEAREST, DETAIL_REPLY, FALSE_PRICE, FALSE_PRICE_NAMED,
    FALSE_PRICE_UNSEEN, LAST, ODD_QUESTIONS, OPTION, ORDINALS, PLAIN_QUESTIONS, PRICE_REPLY, SIZE,
    UNKNOWN_BARE, UNKNOWN_REPLY, VARIANT_REPLY,
};

/// How a customer means a product, and which it is.
struct Target {
    handle: String,
    words: String,
    item: Item,
}

fn target(rng: &mut StdRng, memory: &Memory, named: bool) -> Option<Target> {
    let count = memory.items.len();
    let at = rng.random_range(0..count.max(1));
    let item = memory.items.get(at)?.clone();
    if !named || count == 1 && chance(rng, 75) {
        return Some(Target {
            handle: "shown".to_owned(),
            words: String::new(),
            item: memory.items.first()?.clone(),
        });
    }
    let words = match rng.random_range(0..10) {
        0..4 => pick(rng, ORDINALS.get(at)?).to_owned(),
        4 if at + 1 == count && count > 1 => pick(rng, LAST).to_owned(),
        4..7 => format!("the {}", item.nickname),
        7 => item.nickname.clone(),
        8 => format!("the {}", item.name),
        _ => format!("the {} one", item.nickname),
    };
    let words = match by_price(memory, at) {
        Some(names) if chance(rng, 12) => pick(rng, names).to_owned(),
        _ => words,
    };
    Some(Target {
        handle: format!("p{}", at + 1),
        words,
        item,
    })
}

/// Returns what a product is called for having the highest or the lowest price of all shown.
fn by_price(memory: &Memory, at: usize) -> Option<&'static [&'static str]> {
    let amount = |item: &Item| -> Option<f64> {
        let digits = item.price.trim_matches(|c: char| !c.is_ascii_digit());
        digits.parse().ok()
    };
    let own = amount(memory.items.get(at)?)?;
    let mut others = Vec::new();
    for (place, item) in memory.items.iter().enumerate() {
        if place != at {
            others.push(amount(item)?);
        }
    }
    match others.as_slice() {
        [] => None,
        others if others.iter().all(|other| own > *other) => Some(DEAREST),
        others if others.iter().all(|other| own < *other) => Some(CHEAPEST),
        _ => None,
    }
}

/// Says something of a product, with a remark in front or behind now and then.
fn ask(rng: &mut StdRng, templates: &[&str], slots: &[(&str, &str)]) -> Said {
    let template = pick(rng, templates);
    let mut text = match rng.random_range(0..100) {
        0..10 => format!("{}{template}", pick(rng, BEFORE)),
        _ => template.to_owned(),
    };
    if text.ends_with('?') && chance(rng, 8) {
        text.pop();
        text.push_str(pick(rng, BEHIND));
    }
    say(rng, &text, slots)
}

/// Any follow-up on the products shown.
pub(crate) fn follow(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    match rng.random_range(0..100) {
        0..5 if memory.items.len() > 1 => compare(rng, memory),
        5..10 if memory.items.len() > 1 => compare_attribute(rng, memory),
        0..26 => option(rng, memory),
        26..72 => attribute(rng, shop, memory),
        72..83 => choose(rng, memory),
        _ => again(rng, memory),
    }
}

fn details(handle: &str, about: Option<String>) -> Plan {
    Plan {
        calls: vec![ToolCall::new(&ProductDetails {
            products: vec![handle.to_owned()],
            about: about.into_iter().map(Into::into).collect(),
        })],
    }
}

fn gold(
    said: Said,
    plan: Plan,
    evidence: Vec<Evidence>,
    reply: String,
    intent: &'static str,
) -> Gold {
    Gold {
        words: said.words,
        plan,
        evidence,
        identified: false,
        reply,
        intent,
    }
}

fn option(rng: &mut StdRng, memory: &mut Memory) -> Option<Gold> {
    let by_name = chance(rng, 45) && memory.items.len() > 1;
    let mut target = target(rng, memory, by_name)?;
    if !by_name && let Some(with) = memory.items.iter().find(|item| !item.options.is_empty()) {
        target.item = with.clone();
    }
    let colours = target
        .item
        .options
        .iter()
        .find(|(_, values)| values.iter().any(|v| COLOURS.contains(&v.as_str())));
    let sizes = target
        .item
        .options
        .iter()
        .find(|(_, values)| SIZES.iter().any(|s| s.contains(&values[0].as_str())));
    let wants_size = sizes.is_some() && chance(rng, if colours.is_some() { 30 } else { 75 });
    let (values, templates): (Vec<String>, _) = match (wants_size, sizes, colours) {
        (true, Some((_, values)), _) => (values.clone(), SIZE),
        (_, _, Some((_, values))) => (values.clone(), OPTION),
        _ => (Vec::new(), OPTION),
    };
    let known = values.choose(rng).cloned().filter(|_| chance(rng, 82));
    let wanted = match (&known, wants_size) {
        (Some(value), _) => value.clone(),
        (None, true) => {
            let sizes = SIZES.choose(rng)?;
            pick(rng, sizes).to_owned()
        }
        (None, false) => pick(rng, COLOURS).to_owned(),
    };
    let known = values.contains(&wanted);
    let second = (!wants_size && !by_name && known && chance(rng, 20))
        .then(|| sizes.and_then(|(_, values)| values.choose(rng).cloned()))
        .flatten();
    let mut chosen = vec![wanted.clone()];
    let mut size = String::new();
    let template = if let Some(second) = second {
        chosen.push(second.clone());
        size = second;
        BOTH
    } else if by_name && !target.words.is_empty() {
        CHOOSE_OPTION
    } else {
        templates
    };
    let said = ask(
        rng,
        template,
        &[("o", &wanted), ("s", &size), ("w", &target.words)],
    );
    let plan = details(&target.handle, Some(said.span('a')?));
    let mut evidence = vec![product_line(&target.item, 1)?];
    let text = if known {
        let stock = stock(rng);
        let price = target.item.price.trim_start_matches("from ").to_owned();
        evidence.push(variant_line(&target.item, &chosen, &price, stock, 1)?);
        reply_any(rng, VARIANT_REPLY)
    } else {
        let key = RecordKey::Product(ProductId::new(target.item.code.as_str()).ok()?);
        evidence.push(Evidence::NoRecordAbout {
            handle: Handle::new(&key, 1),
            about: said.span('a')?.into(),
        });
        match target.item.options.first() {
            Some((name, _)) => {
                let r = field_name(name);
                let template =
                    format!("~p1.name~ does not come in that option. We have {r}: ~p1.{r}~.");
                reply(rng, &template)
            }
            None => reply_any(rng, UNKNOWN_REPLY),
        }
    };
    memory.items = vec![target.item];
    Some(gold(said, plan, evidence, text, "option"))
}

/// Slots for the product meant: its name, or a pronoun.
fn meant(rng: &mut StdRng, words: &str) -> [(&'static str, String); 7] {
    let (is, does, it, obj, of) = match (words, rng.random_range(0..12)) {
        ("", 0..6) => ("is it", "does it", "it", "it", ""),
        ("", 6) => ("is it", "does it", "it", "it", " of it"),
        ("", 7 | 8) => ("are they", "do they", "they", "them", ""),
        ("", 9) => ("is that", "does that", "that", "that", ""),
        ("", 10) => (
            "is that one",
            "does that one",
            "that one",
            "that one",
            " of that one",
        ),
        ("", _) => (
            "is this one",
            "does this one",
            "this one",
            "this one",
            " of this",
        ),
        _ => ("is $", "does $", "$", "$", pick(rng, &[" of $", " for $"])),
    };
    let plural = it == "they";
    let is_it = match it {
        "it" => "it's",
        "they" => "they are",
        _ => "$ is",
    };
    let is_not = if plural { "aren't they" } else { "isn't $" };
    [
        ("is", is),
        ("does", does),
        ("it", it),
        ("obj", obj),
        ("of", of),
        ("itis", is_it),
        ("isnt", is_not),
    ]
    .map(|(slot, text)| {
        (
            slot,
            text.replace('$', if words.is_empty() { it } else { words }),
        )
    })
}

/// Asks `question` of a product; where it has no place for the name, that goes beside it.
fn question(rng: &mut StdRng, question: &str, words: &str) -> String {
    let placed = ["$is", "$does", "$it", "$obj", "$of"];
    if words.is_empty() || placed.iter().any(|slot| question.contains(slot)) {
        return question.to_owned();
    }
    // A name goes behind a question, but in front of a remark.
    let places = if question.ends_with('?') { 4 } else { 2 };
    match rng.random_range(0..places) {
        0 => format!("{words}: {question}"),
        1 => format!("about {words}, {question}"),
        2 => format!("{}, {words}?", question.trim_end_matches('?')),
        _ => format!("{} on {words}?", question.trim_end_matches('?')),
    }
}

/// Ends of attribute names that look like plurals and are none.
const SINGULAR: &[&str] = &["ss", "lens", "gps", "canvas", "chassis", "status", "us"];

/// Picks one of the choices that `|` cuts.
fn cut(rng: &mut StdRng, choices: &'static str) -> &'static str {
    let choices: Vec<&'static str> = choices.split('|').collect();
    choices.choose(rng).copied().unwrap_or("")
}

fn attribute(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let by_name = chance(rng, 45) && memory.items.len() > 1;
    let target = target(rng, memory, by_name)?;
    let odd = shop.vocab.noun(rng);
    let word = shop.vocab.word(rng).to_owned();
    let curious = chance(rng, 12);
    let known = !curious && chance(rng, 78);
    let (field, asked, value) = if curious {
        (String::new(), pick(rng, CURIOUS), "")
    } else if chance(rng, 82) {
        let (fields, questions, values) = attributes::any(rng)?;
        let asked = match rng.random_range(0..100) {
            0..12 => pick(rng, PLAIN_QUESTIONS),
            _ => cut(rng, questions),
        };
        (cut(rng, fields).to_owned(), asked, cut(rng, values))
    } else {
        (
            odd.clone(),
            pick(rng, ODD_QUESTIONS),
            pick(rng, &["$n", "yes", "no", "$m", "$v", "$n cm", "$d"]),
        )
    };
    // A question's noun in an odd question is also the field; in the others `$v` is any word.
    let v = if field == odd {
        odd.as_str()
    } else {
        word.as_str()
    };
    let number = rng.random_range(10..900).to_string();
    let digit = rng.random_range(2..10).to_string();
    let material = pick(rng, crate::vocab::MATERIALS);
    let template = question(rng, asked, &target.words);
    let plain = field.replace('_', " ");
    let slots = meant(rng, &target.words);
    let mut slots: Vec<(&str, &str)> = slots.iter().map(|(slot, w)| (*slot, w.as_str())).collect();
    slots.extend([("v", v), ("f", plain.as_str())]);
    let said = ask(rng, &[&template], &slots);
    let about = said.span('a')?;
    let plan = details(&target.handle, Some(about.clone()));
    let with_product = chance(rng, 88);
    let mut evidence = Vec::new();
    if with_product {
        evidence.push(product_line(&target.item, 1)?);
    }
    let text = if known {
        let value = crate::text::expand(
            rng,
            value,
            &[("n", &number), ("d", &digit), ("m", material), ("v", &word)],
        );
        evidence.push(attribute_line(&target.item, &field, &value, 1)?);
        let r = field_name(&field);
        if ["name", "price", "stock", "text", "title"].contains(&r.as_str())
            || target.item.options.iter().any(|(n, _)| *n == r)
        {
            return None;
        }
        // "The $f of it is yes" is no English.
        let template = match (with_product, value.as_str()) {
            (true, "yes" | "no") => ATTRIBUTE_LIST,
            (true, _) => pick(rng, ATTRIBUTE_REPLY),
            (false, _) => "$f: ~p1.$r~.",
        };
        let is_plural = r.ends_with('s') && !SINGULAR.iter().any(|word| r.ends_with(word));
        let verb = if is_plural { "are" } else { "is" };
        let template = template
            .replace("$r", &r)
            .replace("$f", &r.replace('_', " "))
            .replace("$is", verb);
        reply(rng, &template)
    } else {
        let key = RecordKey::Product(ProductId::new(target.item.code.as_str()).ok()?);
        evidence.push(Evidence::NoRecordAbout {
            handle: Handle::new(&key, 1),
            about: about.into(),
        });
        reply_any(
            rng,
            if with_product {
                UNKNOWN_REPLY
            } else {
                UNKNOWN_BARE
            },
        )
    };
    if with_product || known {
        memory.items = vec![target.item];
    }
    Some(gold(said, plan, evidence, text, "attribute"))
}

/// Names the choices of one option, if the product has any: the one that the words ask for.
fn more(rng: &mut StdRng, item: &Item, words: &str) -> String {
    let words = words.to_lowercase();
    let asked = item.options.iter().find(|(name, values)| {
        let colour = values.iter().any(|v| COLOURS.contains(&v.as_str()));
        colour && words.contains("colo") || *name == "size" && words.contains("size")
    });
    let option = asked.or_else(|| item.options.choose(rng));
    option.map_or_else(String::new, |(name, _)| {
        let r = field_name(name);
        format!(" {}: ~p1.{r}~.", crate::vocab::title(&r))
    })
}

fn choose(rng: &mut StdRng, memory: &mut Memory) -> Option<Gold> {
    let target = target(rng, memory, true)?;
    if target.words.is_empty() {
        return shown(rng, memory, target, [AGAIN, AGAIN_RANGE], "again");
    }
    shown(rng, memory, target, [CHOOSE, CHOOSE_RANGE], "choose")
}

fn again(rng: &mut StdRng, memory: &mut Memory) -> Option<Gold> {
    let target = target(rng, memory, false)?;
    shown(rng, memory, target, [AGAIN, AGAIN_RANGE], "again")
}

/// Price, stock and, where the customer asks for them, options of a product shown.
fn shown(
    rng: &mut StdRng,
    memory: &mut Memory,
    target: Target,
    [templates, range]: [&[&str]; 2],
    intent: &'static str,
) -> Option<Gold> {
    let asks_range = chance(
        rng,
        if target.item.options.is_empty() {
            4
        } else {
            24
        },
    );
    let templates = if asks_range { range } else { templates };
    let said = ask(rng, templates, &[("w", &target.words)]);
    let more = if asks_range || chance(rng, 35) {
        more(rng, &target.item, &said.words)
    } else {
        String::new()
    };
    let template = pick(rng, DETAIL_REPLY).replace("$more", &more);
    let text = reply(rng, &template);
    let evidence = vec![product_line(&target.item, 1)?];
    memory.items = vec![target.item];
    let plan = details(&target.handle, None);
    Some(gold(said, plan, evidence, text, intent))
}

/// Two of the products shown, side by side.
fn compare(rng: &mut StdRng, memory: &mut Memory) -> Option<Gold> {
    let first = rng.random_range(0..memory.items.len());
    let second = (first + rng.random_range(1..memory.items.len())) % memory.items.len();
    let (a, b) = (
        memory.items.get(first)?.clone(),
        memory.items.get(second)?.clone(),
    );
    let places = ["first", "second", "third", "fourth", "fifth"];
    let both_named = chance(rng, 60);
    let (x, y) = if both_named {
        (a.nickname.as_str(), b.nickname.as_str())
    } else {
        (*places.get(first)?, *places.get(second)?)
    };
    let said = ask(rng, COMPARE, &[("x", x), ("y", y)]);
    let call = |at: usize| {
        ToolCall::new(&ProductDetails {
            products: vec![format!("p{}", at + 1)],
            about: Vec::new(),
        })
    };
    let plan = Plan {
        calls: vec![call(first), call(second)],
    };
    let evidence = vec![product_line(&a, 1)?, product_line(&b, 2)?];
    memory.items = vec![a, b];
    let text = reply_any(rng, COMPARE_REPLY);
    Some(gold(said, plan, evidence, text, "compare"))
}

/// One attribute of two of the products shown.
fn compare_attribute(rng: &mut StdRng, memory: &mut Memory) -> Option<Gold> {
    let &[template, field] = *COMPARE_ATTRIBUTE.choose(rng)? else {
        return None;
    };
    let count = memory.items.len();
    if count != 2 && !template.contains("$x") {
        return None;
    }
    let (first, second) = match rng.random_range(0..count) {
        first if template.contains("$x") => (first, (first + rng.random_range(1..count)) % count),
        _ => (0, 1),
    };
    let (a, b) = (
        memory.items.get(first)?.clone(),
        memory.items.get(second)?.clone(),
    );
    let places = ["first", "second", "third", "fourth", "fifth"];
    let (x, y) = if chance(rng, 60) {
        (a.nickname.as_str(), b.nickname.as_str())
    } else {
        (*places.get(first)?, *places.get(second)?)
    };
    let said = ask(rng, &[template], &[("x", x), ("y", y)]);
    let about = said.span('a')?;
    let call = |at: usize| {
        ToolCall::new(&ProductDetails {
            products: vec![format!("p{}", at + 1)],
            about: vec![about.clone().into()],
        })
    };
    let plan = Plan {
        calls: vec![call(first), call(second)],
    };
    let known = chance(rng, 75);
    let values = attributes::values_of(field)?;
    let mut evidence = Vec::new();
    for (number, item) in [(1, &a), (2, &b)] {
        evidence.push(product_line(item, number)?);
        if known {
            let value = pick_value(rng, values);
            evidence.push(attribute_line(item, field, &value, number)?);
        } else {
            let key = RecordKey::Product(ProductId::new(item.code.as_str()).ok()?);
            evidence.push(Evidence::NoRecordAbout {
                handle: Handle::new(&key, number),
                about: about.clone().into(),
            });
        }
    }
    let r = field_name(field);
    let text = if known {
        let template = COMPARE_ATTRIBUTE_REPLY
            .replace("$r", &r)
            .replace("$f", &r.replace('_', " "));
        reply(rng, &template)
    } else {
        reply(rng, COMPARE_UNKNOWN_REPLY)
    };
    memory.items = vec![a, b];
    Some(gold(said, plan, evidence, text, "compare"))
}

fn pick_value(rng: &mut StdRng, values: &'static str) -> String {
    let number = rng.random_range(10..900).to_string();
    let digit = rng.random_range(2..10).to_string();
    let material = pick(rng, crate::vocab::MATERIALS);
    let value = cut(rng, values);
    crate::text::expand(
        rng,
        value,
        &[
            ("n", &number),
            ("d", &digit),
            ("m", material),
            ("v", "plain"),
        ],
    )
}

/// A customer claims or demands another price.
pub(crate) fn false_price(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let (_, x) = shop.limit(rng);
    if memory.items.is_empty() {
        let noun = shop.vocab.noun(rng);
        let wish = format!("[q:{}]", shop.wish(rng, &noun));
        let said = ask(rng, FALSE_PRICE_UNSEEN, &[("q", &wish), ("x", &x)]);
        let item = shop.item(rng, &noun);
        let plan = Plan {
            calls: vec![crate::browse::plain_call(said.span('q')?)],
        };
        let evidence = vec![
            Evidence::Found {
                products: 1,
                corrected: None,
                total: None,
            },
            product_line(&item, 1)?,
        ];
        memory.items = vec![item];
        let text = reply_any(rng, PRICE_REPLY);
        return Some(gold(said, plan, evidence, text, "false_price"));
    }
    let by_name = chance(rng, 40);
    let target = target(rng, memory, by_name)?;
    let templates = if target.words.is_empty() {
        FALSE_PRICE
    } else {
        FALSE_PRICE_NAMED
    };
    let said = ask(rng, templates, &[("x", &x), ("w", &target.words)]);
    let evidence = vec![product_line(&target.item, 1)?];
    memory.items = vec![target.item];
    let text = reply_any(rng, PRICE_REPLY);
    Some(gold(
        said,
        details(&target.handle, None),
        evidence,
        text,
        "false_price",
    ))
}
