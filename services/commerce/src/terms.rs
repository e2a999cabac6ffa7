//! The names of a shop, as its catalog has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use mercer_schemas::evidence::field_name;
use mercer_schemas::terms::VALUES_MAX;
use mercer_schemas::{FieldTerms, Product, ShopId, ShopTerms};
use mercer_store::{Error, ProductFilter, Store};

/// Most products that are read for them. Of a larger shop the rest has the same kinds of names.
const PRODUCTS_MAX: usize = 5_000;
/// Products read at a time.
const PAGE: u64 = 200;

/// Counts of names.
#[derive(Default)]
struct Counts {
    categories: BTreeMap<String, usize>,
    brands: BTreeMap<String, usize>,
    fields: BTreeMap<String, (usize, BTreeSet<String>)>,
}

/// Reads the names by which a shop's products are filtered and sorted.
///
/// # Errors
/// When the store cannot be read.
pub async fn shop_terms(store: &Store, shop: &ShopId) -> Result<ShopTerms, Error> {
    let filter = ProductFilter {
        visible: Some(true),
        ..ProductFilter::default()
    };
    let mut counts = Counts::default();
    let (mut read, mut cursor) = (0, None);
    while read < PRODUCTS_MAX {
        let catalog = store.catalog();
        let page = catalog.list(shop, &filter, cursor.as_deref(), PAGE).await?;
        read += page.items.len();
        page.items
            .iter()
            .for_each(|product| counts.add(&product.value));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(counts.into_terms())
}

impl Counts {
    fn add(&mut self, product: &Product) {
        for (counts, name) in [
            (&mut self.categories, &product.category),
            (&mut self.brands, &product.brand),
        ] {
            *counts.entry(name.trim().to_owned()).or_default() += 1;
        }
        let options = product.variants.iter().flat_map(|variant| &variant.options);
        let mut named = BTreeSet::new();
        for (name, value) in product.attributes.iter().chain(options) {
            let name = field_name(name);
            let (count, values) = self.fields.entry(name.clone()).or_default();
            *count += usize::from(named.insert(name));
            // One more than is listed says that there are too many.
            if values.len() <= VALUES_MAX {
                values.insert(value.trim().to_owned());
            }
        }
    }

    fn into_terms(self) -> ShopTerms {
        let frequent = |counts: BTreeMap<String, usize>| {
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|(_, count)| Reverse(*count));
            counts.into_iter().map(|(name, _)| name).collect()
        };
        let mut fields: Vec<_> = self.fields.into_iter().collect();
        fields.sort_by_key(|(_, (count, _))| Reverse(*count));
        let fields = fields.into_iter().map(|(name, (_, values))| FieldTerms {
            name,
            values: values.into_iter().collect(),
        });
        let terms = ShopTerms {
            categories: frequent(self.categories),
            brands: frequent(self.brands),
            fields: fields.collect(),
        };
        terms.bounded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_once_a_product_and_the_most_frequent_come_first() {
        let mut counts = Counts::default();
        for json in [
            r#"{"id":"A","title":"A","category":"Bags","brand":"Orn","attributes":{"Folded size":"1 m"},
                "variants":[{"sku":"1","options":{"colour":"red"},"price":{"minor":1,"currency":"GBP"},"stock":1},
                            {"sku":"2","options":{"colour":"blue"},"price":{"minor":1,"currency":"GBP"},"stock":1}]}"#,
            r#"{"id":"B","title":"B","category":"Shoes","brand":"Orn","attributes":{"sole":"flat","folded_size":"2 m"},"variants":[]}"#,
            r#"{"id":"C","title":"C","category":"Shoes","brand":"","attributes":{},"variants":[]}"#,
        ] {
            counts.add(&serde_json::from_str(json).expect("product"));
        }
        let terms = counts.into_terms();
        assert_eq!(terms.categories, ["Shoes", "Bags"]);
        assert_eq!(terms.brands, ["Orn"]);
        let fields: Vec<(&str, usize)> = terms
            .fields
            .iter()
            .map(|f| (f.name.as_str(), f.values.len()))
            .collect();
        assert_eq!(fields, [("folded_size", 2), ("colour", 2), ("sole", 1)]);
    }
}
