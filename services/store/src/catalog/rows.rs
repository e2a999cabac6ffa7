//! Products as rows and back.

use mercer_schemas::{Currency, Money, Product, ProductId, ShopId, Sku, Variant};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};

use super::normalise_code;
use crate::Versioned;
use crate::entity::{product, variant};
use crate::error::Error;
use crate::records::CHUNK;

/// Loads products with their variants, in no particular order: one query each for up to
/// [`CHUNK`] products.
pub(crate) async fn load<C: ConnectionTrait>(
    connection: &C,
    shop: &str,
    ids: &[String],
) -> Result<Vec<Versioned<Product>>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = product::Entity::find()
            .filter(product::Column::Shop.eq(shop))
            .filter(product::Column::Id.is_in(chunk.iter().map(String::as_str)))
            .all(connection)
            .await?;
        found.extend(with_variants(connection, shop, rows).await?);
    }
    Ok(found)
}

/// Adds the variants to product rows, keeping the rows' order.
pub(super) async fn with_variants<C: ConnectionTrait>(
    connection: &C,
    shop: &str,
    rows: Vec<product::Model>,
) -> Result<Vec<Versioned<Product>>, Error> {
    let mut variants: Vec<variant::Model> = Vec::new();
    for chunk in rows.chunks(CHUNK) {
        let found = variant::Entity::find()
            .filter(variant::Column::Shop.eq(shop))
            .filter(variant::Column::ProductId.is_in(chunk.iter().map(|row| row.id.as_str())))
            .order_by_asc(variant::Column::ProductId)
            .order_by_asc(variant::Column::Position)
            .all(connection)
            .await?;
        variants.extend(found);
    }
    let mut by_product = std::collections::HashMap::<String, Vec<Variant>>::new();
    for row in variants {
        let product_id = row.product_id.clone();
        by_product
            .entry(product_id)
            .or_default()
            .push(decode_variant(row)?);
    }
    rows.into_iter()
        .map(|row| {
            let variants = by_product.remove(&row.id).unwrap_or_default();
            decode(row, variants)
        })
        .collect()
}

fn decode(row: product::Model, variants: Vec<Variant>) -> Result<Versioned<Product>, Error> {
    let corrupt = |what| Error::corrupt(what, &row.id);
    let value = Product {
        id: ProductId::new(row.id.clone()).map_err(|_| corrupt("product.id"))?,
        title: row.title.clone(),
        brand: row.brand.clone(),
        category: row.category.clone(),
        description: row.description.clone(),
        attributes: serde_json::from_str(&row.attributes)
            .map_err(|_| corrupt("product.attributes"))?,
        visible: row.visible,
        variants,
    };
    Ok(Versioned {
        value,
        version: row.version,
        updated_at_ms: row.updated_at_ms,
    })
}

fn decode_variant(row: variant::Model) -> Result<Variant, Error> {
    let corrupt = |what| Error::corrupt(what, &row.sku);
    let money = |minor: i64, code: &str| -> Result<Money, Error> {
        let currency: Currency = code.parse().map_err(|_| corrupt("variant.currency"))?;
        Ok(Money { minor, currency })
    };
    let list_price = match (row.list_minor, &row.list_currency) {
        (Some(minor), Some(code)) => Some(money(minor, code)?),
        _ => None,
    };
    Ok(Variant {
        sku: Sku::new(row.sku.clone()).map_err(|_| corrupt("variant.sku"))?,
        ean: row.ean.clone(),
        options: serde_json::from_str(&row.options).map_err(|_| corrupt("variant.options"))?,
        price: money(row.price_minor, &row.currency)?,
        list_price,
        stock: u32::try_from(row.stock).map_err(|_| corrupt("variant.stock"))?,
    })
}

pub(crate) fn product_row(
    shop: &ShopId,
    value: &Product,
    version: i64,
    updated_at_ms: i64,
) -> Result<product::ActiveModel, Error> {
    let search_text = format!(
        "{}\n{}\n{}\n{}",
        value.title, value.brand, value.category, value.id
    );
    Ok(product::ActiveModel {
        shop: Set(shop.to_string()),
        id: Set(value.id.to_string()),
        code: Set(normalise_code(value.id.as_str())),
        title: Set(value.title.clone()),
        brand: Set(value.brand.clone()),
        category: Set(value.category.clone()),
        description: Set(value.description.clone()),
        attributes: Set(json(&value.attributes)?),
        visible: Set(value.visible),
        search_text: Set(search_text.to_lowercase()),
        version: Set(version),
        updated_at_ms: Set(updated_at_ms),
    })
}

pub(crate) fn variant_rows(
    shop: &ShopId,
    value: &Product,
) -> Result<Vec<variant::ActiveModel>, Error> {
    let rows = value.variants.iter().enumerate().map(|(position, v)| {
        Ok(variant::ActiveModel {
            shop: Set(shop.to_string()),
            sku: Set(v.sku.to_string()),
            product_id: Set(value.id.to_string()),
            position: Set(position as i64),
            ean: Set(v.ean.clone()),
            sku_code: Set(normalise_code(v.sku.as_str())),
            ean_code: Set(v.ean.as_deref().map(normalise_code)),
            options: Set(json(&v.options)?),
            price_minor: Set(v.price.minor),
            currency: Set(v.price.currency.code().to_owned()),
            list_minor: Set(v.list_price.map(|price| price.minor)),
            list_currency: Set(v.list_price.map(|price| price.currency.code().to_owned())),
            stock: Set(i64::from(v.stock)),
        })
    });
    rows.collect()
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::invalid("product", error.to_string()))
}
