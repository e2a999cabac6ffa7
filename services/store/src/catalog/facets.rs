//! What a catalog can be narrowed by.

use std::collections::{BTreeMap, BTreeSet};

use mercer_schemas::ShopId;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{Catalog, Facets};
use crate::entity::{product, variant};
use crate::error::Error;
use crate::imports::select_now;

type ProductColumns = (String, String, String, String);

impl Catalog {
    /// Returns categories, brands, options and attributes of the visible products with the number
    /// of products that have each value. Reads the whole catalog of the shop.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn facet_values(&self, shop: &ShopId) -> Result<Facets, Error> {
        let shop = shop.to_string();
        let rows = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let products: Vec<ProductColumns> = select_now::<product::Entity, _>(c, &shop)
                    .await?
                    .select_only()
                    .columns([
                        product::Column::Id,
                        product::Column::Category,
                        product::Column::Brand,
                        product::Column::Attributes,
                    ])
                    .filter(product::Column::Shop.eq(shop.as_str()))
                    .filter(product::Column::Visible.eq(true))
                    .into_tuple()
                    .all(c)
                    .await?;
                let options: Vec<(String, String)> = select_now::<variant::Entity, _>(c, &shop)
                    .await?
                    .select_only()
                    .columns([variant::Column::ProductId, variant::Column::Options])
                    .filter(variant::Column::Shop.eq(shop.as_str()))
                    .into_tuple()
                    .all(c)
                    .await?;
                Ok((products, options))
            })
        });
        let (products, options) = rows.await?;
        count(&products, &options)
    }
}

fn count(products: &[ProductColumns], options: &[(String, String)]) -> Result<Facets, Error> {
    let mut facets = Facets::default();
    let mut visible = BTreeSet::new();
    for (id, category, brand, attributes) in products {
        visible.insert(id.as_str());
        for (value, counts) in [
            (category, &mut facets.categories),
            (brand, &mut facets.brands),
        ] {
            if !value.is_empty() {
                *counts.entry(value.clone()).or_default() += 1;
            }
        }
        for (name, value) in pairs(attributes, "product.attributes", id)? {
            *facets
                .attributes
                .entry(name)
                .or_default()
                .entry(value)
                .or_default() += 1;
        }
    }
    let mut counted = BTreeSet::new();
    for (id, text) in options {
        if !visible.contains(id.as_str()) {
            continue;
        }
        for (name, value) in pairs(text, "variant.options", id)? {
            // Several variants of one product count once.
            if counted.insert((id.as_str(), name.clone(), value.clone())) {
                *facets
                    .options
                    .entry(name)
                    .or_default()
                    .entry(value)
                    .or_default() += 1;
            }
        }
    }
    Ok(facets)
}

fn pairs(text: &str, what: &'static str, at: &str) -> Result<BTreeMap<String, String>, Error> {
    serde_json::from_str(text).map_err(|_| Error::corrupt(what, at))
}
