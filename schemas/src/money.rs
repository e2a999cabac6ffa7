//! Money: whole minor units and an ISO 4217 currency. No floating point anywhere.

use std::fmt;
use std::str::FromStr;

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
    /// Number of decimals of the currency (ISO 4217, the ones that differ from two).
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" | b"CLP" | b"ISK" | b"XAF" | b"XOF" | b"PYG" | b"UGX" => 0,
            b"BHD" | b"KWD" | b"OMR" | b"JOD" | b"TND" | b"IQD" | b"LYD" => 3,
            _ => 2,
        }
    }

    /// Returns the code.
    pub fn code(&self) -> &str {
        // The constructor admits ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Returns the symbol that shoppers know, or `None` where the code itself is used.
    pub fn symbol(self) -> Option<&'static str> {
        match &self.0 {
            b"GBP" => Some("£"),
            b"EUR" => Some("€"),
            b"USD" => Some("$"),
            b"JPY" => Some("¥"),
            _ => None,
        }
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

impl fmt::Display for Money {
    /// Writes the amount as shoppers read it: `£45.99`, `¥1200`, `45.99 SEK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(self.currency.decimals());
        let (whole, rest) = (
            self.minor.unsigned_abs() / scale,
            self.minor.unsigned_abs() % scale,
        );
        let sign = if self.minor < 0 { "-" } else { "" };
        let amount = match self.currency.decimals() {
            0 => format!("{whole}"),
            d => format!("{whole}.{rest:0width$}", width = d as usize),
        };
        match self.currency.symbol() {
            Some(symbol) => write!(f, "{sign}{symbol}{amount}"),
            None => write!(f, "{sign}{amount} {}", self.currency.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gbp() -> Currency {
        "GBP".parse().expect("code")
    }

    #[test]
    fn money_is_written_as_shoppers_read_it() {
        let money = |minor, code: &str| {
            Money {
                minor,
                currency: code.parse().expect("code"),
            }
            .to_string()
        };
        assert_eq!(money(4599, "GBP"), "£45.99");
        assert_eq!(money(-5, "EUR"), "-€0.05");
        assert_eq!(money(1200, "JPY"), "¥1200");
        assert_eq!(money(1234, "KWD"), "1.234 KWD");
        assert_eq!(money(i64::MIN, "GBP"), "-£92233720368547758.08");
    }

    #[test]
    fn amounts_that_are_not_plain_decimals_are_refused() {
        for bad in [
            "",
            ".5",
            "1.234",
            "1,50",
            "-3",
            "£3",
            "1e3",
            "99999999999999999999",
        ] {
            assert!(Money::parse_decimal(bad, gbp()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_what_was_written_gives_the_same_money(minor in 0_i64..=10_000_000_000) {
            let money = Money { minor, currency: gbp() };
            let text = money.to_string();
            prop_assert_eq!(Money::parse_decimal(text.trim_start_matches('£'), gbp()), Ok(money));
        }
    }
}
