//! Values of a record: typed until a customer reads them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::personal::Personal;
use crate::shop::OrderStatus;

/// From more units than these on, stock is simply "in stock". Up to them customers read the number.
const STOCK_LOW_MAX: u32 = 5;

/// A value of a record. Evidence holds it typed; [`Self::text`] words it, in one way wherever it is
/// read. In records of older versions every value is a text.
///
/// The wording is a part of the prompt, and how long the prompt is decides when the history is compacted: a
/// change of it is a change of the decision logic.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// One price.
    Money(Money),
    /// The lowest of several prices.
    MoneyFrom(Money),
    /// How much there is of something.
    Stock(Stock),
    /// Several values, for instance the colours of a product.
    List(Vec<String>),
    /// How far an order is.
    Status(OrderStatus),
    /// A day as ISO 8601: `2026-10-05`.
    Date(String),
    /// Anything else, as a customer reads it.
    #[serde(untagged)]
    Text(Personal<String>),
}

/// How much there is of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stock {
    /// So many units.
    Units(u32),
    /// Some units, of one variant or another.
    Some,
}

impl Stock {
    /// Says whether it can be bought now.
    pub fn is_there(self) -> bool {
        self != Self::Units(0)
    }
}

impl Value {
    /// Says whether it is an amount of money.
    pub fn is_money(&self) -> bool {
        matches!(self, Self::Money(_) | Self::MoneyFrom(_))
    }

    /// Words the value for customers of a shop's locale (BCP 47): `from £45.99`, `only 3 left`,
    /// `5 October 2026`. The words themselves are English.
    pub fn text(&self, locale: &str) -> String {
        match self {
            Self::Money(money) => money.text(locale),
            Self::MoneyFrom(money) => format!("from {}", money.text(locale)),
            Self::Stock(Stock::Units(0)) => "out of stock".to_owned(),
            Self::Stock(Stock::Units(units @ 1..=STOCK_LOW_MAX)) => format!("only {units} left"),
            Self::Stock(_) => "in stock".to_owned(),
            Self::List(values) => values.join(", "),
            Self::Status(status) => status.label().to_owned(),
            Self::Date(iso) => date_text(iso),
            Self::Text(text) => text.expose().clone(),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Personal::new(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Personal<String>> for Value {
    fn from(text: Personal<String>) -> Self {
        Self::Text(text)
    }
}

/// Words an ISO date as `5 October 2026`; anything else stays as it is.
fn date_text(iso: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let parts: Vec<&str> = iso.split('-').collect();
    let [year, month, day] = parts[..] else {
        return iso.to_owned();
    };
    let (Ok(month), Ok(day)) = (month.parse::<usize>(), day.parse::<u32>()) else {
        return iso.to_owned();
    };
    match month.checked_sub(1).and_then(|index| MONTHS.get(index)) {
        Some(name) => format!("{day} {name} {year}"),
        None => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn pounds(minor: i64) -> Money {
        let currency = "GBP".parse::<Currency>().expect("currency");
        Money { minor, currency }
    }

    #[test]
    fn values_are_worded_for_customers() {
        for (value, text) in [
            (Value::Money(pounds(104_599)), "£1,045.99"),
            (Value::MoneyFrom(pounds(4_500)), "from £45.00"),
            (Value::Stock(Stock::Units(0)), "out of stock"),
            (Value::Stock(Stock::Units(3)), "only 3 left"),
            (Value::Stock(Stock::Units(60)), "in stock"),
            (Value::Stock(Stock::Some), "in stock"),
            (Value::List(vec!["red".into(), "blue".into()]), "red, blue"),
            (Value::Status(OrderStatus::Shipped), "shipped"),
            (Value::Date("2026-10-05".into()), "5 October 2026"),
            (Value::Date("2026-13-05".into()), "2026-13-05"),
            (Value::Date("soon".into()), "soon"),
            ("1.7 l".into(), "1.7 l"),
        ] {
            assert_eq!(value.text("en-GB"), text);
        }
    }

    #[test]
    fn a_text_is_written_as_it_was_before_values_had_types() {
        for (value, json) in [
            (Value::from("1.7 l"), r#""1.7 l""#),
            (
                Value::Money(pounds(4_599)),
                r#"{"money":{"minor":4599,"currency":"GBP"}}"#,
            ),
            (Value::Stock(Stock::Units(3)), r#"{"stock":{"units":3}}"#),
            (Value::Stock(Stock::Some), r#"{"stock":"some"}"#),
            (
                Value::Status(OrderStatus::Shipped),
                r#"{"status":"shipped"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&value).expect("written"), json);
            assert!(serde_json::from_str::<Value>(json).is_ok_and(|read| read == value));
        }
    }
}
