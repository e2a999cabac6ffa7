//! Money: whole minor units and an ISO 4217 currency. No floating point anywhere.

use std::str::FromStr;

use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;
use iso_currency::Country;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An ISO 4217 currency code, three upper-case letters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "GBP")]
#[schemars(with = "String")]
pub struct Currency([u8; 3]);

/// Decimals of a currency that the list says nothing of: nearly all have two.
const DECIMALS_USUAL: u32 = 2;

/// Signs that stand before an amount.
const SIGNS: &[char] = &['$', '£', '¥', '€', '₹', '₨', '₦', '₱', '₩', '₪', '₫', '฿'];

/// Says why a text is not money or a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters A to Z.
    #[error("expected a currency code of three capital letters such as GBP")]
    Currency,
    /// Not a plain decimal amount, or more decimals than the currency has.
    #[error("expected an amount such as 45.99 with at most {0} decimals")]
    Amount(u32),
}

impl Currency {
    /// Number of decimals of the currency as ISO 4217 has them; [`DECIMALS_USUAL`] where it does
    /// not list the code.
    pub fn decimals(self) -> u32 {
        self.listed()
            .and_then(iso_currency::Currency::exponent)
            .map_or(DECIMALS_USUAL, u32::from)
    }

    /// Says whether ISO 4217 lists the code. Others are read all the same, so that records stay
    /// readable when a list changes.
    pub fn is_listed(self) -> bool {
        self.listed().is_some()
    }

    fn listed(self) -> Option<iso_currency::Currency> {
        iso_currency::Currency::from_code(self.code())
    }

    /// Returns the code.
    pub fn code(&self) -> &str {
        // The constructor admits ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Returns the symbol that shoppers of a locale know, or `None` where the code itself is used.
    fn symbol(self, locale: &Locale) -> Option<String> {
        let everywhere = match &self.0 {
            b"GBP" => Some("£"),
            b"EUR" => Some("€"),
            b"USD" => Some("$"),
            b"JPY" => Some("¥"),
            _ => None,
        };
        everywhere
            .map(str::to_owned)
            .or_else(|| self.symbol_at_home(locale))
    }

    /// Where English is written in a country of the currency, its symbol says enough: `$` in Canada, `R` in
    /// South Africa, `₹` in India. Short words such as `Ksh` are none, and stand behind in some languages.
    fn symbol_at_home(self, locale: &Locale) -> Option<String> {
        let listed = self.listed()?;
        let country: Country = locale.id.region?.as_str().parse().ok()?;
        let symbol = listed.symbol().symbol;
        let is_sign = symbol == "R" || symbol.contains(SIGNS);
        let is_at_home = locale.id.language.as_str() == "en" && listed.used_by().contains(&country);
        (is_at_home && is_sign).then_some(symbol)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = text
            .as_bytes()
            .try_into()
            .map_err(|_| MoneyError::Currency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(bytes))
        } else {
            Err(MoneyError::Currency)
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

/// An amount in minor units (pence, cents) of a currency.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units, for instance 4599 for £45.99.
    #[schema(example = 4599)]
    pub minor: i64,
    /// The currency, ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// Parses a plain decimal such as `45.99` in the given currency.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] on anything but digits with at most the currency's decimals.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let decimals = currency.decimals();
        let error = MoneyError::Amount(decimals);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !digits_only(whole)
            || !digits_only(fraction)
            || fraction.len() > decimals as usize
        {
            return Err(error);
        }
        let padded = format!("{whole}{fraction:0<width$}", width = decimals as usize);
        let minor = padded.parse().map_err(|_| error)?;
        Ok(Self { minor, currency })
    }
}

/// Characters between groups of digits, besides `.` and `,`: spaces and apostrophes.
const GROUPING: &[char] = &[' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '’', '_'];

/// Returns an amount as people write it as a plain decimal: `1,200`, `1.200,50`, `1 200.5`.
///
/// The last `.` or `,` is the decimal separator where it stands once and not before exactly three
/// digits, or where a separator of the other kind stands before it. None where groups are not of
/// three digits (two are for India's lakhs).
fn plain_decimal(text: &str, decimals: u32) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !GROUPING.contains(c))
        .collect();
    let separators: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | ','))
        .collect();
    let Some((at, last)) = separators.last().copied() else {
        return Some(text);
    };
    let behind = text.len() - at - 1;
    let is_decimal = match separators.iter().filter(|(_, c)| *c == last).count() {
        1 if separators.len() > 1 => true,
        1 => behind != 3 || last == '.' && decimals == 3,
        _ => false,
    };
    let (whole, fraction) = if is_decimal {
        (&text[..at], &text[at + 1..])
    } else {
        (text.as_str(), "")
    };
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    let (first, others) = groups.split_first()?;
    let is_grouped = others.split_last().is_none_or(|(last, middle)| {
        let size = middle.first().map_or(3, |group| group.len());
        last.len() == 3
            && (2..=3).contains(&size)
            && middle.iter().all(|group| group.len() == size)
            && (1..=3).contains(&first.len())
    });
    is_grouped.then(|| match fraction {
        "" => groups.concat(),
        _ => format!("{}.{fraction}", groups.concat()),
    })
}

impl Money {
    /// Parses an amount as people write it: thousands may be grouped, and the decimal separator may
    /// be a comma.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] on anything else, and on more decimals than the currency has.
    pub fn parse_written(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let decimals = currency.decimals();
        let plain = plain_decimal(text, decimals).ok_or(MoneyError::Amount(decimals))?;
        Self::parse_decimal(&plain, currency)
    }

    /// Writes the amount as a shop's customers read it: `£1,045.99`, `¥1,200`, `1 045,99 SEK`, and in
    /// South Africa `R1 045,99`. The
    /// locale is the shop's (BCP 47); one that is not known groups as English does.
    pub fn text(self, locale: &str) -> String {
        let decimals = i16::try_from(self.currency.decimals()).unwrap_or_default();
        let mut amount = Decimal::from(self.minor.unsigned_abs());
        amount.multiply_pow10(-decimals);
        let locale = Locale::try_from_str(locale).unwrap_or(Locale::UNKNOWN);
        let symbol = self.currency.symbol(&locale);
        let amount = match DecimalFormatter::try_new(locale.into(), Default::default()) {
            Ok(formatter) => formatter.format(&amount).to_string(),
            Err(_) => amount.to_string(),
        };
        let sign = if self.minor < 0 { "-" } else { "" };
        match symbol {
            Some(symbol) => format!("{sign}{symbol}{amount}"),
            None => format!("{sign}{amount} {}", self.currency.code()),
        }
    }
}

#[cfg(test)]
mod tests;
