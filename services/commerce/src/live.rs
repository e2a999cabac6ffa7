//! The live join for a reply: one read of every record that the evidence names, made right
//! before the message is queued. A price that changed while the model was writing is right in the
//! message; a passage that changed or lapsed is not quoted.

use std::collections::{BTreeMap, BTreeSet};

use mercer_guardrails::{Live, LiveField};
use mercer_schemas::evidence::{field, value_of};
use mercer_schemas::{Evidence, Field, Personal, Product, ProductCard, ProductId, RecordKey, Shop};
use mercer_store::{Store, Versioned};

use crate::fields::{attribute_value, order_record, product_fields, variant_fields};
use crate::tools::Error;

/// Values of the records that a turn's evidence names, as they are now.
pub struct LiveValues {
    /// Handle → record, version, fields.
    records: BTreeMap<String, (RecordKey, i64, Vec<Field>)>,
    cards: BTreeMap<String, ProductCard>,
    /// By which values are worded.
    locale: String,
    read_at_ms: i64,
}

impl LiveValues {
    /// Reads all records of the evidence.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read(
        store: &Store,
        shop: &Shop,
        evidence: &[Evidence],
        at_ms: i64,
    ) -> Result<Self, Error> {
        let mut values = Self {
            records: BTreeMap::new(),
            cards: BTreeMap::new(),
            locale: shop.locale.clone(),
            read_at_ms: at_ms,
        };
        for line in evidence {
            let Evidence::Record {
                handle,
                key,
                version,
                fields,
                ..
            } = line
            else {
                continue;
            };
            let names: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let handle = handle.as_str();
            match key {
                RecordKey::Product(id) => values.product(store, shop, handle, id, &names).await?,
                RecordKey::Variant(sku) => {
                    let found = store
                        .catalog()
                        .by_sku(&shop.id, sku)
                        .await?
                        .filter(|p| p.value.visible);
                    if let Some(product) = found
                        && let Some(variant) = product.value.variants.iter().find(|v| v.sku == *sku)
                    {
                        let fields = variant_fields(&product.value, variant);
                        values.cards.insert(
                            handle.to_owned(),
                            card(&product.value.id, &fields, Vec::new(), &shop.locale),
                        );
                        values.put(handle, key, product.version, fields);
                    }
                }
                RecordKey::Document(id) | RecordKey::Promotion(id) => {
                    let found = store.documents().get(&shop.id, id).await?;
                    let quoted = found
                        .filter(|found| found.version == *version && found.value.in_force(at_ms));
                    if let Some(document) = quoted {
                        values.put(handle, key, document.version, fields.clone());
                    }
                }
                RecordKey::Order(number) => {
                    if let Some(order) = store.orders().get(&shop.id, number).await? {
                        values.put(handle, key, order.version, order_record(&order.value));
                    }
                }
            }
        }
        Ok(values)
    }

    async fn product(
        &mut self,
        store: &Store,
        shop: &Shop,
        handle: &str,
        id: &ProductId,
        names: &BTreeSet<&str>,
    ) -> Result<(), Error> {
        let found: Option<Versioned<Product>> = store
            .catalog()
            .get(&shop.id, id)
            .await?
            .filter(|product| product.value.visible);
        let Some(product) = found else { return Ok(()) };
        let mut fields = product_fields(&product.value);
        let options = fields[3..]
            .iter()
            .map(|field| format!("{}: {}", field.name, field.value.text(&shop.locale)))
            .collect();
        self.cards
            .insert(handle.to_owned(), card(id, &fields, options, &shop.locale));
        for name in names {
            if let Some(value) = attribute_value(&product.value, name)
                && !fields.iter().any(|field| field.name == **name)
            {
                fields.push(Field::new(name, value));
            }
        }
        self.put(
            handle,
            &RecordKey::Product(id.clone()),
            product.version,
            fields,
        );
        Ok(())
    }

    fn put(&mut self, handle: &str, key: &RecordKey, version: i64, fields: Vec<Field>) {
        match self.records.get_mut(handle) {
            Some((_, _, known)) => {
                for field in fields {
                    if !known.iter().any(|other| other.name == field.name) {
                        known.push(field);
                    }
                }
            }
            None => {
                self.records
                    .insert(handle.to_owned(), (key.clone(), version, fields));
            }
        }
    }

    /// Returns the records read, with their versions: what must not have moved when the message
    /// is committed.
    pub fn versions(&self) -> Vec<(RecordKey, i64)> {
        self.records
            .values()
            .map(|(key, version, _)| (key.clone(), *version))
            .collect()
    }
}

impl Live for LiveValues {
    fn field(&self, reference: &str) -> Option<LiveField> {
        let whole = (reference, field::TEXT);
        let (handle, name) = reference.split_once('.').unwrap_or(whole);
        let (record, version, fields) = self.records.get(handle)?;
        let value = value_of(fields, name)?;
        Some(LiveField {
            record: record.clone(),
            version: *version,
            value: Personal::new(value.text(&self.locale)),
        })
    }

    fn card(&self, handle: &str) -> Option<ProductCard> {
        self.cards.get(handle).cloned()
    }

    fn read_at_ms(&self) -> i64 {
        self.read_at_ms
    }
}

fn card(id: &ProductId, fields: &[Field], options: Vec<String>, locale: &str) -> ProductCard {
    let value = |name: &str| {
        value_of(fields, name)
            .map(|value| value.text(locale))
            .unwrap_or_default()
    };
    ProductCard {
        product_id: id.clone(),
        name: value(field::NAME),
        price: value(field::PRICE),
        stock: value(field::STOCK),
        options,
    }
}
