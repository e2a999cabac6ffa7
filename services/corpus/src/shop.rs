//! Invented shops: names, products, prices and codes.

use mercer_schemas::{
    Evidence, EvidenceRole, Field, Handle, ProductId, RecordKey, Sku, evidence::field_name,
};
use rand::{
    Rng,
    rngs::StdRng,
    seq::{IndexedRandom, IteratorRandom},
};

use crate::text::{chance, pick};
use crate::vocab::{ADJECTIVES, COLOURS, MATERIALS, SIZES, Vocab, title};

/// A product as evidence shows it.
#[derive(Clone)]
pub(crate) struct Item {
    /// The retailer's key.
    pub(crate) code: String,
    /// Name as shown.
    pub(crate) name: String,
    /// The word of the name by which a customer would call it.
    pub(crate) nickname: String,
    /// Price as shown.
    pub(crate) price: String,
    /// Stock as shown.
    pub(crate) stock: &'static str,
    /// Option names with values.
    pub(crate) options: Vec<(&'static str, Vec<String>)>,
}

/// What all turns of a conversation share.
pub(crate) struct Shop<'a> {
    /// Words to draw from.
    pub(crate) vocab: &'a Vocab,
    /// The name in the system prompt.
    pub(crate) name: String,
    symbol: &'static str,
}

impl<'a> Shop<'a> {
    /// Invents a shop.
    pub(crate) fn invent(rng: &mut StdRng, vocab: &'a Vocab) -> Self {
        let brand = vocab.brand(rng);
        let other = vocab.brand(rng);
        let name = match rng.random_range(0..7) {
            0 => brand,
            1 => format!("{brand} & {other}"),
            2 => format!(
                "{brand} {}",
                pick(
                    rng,
                    &[
                        "Store", "Shop", "Market", "Outlet", "Direct", "Online", "Supplies"
                    ]
                )
            ),
            3 => format!("{brand} {}", title(vocab.word(rng))),
            4 => format!(
                "The {} {}",
                title(vocab.word(rng)),
                pick(rng, &["House", "Company", "Corner", "Studio", "Room"])
            ),
            5 => format!("{brand} and Sons"),
            _ => format!("{brand}{}", pick(rng, &["", "shop", ".com", " Ltd"])),
        };
        let symbol = pick_static(rng, &["£", "£", "£", "$", "€", "€", "SEK"]);
        Self {
            vocab,
            name,
            symbol,
        }
    }

    /// Writes an amount as the shop does.
    pub(crate) fn money(&self, rng: &mut StdRng) -> String {
        let whole = match rng.random_range(0..4) {
            0 => rng.random_range(2..20),
            1 => rng.random_range(20..100),
            2 => rng.random_range(10..400),
            _ => rng.random_range(5..1_500),
        };
        let cents = [99, 0, 50, 95, 49, 75, 25][rng.random_range(0..7)];
        match self.symbol {
            "SEK" => format!("{whole}.{cents:02} SEK"),
            sign => format!("{sign}{whole}.{cents:02}"),
        }
    }

    /// Writes a price limit as a customer would; the number alone comes first.
    pub(crate) fn limit(&self, rng: &mut StdRng) -> (String, String) {
        let number = match rng.random_range(0..10) {
            0 => format!(
                "{}.{}",
                rng.random_range(3..200),
                pick(rng, &["50", "99", "00", "5"])
            ),
            1..5 => (rng.random_range(1..40) * 5).to_string(),
            5..7 => (rng.random_range(1..20) * 10).to_string(),
            7 => (rng.random_range(1..30) * 50).to_string(),
            _ => rng.random_range(3..1_000).to_string(),
        };
        let written = match rng.random_range(0..14) {
            0..4 => format!("£{number}"),
            4 => format!("${number}"),
            5 => format!("€{number}"),
            6 => format!("{number} pounds"),
            7 => format!("{number} quid"),
            8 => format!("{number} euros"),
            9 => format!("{number}€"),
            10 => format!("{number} bucks"),
            11 => format!(
                "{number} {}",
                pick(rng, &["euro", "dollars", "GBP", "EUR", "usd", "kr"])
            ),
            _ => number.clone(),
        };
        (number, written)
    }

    /// Invents a product that a search for `noun` would find.
    pub(crate) fn item(&self, rng: &mut StdRng, noun: &str) -> Item {
        let line = self.vocab.brand(rng);
        let brand = self.vocab.brand(rng);
        let noun = title(noun);
        let number = rng.random_range(2..900);
        let (name, nickname) = match rng.random_range(0..12) {
            0..3 => (format!("{line} {noun}"), line),
            3 => (format!("{brand} {line} {noun}"), line),
            4 => (format!("{noun} {line}"), line),
            5 => (
                format!("{line} {} {noun}", title(pick(rng, ADJECTIVES))),
                line,
            ),
            6 => (format!("{line} {number} {noun}"), line),
            7 => (format!("{line} {noun} {}", pick(rng, MEASURES)), line),
            8 => (
                format!(
                    "{line} {} {} {noun}",
                    title(pick(rng, ADJECTIVES)),
                    title(pick(rng, MATERIALS))
                ),
                line,
            ),
            9 => (format!("{brand} {noun}, {}", pick(rng, COLOURS)), brand),
            10 => (
                format!(
                    "{}'s {line} {noun}",
                    pick(rng, &["Men", "Women", "Kid", "Children"])
                ),
                line,
            ),
            _ => (
                format!("{line} {} {noun}", title(pick(rng, MATERIALS))),
                line,
            ),
        };
        let mut options: Vec<(&'static str, Vec<String>)> = Vec::new();
        if chance(rng, 60) {
            let count = rng.random_range(1..4);
            let colours = COLOURS.iter().choose_multiple(rng, count);
            let axis = if chance(rng, 85) {
                "colour"
            } else {
                pick_static(rng, &["color", "finish", "shade"])
            };
            options.push((axis, colours.into_iter().map(|c| (*c).to_owned()).collect()));
        }
        if chance(rng, 40) {
            let sizes = SIZES.choose(rng).copied().unwrap_or(&["one size"]);
            let axis = if chance(rng, 85) {
                "size"
            } else {
                pick_static(rng, &["length", "volume", "width", "format"])
            };
            options.push((axis, sizes.iter().map(|s| (*s).to_owned()).collect()));
        }
        if chance(rng, 8) {
            let values = (0..2).map(|_| self.vocab.word(rng).to_owned()).collect();
            options.push((
                pick_static(rng, &["scent", "flavour", "pattern", "style", "model"]),
                values,
            ));
        }
        let money = self.money(rng);
        let price = if chance(rng, 15) {
            format!("from {money}")
        } else {
            money
        };
        Item {
            code: self.code(rng),
            name,
            nickname,
            price,
            stock: stock(rng),
            options,
        }
    }

    /// Invents a product that a customer asks for by its name.
    pub(crate) fn named(&self, rng: &mut StdRng, noun: &str) -> (Item, Wish) {
        let mut item = self.item(rng, noun);
        let line = item.nickname.clone();
        let (name, text, alone) = match rng.random_range(0..10) {
            0..5 => (None, format!("{line} {noun}"), false),
            5 => {
                let brand = self.vocab.brand(rng);
                let name = format!("{brand} {line} {}", title(noun));
                (Some(name), format!("{brand} {line} {noun}"), false)
            }
            6 => {
                let kind = pick(rng, ADJECTIVES);
                let name = format!("{line} {} {}", title(kind), title(noun));
                (Some(name), format!("{line} {kind} {noun}"), false)
            }
            7 => (None, format!("{noun} {line}"), true),
            _ => (None, line, true),
        };
        if let Some(name) = name {
            item.name = name;
        }
        let plural = !alone && is_plural(noun);
        let wish = Wish {
            article: if plural { "some " } else { a_or_an(&text) },
            text,
            plural,
        };
        (item, wish)
    }

    /// Writes an amount between limits.
    pub(crate) fn money_between(
        &self,
        rng: &mut StdRng,
        low: Option<&String>,
        high: Option<&String>,
    ) -> String {
        let whole = |number: &String| number.split('.').next()?.parse::<u32>().ok();
        let low = low.and_then(whole).map(|low| low + 1);
        let high = high.and_then(whole);
        let from = low.unwrap_or_else(|| high.unwrap_or(40) / 3);
        let to = high.unwrap_or(from * 3).max(from + 1);
        let amount = rng.random_range(from..to);
        let cents = if high == Some(amount) {
            0
        } else {
            [99, 0, 50, 95, 49, 75, 25][rng.random_range(0..7)]
        };
        match self.symbol {
            "SEK" => format!("{amount}.{cents:02} SEK"),
            sign => format!("{sign}{amount}.{cents:02}"),
        }
    }

    /// Invents a product code.
    pub(crate) fn code(&self, rng: &mut StdRng) -> String {
        let letters: String = (0..rng.random_range(1..4))
            .map(|_| rng.random_range('A'..='Z'))
            .collect();
        match rng.random_range(0..6) {
            0 => format!("{letters}-{}", rng.random_range(100..99_999)),
            1 => format!("{letters}{}", rng.random_range(1_000..99_999)),
            2 => format!("{}-{letters}", rng.random_range(100..9_999)),
            3 => rng
                .random_range(2_000_000_000_000_u64..9_000_000_000_000)
                .to_string(),
            4 => format!(
                "{letters}-{}-{}",
                rng.random_range(100..9_999),
                pick(rng, &["RED", "BLU", "GRN", "XL", "M", "BLK", "OAK"])
            ),
            _ => rng.random_range(10_000..999_999).to_string(),
        }
    }

    /// Returns a product's name with adjectives, as a customer asks for it.
    pub(crate) fn wish(&self, rng: &mut StdRng, noun: &str) -> String {
        self.asked(rng, noun).text
    }

    /// Returns a product's name with adjectives, and how it goes with the words around it.
    pub(crate) fn asked(&self, rng: &mut StdRng, noun: &str) -> Wish {
        let first = match rng.random_range(0..100) {
            0..16 => format!("{} ", pick(rng, COLOURS)),
            16..27 => format!("{} ", pick(rng, MATERIALS)),
            27..43 => format!("{} ", pick(rng, ADJECTIVES)),
            43..47 => format!("{} {} ", pick(rng, ADJECTIVES), pick(rng, COLOURS)),
            47..50 => format!("{} {} ", pick(rng, COLOURS), pick(rng, MATERIALS)),
            50..53 => format!("{} {} ", pick(rng, ADJECTIVES), pick(rng, MATERIALS)),
            53..57 => format!("{} ", self.vocab.brand(rng)),
            _ => String::new(),
        };
        let last = match rng.random_range(0..100) {
            0..5 => format!(" in {}", pick(rng, COLOURS)),
            5..8 => format!(" for {}", self.vocab.word(rng)),
            8..11 => format!(" for {}", pick(rng, USES)),
            11..13 => format!(" with {}", self.vocab.word(rng)),
            13..15 => format!(" made of {}", pick(rng, MATERIALS)),
            _ => String::new(),
        };
        let many = is_plural(noun);
        let made = !many && !noun.contains(" of ") && chance(rng, 25);
        let noun = if made {
            pluralised(noun)
        } else {
            noun.to_owned()
        };
        let plural = many || made;
        let text = format!("{first}{noun}{last}");
        let article = match rng.random_range(0..100) {
            0..25 => "",
            25..60 if plural => "",
            60..75 if plural && PAIRS.iter().any(|pair| noun.ends_with(pair)) => "a pair of ",
            _ if plural => "some ",
            _ => a_or_an(&text),
        };
        Wish {
            text,
            article,
            plural,
        }
    }
}

/// What a customer asks for.
pub(crate) struct Wish {
    /// The words that a search should use.
    pub(crate) text: String,
    /// What stands before them, with a space, or nothing.
    pub(crate) article: &'static str,
    /// Whether they go with `are`.
    pub(crate) plural: bool,
}

/// What products are for.
const USES: &[&str] = &[
    "kids",
    "toddlers",
    "beginners",
    "camping",
    "running",
    "walking",
    "travelling",
    "work",
    "school",
    "winter",
    "summer",
    "small gardens",
    "narrow feet",
    "wide feet",
    "dry skin",
    "sensitive skin",
    "large dogs",
    "puppies",
    "induction hobs",
    "wet weather",
    "muddy trails",
    "the garden",
    "the bathroom",
    "the office",
    "the beach",
    "men",
    "women",
    "teenagers",
    "two people",
    "left handers",
];
/// Measures in product names.
const MEASURES: &[&str] = &[
    "20 cm", "28 cm", "45 l", "1.5 l", "500 ml", "2 kg", "Set of 4", "Set of 6", "2-Pack", "XL",
    "Mini", "Pro", "Plus", "Mk II",
];
/// Things that come in pairs.
const PAIRS: &[&str] = &[
    "boots",
    "shoes",
    "trainers",
    "gloves",
    "mittens",
    "socks",
    "jeans",
    "trousers",
    "shorts",
    "leggings",
    "sandals",
    "slippers",
    "earrings",
    "headphones",
    "scissors",
    "secateurs",
    "pliers",
    "glasses",
    "goggles",
    "curtains",
    "wellies",
    "heels",
    "loafers",
    "skates",
    "poles",
    "tights",
];

fn a_or_an(text: &str) -> &'static str {
    let text = text.to_lowercase();
    if text.starts_with(['a', 'e', 'i', 'o']) || text.starts_with("um") {
        "an "
    } else {
        "a "
    }
}

fn is_plural(noun: &str) -> bool {
    noun.ends_with('s') && !noun.ends_with("ss") && !noun.ends_with("us") && !noun.contains(" of ")
}

fn pluralised(noun: &str) -> String {
    if let Some(stem) = noun.strip_suffix("fe") {
        return format!("{stem}ves");
    }
    if let Some(stem) = noun.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    let hiss = ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|e| noun.ends_with(e));
    format!("{noun}{}", if hiss { "es" } else { "s" })
}

fn pick_static(rng: &mut StdRng, from: &[&'static str]) -> &'static str {
    from.choose(rng).copied().unwrap_or("")
}

/// Returns a state of stock as shown.
pub(crate) fn stock(rng: &mut StdRng) -> &'static str {
    pick_static(
        rng,
        &[
            "in stock",
            "in stock",
            "in stock",
            "in stock",
            "in stock",
            "in stock",
            "in stock",
            "in stock",
            "out of stock",
            "out of stock",
            "out of stock",
            "only 1 left",
            "only 2 left",
            "only 3 left",
            "only 4 left",
            "only 5 left",
        ],
    )
}

/// Builds the evidence line of a product.
pub(crate) fn product_line(item: &Item, number: usize) -> Option<Evidence> {
    let key = RecordKey::Product(ProductId::new(item.code.as_str()).ok()?);
    let mut fields = vec![
        Field::new("name", item.name.as_str()),
        Field::new("price", item.price.as_str()),
        Field::new("stock", item.stock),
    ];
    fields.extend(
        item.options
            .iter()
            .map(|(name, values)| Field::new(name, values.join(", "))),
    );
    Some(Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: Some(EvidenceRole::Shown),
        tool: None,
        fields,
    })
}

/// Builds the evidence line of a chosen variant.
pub(crate) fn variant_line(
    item: &Item,
    chosen: &[String],
    price: &str,
    stock: &str,
    number: usize,
) -> Option<Evidence> {
    let key = RecordKey::Variant(Sku::new(format!("{}-{}", item.code, chosen.join("-"))).ok()?);
    let name = format!("{} ({})", item.name, chosen.join(", "));
    let fields = vec![
        Field::new("name", name),
        Field::new("price", price),
        Field::new("stock", stock),
    ];
    Some(Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: Some(EvidenceRole::Chosen),
        tool: None,
        fields,
    })
}

/// Builds the evidence line of an attribute that was asked for.
pub(crate) fn attribute_line(
    item: &Item,
    name: &str,
    value: &str,
    number: usize,
) -> Option<Evidence> {
    if field_name(name).is_empty() {
        return None;
    }
    let key = RecordKey::Product(ProductId::new(item.code.as_str()).ok()?);
    Some(Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: Some(EvidenceRole::Asked),
        tool: None,
        fields: vec![Field::new(name, value)],
    })
}
