//! Variants: the sellable forms of products, with price and stock. A variant is created and removed
//! with its product's record; it shares that record's version.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod price;
pub(crate) mod stock;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use mercer_schemas::{Currency, Money, Product, ProductId, ShopId, Sku, Variant};
use mercer_store::Versioned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::{self, Sample};
use crate::problem::Problem;
use crate::products::key;

/// Path of one variant.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VariantPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The variant's stock keeping unit.
    #[param(value_type = String, example = "HB-1042-RED")]
    pub(crate) sku: Sku,
}

/// A variant with the product it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct VariantRecord {
    /// The variant.
    variant: Variant,
    /// The product's key.
    #[schema(value_type = String, example = "HB-1042")]
    product_id: ProductId,
    /// Name as shown to customers: the product's title with the variant's options.
    name: String,
    /// Version of the product's record; the `ETag`.
    version: i64,
    /// Time of the last change of the product's record, UTC milliseconds.
    updated_at_ms: i64,
}

/// What may be patched of a variant. Fields left out stay.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantPatch {
    /// EAN or GTIN; `null` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ean: Option<String>,
    /// Options to set; `null` as value removes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<BTreeMap<String, Option<String>>>,
    /// What the customer pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<MoneyPatch>,
    /// The price before a reduction; `null` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    list_price: Option<MoneyPatch>,
    /// Units that can be sold now.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
}

/// An amount of which parts may be left out.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyPatch {
    /// Whole minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    minor: Option<i64>,
    /// The shop's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

impl VariantRecord {
    /// Builds the records of all variants of a product, in its order.
    pub(crate) fn all_of(stored: &Versioned<Product>) -> Vec<Self> {
        let product = &stored.value;
        let variants = product.variants.iter().map(|variant| Self {
            variant: variant.clone(),
            product_id: product.id.clone(),
            name: variant.name(product),
            version: stored.version,
            updated_at_ms: stored.updated_at_ms,
        });
        variants.collect()
    }

    /// Finds one variant of a product.
    pub(crate) fn of(stored: &Versioned<Product>, sku: &Sku) -> Result<Self, Problem> {
        Self::all_of(stored)
            .into_iter()
            .find(|record| record.variant.sku == *sku)
            .ok_or_else(|| Problem::not_found("variant"))
    }
}

/// Answers with one variant of a product as it is stored now.
pub(crate) fn answer_with(stored: &Versioned<Product>, sku: &Sku) -> Result<Response, Problem> {
    let record = VariantRecord::of(stored, sku)?;
    Ok(answer::record(StatusCode::OK, record.version, &record))
}

impl Sample for Variant {
    const SCHEMA: &'static str = "Variant";

    fn sample() -> Self {
        Self {
            sku: key("HB-1042-RED", Sku::new),
            ean: Some("5012345678900".to_owned()),
            options: [("colour".to_owned(), "red".to_owned())].into(),
            price: Money::sample(),
            list_price: None,
            stock: 12,
        }
    }
}

impl Sample for Money {
    const SCHEMA: &'static str = "Money";

    fn sample() -> Self {
        Self {
            minor: 4599,
            currency: key("GBP", str::parse),
        }
    }
}

impl Sample for VariantRecord {
    const SCHEMA: &'static str = "VariantRecord";

    fn sample() -> Self {
        Self {
            variant: Variant::sample(),
            product_id: Product::sample().id,
            name: "Fenwick kettle (red)".to_owned(),
            version: 3,
            updated_at_ms: 1_790_000_000_000,
        }
    }
}

impl Sample for VariantPatch {
    const SCHEMA: &'static str = "VariantPatch";

    fn sample() -> Self {
        Self {
            ean: None,
            options: None,
            price: Some(MoneyPatch {
                minor: Some(3999),
                currency: None,
            }),
            list_price: None,
            stock: Some(7),
        }
    }
}
