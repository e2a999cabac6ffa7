//! Evidence: what the tools found for a turn, and what a reply made of it.
//!
//! Every record that a reply may speak of has a short handle (`p1`). A reply refers to its fields
//! as `{{p1.price}}`; the value is filled in from the live stores when the message is sent, and
//! the ledger ([`Claim`]) keeps where it came from.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::ProductCard;
use crate::ids::{DocumentId, OrderNumber, ProductId, Sku};
use crate::personal::Personal;

/// A record's name within one turn: a letter for its kind and a number from 1, for instance `p1`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(transparent)]
pub struct Handle(String);

/// Letter of handles that name a product of an earlier search.
const EARLIER: char = 's';

impl Handle {
    /// Builds the handle of the `number`-th record of its kind.
    pub fn new(key: &RecordKey, number: usize) -> Self {
        let letter = match key {
            RecordKey::Product(_) => 'p',
            RecordKey::Variant(_) => 'v',
            RecordKey::Document(_) => 'd',
            RecordKey::Promotion(_) => 'm',
            RecordKey::Order(_) => 'o',
        };
        Self(format!("{letter}{number}"))
    }

    /// Builds the handle of the `number`-th product of a search that others were shown after.
    pub fn earlier(number: usize) -> Self {
        Self(format!("{EARLIER}{number}"))
    }

    /// Says whether it is one of [`Self::earlier`].
    pub fn is_earlier(&self) -> bool {
        self.0.starts_with(EARLIER)
    }

    /// Returns the handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A record of the shop, across its kinds. As text: `product:HB-1042`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum RecordKey {
    /// A product.
    Product(ProductId),
    /// A variant.
    Variant(Sku),
    /// A policy or FAQ entry.
    Document(DocumentId),
    /// A promotion.
    Promotion(DocumentId),
    /// An order.
    Order(OrderNumber),
}

/// Says that a text does not name a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected product:ID, variant:SKU, policy:ID, promotion:ID or order:NUMBER")]
pub struct RecordKeyError;

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(id) => write!(f, "product:{id}"),
            Self::Variant(sku) => write!(f, "variant:{sku}"),
            Self::Document(id) => write!(f, "policy:{id}"),
            Self::Promotion(id) => write!(f, "promotion:{id}"),
            Self::Order(number) => write!(f, "order:{number}"),
        }
    }
}

impl FromStr for RecordKey {
    type Err = RecordKeyError;
    fn from_str(text: &str) -> Result<Self, RecordKeyError> {
        let (kind, key) = text.split_once(':').ok_or(RecordKeyError)?;
        match kind {
            "product" => ProductId::new(key).map(Self::Product),
            "variant" => Sku::new(key).map(Self::Variant),
            "policy" => DocumentId::new(key).map(Self::Document),
            "promotion" => DocumentId::new(key).map(Self::Promotion),
            "order" => OrderNumber::new(key).map(Self::Order),
            _ => return Err(RecordKeyError),
        }
        .map_err(|_| RecordKeyError)
    }
}

impl TryFrom<String> for RecordKey {
    type Error = RecordKeyError;
    fn try_from(text: String) -> Result<Self, RecordKeyError> {
        text.parse()
    }
}

impl From<RecordKey> for String {
    fn from(key: RecordKey) -> String {
        key.to_string()
    }
}

/// One line of evidence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A record that the reply may refer to.
    Record {
        /// Its name in this turn.
        handle: Handle,
        /// Which record.
        key: RecordKey,
        /// The record's version when it was read; every write to a record raises it.
        version: i64,
        /// What may be referred to, in the order shown.
        fields: Vec<Field>,
    },
    /// How many products a search found.
    Found {
        /// How many are shown.
        products: usize,
        /// A word that was not known and the known word that was searched instead.
        #[serde(default)]
        corrected: Option<(Personal<String>, String)>,
    },
    /// A catalog search found nothing.
    NothingFound,
    /// A shown product has no such option or attribute.
    NoRecordAbout {
        /// Which product.
        handle: Handle,
        /// What was asked for.
        about: Personal<String>,
    },
    /// Nothing in force answers the question.
    NoPolicy,
    /// An order was asked for, and nothing was given yet that could prove whose it is.
    IdentityNeeded,
    /// What was given does not prove whose order it is. Deliberately the same answer for a wrong
    /// detail, a missing one, an unknown number and somebody else's order.
    OrderNotFound,
    /// A person will answer.
    HandedOver,
}

/// A named value of a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Name in references, lower-case words joined by `_`, for instance `battery_life`.
    pub name: String,
    /// Value as shown to the customer at the time of reading.
    pub value: Personal<String>,
}

impl Field {
    /// Builds a field; the name is turned into the form used in references.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: field_name(name),
            value: Personal::new(value.into()),
        }
    }
}

/// Turns an attribute's name into the form used in references: `Battery life` → `battery_life`.
pub fn field_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        if c.is_alphabetic() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
    }
    out.trim_end_matches('_').to_owned()
}

/// A reference that a reply made, with what it was filled with: one row of the ledger.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// As written by the model, without braces: `p1.price`.
    pub reference: String,
    /// The record behind it.
    pub record: RecordKey,
    /// The record's version that was read for the message.
    pub version: i64,
    /// The value in the message.
    pub value: Personal<String>,
    /// When it was read, UTC milliseconds.
    pub read_at_ms: i64,
}

/// A reply with every reference filled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenderedReply {
    /// The message's text.
    pub text: Personal<String>,
    /// Product cards beside the text.
    pub cards: Vec<ProductCard>,
    /// The ledger.
    pub claims: Vec<Claim>,
}

/// What one guardrail said of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Verdict {
    /// Stable name of the rule, for instance `number_not_in_evidence`.
    pub rule: String,
    /// Whether the reply may go out as far as this rule is concerned.
    pub passed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_keys_survive_text() {
        for text in [
            "product:HB-1",
            "variant:a b",
            "policy:returns",
            "promotion:x",
            "order:HB:7",
        ] {
            assert_eq!(
                text.parse::<RecordKey>()
                    .map(|key| key.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        for bad in ["", "product", "product:", "thing:1"] {
            assert!(bad.parse::<RecordKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn field_names_hold_letters_only() {
        assert_eq!(field_name("Battery life (h)"), "battery_life_h");
        assert_eq!(field_name("{{p1.price}}"), "p_price");
        assert_eq!(field_name("2 year"), "year");
    }
}
