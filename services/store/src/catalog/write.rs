//! Changing products.

use std::collections::{BTreeSet, HashMap};

use mercer_schemas::{Money, Product, ProductId, RecordKey, ShopId, Sku};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter};

use super::Catalog;
use super::rows::{load, product_row, variant_rows};
use crate::Versioned;
use crate::db::{exec_in, now_ms};
use crate::entity::{RecordTable, insert_into, product, select_from, variant};
use crate::error::Error;
use crate::feed::ChangeKind;
use crate::imports::{Batch, Imports, Kind, refuse_taken, settle};
use crate::records::{CHUNK, buried, bury, check_version, lock_records, write_changes};

impl Catalog {
    /// Creates or replaces a product. With `if_version` it must be at that version, 0 = not there.
    ///
    /// # Errors
    /// [`Error::VersionConflict`]; [`Error::Invalid`] for a product without variants, a negative
    /// price or a SKU that another product has; [`Error::Unavailable`].
    pub async fn put(
        &self,
        shop: &ShopId,
        value: Product,
        if_version: Option<i64>,
    ) -> Result<Versioned<Product>, Error> {
        let shop = shop.clone();
        let id = value.id.clone();
        let stored = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                settle_products(tx, &shop, &value).await?;
                let current = load(tx, shop.as_str(), &[value.id.to_string()]).await?;
                check_version(current.first().map_or(0, |found| found.version), if_version)?;
                store(tx, &shop, vec![value]).await?;
                Ok::<_, Error>(load(tx, shop.as_str(), &[id.to_string()]).await?.pop())
            })
        });
        let stored = stored.await?;
        self.db.announce_change();
        stored.ok_or_else(|| Error::corrupt("product", "the row just written"))
    }

    /// Creates or replaces many products, all at once for readers; returns how many changed.
    ///
    /// # Errors
    /// As [`Catalog::put`]; then nothing is stored. [`Error::Unavailable`] also while an import into
    /// the shop runs.
    pub async fn put_many(&self, shop: &ShopId, values: Vec<Product>) -> Result<usize, Error> {
        let batch = Batch {
            products: values,
            ..Batch::default()
        };
        let imports = Imports::new(self.db.clone());
        Ok(imports.run(shop, batch, |_| {}).await?)
    }

    /// Deletes a product with its variants; returns whether it was there. With `if_version` one
    /// that is there must be at that version.
    ///
    /// # Errors
    /// [`Error::VersionConflict`], [`Error::Unavailable`].
    pub async fn delete(
        &self,
        shop: &ShopId,
        id: &ProductId,
        if_version: Option<i64>,
    ) -> Result<bool, Error> {
        let (shop, id) = (shop.clone(), id.clone());
        let deleted = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                let keys = [id.to_string()];
                settle(tx, &shop, Kind::Product, &keys).await?;
                let key = (shop.to_string(), id.to_string());
                let Some(row) = product::Entity::find_by_id(key).one(tx).await? else {
                    return Ok::<bool, Error>(false);
                };
                check_version(row.version, if_version)?;
                delete_variants(tx, &shop, &keys).await?;
                exec_in(tx, "DELETE FROM product", "id", shop.as_str(), &keys).await?;
                let record = RecordKey::Product(id);
                bury(tx, &shop, &record, row.version).await?;
                write_changes(tx, &shop, &[(record, ChangeKind::Deleted)]).await?;
                Ok(true)
            })
        });
        let deleted = deleted.await?;
        self.db.announce_change();
        Ok(deleted)
    }

    /// Sets how many units of a variant can be sold; `None` where there is no such variant.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the product is not at `if_version`; [`Error::Unavailable`].
    pub async fn set_stock(
        &self,
        shop: &ShopId,
        sku: &Sku,
        stock: u32,
        if_version: Option<i64>,
    ) -> Result<Option<Versioned<Product>>, Error> {
        self.set(shop, sku, Live::Stock(stock), if_version).await
    }

    /// Sets a variant's price and the price before a reduction; `None` where there is no such
    /// variant.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the product is not at `if_version`; [`Error::Invalid`] for a
    /// negative price; [`Error::Unavailable`].
    pub async fn set_price(
        &self,
        shop: &ShopId,
        sku: &Sku,
        price: Money,
        list_price: Option<Money>,
        if_version: Option<i64>,
    ) -> Result<Option<Versioned<Product>>, Error> {
        self.set(shop, sku, Live::Price(price, list_price), if_version)
            .await
    }

    async fn set(
        &self,
        shop: &ShopId,
        sku: &Sku,
        live: Live,
        if_version: Option<i64>,
    ) -> Result<Option<Versioned<Product>>, Error> {
        let (shop, sku) = (shop.clone(), sku.clone());
        let stored = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                let key = (shop.to_string(), sku.to_string());
                let Some(row) = variant::Entity::find_by_id(key).one(tx).await? else {
                    return Ok::<_, Error>(None);
                };
                let ids = [row.product_id];
                settle(tx, &shop, Kind::Product, &ids).await?;
                let Some(mut current) = load(tx, shop.as_str(), &ids).await?.pop() else {
                    return Ok(None);
                };
                check_version(current.version, if_version)?;
                for variant in current.value.variants.iter_mut().filter(|v| v.sku == sku) {
                    match live {
                        Live::Stock(stock) => variant.stock = stock,
                        Live::Price(price, list_price) => {
                            variant.price = price;
                            variant.list_price = list_price;
                        }
                    }
                }
                store(tx, &shop, vec![current.value]).await?;
                Ok(load(tx, shop.as_str(), &ids).await?.pop())
            })
        });
        let stored = stored.await?;
        self.db.announce_change();
        Ok(stored)
    }
}

#[derive(Clone, Copy)]
enum Live {
    Stock(u32),
    Price(Money, Option<Money>),
}

/// Stores products that differ from what is there, and says so in the feed.
async fn store<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    values: Vec<Product>,
) -> Result<usize, Error> {
    validate(&values)?;
    let ids: Vec<String> = values.iter().map(|value| value.id.to_string()).collect();
    let current: HashMap<ProductId, Versioned<Product>> = load(tx, shop.as_str(), &ids)
        .await?
        .into_iter()
        .map(|found| (found.value.id.clone(), found))
        .collect();
    let new: Vec<String> = values
        .iter()
        .filter(|value| !current.contains_key(&value.id))
        .map(|value| RecordKey::Product(value.id.clone()).to_string())
        .collect();
    let graves: HashMap<String, i64> = buried(tx, shop, &new).await?.into_iter().collect();

    let mut changed = Vec::new();
    let mut changes = Vec::new();
    for value in values {
        let record = RecordKey::Product(value.id.clone());
        let (kind, version) = match current.get(&value.id) {
            Some(found) if found.value == value => continue,
            Some(found) => (kind_of_change(&found.value, &value), found.version + 1),
            None => {
                let last = graves.get(&record.to_string()).copied().unwrap_or(0);
                (ChangeKind::Text, last + 1)
            }
        };
        changes.push((record, kind));
        changed.push((value, version));
    }
    write_rows(tx, shop, &changed).await?;
    write_changes(tx, shop, &changes).await?;
    Ok(changed.len())
}

/// Replaces the rows of products: all old variants go first, so a SKU may move between products
/// of one import.
async fn write_rows<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    changed: &[(Product, i64)],
) -> Result<(), Error> {
    let ids: Vec<String> = changed
        .iter()
        .map(|(value, _)| value.id.to_string())
        .collect();
    delete_variants(tx, shop, &ids).await?;
    let updated_at_ms = now_ms();
    for chunk in changed.chunks(CHUNK) {
        let rows: Result<Vec<_>, Error> = chunk
            .iter()
            .map(|(value, version)| product_row(shop, value, *version, updated_at_ms))
            .collect();
        let replaced = product::Column::iter()
            .filter(|c| !matches!(c, product::Column::Shop | product::Column::Id));
        let on_conflict = OnConflict::columns([product::Column::Shop, product::Column::Id])
            .update_columns(replaced)
            .to_owned();
        insert_into(RecordTable::Stored, rows?)
            .on_conflict(on_conflict)
            .exec_without_returning(tx)
            .await?;
        let mut variants = Vec::new();
        for (value, _) in chunk {
            variants.extend(variant_rows(shop, value)?);
        }
        for rows in variants.chunks(CHUNK) {
            refuse_taken(tx, shop, rows).await?;
            insert_into(RecordTable::Stored, rows.to_vec())
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(())
}

async fn delete_variants<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    products: &[String],
) -> Result<(), Error> {
    let sql = "DELETE FROM variant";
    exec_in(tx, sql, "product_id", shop.as_str(), products).await
}

/// Brings the tables up to what readers see of a product that is to be replaced, and of those that
/// had its SKUs: an import may have taken them away already.
async fn settle_products<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    value: &Product,
) -> Result<(), Error> {
    let skus = value.variants.iter().map(|variant| variant.sku.as_str());
    let owners = select_from::<variant::Entity>(RecordTable::Stored)
        .filter(variant::Column::Shop.eq(shop.as_str()))
        .filter(variant::Column::Sku.is_in(skus))
        .all(tx)
        .await?;
    let mut ids = vec![value.id.to_string()];
    ids.extend(owners.into_iter().map(|row| row.product_id));
    settle(tx, shop, Kind::Product, &ids).await
}

/// Checks what can be seen without the store.
pub(crate) fn validate(values: &[Product]) -> Result<(), Error> {
    let mut ids = BTreeSet::new();
    let mut skus = BTreeSet::new();
    for value in values {
        if !ids.insert(&value.id) {
            return Err(Error::invalid(
                "id",
                format!("product `{}` comes twice", value.id),
            ));
        }
        if value.variants.is_empty() {
            let message = format!("product `{}` has no variant", value.id);
            return Err(Error::invalid("variants", message));
        }
        for variant in &value.variants {
            if !skus.insert(&variant.sku) {
                return Err(Error::invalid(
                    "sku",
                    format!("`{}` comes twice", variant.sku),
                ));
            }
            let prices = [Some(variant.price), variant.list_price];
            if prices.into_iter().flatten().any(|price| price.minor < 0) {
                let message = format!("the price of `{}` is negative", variant.sku);
                return Err(Error::invalid("price", message));
            }
        }
    }
    Ok(())
}

/// Says whether a change touches more than prices and stock.
pub(crate) fn kind_of_change(old: &Product, new: &Product) -> ChangeKind {
    let same_forms = old.variants.len() == new.variants.len()
        && old
            .variants
            .iter()
            .zip(&new.variants)
            .all(|(a, b)| a.sku == b.sku && a.ean == b.ean && a.options == b.options);
    let same_text = (&old.title, &old.brand, &old.category, &old.description)
        == (&new.title, &new.brand, &new.category, &new.description);
    if same_forms && same_text && old.attributes == new.attributes && old.visible == new.visible {
        ChangeKind::Live
    } else {
        ChangeKind::Text
    }
}
