//! Products from JSON Lines, and the checks that every product passes.

use std::collections::HashMap;
use std::io::BufRead;

use mercer_schemas::{Currency, Money, Product};

use crate::lines::{File, json_lines};
use crate::report::{LineError, OnError, Parsed};

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 300;

/// Longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 20_000;

/// Longest attribute or option name or value, in characters.
const ATTRIBUTE_CHARS_MAX: usize = 500;

/// Most variants of a product, and most attributes.
const VARIANTS_MAX: usize = 500;

/// Reads products, one JSON object a line.
///
/// # Errors
/// When reading itself fails; broken lines are in the result.
pub fn products_from_jsonl(
    reader: impl BufRead,
    file: &str,
    currency: Currency,
    on_error: OnError,
) -> std::io::Result<Parsed<Product>> {
    let file = File {
        name: file,
        quote_values: true,
    };
    let mut checks = Checks::new(file, currency);
    json_lines(reader, file, on_error, |line, product| {
        checks.product(line, |_| line, product)
    })
}

/// Checks products one after the other; remembers keys that were used.
pub(crate) struct Checks<'a> {
    file: File<'a>,
    currency: Currency,
    ids: HashMap<String, u64>,
    skus: HashMap<String, u64>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(file: File<'a>, currency: Currency) -> Self {
        Self {
            file,
            currency,
            ids: HashMap::new(),
            skus: HashMap::new(),
        }
    }

    /// Checks a product that begins at `line`; `line_of` gives the line of each variant.
    pub(crate) fn product(
        &mut self,
        line: u64,
        line_of: impl Fn(usize) -> u64,
        product: &Product,
    ) -> Vec<LineError> {
        let mut errors = Vec::new();
        let file = self.file;
        if let Some(first) = self.ids.insert(product.id.to_string(), line) {
            let message = format!("`{}` was used in line {first} already", product.id);
            errors.push(file.error(line, "id", message, "give each product an id of its own"));
        }
        let mut text = |field: &str, value: &str, max: usize, required: bool| {
            if required && value.trim().is_empty() {
                errors.push(file.error(
                    line,
                    field,
                    "is empty",
                    "write the text that customers see",
                ));
            } else if value.chars().count() > max {
                errors.push(file.error(
                    line,
                    field,
                    format!("is longer than {max} characters"),
                    "shorten it",
                ));
            }
        };
        text("title", &product.title, TITLE_CHARS_MAX, true);
        text("brand", &product.brand, TITLE_CHARS_MAX, false);
        text("category", &product.category, TITLE_CHARS_MAX, false);
        text(
            "description",
            &product.description,
            DESCRIPTION_CHARS_MAX,
            false,
        );
        for (name, value) in &product.attributes {
            text("attributes", name, ATTRIBUTE_CHARS_MAX, true);
            text(
                &format!("attributes.{name}"),
                value,
                ATTRIBUTE_CHARS_MAX,
                false,
            );
        }
        if product.variants.is_empty() {
            errors.push(file.error(
                line,
                "variants",
                "there is none",
                "add at least one variant with sku, price and stock",
            ));
        }
        if product.variants.len() > VARIANTS_MAX || product.attributes.len() > VARIANTS_MAX {
            let message = format!("more than {VARIANTS_MAX} variants or attributes");
            errors.push(file.error(line, "variants", message, "split the product"));
        }
        for (number, variant) in product.variants.iter().enumerate() {
            let at = line_of(number);
            let field = |name: &str| format!("variants[{number}].{name}");
            if let Some(first) = self.skus.insert(variant.sku.to_string(), at) {
                let message = format!("`{}` was used in line {first} already", variant.sku);
                errors.push(file.error(
                    at,
                    field("sku"),
                    message,
                    "give each variant a sku of its own",
                ));
            }
            if let Some(ean) = &variant.ean {
                let digits = ean.bytes().all(|b| b.is_ascii_digit());
                if !digits || !(8..=14).contains(&ean.len()) {
                    errors.push(file.error(
                        at,
                        field("ean"),
                        "is not 8 to 14 digits",
                        "write the digits only, or null",
                    ));
                }
            }
            for (name, value) in &variant.options {
                if name.trim().is_empty() || value.trim().is_empty() {
                    errors.push(file.error(
                        at,
                        field("options"),
                        "a name or value is empty",
                        "name each option and its value",
                    ));
                } else if name.chars().count().max(value.chars().count()) > ATTRIBUTE_CHARS_MAX {
                    let message =
                        format!("a name or value is longer than {ATTRIBUTE_CHARS_MAX} characters");
                    errors.push(file.error(at, field("options"), message, "shorten it"));
                }
            }
            errors.extend(self.money(at, &field("price"), variant.price));
            if let Some(list_price) = variant.list_price {
                errors.extend(self.money(at, &field("list_price"), list_price));
            }
        }
        errors
    }

    fn money(&self, line: u64, field: &str, money: Money) -> Option<LineError> {
        if money.currency != self.currency {
            let message = format!(
                "is in {}, the shop's currency is {}",
                money.currency.code(),
                self.currency.code()
            );
            return Some(self.file.error(
                line,
                field,
                message,
                "write the price in the shop's currency",
            ));
        }
        let fix = "write the amount in minor units, 0 or more";
        (money.minor < 0).then(|| self.file.error(line, field, "is negative", fix))
    }
}
