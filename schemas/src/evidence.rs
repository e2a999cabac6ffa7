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
use crate::value::Value;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A product.
    Product,
    /// A variant of a product.
    Variant,
    /// A policy or FAQ entry.
    Document,
    /// A promotion.
    Promotion,
    /// An order.
    Order,
}

impl RecordKind {
    const ALL: [Self; 5] = [
        Self::Product,
        Self::Variant,
        Self::Document,
        Self::Promotion,
        Self::Order,
    ];

    /// Returns the letter of handles of this kind.
    const fn letter(self) -> char {
        match self {
            Self::Product => 'p',
            Self::Variant => 'v',
            Self::Document => 'd',
            Self::Promotion => 'm',
            Self::Order => 'o',
        }
    }

    /// Says whether it is sold: a product or a variant of one.
    pub fn is_sold(self) -> bool {
        matches!(self, Self::Product | Self::Variant)
    }
}

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
        Self(format!("{}{number}", key.kind().letter()))
    }

    /// Builds the handle of the `number`-th product of a search that others were shown after.
    pub fn earlier(number: usize) -> Self {
        Self(format!("{EARLIER}{number}"))
    }

    /// Says whether it is one of [`Self::earlier`].
    pub fn is_earlier(&self) -> bool {
        self.0.starts_with(EARLIER)
    }

    /// Returns its number, which no other record of its kind has at the same time.
    pub fn number(&self) -> Option<usize> {
        self.0.get(1..)?.parse().ok()
    }

    /// Returns the kind of the record that it names.
    pub fn kind(&self) -> Option<RecordKind> {
        kind_of(&self.0)
    }

    /// Returns the handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the kind of record that a text names as a handle does: `p1` a product.
pub fn kind_of(handle: &str) -> Option<RecordKind> {
    let letter = handle.chars().next()?;
    let is_it = |kind: &RecordKind| kind.letter() == letter;
    match letter {
        EARLIER => Some(RecordKind::Product),
        _ => RecordKind::ALL.into_iter().find(is_it),
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

impl RecordKey {
    /// Returns what kind of record it is.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Product(_) => RecordKind::Product,
            Self::Variant(_) => RecordKind::Variant,
            Self::Document(_) => RecordKind::Document,
            Self::Promotion(_) => RecordKind::Promotion,
            Self::Order(_) => RecordKind::Order,
        }
    }
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

/// Why a record is among the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceRole {
    /// It is shown: found, or looked at.
    Shown,
    /// The customer's words chose it: a variant of a product that is shown.
    Chosen,
    /// Its fields are what was asked for: an attribute of a product that is shown.
    Asked,
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
        /// Why it is here; absent in records of older versions, see [`Evidence::role`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<EvidenceRole>,
        /// Name of the tool that found it; absent in records of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
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
        /// How many of the whole shop fit, where that was counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<usize>,
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
    /// How a tool's call ended, where no record tells it.
    Outcome {
        /// The tool's name.
        tool: String,
        /// A word of the tool's own, for instance `not_offered`.
        outcome: String,
    },
}

impl Evidence {
    /// Returns why a record is among the evidence; none for a line that is no record.
    ///
    /// Records of older versions do not say it. There an attribute that was asked for was a record of
    /// one field, and a variant was there only where it was chosen.
    pub fn role(&self) -> Option<EvidenceRole> {
        let Self::Record {
            key, role, fields, ..
        } = self
        else {
            return None;
        };
        Some(
            role.unwrap_or_else(|| match (key.kind(), fields.as_slice()) {
                (RecordKind::Product, [_]) => EvidenceRole::Asked,
                (RecordKind::Variant, _) => EvidenceRole::Chosen,
                _ => EvidenceRole::Shown,
            }),
        )
    }
}

/// Names of fields that code reads or writes; attributes of products have names of their own.
pub mod field {
    /// What a product, variant is called.
    pub const NAME: &str = "name";
    /// What a product or variant costs.
    pub const PRICE: &str = "price";
    /// How much of it there is.
    pub const STOCK: &str = "stock";
    /// Title of a policy, question or promotion.
    pub const TITLE: &str = "title";
    /// The passage of it that answers, referred to by the handle alone: `{{d1}}`.
    pub const TEXT: &str = "text";
    /// Names of a passage's sentences, in order, where each can be referred to by itself: `{{d1.b}}`.
    pub const SENTENCES: [&str; 26] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
        "s", "t", "u", "v", "w", "x", "y", "z",
    ];

    /// Says whether a field is of a document's own words.
    pub fn is_passage(name: &str) -> bool {
        name == TEXT || SENTENCES.contains(&name)
    }
    /// Number of an order.
    pub const NUMBER: &str = "number";
    /// How far an order is.
    pub const STATUS: &str = "status";
    /// Who brings it.
    pub const CARRIER: &str = "carrier";
    /// Its tracking number.
    pub const TRACKING: &str = "tracking";
    /// When it arrives.
    pub const ETA: &str = "eta";
    /// What was ordered.
    pub const ITEMS: &str = "items";
    /// What was paid for an order.
    pub const TOTAL: &str = "total";
    /// The day of an order.
    pub const PLACED_AT: &str = "placed_at";
}

/// A named value of a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Name in references, lower-case words joined by `_`, for instance `battery_life`.
    pub name: String,
    /// Value at the time of reading.
    pub value: Value,
}

impl Field {
    /// Builds a field; the name is turned into the form used in references.
    pub fn new(name: &str, value: impl Into<Value>) -> Self {
        Self {
            name: field_name(name),
            value: value.into(),
        }
    }
}

/// Returns the value of a field by its name.
pub fn value_of<'a>(fields: &'a [Field], name: &str) -> Option<&'a Value> {
    let field = fields.iter().find(|field| field.name == name)?;
    Some(&field.value)
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
    fn a_handle_tells_its_kind() {
        let key: RecordKey = "promotion:x".parse().expect("key");
        assert_eq!(Handle::new(&key, 2).kind(), Some(RecordKind::Promotion));
        assert_eq!(Handle::earlier(1).kind(), Some(RecordKind::Product));
        assert_eq!(kind_of("x1"), None);
    }

    #[test]
    fn a_record_of_an_older_version_has_the_role_that_it_had() {
        let record = |key: &str, fields: &str| {
            let json = format!(
                r#"{{"kind":"record","handle":"p1","key":"{key}","version":1,"fields":[{fields}]}}"#
            );
            let read: Evidence = serde_json::from_str(&json).expect("evidence");
            assert_eq!(serde_json::to_string(&read).expect("written"), json);
            read.role()
        };
        let (name, price) = (
            r#"{"name":"name","value":"Kettle"}"#,
            r#"{"name":"price","value":"£1.00"}"#,
        );
        let both = format!("{name},{price}");
        assert_eq!(record("product:K", &both), Some(EvidenceRole::Shown));
        assert_eq!(record("product:K", name), Some(EvidenceRole::Asked));
        assert_eq!(record("variant:K", &both), Some(EvidenceRole::Chosen));
        assert_eq!(record("policy:k", name), Some(EvidenceRole::Shown));
        assert_eq!(Evidence::NoPolicy.role(), None);
    }

    #[test]
    fn field_names_hold_letters_only() {
        assert_eq!(field_name("Battery life (h)"), "battery_life_h");
        assert_eq!(field_name("{{p1.price}}"), "p_price");
        assert_eq!(field_name("2 year"), "year");
    }
}
