//! The shop's records: what is true about products, documents, customers and orders.
//! SQL holds them; search indexes are projections of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{CustomerId, DocumentId, OrderNumber, ProductId, ShopId, Sku};
use crate::money::{Currency, Money};
use crate::personal::Personal;

/// A shop: one retailer's storefront. Everything else belongs to exactly one shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    /// Short slug.
    #[schema(value_type = String, example = "highbarn")]
    pub id: ShopId,
    /// The name that customers know.
    pub name: String,
    /// Currency of all prices.
    pub currency: Currency,
    /// BCP 47 language tag, for instance `en-GB`.
    pub locale: String,
    /// Hosts that a reply may link to.
    #[serde(default)]
    pub link_hosts: Vec<String>,
    /// First line of the web chat.
    #[serde(default)]
    pub greeting: String,
    /// What the first reply of a conversation begins with: that an assistant answers. Left out for
    /// a sentence in the shop's language, empty for none.
    #[serde(default)]
    pub introduction: Option<String>,
}

/// A product with its variants. Price and stock belong to variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The retailer's key.
    #[schema(value_type = String, example = "HB-1042")]
    pub id: ProductId,
    /// Name as shown to customers.
    pub title: String,
    /// Brand, or empty.
    #[serde(default)]
    pub brand: String,
    /// Category path, levels joined by ` > `, for instance `Kitchen > Kettles`.
    #[serde(default)]
    pub category: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Attribute name → value as shown, for instance `material` → `steel`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Hidden products are never found, named or quoted.
    #[serde(default = "yes")]
    pub visible: bool,
    /// At least one.
    pub variants: Vec<Variant>,
}

/// One sellable form of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Stock keeping unit, unique in the shop.
    #[schema(value_type = String, example = "HB-1042-RED")]
    pub sku: Sku,
    /// EAN / GTIN, digits, or none.
    #[serde(default)]
    pub ean: Option<String>,
    /// Option name → value, for instance `colour` → `red`. Empty for a product in one form.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// What the customer pays now.
    pub price: Money,
    /// The price before a reduction, where there is one.
    #[serde(default)]
    pub list_price: Option<Money>,
    /// Units that can be sold now.
    pub stock: u32,
}

fn yes() -> bool {
    true
}

impl Product {
    /// Returns the lowest price over variants that are in stock, or over all where none is.
    pub fn price_from(&self) -> Option<Money> {
        let in_stock = self
            .variants
            .iter()
            .filter(|v| v.stock > 0)
            .map(|v| v.price)
            .min();
        in_stock.or_else(|| self.variants.iter().map(|v| v.price).min())
    }

    /// Says whether any variant can be sold now.
    pub fn in_stock(&self) -> bool {
        self.variants.iter().any(|v| v.stock > 0)
    }

    /// Returns the values of each option over all variants, in first-seen order.
    pub fn option_values(&self) -> BTreeMap<String, Vec<String>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for variant in &self.variants {
            for (name, value) in &variant.options {
                let known = values.entry(name.clone()).or_default();
                if !known.contains(value) {
                    known.push(value.clone());
                }
            }
        }
        values
    }
}

impl Variant {
    /// Returns the variant's name: the product's title with the options, for instance
    /// `Trail Runner (blue, 42)`.
    pub fn name(&self, product: &Product) -> String {
        if self.options.is_empty() {
            return product.title.clone();
        }
        let options: Vec<&str> = self.options.values().map(String::as_str).collect();
        format!("{} ({})", product.title, options.join(", "))
    }
}

/// What kind of document a text is.
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
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Terms that the shop stands by.
    Policy,
    /// A question that customers ask, with its answer.
    Faq,
    /// A time-limited offer.
    Promotion,
}

/// A policy, FAQ entry or promotion. Several versions of one may exist with validities that do
/// not overlap; each is a document of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The retailer's key.
    #[schema(value_type = String, example = "returns")]
    pub id: DocumentId,
    /// What kind of text it is.
    pub kind: DocumentKind,
    /// Title as shown.
    pub title: String,
    /// Markdown; passages are separated by `##` headings.
    pub body: String,
    /// First moment of validity, UTC milliseconds; none = always.
    #[serde(default)]
    pub valid_from_ms: Option<i64>,
    /// First moment after validity, UTC milliseconds; none = open end.
    #[serde(default)]
    pub valid_to_ms: Option<i64>,
    /// Voucher code, for promotions that have one.
    #[serde(default)]
    pub code: Option<String>,
}

impl Document {
    /// Says whether the document is in force at a moment (UTC milliseconds).
    pub fn in_force(&self, at_ms: i64) -> bool {
        self.valid_from_ms.is_none_or(|from| from <= at_ms)
            && self.valid_to_ms.is_none_or(|to| at_ms < to)
    }
}

/// A customer as the retailer knows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// The retailer's key.
    pub id: CustomerId,
    /// Full name.
    pub name: Personal<String>,
    /// E-mail address; empty for a customer who is known by the phone alone.
    #[serde(default)]
    pub email: Personal<String>,
    /// Postcode of the billing address; empty as the e-mail address.
    #[serde(default)]
    pub postcode: Personal<String>,
    /// Phone in international form, `+447…`, or none.
    #[serde(default)]
    pub phone: Option<Personal<String>>,
}

/// Where an order stands.
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
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Placed, not yet worked on.
    Pending,
    /// Being packed.
    Processing,
    /// Handed to the carrier.
    Shipped,
    /// At the customer's.
    Delivered,
    /// Will not be sent.
    Cancelled,
    /// A return was announced.
    ReturnRequested,
    /// The goods are back.
    Returned,
}

impl OrderStatus {
    /// Returns the wording for customers.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "being packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::ReturnRequested => "return requested",
            Self::Returned => "returned",
        }
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Number on the confirmation.
    #[schema(value_type = String, example = "HB-70417")]
    pub number: OrderNumber,
    /// Whose order it is.
    #[schema(value_type = String)]
    pub customer_id: CustomerId,
    /// RFC 3339 time of the order.
    pub placed_at: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// Carrier, once handed over.
    #[serde(default)]
    pub carrier: Option<String>,
    /// Tracking number, once handed over.
    #[serde(default)]
    pub tracking: Option<String>,
    /// Expected delivery date, `YYYY-MM-DD`.
    #[serde(default)]
    pub eta: Option<String>,
    /// What was paid.
    pub total: Money,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// Which variant.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its name at the time of the order.
    pub title: String,
    /// How many, at least 1.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Money,
}
