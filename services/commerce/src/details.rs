//! Product details: which of the shown products is meant, and which option or attribute of it.

use mercer_schemas::evidence::field_name;
use mercer_schemas::{Product, Variant};

/// Most variants that one answer lists.
const VARIANTS_MAX: usize = 3;

/// Most attributes that one answer tells.
const ATTRIBUTES_MAX: usize = 2;

/// Everyday words for attributes. Left: what customers say; right: parts of attribute names.
/// From the attribute names of common product feeds.
const SAID_FOR: &[(&str, &[&str])] = &[
    ("heavy", &["weight"]),
    ("heavier", &["weight"]),
    ("heaviest", &["weight"]),
    ("light", &["weight"]),
    ("lighter", &["weight"]),
    ("lightest", &["weight"]),
    ("weigh", &["weight"]),
    ("weighs", &["weight"]),
    ("big", &["dimensions", "size", "capacity", "volume"]),
    ("bigger", &["dimensions", "size", "capacity", "volume"]),
    ("smaller", &["dimensions", "size", "capacity", "volume"]),
    ("large", &["dimensions", "size", "capacity", "volume"]),
    ("larger", &["dimensions", "size", "capacity", "volume"]),
    ("size", &["dimensions", "capacity"]),
    ("tall", &["height", "dimensions"]),
    ("taller", &["height", "dimensions"]),
    ("high", &["height", "dimensions"]),
    ("wide", &["width", "dimensions"]),
    ("wider", &["width", "dimensions"]),
    ("deep", &["depth", "dimensions"]),
    ("thick", &["thickness", "pile"]),
    (
        "long",
        &["length", "battery_life", "burn_time", "dimensions"],
    ),
    ("hold", &["capacity", "volume"]),
    ("holds", &["capacity", "volume"]),
    ("litres", &["capacity", "volume"]),
    ("liters", &["capacity", "volume"]),
    ("made", &["material", "made_in", "upper", "fabric"]),
    ("fabric", &["material", "fabric"]),
    ("wash", &["care", "washing"]),
    ("washable", &["care", "washing"]),
    ("washing", &["care"]),
    ("machine", &["care"]),
    ("dishwasher", &["dishwasher_safe", "care"]),
    ("clean", &["care"]),
    ("guarantee", &["warranty", "guarantee"]),
    (
        "waterproof",
        &["waterproof", "water_resistance", "waterproof_rating"],
    ),
    ("rain", &["waterproof", "water_resistance"]),
    ("water", &["waterproof", "water_resistance"]),
    ("battery", &["battery_life", "battery"]),
    ("charge", &["battery_life", "charging", "charging_time"]),
    ("bright", &["brightness", "lumens", "output"]),
    ("brighter", &["brightness", "lumens", "output"]),
    ("noisy", &["noise", "noise_level"]),
    ("loud", &["noise", "noise_level", "volume"]),
    ("quiet", &["noise", "noise_level"]),
    ("quieter", &["noise", "noise_level"]),
    ("powerful", &["power", "wattage"]),
    ("watts", &["power", "wattage"]),
    (
        "warm",
        &["temperature", "comfort", "insulation", "tog", "fill"],
    ),
    (
        "warmer",
        &["temperature", "comfort", "insulation", "tog", "fill"],
    ),
    ("cold", &["temperature", "comfort", "insulation"]),
    ("people", &["sleeps", "capacity", "persons"]),
    ("sleep", &["sleeps", "capacity"]),
    ("sleeps", &["sleeps", "capacity"]),
];

/// Words of a question that name no option and no attribute.
const PLAIN: &[&str] = &[
    "one",
    "ones",
    "price",
    "cost",
    "costs",
    "much",
    "stock",
    "available",
    "availability",
    "buy",
    "take",
    "get",
    "want",
    "more",
    "details",
    "info",
    "information",
    "nice",
    "looks",
    "good",
    "this",
    "that",
    "the",
    "it",
    "in",
    "a",
    "an",
    "of",
    "is",
    "and",
    "or",
    "for",
    "to",
    "does",
    "do",
    "with",
    "first",
    "second",
    "third",
    "last",
    "instead",
    "sell",
    "left",
    "still",
];

/// What a question about a product comes to.
pub(crate) enum Found<'a> {
    /// Variants that have the options asked for, best first.
    Variants(Vec<&'a Variant>),
    /// Attributes asked for: names in references.
    Attributes(Vec<String>),
    /// Nothing in particular was asked.
    General,
    /// What was asked is not on record.
    Unknown,
}

/// Looks for the options or attributes of a product that a phrase names.
pub(crate) fn look_up<'a>(product: &'a Product, about: &str) -> Found<'a> {
    let asked = tokens(about);
    let variants = matching_variants(product, &asked);
    let attributes = matching_attributes(product, &asked);
    match (variants.is_empty(), attributes.is_empty()) {
        (false, true) => Found::Variants(variants),
        (_, false) => Found::Attributes(attributes),
        (true, true) if asked.iter().all(|word| PLAIN.contains(&word.as_str())) => Found::General,
        (true, true) => Found::Unknown,
    }
}

/// Looks for an attribute that a whole message calls by its name or by an everyday word for it.
/// The product's own title says nothing about what is asked.
pub(crate) fn named_in<'a>(product: &Product, message: &str) -> Found<'a> {
    let title = tokens(&product.title);
    let asked: Vec<String> = tokens(message)
        .into_iter()
        .filter(|word| !title.contains(word))
        .collect();
    let mut found = attributes_by_name(product, &asked);
    found.truncate(ATTRIBUTES_MAX);
    if found.is_empty() {
        Found::Unknown
    } else {
        Found::Attributes(found)
    }
}

/// Variants whose options hold the most of the words asked for; sellable ones first.
fn matching_variants<'a>(product: &'a Product, asked: &[String]) -> Vec<&'a Variant> {
    let score = |variant: &Variant| -> usize {
        variant
            .options
            .values()
            .map(|value| {
                let value_words = tokens(value);
                let hits = value_words
                    .iter()
                    .filter(|word| asked.contains(word))
                    .count();
                // "navy blue" is found by "blue", but "blue" alone is nearer to it.
                if hits == 0 {
                    0
                } else {
                    4 * hits + usize::from(hits == value_words.len())
                }
            })
            .sum()
    };
    let best = product.variants.iter().map(&score).max().unwrap_or(0);
    if best == 0 {
        return Vec::new();
    }
    let mut found: Vec<&Variant> = product
        .variants
        .iter()
        .filter(|variant| score(variant) == best)
        .collect();
    found.sort_by_key(|variant| variant.stock == 0);
    found.truncate(VARIANTS_MAX);
    found
}

fn attribute_names(product: &Product) -> Vec<String> {
    product
        .attributes
        .keys()
        .map(|name| field_name(name))
        .collect()
}

/// Attributes that are called by their names or by everyday words for them.
fn attributes_by_name(product: &Product, asked: &[String]) -> Vec<String> {
    let names = attribute_names(product);
    let mut found: Vec<String> = Vec::new();
    for name in &names {
        let parts: Vec<&str> = name
            .split('_')
            .filter(|part| part.len() > 2 && !PLAIN.contains(part))
            .collect();
        if !parts.is_empty()
            && parts
                .iter()
                .all(|part| asked.iter().any(|word| same_stem(word, part)))
        {
            add(&mut found, name);
        }
    }
    for word in asked {
        let Some((_, meant)) = SAID_FOR.iter().find(|(said, _)| said == word) else {
            continue;
        };
        if let Some(name) = meant
            .iter()
            .find_map(|meant| names.iter().find(|name| name.as_str() == *meant))
        {
            add(&mut found, name);
        }
    }
    found
}

fn matching_attributes(product: &Product, asked: &[String]) -> Vec<String> {
    let mut found = attributes_by_name(product, asked);
    let names = attribute_names(product);
    if found.is_empty() {
        for word in asked
            .iter()
            .filter(|word| word.len() > 3 && !PLAIN.contains(&word.as_str()))
        {
            let part_of_name = names
                .iter()
                .find(|name| name.split('_').any(|part| same_stem(word, part)));
            let in_value = product
                .attributes
                .iter()
                .find(|(_, value)| tokens(value).iter().any(|part| same_stem(word, part)))
                .map(|(name, _)| field_name(name));
            if let Some(name) = part_of_name.cloned().or(in_value) {
                add(&mut found, &name);
            }
        }
    }
    found.truncate(ATTRIBUTES_MAX);
    found
}

fn add(found: &mut Vec<String>, name: &str) {
    if !found.iter().any(|known| known == name) {
        found.push(name.to_owned());
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '.'))
        .map(|word| word.trim_matches('.').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Compares words without their endings: `waterproofing` and `waterproof`, `weights` and `weight`.
fn same_stem(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short == long || (short.len() >= 4 && long.starts_with(short) && long.len() - short.len() <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shoe() -> Product {
        let json = r#"{"id":"S","title":"Shoe","attributes":{"weight":"280 g","upper material":"mesh","waterproof":"yes"},
            "variants":[
              {"sku":"S-B-41","options":{"colour":"blue","size":"41"},"price":{"minor":100,"currency":"GBP"},"stock":0},
              {"sku":"S-B-42","options":{"colour":"blue","size":"42"},"price":{"minor":100,"currency":"GBP"},"stock":2},
              {"sku":"S-N-42","options":{"colour":"navy blue","size":"42"},"price":{"minor":100,"currency":"GBP"},"stock":2}]}"#;
        serde_json::from_str(json).expect("product")
    }

    fn skus(about: &str) -> Vec<String> {
        match look_up(&shoe(), about) {
            Found::Variants(found) => found
                .iter()
                .map(|variant| variant.sku.to_string())
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn options_choose_variants_and_sellable_ones_come_first() {
        assert_eq!(skus("blue"), ["S-B-42", "S-B-41"]);
        assert_eq!(skus("the Blue one in 42"), ["S-B-42"]);
        assert_eq!(skus("navy"), ["S-N-42"]);
    }

    #[test]
    fn everyday_words_find_attributes() {
        let attributes = |about: &str| match look_up(&shoe(), about) {
            Found::Attributes(names) => names,
            _ => Vec::new(),
        };
        assert_eq!(attributes("heavy"), ["weight"]);
        assert_eq!(attributes("waterproof"), ["waterproof"]);
        assert_eq!(attributes("mesh"), ["upper_material"]);
        assert!(matches!(look_up(&shoe(), "price"), Found::General));
        assert!(matches!(look_up(&shoe(), "factory"), Found::Unknown));
    }
}
