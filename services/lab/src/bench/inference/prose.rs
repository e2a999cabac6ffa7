//! Invents what a shop and its customers say, from a seed and to a length in tokens.
//!
//! The texts only have to look like a shop's: prompts of the right lengths, which share what real ones share.

use std::sync::Arc;

use mercer_inference::Tokenizer;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// How the length of a text is measured.
#[derive(Clone)]
pub(in super::super) enum Measure {
    /// In the model's own tokens.
    Tokens(Arc<Tokenizer>),
    /// At four bytes a token, where the model's vocabulary is not known.
    Bytes,
}

impl Measure {
    fn tokens(&self, text: &str) -> f64 {
        match self {
            Self::Tokens(tokenizer) => tokenizer.count(text) as f64,
            Self::Bytes => text.len() as f64 / 4.0,
        }
    }
}

/// Invents texts.
pub(in super::super) struct Prose {
    rng: StdRng,
    measure: Measure,
    scale: f64,
}

impl Prose {
    /// The same arguments invent the same texts. All lengths are multiplied by `scale`.
    pub(in super::super) fn new(seed: u64, measure: Measure, scale: f64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            measure,
            scale,
        }
    }

    /// Returns the random numbers, for whatever else a workload draws.
    pub(in super::super) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// Returns a number of tokens, scaled.
    pub(super) fn tokens(&self, tokens: u32) -> u32 {
        ((f64::from(tokens) * self.scale) as u32).max(1)
    }

    /// Invents a shop's rules and policies.
    pub(in super::super) fn rules(&mut self, tokens: u32) -> String {
        let shop = format!("{}{}", name(&mut self.rng), number(&mut self.rng, 10, 99));
        let opening = format!("You answer customers of {shop}.");
        self.fill(opening, tokens, rule)
    }

    /// Invents what a customer writes, between two lengths.
    pub(in super::super) fn question(&mut self, tokens_min: u32, tokens_max: u32) -> String {
        let tokens = self.rng.random_range(tokens_min..=tokens_max);
        self.fill(String::new(), tokens, question)
    }

    /// Invents what the shop answered.
    pub(in super::super) fn answer(&mut self, tokens_min: u32, tokens_max: u32) -> String {
        let tokens = self.rng.random_range(tokens_min..=tokens_max);
        self.fill(String::new(), tokens, answer)
    }

    /// Invents descriptions of products as the tools return them.
    pub(in super::super) fn evidence(&mut self, tokens: u32) -> String {
        self.fill(String::new(), tokens, product)
    }

    /// Adds sentences word by word until the next word would be too much; a text has one word at least.
    fn fill(
        &mut self,
        mut text: String,
        tokens: u32,
        sentence: fn(&mut StdRng) -> String,
    ) -> String {
        let limit = f64::from(self.tokens(tokens));
        let mut length = self.measure.tokens(&text);
        loop {
            for word in sentence(&mut self.rng).split(' ') {
                let word = if text.is_empty() {
                    word.to_owned()
                } else {
                    format!(" {word}")
                };
                length += self.measure.tokens(&word);
                if length > limit && !text.is_empty() {
                    return text;
                }
                text.push_str(&word);
            }
        }
    }
}

const NAMES: [&str; 12] = [
    "Harbour", "Juniper", "Orchard", "Lantern", "Meadow", "Copper", "Willow", "Summit", "Anchor",
    "Saffron", "Pebble", "Birch",
];
const KINDS: [&str; 16] = [
    "kettle", "lamp", "chair", "table", "bottle", "blanket", "backpack", "jacket", "teapot",
    "bookcase", "headset", "toaster", "carpet", "mirror", "umbrella", "suitcase",
];
const MATERIALS: [&str; 10] = [
    "steel", "glass", "cotton", "oak", "bamboo", "ceramic", "linen", "leather", "copper", "wool",
];
const COLOURS: [&str; 10] = [
    "black", "white", "blue", "green", "red", "grey", "cream", "navy", "sand", "olive",
];
const PLACES: [&str; 6] = [
    "the islands",
    "Northern Ireland",
    "the mainland",
    "France",
    "a parcel locker",
    "our shop in town",
];

fn one<'a>(rng: &mut StdRng, of: &[&'a str]) -> &'a str {
    of.choose(rng).copied().unwrap_or_default()
}

fn number(rng: &mut StdRng, from: u32, to: u32) -> u32 {
    rng.random_range(from..=to)
}

fn name(rng: &mut StdRng) -> &'static str {
    one(rng, &NAMES)
}

fn item(rng: &mut StdRng) -> String {
    let (colour, material, kind) = (one(rng, &COLOURS), one(rng, &MATERIALS), one(rng, &KINDS));
    format!("{colour} {material} {kind}")
}

fn rule(rng: &mut StdRng) -> String {
    let (kind, place) = (one(rng, &KINDS), one(rng, &PLACES));
    let (days, pounds) = (number(rng, 2, 60), number(rng, 3, 150));
    match rng.random_range(0..10) {
        0 => format!(
            "A {kind} may be returned within {days} days if it is unused and in its original box."
        ),
        1 => format!("Delivery to {place} takes {days} days and costs {pounds} pounds."),
        2 => format!("Orders over {pounds} pounds are delivered free to {place}."),
        3 => format!("Every {kind} has a warranty of {days} months on parts and labour."),
        4 => "Never promise a price or a delivery day that the evidence does not show.".to_owned(),
        5 => {
            format!("Refunds reach the customer's card within {days} days of the parcel's return.")
        }
        6 => format!("Offer a person if the customer asks twice about the same {kind}."),
        7 => "Answer in the customer's language, politely, and in three sentences at most."
            .to_owned(),
        8 => format!(
            "Gift cards of {pounds} pounds or more are valid for {days} months and cannot be returned."
        ),
        _ => format!("A damaged {kind} is replaced if a picture arrives within {days} days."),
    }
}

fn question(rng: &mut StdRng) -> String {
    let (item, place) = (item(rng), one(rng, &PLACES));
    let (pounds, order) = (number(rng, 10, 300), number(rng, 100_000, 999_999));
    match rng.random_range(0..8) {
        0 => format!("Do you have a {item} for less than {pounds} pounds?"),
        1 => format!("How long does delivery to {place} take for the {item}?"),
        2 => format!("Where is my order {order}, it was a {item}?"),
        3 => format!("Can I return the {item} if it does not fit?"),
        4 => format!("I bought a {item} last week and one part is missing."),
        5 => format!("Is the {item} in stock, and does it come in {pounds} centimetres?"),
        6 => format!("Please cancel order {order} before it goes to {place}."),
        _ => format!("What does the warranty on the {item} cover?"),
    }
}

fn answer(rng: &mut StdRng) -> String {
    let (item, place) = (item(rng), one(rng, &PLACES));
    let (pounds, days) = (number(rng, 10, 300), number(rng, 2, 60));
    match rng.random_range(0..6) {
        0 => format!("Yes, the {item} is in stock for {pounds} pounds."),
        1 => format!("Delivery to {place} takes {days} days."),
        2 => format!("You can return the {item} within {days} days, unused and in its box."),
        3 => format!("I am sorry about that, we will send the missing part of your {item} today."),
        4 => format!("The warranty on the {item} runs for {days} months."),
        _ => format!("Your order is on its way to {place} and should arrive within {days} days."),
    }
}

fn product(rng: &mut StdRng) -> String {
    let item = item(rng);
    let (brand, material) = (name(rng), one(rng, &MATERIALS));
    let (pounds, size, weight) = (
        number(rng, 10, 300),
        number(rng, 5, 180),
        number(rng, 1, 40),
    );
    match rng.random_range(0..4) {
        0 => format!("{brand} {item}: {pounds}.00 pounds, in stock, {size} cm high, {weight} kg."),
        1 => format!(
            "The {brand} {item} is made of {material} by hand and keeps its shape for years."
        ),
        2 => format!(
            "Wipe the {item} with a damp cloth, never put it into water above {size} degrees."
        ),
        _ => format!(
            "It comes with {weight} spare parts, a cloth of {material} and a guide in six languages."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_length_asked_for_and_repeat_with_the_seed() {
        let mut prose = Prose::new(5, Measure::Bytes, 1.0);
        let rules = prose.rules(300);
        assert!((280..=300).contains(&rules.len().div_ceil(4)), "{rules}");
        assert_eq!(rules, Prose::new(5, Measure::Bytes, 1.0).rules(300));
        assert_ne!(rules, Prose::new(6, Measure::Bytes, 1.0).rules(300));
        assert!(prose.question(20, 60).len() <= 240);
    }

    #[test]
    fn a_scale_makes_everything_shorter() {
        let mut prose = Prose::new(5, Measure::Bytes, 0.1);
        assert!(prose.rules(300).len() <= 120);
        assert_eq!(prose.tokens(256), 25);
        assert!(!prose.question(1, 1).is_empty());
    }
}
