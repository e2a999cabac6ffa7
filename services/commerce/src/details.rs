//! Product details: which of the shown products is meant, and which option or attribute of it.

mod words;

use mercer_conversation::hints::attributes::{PLAIN, SAID_FOR, TURNS_FOR};
use mercer_schemas::evidence::field_name;
use mercer_schemas::{Product, Variant};

use words::{OptionWord, option_words};

/// Most variants that one answer lists.
const VARIANTS_MAX: usize = 3;

/// Most attributes that one answer tells.
const ATTRIBUTES_MAX: usize = 2;

/// Characters of a message that are looked at, the last ones: a long message tells a story first. What
/// is compared grows with the square of its words, and nothing can stop it while it runs.
const MESSAGE_CHARS_MAX: usize = 2_400;

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

/// Looks for the options or attributes of a product that a question names. `about` is the phrase that
/// the plan took for what is asked, `message` the whole of the customer's words: a phrase is easily cut
/// too short ("yellow in 44", "how long does it keep tea hot"). Without `hints`, everyday words call for
/// no attribute.
pub(crate) fn look_up<'a>(
    product: &'a Product,
    about: &str,
    message: &str,
    hints: bool,
) -> Found<'a> {
    let message = tail(message);
    let asked = tokens(about);
    let said = question_words(product, message);
    let all: Vec<&Variant> = product.variants.iter().collect();
    // What the phrase chooses, the rest of the message may narrow and not change: "the 10 litre, I need 2".
    let by_phrase = matching(&all, &option_words(about));
    let names_option = !by_phrase.is_empty();
    let variants = || {
        let asked = option_words_of(product, about, message);
        if by_phrase.is_empty() {
            return matching(&all, &asked);
        }
        let narrowed = matching(&by_phrase, &asked);
        if narrowed.is_empty() {
            by_phrase.clone()
        } else {
            narrowed
        }
    };
    let attributes = if names_option {
        attributes_named(product, &asked)
    } else if attributes_called(product, &asked, &[], hints).is_empty() {
        Vec::new()
    } else {
        attributes_called(product, &asked, &said, hints)
    };
    if !attributes.is_empty() {
        return Found::Attributes(attributes);
    }
    let variants = variants();
    if !variants.is_empty() {
        return Found::Variants(variants);
    }
    for found in [
        attributes_called(product, &[], &said, hints),
        attributes_by_part(product, &asked),
    ] {
        if !found.is_empty() {
            return Found::Attributes(found);
        }
    }
    if asked.iter().all(|word| PLAIN.contains(&word.as_str())) {
        Found::General
    } else {
        Found::Unknown
    }
}

/// Returns the variants of a product that a message chooses by its options.
pub(crate) fn chosen<'a>(product: &'a Product, message: &str) -> Vec<&'a Variant> {
    let all: Vec<&Variant> = product.variants.iter().collect();
    matching(&all, &option_words_of(product, "", tail(message)))
}

/// Returns the last [`MESSAGE_CHARS_MAX`] characters of a message.
fn tail(message: &str) -> &str {
    match message.char_indices().rev().nth(MESSAGE_CHARS_MAX - 1) {
        Some((start, _)) => &message[start..],
        None => message,
    }
}

/// The words of a message without those of the product's own title, which say nothing about what is
/// asked.
fn question_words(product: &Product, message: &str) -> Vec<String> {
    let title = tokens(&product.title);
    tokens(message)
        .into_iter()
        .filter(|word| !title.contains(word))
        .collect()
}

/// The words that may choose a variant: all of the phrase, and of the rest of the message those that
/// do not stand in the title and do not ask ("how long", "how large").
fn option_words_of(product: &Product, about: &str, message: &str) -> Vec<OptionWord> {
    let title = option_words(&product.title);
    let said = option_words(message);
    let asks = |at: usize| at > 0 && said[at - 1].text == "how";
    let mut out = option_words(about);
    for (at, word) in said.iter().enumerate() {
        if !asks(at) && !title.contains(word) && !out.contains(word) {
            out.push(word.clone());
        }
    }
    out
}

/// Those of the variants whose options hold the most of the words asked for; sellable ones first.
fn matching<'a>(variants: &[&'a Variant], asked: &[OptionWord]) -> Vec<&'a Variant> {
    let score = |variant: &Variant| -> usize {
        variant
            .options
            .values()
            .map(|value| {
                let value_words = option_words(value);
                let is_asked = |word: &&OptionWord| asked.contains(word);
                let hits = value_words.iter().filter(is_asked).count();
                // A unit alone chooses nothing, and "navy blue" is found by "blue", but "blue"
                // alone is nearer to it.
                if value_words.iter().filter(is_asked).all(|word| word.is_unit) {
                    0
                } else {
                    4 * hits + usize::from(hits == value_words.len())
                }
            })
            .sum()
    };
    let best = variants
        .iter()
        .map(|variant| score(variant))
        .max()
        .unwrap_or(0);
    if best == 0 {
        return Vec::new();
    }
    let mut found: Vec<&Variant> = variants
        .iter()
        .copied()
        .filter(|variant| score(variant) == best)
        .collect();
    // What every variant has chooses none of them.
    if found.len() == variants.len() && found.len() > 1 {
        return Vec::new();
    }
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

/// Attributes that are called by their names.
fn attributes_named(product: &Product, asked: &[String]) -> Vec<String> {
    let mut found = attribute_names(product);
    found.retain(|name| is_named(name, asked));
    found.truncate(ATTRIBUTES_MAX);
    found
}

fn is_named(attribute: &str, asked: &[String]) -> bool {
    let parts: Vec<&str> = attribute
        .split('_')
        .filter(|part| part.len() > 2 && !PLAIN.contains(part))
        .collect();
    let is_said = |part: &&str| asked.iter().any(|word| same_stem(word, part));
    !parts.is_empty() && parts.iter().all(is_said)
}

/// Attributes that are called by their names, by a turn of phrase or by everyday words for them: those
/// that the most words call for. A word of the phrase `asked` counts more than one of the rest of
/// the message, `said`.
fn attributes_called(
    product: &Product,
    asked: &[String],
    said: &[String],
    hints: bool,
) -> Vec<String> {
    let (turns, everyday) = if hints {
        (TURNS_FOR, SAID_FOR)
    } else {
        (&[][..], &[][..])
    };
    let names = attribute_names(product);
    let first_of = |meant: &[&str]| {
        meant
            .iter()
            .find_map(|meant| names.iter().position(|name| name.as_str() == *meant))
    };
    let rest: Vec<String> = said
        .iter()
        .filter(|word| !asked.contains(word))
        .cloned()
        .collect();
    let mut votes = vec![0_u32; names.len()];
    for (words, weight) in [(asked, 3), (rest.as_slice(), 2)] {
        for (turn, meant) in turns {
            let mut rest = words.iter();
            if turn.iter().all(|part| rest.any(|word| word == part))
                && let Some(at) = first_of(meant)
            {
                votes[at] += 2 * weight;
            }
        }
        for (at, name) in names.iter().enumerate() {
            votes[at] += 2 * weight * u32::from(is_named(name, words));
        }
        for word in words {
            let meant = everyday.iter().find(|(said, _)| said == word);
            if let Some(at) = meant.and_then(|(_, meant)| first_of(meant)) {
                votes[at] += weight;
            }
        }
    }
    let most = votes.iter().copied().max().unwrap_or(0);
    let mut found = names;
    let mut at = 0..;
    found.retain(|_| {
        at.next()
            .is_some_and(|at: usize| most > 0 && votes[at] == most)
    });
    found.truncate(ATTRIBUTES_MAX);
    found
}

/// Attributes of which a word asked for is part of the name or of the value.
fn attributes_by_part(product: &Product, asked: &[String]) -> Vec<String> {
    let names = attribute_names(product);
    let mut found = Vec::new();
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
        match look_up(&shoe(), about, "", true) {
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
        let attributes = |about: &str| match look_up(&shoe(), about, "", true) {
            Found::Attributes(names) => names,
            _ => Vec::new(),
        };
        assert_eq!(attributes("heavy"), ["weight"]);
        assert_eq!(attributes("waterproof"), ["waterproof"]);
        assert_eq!(attributes("mesh"), ["upper_material"]);
        assert!(matches!(
            look_up(&shoe(), "price", "", true),
            Found::General
        ));
        assert!(matches!(
            look_up(&shoe(), "factory", "", true),
            Found::Unknown
        ));
    }

    #[test]
    fn the_whole_message_chooses_where_the_phrase_was_cut_short() {
        let shoe = shoe();
        let found = |about: &str, message: &str| match look_up(&shoe, about, message, true) {
            Found::Variants(found) => found.iter().map(|v| v.sku.to_string()).collect(),
            Found::Attributes(names) => names,
            Found::General => vec!["general".to_owned()],
            Found::Unknown => vec!["unknown".to_owned()],
        };
        assert_eq!(found("blue", "the blue in a 41 then?"), ["S-B-41"]);
        assert_eq!(found("navy", "navy one, how heavy"), ["S-N-42"]);
        // What the phrase chose, other numbers and colours of the message do not change.
        assert_eq!(
            found("navy", "the navy, my old ones were blue and a 41"),
            ["S-N-42"]
        );
        assert_eq!(found("heavy", "how heavy is the navy one"), ["weight"]);
        assert_eq!(
            found(
                "light",
                "is the upper material light in the rain? upper material i mean"
            ),
            ["upper_material"]
        );
        assert_eq!(found("pair", "what does a pair weigh"), ["weight"]);
        assert_eq!(found("", "and is it in stock"), ["general"]);
        assert_eq!(found("vegan", "are they vegan"), ["unknown"]);
    }

    #[test]
    fn a_message_of_any_length_is_read_in_bounded_time() {
        let shoe = shoe();
        let words: String = (0..200_000).map(|n| format!("w{n} ")).collect();
        let started = std::time::Instant::now();
        assert!(matches!(
            look_up(&shoe, "heavy", &format!("{words} how heavy is it"), true),
            Found::Attributes(_)
        ));
        let in_navy = chosen(&shoe, &format!("{words} in navy"));
        assert_eq!(in_navy.len(), 1);
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn units_and_sizes_are_read_as_they_are_said() {
        let json = r#"{"id":"B","title":"Dry Bag","attributes":{"capacity":"see options"},
            "variants":[
              {"sku":"B-10","options":{"capacity":"10 l","size":"M"},"price":{"minor":100,"currency":"GBP"},"stock":1},
              {"sku":"B-20","options":{"capacity":"20 l","size":"L"},"price":{"minor":100,"currency":"GBP"},"stock":1}]}"#;
        let bag: Product = serde_json::from_str(json).expect("product");
        let skus = |message: &str| {
            chosen(&bag, message)
                .iter()
                .map(|variant| variant.sku.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(skus("B in the 10 litre. got any?"), ["B-10"]);
        assert_eq!(skus("and 20"), ["B-20"]);
        assert_eq!(skus("a large one please"), ["B-20"]);
        assert!(skus("how many litres").is_empty());
        assert!(skus("how large is it").is_empty());
    }
}
