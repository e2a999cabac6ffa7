//! Attributes of products of every kind of retail, as customers ask for them.

wordings!("follow/attributes": basics, food, garden, home, kitchen, paper, play, power, travel, wear);

use rand::{rngs::StdRng, seq::IteratorRandom};

/// An attribute: field names, questions and values, each with choices cut by `|`. In questions
/// `$is`, `$does`, `$it`, `$obj`, `$of`, `$itis` and `$isnt` become a pronoun or the name of the
/// product meant.
pub(super) type Attribute = (&'static str, &'static str, &'static str);

const ALL: &[&[Attribute]] = &[
    basics::ATTRIBUTES,
    food::ATTRIBUTES,
    garden::ATTRIBUTES,
    home::ATTRIBUTES,
    kitchen::ATTRIBUTES,
    paper::ATTRIBUTES,
    play::ATTRIBUTES,
    power::ATTRIBUTES,
    travel::ATTRIBUTES,
    wear::ATTRIBUTES,
];

/// Picks an attribute.
pub(super) fn any(rng: &mut StdRng) -> Option<&'static Attribute> {
    ALL.iter().copied().flatten().choose(rng)
}

/// Returns the values of the attribute that has this field name.
pub(super) fn values_of(field: &str) -> Option<&'static str> {
    ALL.iter()
        .copied()
        .flatten()
        .find(|(fields, ..)| fields.split('|').any(|name| name == field))
        .map(|(_, _, values)| *values)
}
