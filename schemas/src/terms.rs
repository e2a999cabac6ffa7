//! The names by which a shop's products are filtered and sorted: what a call may choose from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most categories and most brands.
pub const TERMS_MAX: usize = 48;
/// Most fields. The shops of `fixtures/shops` have 57 to 173, most of them of few products.
pub const FIELDS_MAX: usize = 128;
/// Most values of a field that are listed; of a field with more, any words can be asked for.
pub const VALUES_MAX: usize = 24;
/// Most characters of one name or value.
pub const TERM_CHARS_MAX: usize = 60;
/// Most characters of all names and values together. A conversation keeps them, and its prompt has most
/// of them in front.
pub const ALL_CHARS_MAX: usize = 6_000;

/// A shop's names, most frequent first.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShopTerms {
    /// Paths of categories.
    pub categories: Vec<String>,
    /// Brands.
    pub brands: Vec<String>,
    /// Attributes and options.
    pub fields: Vec<FieldTerms>,
}

/// An attribute or option.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldTerms {
    /// Its name as in references: `wheel_size`.
    pub name: String,
    /// Its values; empty where there are more than [`VALUES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl ShopTerms {
    /// Cuts the lists to their bounds; what cannot stand in a call as it is, is left out.
    pub fn bounded(mut self) -> Self {
        let mut left = ALL_CHARS_MAX;
        let mut cut = |list: &mut Vec<String>| {
            list.retain(|term| is_plain(term));
            list.truncate(TERMS_MAX);
            list.retain(|term| take(&mut left, term.chars().count()));
        };
        cut(&mut self.categories);
        cut(&mut self.brands);
        self.fields.retain(|field| is_plain(&field.name));
        self.fields.truncate(FIELDS_MAX);
        self.fields
            .retain(|field| take(&mut left, field.name.chars().count()));
        for field in &mut self.fields {
            let chars = field.values.iter().map(|value| value.chars().count()).sum();
            let are_plain = field.values.iter().all(|value| is_plain(value));
            // A list with a gap would forbid what the shop has.
            if field.values.len() > VALUES_MAX || !are_plain || !take(&mut left, chars) {
                field.values.clear();
            }
        }
        self
    }

    /// Returns a field by its name.
    pub fn field(&self, name: &str) -> Option<&FieldTerms> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Says whether a name can stand in a call as it is.
fn is_plain(term: &str) -> bool {
    let chars = term.chars().count();
    (1..=TERM_CHARS_MAX).contains(&chars)
        && term.trim() == term
        && !term.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'))
}

/// Takes characters from what is left, where they fit.
fn take(left: &mut usize, chars: usize) -> bool {
    let fits = chars <= *left;
    *left -= if fits { chars } else { 0 };
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_and_hold_what_a_call_can_say() {
        let many = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>();
        let field = |name: &str, values| FieldTerms {
            name: name.to_owned(),
            values,
        };
        let terms = ShopTerms {
            categories: vec!["A > B".into(), "say \"no\"".into(), "x".repeat(61)],
            brands: many(500),
            fields: vec![
                field("colour", vec!["red".into(), "blue".into()]),
                field("model", many(VALUES_MAX + 1)),
                field("text", vec!["red".into(), "\\".into()]),
            ],
        }
        .bounded();
        assert_eq!(terms.categories, ["A > B"]);
        assert_eq!(terms.brands.len(), TERMS_MAX);
        let values = |name: &str| terms.field(name).map(|field| field.values.len());
        assert_eq!(values("colour"), Some(2));
        assert_eq!((values("model"), values("text")), (Some(0), Some(0)));
    }
}
