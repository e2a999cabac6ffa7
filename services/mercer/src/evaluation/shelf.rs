//! The shop's stores as the judge reads them: what a fact's value is, and whether a reply told it.

use mercer_commerce::{attribute_value, order_record, product_fields, variant_fields};
use mercer_schemas::evidence::{field, field_name, value_of};
use mercer_schemas::{Claim, Document, DocumentId, Field, Product, RecordKey, Shop, ShopId};
use mercer_store::Store;

use crate::evaluation::dialogue::{Dialogue, Expect, Fact, Quote};
use crate::evaluation::wording::{SENTENCE_CHARS_MIN, fold, plain, sentences};
use crate::evaluation::yaml::{self, Step};

/// A shop and its stores.
pub(crate) struct Shelf<'a> {
    /// The stores.
    pub(super) store: &'a Store,
    /// The shop.
    pub(super) shop: Shop,
}

impl<'a> Shelf<'a> {
    /// Opens a shop's.
    ///
    /// # Errors
    /// When the store cannot be read or has no such shop.
    pub(crate) async fn open(store: &'a Store, shop: &ShopId) -> anyhow::Result<Self> {
        let found = store.shops().get(shop).await?;
        let shop = found.ok_or_else(|| anyhow::anyhow!("shop {shop} does not exist"))?;
        Ok(Self { store, shop })
    }

    /// Checks that every record, field and sentence that dialogues expect to be told exists.
    ///
    /// # Errors
    /// When the store cannot be read. Names file, line, turn and field of the first one that does not exist: the file
    /// is wrong, not an answer.
    pub(crate) async fn check(&self, dialogues: &[Dialogue]) -> anyhow::Result<()> {
        for dialogue in dialogues {
            for (number, turn) in dialogue.turns.iter().enumerate() {
                let path = [Step::Key("turns"), Step::Item(number), Step::Key("expect")];
                self.check_one(dialogue, &turn.expect, &path).await?;
                for (number, expect) in turn.expect.any_of.iter().enumerate() {
                    let alternative = [Step::Key("any_of"), Step::Item(number)];
                    let path = [path.as_slice(), &alternative].concat();
                    self.check_one(dialogue, expect, &path).await?;
                }
            }
        }
        Ok(())
    }

    async fn check_one(
        &self,
        dialogue: &Dialogue,
        expect: &Expect,
        path: &[Step],
    ) -> anyhow::Result<()> {
        let fail = |list, number, message: &str| {
            let path = [path, &[Step::Key(list), Step::Item(number)]].concat();
            Err(yaml::wrong_at(&dialogue.file, &path, message))
        };
        for (number, fact) in expect.facts.iter().enumerate() {
            if let Some(message) = self.fault_of_fact(fact).await? {
                return fail("facts", number, &message);
            }
        }
        for (number, quote) in expect.quotes.iter().enumerate() {
            if let Some(message) = self.fault_of_quote(quote).await? {
                return fail("quotes", number, &message);
            }
        }
        Ok(())
    }

    async fn fault_of_fact(&self, fact: &Fact) -> anyhow::Result<Option<String>> {
        let written = &fact.written;
        if let RecordKey::Document(id) | RecordKey::Promotion(id) = &fact.record {
            return Ok(match self.document(id).await? {
                None => Some(format!("`{written}`: no such document")),
                Some(_) if fact.field != field::TEXT => Some(format!(
                    "`{written}`: of a document only `{}` can be expected",
                    field::TEXT
                )),
                Some(_) => None,
            });
        }
        Ok(match self.fields(&fact.record).await? {
            None => Some(format!("`{written}`: no such record")),
            Some(fields) if value_of(&fields, &fact.field).is_none() => {
                Some(format!("`{written}`: the record has no such field"))
            }
            Some(_) => None,
        })
    }

    async fn fault_of_quote(&self, quote: &Quote) -> anyhow::Result<Option<String>> {
        let id = &quote.policy.0;
        let Some(document) = self.document(id).await? else {
            return Ok(Some(format!("`{id}`: no such document")));
        };
        let sentence = fold(&quote.sentence);
        Ok(if sentence.chars().count() < SENTENCE_CHARS_MIN {
            Some(format!(
                "`{}`: a sentence has at least {SENTENCE_CHARS_MIN} characters",
                quote.sentence
            ))
        } else if !fold(&plain(&document.body)).contains(&sentence) {
            Some(format!("`{id}` has no sentence `{}`", quote.sentence))
        } else {
            None
        })
    }

    /// Says whether a reply tells a fact.
    ///
    /// A document's text is told by one of its sentences. Any other value must have been filled in from that record: the
    /// same text somewhere in the reply may be chance. A product's price is also told by the price of one of its
    /// variants, and any other value of a product by a variant's that reads the same.
    ///
    /// # Errors
    /// When the store cannot be read, or has no such record or field.
    pub(super) async fn tells(
        &self,
        fact: &Fact,
        reply: &str,
        claims: &[&Claim],
    ) -> anyhow::Result<bool> {
        if let Some(message) = self.fault_of_fact(fact).await? {
            anyhow::bail!(message);
        }
        let reply = fold(reply);
        if let RecordKey::Document(id) | RecordKey::Promotion(id) = &fact.record {
            let document = self.document(id).await?;
            let body = document.map(|document| document.body).unwrap_or_default();
            let mut sentences = sentences(&body).into_iter();
            return Ok(sentences.any(|sentence| reply.contains(&fold(&sentence))));
        }
        for claim in claims {
            let told = fold(claim.value.expose());
            if reply.contains(&told) && self.is_value(fact, claim, &told).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says whether what was filled in is a fact's value.
    async fn is_value(&self, fact: &Fact, claim: &Claim, told: &str) -> anyhow::Result<bool> {
        let is_of = |fields: Option<Vec<Field>>| {
            let fields = fields.unwrap_or_default();
            let value = value_of(&fields, &fact.field);
            value.is_some_and(|value| fold(&value.text(&self.shop.locale)) == told)
        };
        let told_field = claim.reference.rsplit('.').next();
        let is_field = told_field == Some(fact.field.as_str());
        if claim.record == fact.record {
            return Ok(is_field && is_of(self.fields(&fact.record).await?));
        }
        let (RecordKey::Variant(sku), RecordKey::Product(id)) = (&claim.record, &fact.record)
        else {
            return Ok(false);
        };
        let owner = self.store.catalog().by_sku(&self.shop.id, sku).await?;
        if owner.is_none_or(|product| product.value.id != *id) {
            return Ok(false);
        }
        if fact.field == field::PRICE && is_field && is_of(self.fields(&claim.record).await?) {
            return Ok(true);
        }
        Ok(is_field && is_of(self.fields(&fact.record).await?))
    }

    async fn document(&self, id: &DocumentId) -> anyhow::Result<Option<Document>> {
        let found = self.store.documents().get(&self.shop.id, id).await?;
        Ok(found.map(|found| found.value))
    }

    /// Reads a record's fields as they are now; none for a document.
    pub(super) async fn fields(&self, key: &RecordKey) -> anyhow::Result<Option<Vec<Field>>> {
        let (store, shop) = (self.store, &self.shop.id);
        Ok(match key {
            RecordKey::Product(id) => {
                let found = store.catalog().get(shop, id).await?;
                found.map(|product| with_attributes(&product.value))
            }
            RecordKey::Variant(sku) => {
                let found = store.catalog().by_sku(shop, sku).await?;
                found.and_then(|product| {
                    let mut variants = product.value.variants.iter();
                    let variant = variants.find(|variant| variant.sku == *sku)?;
                    Some(variant_fields(&product.value, variant))
                })
            }
            RecordKey::Order(number) => {
                let found = store.orders().get(shop, number).await?;
                found.map(|order| order_record(&order.value))
            }
            RecordKey::Document(_) | RecordKey::Promotion(_) => None,
        })
    }
}

/// Returns a product's fields, attributes included.
fn with_attributes(product: &Product) -> Vec<Field> {
    let mut fields = product_fields(product);
    for name in product.attributes.keys() {
        let name = field_name(name);
        let value = attribute_value(product, &name)
            .unwrap_or_default()
            .to_owned();
        fields.push(Field::new(&name, value));
    }
    fields
}
