//! Turns about finding products.

mod replies;

wordings!("browse": around, choices, names, prices, wishes);

use mercer_conversation::tools::SearchCatalog;
use mercer_schemas::{Evidence, Plan, ToolCall, plan::Sort};
use rand::{Rng, rngs::StdRng};

use crate::dialogue::{Memory, reply, reply_any};
use crate::drive::Gold;
use crate::shop::{Item, Shop, product_line};
use crate::text::{chance, pick, say, say_any};
use crate::vocab::{ADJECTIVES, COLOURS};
use around::{LEADS, TAILS, TURNS};
use choices::{AND_CHEAPEST, AND_STOCKED, CHEAPEST, DEAREST, STOCKED};
use names::{BY_CODE, COPY, NAMED, NAMED_AFTER, NAMED_STOCKED};
use prices::{BOTH, MAX, MIN};
use replies::{
    FOUND_END, FOUND_FIRST, FOUND_HIGHEST, FOUND_LOWEST, FOUND_THREE, FOUND_TWO, NOT_FOUND,
};
use wishes::{CATEGORY, GIFT, PLAIN};

/// A customer looks for products.
pub(crate) fn search(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let noun = shop.vocab.noun(rng);
    let (low, low_text, high, high_text) = limits(rng, shop)?;
    let (templates, min, max, mut in_stock, mut sort, named) = match rng.random_range(0..100) {
        0..28 => (PLAIN, false, false, false, None, false),
        28..38 => (NAMED, false, false, false, None, true),
        38..40 => (NAMED_AFTER, false, false, false, None, false),
        40..44 => (GIFT, false, false, false, None, false),
        44..63 => (MAX, false, true, false, None, chance(rng, 6)),
        63..68 => (MIN, true, false, false, None, false),
        68..76 => (BOTH, true, true, false, None, false),
        76..82 => (STOCKED, false, false, true, None, false),
        82..85 => (NAMED_STOCKED, false, false, true, None, true),
        85..91 => (
            CHEAPEST,
            false,
            false,
            false,
            Some(Sort::price_asc()),
            false,
        ),
        91..95 => (
            DEAREST,
            false,
            false,
            false,
            Some(Sort::price_desc()),
            false,
        ),
        _ => (CATEGORY, false, false, false, None, false),
    };
    let mut template = pick(rng, templates).to_owned();
    if max && chance(rng, 12) {
        add(&mut template, pick(rng, AND_STOCKED));
        in_stock = true;
    } else if max && chance(rng, 8) {
        add(&mut template, pick(rng, AND_CHEAPEST));
        sort = Some(Sort::price_asc());
    }
    let template = surrounded(rng, template, named, !memory.items.is_empty());
    let (first, wish) = if named {
        let (item, wish) = shop.named(rng, &noun);
        (Some(item), wish)
    } else {
        (None, shop.asked(rng, &noun))
    };
    let marked = format!("[q:{}]", wish.text);
    let line = shop.vocab.brand(rng);
    let near = below(&high).map_or_else(String::new, |near| high_text.replacen(&high, &near, 1));
    let range = range(rng, (&low, &low_text), (&high, &high_text));
    let said = say(
        rng,
        &template,
        &[
            ("q", &marked),
            ("a", wish.article),
            ("is", if wish.plural { "are" } else { "is" }),
            ("does", if wish.plural { "do" } else { "does" }),
            ("it", if wish.plural { "they" } else { "it" }),
            ("them", if wish.plural { "them" } else { "it" }),
            ("line", &line),
            ("min", &low_text),
            ("near", &near),
            ("max", &high_text),
            ("low", &low),
            ("top", &high),
            ("range", &range),
        ],
    );
    let query = said.span('q')?;
    let mut items = invented(rng, shop, &noun, in_stock, 12);
    if let (Some(place), Some(item)) = (items.first_mut(), first) {
        let stock = place.stock;
        *place = item;
        place.stock = stock;
    }
    for item in &mut items {
        if min || max {
            item.price = shop.money_between(rng, min.then_some(&low), max.then_some(&high));
        }
    }
    if let Some(order) = &sort {
        items.sort_by_key(|item| cents(&item.price));
        if order.descending {
            items.reverse();
        }
    }
    let evidence = corrected(rng, shop, &query, lines(&items)?)?;
    if !items.is_empty() {
        memory.items = items.clone();
    }
    let call = ToolCall::new(&SearchCatalog {
        query: query.into(),
        min_price: min.then_some(low),
        max_price: max.then_some(high),
        in_stock,
        sort: sort.clone(),
        ..SearchCatalog::default()
    });
    let reply = found_reply(rng, &items, sort);
    Some(Gold {
        words: said.words,
        plan: Plan { calls: vec![call] },
        evidence,
        identified: false,
        reply,
        intent: "search",
    })
}

/// Two different limits, the lower first: each as a number and as written, mostly alike.
fn limits(rng: &mut StdRng, shop: &Shop<'_>) -> Option<(String, String, String, String)> {
    let (low, low_text) = shop.limit(rng);
    let (high, mut high_text) = shop.limit(rng);
    if chance(rng, 75) {
        high_text = low_text.replacen(&low, &high, 1);
    }
    let (a, b) = (low.parse::<f64>().ok()?, high.parse::<f64>().ok()?);
    if a < b {
        Some((low, low_text, high, high_text))
    } else {
        (b < a).then_some((high, high_text, low, low_text))
    }
}

/// A round amount somewhat below another.
fn below(amount: &str) -> Option<String> {
    let whole: u32 = amount.split('.').next()?.parse().ok()?;
    Some(match whole * 4 / 5 {
        near @ 0..20 => near.to_string(),
        near => (near / 5 * 5).to_string(),
    })
}

/// A range as people type it: `£20-£35`, `20 to 35 pounds`.
fn range(rng: &mut StdRng, low: (&str, &str), high: (&str, &str)) -> String {
    let has_sign_first = |text: &str| !text.starts_with(|c: char| c.is_ascii_digit());
    if has_sign_first(low.1) && has_sign_first(high.1) {
        let joint = pick(rng, &["-", " - ", " to ", "–"]);
        format!("{}{joint}{}", low.1, high.1)
    } else {
        format!("{}{}{}", low.0, pick(rng, &[" to ", " - "]), high.1)
    }
}

/// Adds a further wish, which begins with its own punctuation.
fn add(template: &mut String, more: &str) {
    template.truncate(template.trim_end_matches(['?', '.']).len());
    template.push_str(more);
}

/// Adds what people say around a wish; after products were shown they change direction more often.
fn surrounded(rng: &mut StdRng, template: String, named: bool, shown: bool) -> String {
    let mut template = template;
    let leads = if shown { 4 } else { 14 };
    match rng.random_range(0..100) {
        at if at < leads => template.insert_str(0, pick(rng, LEADS)),
        at if at < 20 => template.insert_str(0, pick(rng, TURNS)),
        _ => {}
    }
    if !named && chance(rng, 6) {
        template.push_str(if template.ends_with(['?', '.']) {
            " "
        } else {
            ". "
        });
        template.push_str(pick(rng, TAILS));
    }
    template
}

/// A customer names a product code.
pub(crate) fn code(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let noun = shop.vocab.noun(rng);
    let mut item = shop.item(rng, &noun);
    item.code = shop.code(rng);
    let marked = format!("[q:{}]", item.code);
    let said = say_kept(rng, BY_CODE, &marked);
    let call = plain_call(said.span('q')?);
    let items = if chance(rng, 85) {
        vec![item]
    } else {
        Vec::new()
    };
    let evidence = lines(&items)?;
    if !items.is_empty() {
        memory.items = items.clone();
    }
    let reply = found_reply(rng, &items, None);
    Some(Gold {
        words: said.words,
        plan: Plan { calls: vec![call] },
        evidence,
        identified: false,
        reply,
        intent: "code",
    })
}

/// A pure copying exercise: odd words and codes.
pub(crate) fn copying(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let count = rng.random_range(1..6);
    let words: Vec<String> = (0..count)
        .map(|_| match rng.random_range(0..10) {
            0..4 => shop.vocab.invented(rng),
            4..8 => shop.vocab.word(rng).to_owned(),
            8 => shop.code(rng),
            _ => pick(rng, COLOURS).to_owned(),
        })
        .collect();
    let phrase = words.join(" ");
    let said = say_kept(rng, COPY, &format!("[q:{phrase}]"));
    let call = plain_call(said.span('q')?);
    let items: Vec<Item> = if chance(rng, 60) {
        vec![shop.item(rng, &phrase)]
    } else {
        Vec::new()
    };
    let evidence = lines(&items)?;
    if !items.is_empty() {
        memory.items = items.clone();
    }
    let reply = found_reply(rng, &items, None);
    Some(Gold {
        words: said.words,
        plan: Plan { calls: vec![call] },
        evidence,
        identified: false,
        reply,
        intent: "copying",
    })
}

/// Reads a shown price for sorting.
fn cents(price: &str) -> u64 {
    price
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or(0)
}

fn say_kept(rng: &mut StdRng, templates: &[&str], marked: &str) -> crate::text::Said {
    say_any(rng, templates, &[("q", marked)])
}

/// A search without limits.
pub(crate) fn plain_call(query: String) -> ToolCall {
    ToolCall::new(&SearchCatalog {
        query: query.into(),
        ..SearchCatalog::default()
    })
}

fn lines(items: &[Item]) -> Option<Vec<Evidence>> {
    if items.is_empty() {
        return Some(vec![Evidence::NothingFound]);
    }
    let mut out = vec![Evidence::Found {
        products: items.len(),
        corrected: None,
        total: None,
    }];
    for (at, item) in items.iter().enumerate() {
        out.push(product_line(item, at + 1)?);
    }
    Some(out)
}

/// Invents what a search finds; sometimes nothing.
pub(crate) fn found(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    noun: &str,
    query: &str,
    in_stock: bool,
    nothing_percent: u32,
) -> Option<(Vec<Evidence>, Vec<Item>)> {
    let items = invented(rng, shop, noun, in_stock, nothing_percent);
    let evidence = corrected(rng, shop, query, lines(&items)?)?;
    Some((evidence, items))
}

fn invented(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    noun: &str,
    in_stock: bool,
    nothing_percent: u32,
) -> Vec<Item> {
    let count = if chance(rng, nothing_percent) {
        0
    } else {
        [1, 1, 2, 2, 3, 3, 3, 4, 5][rng.random_range(0..9)]
    };
    let mut items: Vec<Item> = (0..count)
        .map(|_| {
            let other;
            let noun = if chance(rng, 75) {
                noun
            } else {
                other = format!("{} {}", pick(rng, ADJECTIVES), noun);
                other.as_str()
            };
            shop.item(rng, noun)
        })
        .collect();
    if in_stock {
        for item in &mut items {
            if item.stock == "out of stock" {
                item.stock = "in stock";
            }
        }
    }
    items
}

/// Says now and then that the search read a word differently.
fn corrected(
    rng: &mut StdRng,
    shop: &Shop<'_>,
    query: &str,
    mut evidence: Vec<Evidence>,
) -> Option<Vec<Evidence>> {
    if chance(rng, 4)
        && let Some(Evidence::Found { corrected, .. }) = evidence.first_mut()
    {
        let from = query.split(' ').next()?.to_owned();
        *corrected = Some((from.into(), shop.vocab.word(rng).to_owned()));
    }
    Some(evidence)
}

/// Writes a reply to what a search found: always of the first three products, if there are as many.
fn found_reply(rng: &mut StdRng, items: &[Item], sort: Option<Sort>) -> String {
    if items.is_empty() {
        return reply_any(rng, NOT_FOUND);
    }
    let first = match sort {
        Some(Sort {
            descending: false, ..
        }) => FOUND_LOWEST,
        Some(_) => FOUND_HIGHEST,
        _ => FOUND_FIRST,
    };
    let mut template = pick(rng, first).to_owned();
    template.push_str(match items.len() {
        1 => "",
        2 => pick(rng, FOUND_TWO),
        _ => pick(rng, FOUND_THREE),
    });
    template.push_str(pick(rng, FOUND_END));
    reply(rng, &template)
}
