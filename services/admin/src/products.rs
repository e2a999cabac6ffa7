//! Products. Each operation has a file; the record, its patch and the way of changing one are here.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod put;

use std::collections::BTreeMap;

use mercer_schemas::{Product, ProductId, ShopId, Variant};
use mercer_store::Versioned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::check;
use crate::extract::IfMatch;
use crate::problem::{Kind, Problem};

/// How often a change is repeated when somebody else changed the record in between.
const CHANGE_TRIES_MAX: usize = 8;

/// Path of one product.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProductPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The retailer's key of the product.
    #[param(value_type = String, example = "HB-1042")]
    pub(crate) product: ProductId,
}

/// A product with its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProductRecord {
    /// The product.
    product: Product,
    /// Rises with every change; the `ETag` of the record.
    version: i64,
    /// Time of the last change, UTC milliseconds.
    updated_at_ms: i64,
}

impl From<Versioned<Product>> for ProductRecord {
    fn from(stored: Versioned<Product>) -> Self {
        Self {
            product: stored.value,
            version: stored.version,
            updated_at_ms: stored.updated_at_ms,
        }
    }
}

/// What may be patched of a product. Fields left out stay; `variants` is replaced as a whole.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductPatch {
    /// Name as shown to customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Brand; `null` empties it.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Category path; `null` empties it.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Free text; `null` empties it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Attributes to set; `null` as value removes one, `null` in all removes all.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<BTreeMap<String, Option<String>>>,
    /// Whether customers may see it; `null` means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    visible: Option<bool>,
    /// All variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Vec<Variant>>,
}

/// Reads a product, changes it and writes it back, so that no other change is lost: with
/// `If-Match` the named version must be there, without it the change is repeated on the newer one.
pub(crate) async fn change(
    admin: &Admin,
    caller: &Caller,
    if_match: &IfMatch,
    product: &ProductId,
    patch: &Value,
    change: impl Fn(&Product) -> Result<Product, Problem>,
) -> Result<Versioned<Product>, Problem> {
    let catalog = admin.store.catalog();
    for _ in 0..CHANGE_TRIES_MAX {
        let current = catalog.get(caller.shop_id(), product).await?;
        let current = current.ok_or_else(|| Problem::not_found("product"))?;
        let changed = change(&current.value).and_then(|changed| {
            check::product(&changed, caller.shop.currency)?;
            Ok(changed)
        });
        let changed = if_match.check_patched(current.version, patch, changed)?;
        let written = catalog
            .put(caller.shop_id(), changed, Some(current.version))
            .await;
        match written {
            Err(mercer_store::Error::VersionConflict { .. }) if *if_match == IfMatch::Any => {}
            written => return Ok(written?),
        }
    }
    Err(Problem::new(
        Kind::Conflict,
        "others keep changing this record; try again",
    ))
}

impl Sample for Product {
    const SCHEMA: &'static str = "Product";

    fn sample() -> Self {
        Self {
            id: key("HB-1042", ProductId::new),
            title: "Fenwick kettle".to_owned(),
            brand: "Fenwick".to_owned(),
            category: "Kitchen > Kettles".to_owned(),
            description: "Boils a litre in two minutes and switches off by itself.".to_owned(),
            attributes: [("capacity", "1.7 l"), ("material", "steel")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            visible: true,
            variants: vec![Variant::sample()],
        }
    }
}

impl Sample for ProductRecord {
    const SCHEMA: &'static str = "ProductRecord";

    fn sample() -> Self {
        Self {
            product: Product::sample(),
            version: 3,
            updated_at_ms: 1_790_000_000_000,
        }
    }
}

impl Sample for ProductPatch {
    const SCHEMA: &'static str = "ProductPatch";

    fn sample() -> Self {
        Self {
            title: Some("Fenwick kettle, 1.7 l".to_owned()),
            brand: None,
            category: None,
            description: None,
            attributes: Some([("colour".to_owned(), Some("red".to_owned()))].into()),
            visible: None,
            variants: None,
        }
    }
}

/// Builds a key of a sample; the texts are constants of this crate.
pub(crate) fn key<T, E: std::fmt::Debug>(
    text: &'static str,
    build: impl Fn(&'static str) -> Result<T, E>,
) -> T {
    build(text).expect("a sample's key is valid")
}
