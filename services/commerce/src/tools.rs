//! Running a plan.

use std::time::Duration;

use mercer_knowledge::{Knowledge, ProductQuery};
use mercer_schemas::evidence::field_name;
use mercer_schemas::{
    Channel, CustomerId, DocumentKind, Evidence, Field, Handle, Money, Personal, Plan, Product,
    ProductId, RecordKey, Shop, ToolCall,
};
use mercer_store::{Store, Versioned};

use crate::details::{self, Found};
use crate::fields::{attribute_value, order_fields, product_fields, variant_fields};
use crate::order::{self, Details, Outcome};

/// Products that a search answer shows. More than this is not read in a chat.
const PRODUCTS_MAX: usize = 3;
/// Policy passages that an answer may draw on.
const PASSAGES_MAX: usize = 2;

/// Longest wait for a comparison by meaning: an import may keep the embedder busy, and the record
/// itself has been read.
const NEAREST_MAX: Duration = Duration::from_secs(2);
/// Attributes of a product that are compared with a question by meaning.
const ATTRIBUTES_COMPARED_MAX: usize = 24;
/// Cosine similarity from which an attribute answers a question. Chosen on 27 questions about the
/// demo shop's products, some of them from the `develop` dialogues, each attribute taken by the
/// better of its name alone and its name with its value: of 15 that an attribute answers, 9 reached
/// it with the right one and 1 with another; of 12 that none answers, 3 reached it. Here the name
/// with its value alone is compared, which was not measured by itself.
const ATTRIBUTE_SIMILARITY_MIN: f32 = 0.5;

/// Longest message that is searched for as a whole, in words.
const QUESTION_WORDS_MAX: usize = 25;

/// The tools of a shop.
#[derive(Clone)]
pub struct Tools {
    store: Store,
    knowledge: Knowledge,
}

/// A plan to run, with what its handles and identity mean.
pub struct Request<'a> {
    /// The shop that everything is scoped to.
    pub shop: &'a Shop,
    /// Channel of the conversation.
    pub channel: Channel,
    /// The customer's address on it.
    pub address: &'a Personal<String>,
    /// Customer whose identity the conversation has proven.
    pub customer: Option<&'a CustomerId>,
    /// What `p1` and `shown` mean.
    pub shown: &'a [(Handle, RecordKey)],
    /// The plan.
    pub plan: &'a Plan,
    /// The customer's words of the turn: what a call's few words leave out.
    pub words: &'a Personal<String>,
    /// Moment that validity is judged at, UTC milliseconds.
    pub at_ms: i64,
}

/// What the tools found.
pub struct Answer {
    /// In the order of the calls.
    pub evidence: Vec<Evidence>,
    /// The customer whose identity is proven now.
    pub identified: Option<CustomerId>,
}

/// A tool could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    /// The search.
    #[error(transparent)]
    Knowledge(#[from] mercer_knowledge::Error),
}

impl Tools {
    /// Builds the tools on a store and its indexes.
    pub fn new(store: Store, knowledge: Knowledge) -> Self {
        Self { store, knowledge }
    }

    /// Returns the store that the tools read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Runs the calls of a plan in order.
    ///
    /// # Errors
    /// When the store or an index fails; finding nothing is evidence, not an error.
    pub async fn run(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let mut answer = Answer {
            evidence: Vec::new(),
            identified: None,
        };
        for call in &request.plan.calls {
            metrics::counter!("mercer_tool_calls_total", "tool" => call.tool()).increment(1);
            self.call(request, call, &mut answer).await?;
        }
        Ok(answer)
    }

    async fn call(
        &self,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        match call {
            ToolCall::SearchCatalog {
                query,
                min_price,
                max_price,
                in_stock,
                sort,
            } => {
                let price = |text: &Option<String>| {
                    text.as_deref()
                        .and_then(|text| Money::parse_decimal(text, request.shop.currency).ok())
                };
                let query = ProductQuery {
                    text: query.expose().clone(),
                    min_price: price(min_price),
                    max_price: price(max_price),
                    in_stock: *in_stock,
                    sort: *sort,
                    limit: PRODUCTS_MAX,
                    ..ProductQuery::default()
                };
                self.search_catalog(request, query, answer).await
            }
            ToolCall::ProductDetails { product, about } => {
                self.product_details(request, product, about.as_ref(), answer)
                    .await
            }
            ToolCall::SearchPolicies { query } => {
                self.search_policies(request, query, answer).await
            }
            ToolCall::OrderStatus {
                order,
                email,
                postcode,
            } => {
                let details = Details {
                    order: order.as_deref(),
                    email: email.as_ref(),
                    postcode: postcode.as_ref(),
                    customer: request.customer,
                    channel: request.channel,
                    address: request.address,
                };
                match order::look_up(&self.store, &request.shop.id, &details).await? {
                    Outcome::IdentityNeeded => answer.evidence.push(Evidence::IdentityNeeded),
                    Outcome::NotFound => answer.evidence.push(Evidence::OrderNotFound),
                    Outcome::Orders(customer, orders) => {
                        for found in orders {
                            let key = RecordKey::Order(found.value.number.clone());
                            push(answer, key, found.version, order_fields(&found.value));
                        }
                        answer.identified = Some(customer);
                    }
                }
                Ok(())
            }
            ToolCall::Handoff { .. } => {
                answer.evidence.push(Evidence::HandedOver);
                Ok(())
            }
        }
    }

    async fn search_catalog(
        &self,
        request: &Request<'_>,
        query: ProductQuery,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // A phrase may have been cut too short or too long, so a message that asks for nothing else
        // is searched for as a whole too; where its other words lead away, by the phrase alone.
        let shop = &request.shop.id;
        let mut found = None;
        if is_one_question(request) {
            let text = format!("{} {}", query.text, request.words.expose());
            let whole = ProductQuery {
                text,
                ..query.clone()
            };
            let hits = self.knowledge.search_products(shop, whole).await?;
            found = (!hits.hits.is_empty()).then_some(hits);
        }
        let found = match found {
            Some(found) => found,
            None => self.knowledge.search_products(shop, query).await?,
        };
        if found.hits.is_empty() {
            answer.evidence.push(Evidence::NothingFound);
            return Ok(());
        }
        answer.evidence.push(Evidence::Found {
            products: found.hits.len(),
            corrected: found.corrected,
        });
        for hit in found.hits {
            push_product(answer, &hit.product);
        }
        Ok(())
    }

    async fn search_policies(
        &self,
        request: &Request<'_>,
        query: &Personal<String>,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // The whole question finds the passage and the sentence in it better than a phrase of it
        // does, unless the message asks for something else too or tells a story first.
        let texts = [request.words, query];
        let mut hits = Vec::new();
        for text in &texts[usize::from(!is_one_question(request))..] {
            hits = self
                .knowledge
                .search_documents(&request.shop.id, text.expose(), request.at_ms, PASSAGES_MAX)
                .await?;
            if !hits.is_empty() {
                break;
            }
        }
        if hits.is_empty() {
            answer.evidence.push(Evidence::NoPolicy);
        }
        for hit in hits {
            let document = hit.document;
            let key = match document.value.kind {
                DocumentKind::Promotion => RecordKey::Promotion(document.value.id.clone()),
                DocumentKind::Policy | DocumentKind::Faq => {
                    RecordKey::Document(document.value.id.clone())
                }
            };
            let fields = vec![
                Field::new("title", document.value.title.clone()),
                Field::new("text", hit.answer),
            ];
            push(answer, key, document.version, fields);
        }
        Ok(())
    }

    /// `shown` looks through all shown products for one that has what is asked; the first wins.
    async fn product_details(
        &self,
        request: &Request<'_>,
        product: &str,
        about: Option<&Personal<String>>,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let candidates = self.shown_products(request, product).await?;
        let Some(first) = candidates.first() else {
            answer.evidence.push(Evidence::NothingFound);
            return Ok(());
        };
        let asked = about
            .map(|about| about.expose().as_str())
            .unwrap_or_default();
        let answering = candidates
            .iter()
            .find(|candidate| !matches!(details::look_up(&candidate.value, asked), Found::Unknown));
        let chosen = answering.unwrap_or(first);
        let handle = push_product(answer, chosen);
        let found = match details::look_up(&chosen.value, asked) {
            // "How long does it keep tea hot" may have been cut to "tea".
            Found::Unknown => details::named_in(&chosen.value, request.words.expose()),
            found => found,
        };
        let found = match found {
            Found::Unknown => self.meant(&chosen.value, request.words.expose()).await,
            found => found,
        };
        match found {
            Found::General => {}
            Found::Variants(variants) => {
                for variant in variants {
                    let fields = variant_fields(&chosen.value, variant);
                    push(
                        answer,
                        RecordKey::Variant(variant.sku.clone()),
                        chosen.version,
                        fields,
                    );
                }
            }
            Found::Attributes(names) => {
                for name in names {
                    let value = attribute_value(&chosen.value, &name)
                        .unwrap_or_default()
                        .to_owned();
                    answer.evidence.push(Evidence::Record {
                        handle: handle.clone(),
                        key: RecordKey::Product(chosen.value.id.clone()),
                        version: chosen.version,
                        fields: vec![Field::new(&name, value)],
                    });
                }
            }
            Found::Unknown => answer.evidence.push(Evidence::NoRecordAbout {
                handle,
                about: Personal::new(asked.to_owned()),
            }),
        }
        Ok(())
    }

    /// Looks for the attribute whose name and value are nearest in meaning to the message: "how
    /// many hours does the coffee stay hot" asks for `keeps warm`.
    async fn meant<'a>(&self, product: &Product, message: &str) -> Found<'a> {
        let described: Vec<(String, String)> = product
            .attributes
            .iter()
            .take(ATTRIBUTES_COMPARED_MAX)
            .map(|(name, value)| {
                (
                    field_name(name),
                    format!("{}: {value}", name.replace('_', " ")),
                )
            })
            .collect();
        let texts: Vec<&str> = described.iter().map(|(_, text)| text.as_str()).collect();
        let nearest = self.knowledge.nearest(message, &texts);
        match tokio::time::timeout(NEAREST_MAX, nearest)
            .await
            .ok()
            .flatten()
        {
            Some((at, similarity)) if similarity >= ATTRIBUTE_SIMILARITY_MIN => {
                Found::Attributes(vec![described[at].0.clone()])
            }
            _ => Found::Unknown,
        }
    }

    /// Reads the shown products: the one that is named first, then the others in the order shown,
    /// since "the blue one" may be another than the first that comes to mind.
    async fn shown_products(
        &self,
        request: &Request<'_>,
        product: &str,
    ) -> Result<Vec<Versioned<Product>>, Error> {
        let is_named = |(handle, _): &&(Handle, RecordKey)| handle.as_str() == product;
        let named = request.shown.iter().filter(is_named);
        let others = request.shown.iter().filter(|shown| !is_named(shown));
        let mut ids: Vec<ProductId> = Vec::new();
        for (_, key) in named.chain(others) {
            let id = match key {
                RecordKey::Product(id) => Some(id.clone()),
                RecordKey::Variant(sku) => self
                    .store
                    .catalog()
                    .by_sku(&request.shop.id, sku)
                    .await?
                    .map(|found| found.value.id),
                RecordKey::Document(_) | RecordKey::Promotion(_) | RecordKey::Order(_) => None,
            };
            ids.extend(id.filter(|id| !ids.contains(id)));
        }
        let mut found = self
            .store
            .catalog()
            .get_many(&request.shop.id, &ids)
            .await?;
        found.retain(|product| product.value.visible);
        found.sort_by_key(|product| ids.iter().position(|id| *id == product.value.id));
        Ok(found)
    }
}

/// Says whether the message is short and asks for one thing, so that it can be searched for as a whole.
fn is_one_question(request: &Request<'_>) -> bool {
    request.plan.calls.len() == 1
        && request.words.expose().split_whitespace().count() <= QUESTION_WORDS_MAX
}

fn push_product(answer: &mut Answer, product: &Versioned<Product>) -> Handle {
    push(
        answer,
        RecordKey::Product(product.value.id.clone()),
        product.version,
        product_fields(&product.value),
    )
}

/// Adds a record under the next handle of its kind, or under the handle it already has.
fn push(answer: &mut Answer, key: RecordKey, version: i64, fields: Vec<Field>) -> Handle {
    let existing = answer.evidence.iter().find_map(|line| match line {
        Evidence::Record {
            handle, key: known, ..
        } if *known == key => Some(handle.clone()),
        _ => None,
    });
    let handle = existing.unwrap_or_else(|| {
        let same_kind =
            |other: &RecordKey| std::mem::discriminant(other) == std::mem::discriminant(&key);
        let mut known: Vec<&Handle> = answer
            .evidence
            .iter()
            .filter_map(|line| match line {
                Evidence::Record { handle, key, .. } if same_kind(key) => Some(handle),
                _ => None,
            })
            .collect();
        known.dedup();
        Handle::new(&key, known.len() + 1)
    });
    answer.evidence.push(Evidence::Record {
        handle: handle.clone(),
        key,
        version,
        fields,
    });
    handle
}
