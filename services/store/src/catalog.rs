//! Products and variants: the truth about price and stock.
//!
//! Every change raises the product's version and leaves a row in the change feed. A put that
//! changes nothing is no change: the version stays and the feed stays silent.

mod brands;
mod read;
mod rows;
mod write;

use crate::db::Db;

pub(crate) use self::rows::{load, product_row, variant_rows};
pub(crate) use self::write::{kind_of_change, validate};

/// Products of all shops; each method names the shop it works in.
#[derive(Clone)]
pub struct Catalog {
    db: Db,
}

impl Catalog {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }
}

/// Which products a list shows. Empty = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// A category with everything below it, for instance `Kitchen` or `Kitchen > Kettles`.
    pub category_prefix: Option<String>,
    /// Only visible or only hidden products.
    pub visible: Option<bool>,
    /// Only products with, or without, a variant in stock.
    pub in_stock: Option<bool>,
    /// Part of title, brand, category or id, case ignored.
    pub text: Option<String>,
}

/// Brings a code into the form that comparisons use: lower case, without `-`, `_`, `.` and spaces.
pub fn normalise_code(code: &str) -> String {
    code.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.') && !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::normalise_code;

    #[test]
    fn codes_compare_without_case_and_separators() {
        for same in ["HB-1042-RED", "hb 1042 red", "hb_1042.Red", "HB1042RED"] {
            assert_eq!(normalise_code(same), "hb1042red");
        }
        assert_eq!(normalise_code("- ."), "");
    }
}
