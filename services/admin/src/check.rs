//! Rules of the domain that a JSON schema cannot say, or that must hold wherever a record comes
//! from. Each finding names the field.

use mercer_schemas::{Currency, Document, DocumentKind, Money, Product, Variant};

use crate::problem::{FieldError, Problem};

/// Most variants of one product; a page of the catalog stays below a few megabytes.
pub(crate) const VARIANTS_MAX: usize = 500;
/// Most attributes of a product or options of a variant.
pub(crate) const NAMED_VALUES_MAX: usize = 100;
/// Longest title, brand, category, attribute name or value, characters.
pub(crate) const LINE_CHARS_MAX: usize = 500;
/// Longest description or document, characters.
pub(crate) const TEXT_CHARS_MAX: usize = 100_000;
/// Highest price, minor units: below 2^53, so that every JSON reader keeps it exact.
pub(crate) const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;
/// Most units in stock: fits a 32-bit column with a sign.
pub(crate) const STOCK_MAX: u32 = 2_000_000_000;
/// Latest moment, UTC milliseconds: the end of the year 9999.
pub(crate) const TIME_MS_MAX: i64 = 253_402_300_799_999;

/// Collects findings.
#[derive(Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    /// Ends the check: an error if there is a finding.
    pub(crate) fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Problem::invalid(self.0))
    }

    /// Ends the check of query parameters, which are part of the request's form.
    pub(crate) fn end_as_malformed(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Problem::malformed(&first.field, first.message)),
        }
    }

    /// Notes a finding if the rule does not hold.
    pub(crate) fn rule(&mut self, holds: bool, field: &str, message: impl Into<String>) {
        if !holds {
            self.0.push(FieldError::new(field, message));
        }
    }

    /// Checks a text of one line.
    pub(crate) fn line(&mut self, field: &str, text: &str, required: bool) {
        self.rule(
            !required || !text.trim().is_empty(),
            field,
            "must not be empty",
        );
        self.rule(
            text.chars().count() <= LINE_CHARS_MAX,
            field,
            format!("must have at most {LINE_CHARS_MAX} characters"),
        );
        self.rule(
            !text.chars().any(char::is_control),
            field,
            "must not hold control characters or line breaks",
        );
    }

    /// Checks a text of many lines.
    pub(crate) fn text(&mut self, field: &str, text: &str) {
        self.rule(
            text.chars().count() <= TEXT_CHARS_MAX,
            field,
            format!("must have at most {TEXT_CHARS_MAX} characters"),
        );
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        self.rule(
            text.chars().all(plain),
            field,
            "must not hold control characters other than line breaks and tabs",
        );
    }

    fn named_values<'a>(
        &mut self,
        field: &str,
        values: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
    ) {
        self.rule(
            values.len() <= NAMED_VALUES_MAX,
            field,
            format!("must have at most {NAMED_VALUES_MAX} entries"),
        );
        for (name, value) in values {
            self.line(&format!("{field}.{name}"), name, true);
            self.line(&format!("{field}.{name}"), value, true);
        }
    }

    /// Checks a price and the price before a reduction.
    pub(crate) fn prices(
        &mut self,
        prefix: &str,
        price: &Money,
        list_price: Option<&Money>,
        currency: Currency,
    ) {
        let named = [("price", Some(price)), ("list_price", list_price)];
        for (name, money) in named {
            let Some(money) = money else { continue };
            self.rule(
                money.currency == currency,
                &format!("{prefix}{name}.currency"),
                format!("must be {}, the shop's currency", currency.code()),
            );
            self.rule(
                (0..=PRICE_MINOR_MAX).contains(&money.minor),
                &format!("{prefix}{name}.minor"),
                format!("must be from 0 to {PRICE_MINOR_MAX}"),
            );
        }
    }

    /// Checks a number of units.
    pub(crate) fn stock(&mut self, field: &str, stock: u32) {
        self.rule(
            stock <= STOCK_MAX,
            field,
            format!("must be at most {STOCK_MAX}"),
        );
    }

    fn variant(&mut self, prefix: &str, variant: &Variant, currency: Currency) {
        if let Some(ean) = &variant.ean {
            self.rule(
                ean_is_valid(ean),
                &format!("{prefix}ean"),
                "must be an EAN or GTIN of 8, 12, 13 or 14 digits with a right check digit",
            );
        }
        self.named_values(&format!("{prefix}options"), variant.options.iter());
        self.prices(
            prefix,
            &variant.price,
            variant.list_price.as_ref(),
            currency,
        );
        self.stock(&format!("{prefix}stock"), variant.stock);
    }
}

/// Checks a product for a shop with this currency.
pub(crate) fn product(product: &Product, currency: Currency) -> Result<(), Problem> {
    let mut findings = Findings::default();
    findings.line("title", &product.title, true);
    findings.line("brand", &product.brand, false);
    findings.line("category", &product.category, false);
    findings.text("description", &product.description);
    findings.named_values("attributes", product.attributes.iter());
    findings.rule(
        (1..=VARIANTS_MAX).contains(&product.variants.len()),
        "variants",
        format!("must have 1 to {VARIANTS_MAX} entries"),
    );
    for (index, variant) in product.variants.iter().enumerate() {
        let earlier = &product.variants[..index];
        findings.rule(
            earlier.iter().all(|other| other.sku != variant.sku),
            &format!("variants[{index}].sku"),
            "must be unique",
        );
        findings.variant(&format!("variants[{index}]."), variant, currency);
    }
    findings.end()
}

/// Checks a product of which one variant changed, with field names relative to that variant.
pub(crate) fn variant(variant: &Variant, currency: Currency) -> Result<(), Problem> {
    let mut findings = Findings::default();
    findings.variant("", variant, currency);
    findings.end()
}

/// Checks a policy, FAQ entry or promotion.
pub(crate) fn document(document: &Document) -> Result<(), Problem> {
    let mut findings = Findings::default();
    findings.line("title", &document.title, true);
    findings.rule(
        !document.body.trim().is_empty(),
        "body",
        "must not be empty",
    );
    findings.text("body", &document.body);
    let times = [
        ("valid_from_ms", document.valid_from_ms),
        ("valid_to_ms", document.valid_to_ms),
    ];
    for (field, time) in times {
        findings.rule(
            time.is_none_or(|ms| (0..=TIME_MS_MAX).contains(&ms)),
            field,
            format!("must be from 0 to {TIME_MS_MAX}"),
        );
    }
    if let (Some(from), Some(to)) = (document.valid_from_ms, document.valid_to_ms) {
        findings.rule(from < to, "valid_to_ms", "must be after valid_from_ms");
    }
    if let Some(code) = &document.code {
        findings.line("code", code, true);
        findings.rule(
            document.kind == DocumentKind::Promotion,
            "code",
            "only a promotion has a code",
        );
    }
    findings.end()
}

/// Says that the key in the body must be the one in the path.
pub(crate) fn same_key(field: &str, path: &str, body: &str) -> Result<(), Problem> {
    let mut findings = Findings::default();
    findings.rule(
        path == body,
        field,
        format!("must be {path}, as in the path"),
    );
    findings.end()
}

/// Checks length and check digit of an EAN-8, UPC-A, EAN-13 or GTIN-14 (GS1 General
/// Specifications, "check digit calculation": weights 3 and 1 from the right).
fn ean_is_valid(ean: &str) -> bool {
    if !matches!(ean.len(), 8 | 12 | 13 | 14) || !ean.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = ean
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 1 { 3 } else { 1 })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::ean_is_valid;

    #[test]
    fn check_digits_are_computed_for_every_length() {
        for good in [
            "96385074",
            "036000291452",
            "4006381333931",
            "10614141000415",
        ] {
            assert!(ean_is_valid(good), "{good}");
        }
        for bad in [
            "",
            "96385075",
            "4006381333932",
            "400638133393",
            "40063813339a1",
        ] {
            assert!(!ean_is_valid(bad), "{bad}");
        }
    }
}
