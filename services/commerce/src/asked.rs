//! Which attributes and variants of a product a call's words ask for.
//!
//! It only orders what is told: the model reads the rest, and asks again where it needs more.

use std::collections::BTreeSet;

use mercer_schemas::evidence::field_name;
use mercer_schemas::{Field, Product, Variant};

/// Shorter words ask for nothing by themselves: "is", "the".
const LETTERS_MIN: usize = 3;

/// Something of a product, and whether it is asked for.
pub(crate) struct Part<T> {
    /// What it is.
    pub(crate) what: T,
    /// Whether a call's words name it.
    pub(crate) is_asked: bool,
}

/// What is asked for.
#[derive(Default)]
pub(crate) struct Asked {
    /// Names of fields.
    fields: BTreeSet<String>,
    /// Words of names and values, numbers and sizes included.
    words: BTreeSet<String>,
}

impl Asked {
    /// Asks for a field by its name.
    pub(crate) fn field(&mut self, name: &str) {
        self.fields.insert(field_name(name));
    }

    /// Asks for whatever the words name.
    pub(crate) fn say(&mut self, words: &str) {
        self.fields.insert(field_name(words));
        self.words.extend(tokens(words));
    }

    /// Says whether an option is asked for, by its name or by one of its values.
    pub(crate) fn names(&self, option: &Field) -> bool {
        self.score(&option.name, &option.value.text("")) > 0
    }

    /// Returns the attributes that are asked for, best first.
    pub(crate) fn attributes(&self, product: &Product, max: usize) -> Vec<Part<Field>> {
        let mut ranked = self.ranked(product);
        ranked.retain(|(score, _)| *score > 0);
        ranked.into_iter().take(max).map(part).collect()
    }

    /// Returns all attributes: those that are asked for, best first, until they have `asked_max` characters,
    /// then others as far as all together have at most `chars_max`.
    pub(crate) fn all_attributes(
        &self,
        product: &Product,
        asked_max: usize,
        chars_max: usize,
    ) -> Vec<Part<Field>> {
        let (mut left, mut left_asked) = (chars_max, asked_max);
        let fits = |(score, field): &(usize, Field)| {
            let chars = field.name.len() + field.value.text("").chars().count() + 3;
            let fits = match *score > 0 {
                true => left_asked > 0,
                false => chars <= left,
            };
            if fits {
                left = left.saturating_sub(chars);
                left_asked = left_asked.saturating_sub(chars);
            }
            fits
        };
        let fitting = self.ranked(product).into_iter().filter(fits);
        fitting.map(part).collect()
    }

    fn ranked(&self, product: &Product) -> Vec<(usize, Field)> {
        let mut ranked: Vec<(usize, Field)> = product
            .attributes
            .iter()
            .map(|(name, value)| (self.score(name, value), Field::new(name, value.as_str())))
            .filter(|(_, field)| !field.name.is_empty())
            .collect();
        // The sort is stable, so the shop's own order stays among equals.
        ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        ranked
    }

    fn score(&self, name: &str, value: &str) -> usize {
        let is_said = |word: &String| self.words.contains(word);
        let is_long = |word: &String| word.chars().count() >= LETTERS_MIN;
        let in_name = tokens(name)
            .iter()
            .filter(|w| is_long(w) && is_said(w))
            .count();
        let in_value = tokens(value)
            .iter()
            .filter(|w| is_long(w) && is_said(w))
            .count();
        8 * usize::from(self.fields.contains(&field_name(name))) + 3 * in_name + in_value
    }

    /// Returns the variants that have what is asked for, best first; where an option is asked for by name,
    /// the others after them, which are not what was asked for.
    pub(crate) fn variants<'a>(&self, product: &'a Product, max: usize) -> Vec<Part<&'a Variant>> {
        if product.variants.len() < 2 {
            return Vec::new();
        }
        let title: BTreeSet<String> = tokens(&product.title).into_iter().collect();
        let matches = |variant: &Variant| {
            let options = variant.options.values();
            let fit = options.filter(|value| {
                let words = tokens(value);
                !words.is_empty()
                    && words.iter().all(|word| self.words.contains(word))
                    && !words.iter().all(|word| title.contains(word))
            });
            fit.count()
        };
        let names_option = product
            .variants
            .iter()
            .flat_map(|variant| variant.options.keys())
            .any(|name| {
                let words = tokens(name);
                self.fields.contains(&field_name(name))
                    || words.iter().all(|word| self.words.contains(word))
            });
        let mut ranked: Vec<(usize, &Variant)> = product
            .variants
            .iter()
            .map(|variant| (matches(variant), variant))
            .collect();
        ranked.sort_by_key(|(fit, _)| std::cmp::Reverse(*fit));
        let best = ranked.first().map_or(0, |(fit, _)| *fit);
        if best == 0 && !names_option {
            return Vec::new();
        }
        ranked
            .into_iter()
            .filter(|(fit, _)| *fit > 0 || names_option)
            .map(part)
            .take(max)
            .collect()
    }
}

fn part<T>((score, what): (usize, T)) -> Part<T> {
    Part {
        what,
        is_asked: score > 0,
    }
}

/// Splits into words and numbers, in lower case, plural endings off: `20 in` and `20in` are the same.
fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_digit = false;
    for c in text.chars().chain([' ']) {
        let is_digit = c.is_ascii_digit() || (c == '.' && was_digit);
        if !word.is_empty() && (!c.is_alphanumeric() && !is_digit || is_digit != was_digit) {
            let ended = std::mem::take(&mut word);
            let ended = ended.trim_end_matches('.');
            out.push(stem(ended).to_owned());
        }
        if c.is_alphanumeric() || is_digit {
            word.extend(c.to_lowercase());
        }
        was_digit = is_digit;
    }
    out.retain(|word| !word.is_empty());
    out
}

fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= LETTERS_MIN && !stem.ends_with('s') => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag() -> Product {
        let json = r#"{"id":"B","title":"Dry Bag","attributes":{"weight":"240 g","folded_size":"12 x 20 cm","material":"nylon"},
            "variants":[
              {"sku":"B-10-R","options":{"capacity":"10 l","colour":"red"},"price":{"minor":100,"currency":"GBP"},"stock":1},
              {"sku":"B-20-R","options":{"capacity":"20 l","colour":"red"},"price":{"minor":100,"currency":"GBP"},"stock":1},
              {"sku":"B-20-B","options":{"capacity":"20 l","colour":"dry blue"},"price":{"minor":100,"currency":"GBP"},"stock":0}]}"#;
        serde_json::from_str(json).expect("product")
    }

    fn asked(words: &[&str]) -> Asked {
        let mut asked = Asked::default();
        words.iter().for_each(|words| asked.say(words));
        asked
    }

    #[test]
    fn what_the_words_name_comes_first_and_is_bounded() {
        let names = |fields: Vec<Part<Field>>| {
            let names = fields.into_iter().map(|part| part.what.name);
            names.collect::<Vec<_>>()
        };
        let fold = asked(&["does it fold flat", "folded size"]);
        assert_eq!(names(fold.attributes(&bag(), 3)), ["folded_size"]);
        assert_eq!(
            names(fold.all_attributes(&bag(), 500, 500))[0],
            "folded_size"
        );
        assert_eq!(names(fold.all_attributes(&bag(), 500, 30)), ["folded_size"]);
        let nylon = asked(&["is it nylon"]);
        assert_eq!(names(nylon.attributes(&bag(), 3)), ["material"]);
        assert!(asked(&["hello"]).attributes(&bag(), 3).is_empty());
    }

    #[test]
    fn variants_are_those_that_fit_best() {
        let skus = |words: &[&str]| {
            let bag = bag();
            let found = asked(words).variants(&bag, 8).into_iter();
            found
                .map(|part| part.what.sku.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(skus(&["20l in red"]), ["B-20-R", "B-10-R", "B-20-B"]);
        assert_eq!(skus(&["the red one"]), ["B-10-R", "B-20-R"]);
        assert_eq!(skus(&["colour"]).len(), 3);
        assert!(skus(&["a dry bag"]).is_empty());
    }

    #[test]
    fn numbers_and_units_are_words_of_their_own() {
        assert_eq!(
            tokens("20in Wheels, 1.5 kg."),
            ["20", "in", "wheel", "1.5", "kg"]
        );
    }
}
