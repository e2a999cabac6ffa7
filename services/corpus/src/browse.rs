//! Turns about finding products.

use mercer_schemas::{Evidence, Plan, ToolCall, plan::Sort};
use rand::{Rng, rngs::StdRng};

use crate::dialogue::{Memory, reply, reply_any};
use crate::drive::Gold;
use crate::shop::{Item, Shop, product_line};
use crate::text::{chance, expand, pick, say, say_any};
use crate::vocab::{ADJECTIVES, COLOURS};

const PLAIN: &[&str] = &[
    "do you {have|sell|stock|carry} {any |a |some |}$q?",
    "{i'm |im |i am |}looking for {a |an |some |}$q",
    "i {need|want|would like} {a |an |some |}$q",
    "{have you got|got} {any |a |some |}$q?",
    "$q",
    "$q?",
    "show me {your |some |}$q",
    "can you show me {some |your |}$q",
    "what $q do you have?",
    "which $q do you sell?",
    "where can i find {the |your |}$q",
    "i'd like to {buy|order|get|purchase} {a |an |}$q",
    "find me {a |some |}$q",
    "search for $q",
    "do you sell things like $q?",
    "is there {a |any |}$q {in your shop|available|on your site}?",
    "{could|can} you {recommend|suggest} {a |some |}$q?",
    "what kind of $q {do you offer|are there}?",
    "any $q?",
    "my old one broke so i need a new $q",
    "we are after {a |some |}$q for our {office|new flat|club|school|wedding}",
    "i saw $q on your {site|page|instagram}, do you still have it?",
    "i can't find $q on the website",
    "anything like {a |}$q?",
    "i was wondering if you {have|sell} $q",
    "do u have $q",
    "got $q?",
    "hello! I am searching {for |}a $q",
    "$q wanted",
    "let me see {the |your |}$q",
    "i want to {see|browse|look at} {the |your |}$q",
    "what do you have in the way of $q?",
    "are there any $q {you can recommend|left|at the moment}?",
    "do you happen to have {a |}$q",
    "would you have {a |any |}$q?",
    "tell me about {the |your |}$q",
    "what about {a |some |}$q?",
    "how much {is|are} {the |a |your |}$q?",
    "{price|cost} of {the |}$q?",
    "what does {the |a |}$q cost?",
    "i need help choosing {a |}$q",
    "my daughter wants {a |}$q",
    "is the $q any good?",
    "i'm interested in {the |a |your |}$q",
    "can i buy {a |}$q here?",
    "hi do you guys do $q?",
    "then show me $q",
    "ok and $q?",
    "something else: do you have $q?",
    "instead i would like {a |}$q",
    "{forget that|forget it}, do you have {a |any |}$q?",
    "fine, then i'll look for {a |}$q",
    "we moved house last week and now we need {a |}$q. what can you offer?",
    "looking for {a |}$q {around|for about|for around|for roughly} $max",
    "{a |}$q around $max?",
    "tell me about the $q",
    "do you still have the $q?",
    "back to shopping: {do you have|show me} {a |any |}$q",
    "i read about the $q, what does it cost?",
    "and do you also {have|sell} $q?",
];
const GIFT: &[&str] = &[
    "i need a {gift|present} for my {sister|mum|dad|boss|friend|wife|husband|nephew|granny}, maybe {a |some |}$q",
    "looking for a birthday {gift|present}, {something like|for example} {a |}$q",
    "gift idea: $q?",
    "my {brother|son|aunt|partner} loves $q, what do you have?",
    "christmas is coming and i want to give {someone|her|him} {a |}$q",
    "it is our anniversary, do you have {a |}$q as a gift?",
    "it's for a friend who collects $q",
];
const MAX: &[&str] = &[
    "{do you have|have you got|any|i need|looking for} {a |some |}$q {under|below|for less than|up to|for under|for max|not more than|cheaper than|at most} $max?",
    "$q {under|below|max|up to|less than|for under|no more than} $max",
    "$q, {max|at most|budget is|my budget is|maximum} $max",
    "i want {a |}$q but i {can't|dont want to} {spend|pay} more than $max",
    "i have $max {to spend|}. do you have {a |}$q?",
    "is there {a |}$q for {under |less than |}$max?",
    "i can spend $max on {a |}$q",
    "show me $q that cost {less than|under|at most} $max",
    "{a |}$q, but it should not cost more than $max",
    "what $q can i get for $max?",
    "any $q {below|under} $max?",
    "budget $max, need {a |}$q",
    "do you sell $q? {max|my limit is|not over} $max",
    "need {a |}$q for {around |about |}$max {at most|max|tops}",
    "is $max enough for {a |}$q?",
    "under $max please: $q",
    "up to $max i would buy {a |}$q",
];
const MIN: &[&str] = &[
    "$q {over|above|from|for more than|starting at|at least} $min",
    "{show me|i want} {a |some |}$q {over|above|for at least|of at least|for more than} $min",
    "i'd like {a |}$q that costs {more than|at least|over} $min",
    "do you have {any |}$q above $min?",
    "only {good|quality} $q please, {from|above|at least} $min",
    "looking for {a |}$q, minimum $min",
    "{a |}$q of {at least|minimum} $min value",
];
const BOTH: &[&str] = &[
    "$q between $min and $max",
    "{do you have|any|show me|looking for} {a |some |}$q {between|from} $min {and|to} $max?",
    "i want {a |}$q, {min|at least|not under} $min, {max|at most|not over} $max",
    "$q from $min to $max {please|}",
    "my budget for {a |}$q is {between|} $min {and|to} $max",
    "need {a |}$q, more than $min but less than $max",
    "{a |}$q for $min to $max",
    "$q that costs {at least|over} $min and {at most|no more than|under} $max",
    "{max|up to} $max but {at least|over} $min: $q",
    "anything between $min and $max? it should be {a |}$q",
];
const STOCKED: &[&str] = &[
    "$q in stock",
    "which $q are in stock?",
    "{do you have|is there|are there} {a |any |}$q in stock{ now| right now|}?",
    "i need {a |}$q {right away|today|now}, what is {in stock|available}?",
    "what $q is available {now|right now|immediately|today}?",
    "only show {me |}$q {that are |}in stock",
    "$q available {now|right away|immediately}",
    "do you have $q {on hand|ready to ship|that can ship today}?",
    "i'd like {a |}$q but only {if it is|one that is|if} in stock",
];
const CHEAPEST: &[&str] = &[
    "{what is|what's|whats|show me} {the|your} {cheapest|lowest priced|least expensive} $q",
    "cheapest $q{ you have|}",
    "$q, cheapest first",
    "i want the cheapest $q {you have|possible|there is|}",
    "which $q is the {cheapest|least expensive}?",
    "do you have cheap $q?",
    "low cost $q please",
    "sort $q by price, {cheapest|lowest} first",
    "most affordable $q",
    "what would be the most affordable $q?",
    "need {a |}$q as cheap as possible",
];
const DEAREST: &[&str] = &[
    "{what is|what's|whats|show me} {the|your} {most expensive|priciest|dearest} $q",
    "most expensive $q",
    "$q, most expensive first",
    "i want the {most expensive|highest priced} $q {you have|}",
    "which $q is the most expensive?",
    "top of the range $q please",
    "premium $q, price high to low",
    "your priciest $q?",
];
const BY_CODE: &[&str] = &[
    "$q",
    "do you have {item |product |}$q?",
    "{what is|what's|whats} {the price of |item |product |}$q?",
    "{sku|code|article|item|ref|product code|art no} $q",
    "how much is $q?",
    "i have the {code|number|sku|item number|barcode} $q, what is it?",
    "is $q {available|in stock|still sold}?",
    "{price|stock} of $q?",
    "can you {look up|find|check} {item |code |}$q",
    "looking for {article |number |}$q",
    "the {label|box|catalogue} says $q",
    "$q please",
    "tell me about $q",
    "i want to order $q",
];
const CATEGORY: &[&str] = &[
    "what do you have in {the |your |}$q {department|section|category|range}?",
    "show me {all |everything in |}your $q {range|section}",
    "do you have a $q {section|department|category}?",
    "i want to browse {the |your |}$q {collection|range|section}",
    "what {sort|kinds|types} of $q are there?",
    "all $q",
    "{new|latest} arrivals in $q?",
    "anything new in $q?",
    "which brands of $q do you stock?",
];
const COPY: &[&str] = &[
    "$q",
    "search $q",
    "search for $q",
    "find $q",
    "look up $q",
    "$q please",
    "looking for $q",
    "do you have $q?",
    "i need $q",
    "is there any $q?",
    "please find $q for me",
    "i want $q",
    "show me $q",
    "can you find $q?",
    "any $q?",
    "got $q?",
];

const FOUND_FIRST: &[&str] = &[
    "{Yes, we have|We have|I found|Here is|There is|We offer|Take a look at|You could take|How about|I can offer} ~p1.name~ {at|for} ~p1.price~{, ~p1.stock~| (~p1.stock~)|; it is ~p1.stock~|}",
    "~p1.name~ {costs|is priced at|sells at|comes at} ~p1.price~{ and is ~p1.stock~|, ~p1.stock~| (~p1.stock~)}",
    "{The best match is|This fits best:|A good match is|My first suggestion:} ~p1.name~, ~p1.price~{, ~p1.stock~| and ~p1.stock~|}",
];
const FOUND_SECOND: &[&str] = &[
    ". {There is also|We also have|Another option is|You might also like|Also:} ~p2.name~ {at|for} ~p2.price~{, ~p2.stock~| (~p2.stock~)|}",
    " and ~p2.name~ {at|for} ~p2.price~{, ~p2.stock~| (~p2.stock~)|}",
    ". ~p2.name~ {costs|is|comes at} ~p2.price~{ and is ~p2.stock~|, ~p2.stock~|}",
];
const FOUND_THIRD: &[&str] = &[
    ". {And|Then there is|A third choice is|Finally,} ~p3.name~ {at|for} ~p3.price~{, ~p3.stock~| (~p3.stock~)|}",
];
const FOUND_END: &[&str] = &[
    "",
    "",
    "",
    " Would you like to know more?",
    " Shall I tell you more about it?",
    " Does that help?",
    " Just ask if you want details.",
    " Let me know if you want to know more.",
];
const NOT_FOUND: &[&str] = &[
    "{Sorry, |I'm sorry, |Unfortunately }{I could not find|I found nothing for|we do not seem to have} {that|anything like that|a match}. {Could you describe it differently?|Can you describe it in other words?|Could you try another description?|Is there another word for it?}",
    "I could not find a product that fits. {Would you like to try other words|Can you tell me more about what you need|Could you describe it in another way}?",
    "{Nothing in our catalogue matches that|My search found nothing}, sorry. {Please describe it differently|Try a different description} and I will look again.",
];

/// A customer looks for products.
pub(crate) fn search(rng: &mut StdRng, shop: &Shop<'_>, memory: &mut Memory) -> Option<Gold> {
    let noun = shop.vocab.noun(rng);
    let wish = shop.wish(rng, &noun);
    let (low, low_text) = shop.limit(rng);
    let (high, high_text) = shop.limit(rng);
    let (low, low_text, high, high_text) =
        match (low.parse::<f64>().ok()?, high.parse::<f64>().ok()?) {
            (a, b) if a <= b => (low, low_text, high, high_text),
            _ => (high, high_text, low, low_text),
        };
    let marked = format!("[q:{wish}]");
    let slots: &[(&str, &str)] = &[("q", &marked), ("min", &low_text), ("max", &high_text)];
    let (templates, min, max, mut in_stock, mut sort) = match rng.random_range(0..100) {
        0..38 => (PLAIN, false, false, false, None),
        38..43 => (GIFT, false, false, false, None),
        43..61 => (MAX, false, true, false, None),
        61..66 => (MIN, true, false, false, None),
        66..75 => (BOTH, true, true, false, None),
        75..82 => (STOCKED, false, false, true, None),
        82..90 => (CHEAPEST, false, false, false, Some(Sort::PriceAsc)),
        90..95 => (DEAREST, false, false, false, Some(Sort::PriceDesc)),
        _ => (CATEGORY, false, false, false, None),
    };
    let mut template = pick(rng, templates).to_owned();
    if max && chance(rng, 12) {
        template.push_str(
            "{, in stock|. must be in stock| and in stock please|, only what is in stock}",
        );
        in_stock = true;
    } else if max && chance(rng, 8) {
        template.push_str(
            "{, cheapest first|. cheapest first please|, sorted from cheap to expensive}",
        );
        sort = Some(Sort::PriceAsc);
    }
    let said = say(rng, &template, slots);
    let query = said.span('q')?;
    let call = ToolCall::SearchCatalog {
        query: query.clone().into(),
        min_price: min.then_some(low),
        max_price: max.then_some(high),
        in_stock,
        sort,
    };
    let (mut evidence, mut items) = found(rng, shop, &noun, &query, in_stock, 12)?;
    if let Some(order) = sort.filter(|_| items.len() > 1) {
        items.sort_by_key(|item| cents(&item.price));
        if order == Sort::PriceDesc {
            items.reverse();
        }
        evidence = lines(&items)?;
    }
    if !items.is_empty() {
        memory.items = items.clone();
    }
    let reply = match sort {
        Some(order) if !items.is_empty() && chance(rng, 50) => {
            let first = if order == Sort::PriceAsc {
                "lowest"
            } else {
                "highest"
            };
            let template = format!(
                "{{The {first} price has|With the {first} price we have|First by price:}} ~p1.name~ {{at|with}} ~p1.price~{{, ~p1.stock~| (~p1.stock~)|}}."
            );
            crate::dialogue::reply(rng, &template)
        }
        _ => found_reply(rng, &items),
    };
    Some(Gold {
        words: said.words,
        plan: Plan { calls: vec![call] },
        evidence,
        identified: false,
        reply,
        intent: "search",
    })
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
    let reply = found_reply(rng, &items);
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
    let reply = found_reply(rng, &items);
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
    ToolCall::SearchCatalog {
        query: query.into(),
        min_price: None,
        max_price: None,
        in_stock: false,
        sort: None,
    }
}

fn lines(items: &[Item]) -> Option<Vec<Evidence>> {
    if items.is_empty() {
        return Some(vec![Evidence::NothingFound]);
    }
    let mut out = vec![Evidence::Found {
        products: items.len(),
        corrected: None,
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
        items.iter_mut().for_each(|item| item.stock = "in stock");
    }
    let mut evidence = lines(&items)?;
    if chance(rng, 4)
        && let Some(Evidence::Found { corrected, .. }) = evidence.first_mut()
    {
        let from = query.split(' ').next()?.to_owned();
        *corrected = Some((from.into(), shop.vocab.word(rng).to_owned()));
    }
    Some((evidence, items))
}

/// Writes a reply to what a search found.
pub(crate) fn found_reply(rng: &mut StdRng, items: &[Item]) -> String {
    if items.is_empty() {
        return reply_any(rng, NOT_FOUND);
    }
    let mut template = pick(rng, FOUND_FIRST).to_owned();
    if items.len() > 1 && chance(rng, 85) {
        template.push_str(pick(rng, FOUND_SECOND));
        if items.len() > 2 && chance(rng, 65) {
            template.push_str(pick(rng, FOUND_THIRD));
        }
    } else if items.len() == 1
        && items[0].options.iter().any(|(name, _)| *name == "colour")
        && chance(rng, 25)
    {
        template.push_str("{. It comes in|. Colours:|. Available colours:} ~p1.colour~");
    }
    template.push('.');
    if items.len() > 1 && chance(rng, 12) {
        template.push_str(" Which one do you like?");
    } else {
        template.push_str(pick(rng, FOUND_END));
    }
    let text = expand(rng, &template, &[]);
    reply(rng, &text)
}
