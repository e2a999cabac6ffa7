//! Running a plan.

use std::time::Duration;

use mercer_knowledge::{Knowledge, PassageQuery, ProductQuery, Why};
use mercer_schemas::evidence::field_name;
use mercer_schemas::{
    Channel, CustomerId, DocumentId, DocumentKind, Evidence, Field, Handle, Identity, Money,
    Personal, Plan, Product, ProductId, Proof, RecordKey, Shop, ToolCall, Variant,
};
use mercer_store::{Store, Versioned};

use crate::details::{self, Found};
use crate::fields::{attribute_value, order_fields, product_fields, variant_fields};
use crate::message;
use crate::order::{self, Outcome, Question};

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

/// Most variants of a product called by its code that a search tells.
const VARIANTS_MAX: usize = 3;

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
    /// What that rests on, and what was given towards a proof.
    pub identity: &'a Identity,
    /// Names the run: one that is repeated counts a wrong proof once.
    pub attempt: &'a str,
    /// What `p1` and `shown` mean.
    pub shown: &'a [(Handle, RecordKey)],
    /// Documents that the turn before drew on.
    pub spoken_of: &'a [DocumentId],
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
    /// What was found out about who writes; none where no order was asked for.
    pub proof: Option<Proof>,
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
            proof: None,
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
                        .and_then(|text| Money::parse_written(text, request.shop.currency).ok())
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
            ToolCall::OrderStatus { order, .. } => {
                let question = Question {
                    order: order.as_deref(),
                    words: request.words,
                    customer: request.customer,
                    identity: request.identity,
                    attempt: request.attempt,
                    channel: request.channel,
                    address: request.address,
                    at_ms: request.at_ms,
                };
                let told = order::look_up(&self.store, &request.shop.id, &question).await?;
                // Of two calls in a plan the words are the same, so the first one's finding stays.
                answer.proof.get_or_insert(told.proof);
                match told.outcome {
                    Outcome::IdentityNeeded => answer.evidence.push(Evidence::IdentityNeeded),
                    Outcome::NotFound => answer.evidence.push(Evidence::OrderNotFound),
                    Outcome::Person => answer.evidence.push(Evidence::HandedOver),
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
        // is searched for too: as a whole, or of a long one the sentences that ask. Where its other
        // words lead away, the phrase alone is.
        let shop = &request.shop.id;
        let words = request.words.expose();
        let mut found = None;
        if request.plan.calls.len() == 1 {
            let asked = if message::is_short(words) {
                words.clone()
            } else {
                message::asking(words)
            };
            let whole = ProductQuery {
                text: format!("{} {asked}", query.text),
                meaning: format!("{} {words}", query.text),
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
            push_product(answer, &hit.product, &request.shop.locale);
            if hit.why == Why::Code {
                let product = &hit.product;
                // "K-100 in the 10 litre": the code names the product, the rest one of its variants.
                for variant in details::chosen(&product.value, words)
                    .into_iter()
                    .take(VARIANTS_MAX)
                {
                    push_variant(answer, product, variant, &request.shop.locale);
                }
            }
        }
        Ok(())
    }

    async fn search_policies(
        &self,
        request: &Request<'_>,
        query: &Personal<String>,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // The whole message finds the passage and the sentence in it better than a phrase of it does,
        // a story told first included, unless it asks for something else too.
        let words = request.words.expose();
        let mut texts = vec![query.expose().clone()];
        if request.plan.calls.len() == 1 {
            texts.insert(0, words.clone());
        }
        let goes_on = message::points_back(words);
        let mut hits = Vec::new();
        for text in texts {
            let passages = PassageQuery {
                text,
                spoken_of: if goes_on {
                    request.spoken_of.to_vec()
                } else {
                    Vec::new()
                },
                at_ms: request.at_ms,
                limit: PASSAGES_MAX,
            };
            hits = self
                .knowledge
                .search_documents(&request.shop.id, passages)
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

    /// `shown` looks through all shown products for one that has what is asked; the first wins. A
    /// message that asks which of them is which is answered for each.
    async fn product_details(
        &self,
        request: &Request<'_>,
        product: &str,
        about: Option<&Personal<String>>,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let words = request.words.expose().as_str();
        let asked = about
            .map(|about| about.expose().as_str())
            .unwrap_or_default();
        if request.plan.calls.len() == 1 && message::compares(words) {
            let all = self.side_by_side(request).await?;
            if (2..=PRODUCTS_MAX).contains(&all.len()) {
                for candidate in &all {
                    self.tell(candidate, asked, words, answer).await;
                }
                return Ok(());
            }
        }
        let candidates = self.shown_products(request, product).await?;
        let Some(first) = candidates.first() else {
            answer.evidence.push(Evidence::NothingFound);
            return Ok(());
        };
        let answering = candidates.iter().find(|candidate| {
            !matches!(
                details::look_up(&candidate.value, asked, words),
                Found::Unknown
            )
        });
        self.tell(answering.unwrap_or(first), asked, words, answer)
            .await;
        Ok(())
    }

    /// Tells a product, and the option or attribute of it that was asked for.
    async fn tell(
        &self,
        product: &Versioned<Product>,
        asked: &str,
        words: &str,
        answer: &mut Answer,
    ) {
        let handle = push_product(answer, product, &request.shop.locale);
        let found = match details::look_up(&product.value, asked, words) {
            Found::Unknown => self.meant(&product.value, words).await,
            found => found,
        };
        match found {
            Found::General => {}
            Found::Variants(variants) => {
                for variant in variants {
                    push_variant(answer, product, variant, &request.shop.locale);
                }
            }
            Found::Attributes(names) => {
                for name in names {
                    let value = attribute_value(&product.value, &name)
                        .unwrap_or_default()
                        .to_owned();
                    answer.evidence.push(Evidence::Record {
                        handle: handle.clone(),
                        key: RecordKey::Product(product.value.id.clone()),
                        version: product.version,
                        fields: vec![Field::new(&name, value)],
                    });
                }
            }
            Found::Unknown => answer.evidence.push(Evidence::NoRecordAbout {
                handle,
                about: Personal::new(asked.to_owned()),
            }),
        }
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

    /// Reads the products that a question may be about: the one that is named first, then the others
    /// shown last in their order, since "the blue one" may be another than the first that comes to
    /// mind.
    async fn shown_products(
        &self,
        request: &Request<'_>,
        product: &str,
    ) -> Result<Vec<Versioned<Product>>, Error> {
        let is_named = |(handle, _): &&(Handle, RecordKey)| handle.as_str() == product;
        let named = request.shown.iter().filter(is_named);
        let others = request
            .shown
            .iter()
            .filter(|shown| !is_named(shown) && !shown.0.is_earlier());
        self.products(request, named.chain(others)).await
    }

    /// Reads the products that can be compared: all of the latest search, or those shown last.
    async fn side_by_side(&self, request: &Request<'_>) -> Result<Vec<Versioned<Product>>, Error> {
        let has_earlier = request.shown.iter().any(|(handle, _)| handle.is_earlier());
        let places = request
            .shown
            .iter()
            .filter(|(handle, _)| handle.is_earlier() == has_earlier);
        self.products(request, places).await
    }

    /// Reads products in the order of the records that name them or their variants.
    async fn products(
        &self,
        request: &Request<'_>,
        records: impl Iterator<Item = &(Handle, RecordKey)> + Send,
    ) -> Result<Vec<Versioned<Product>>, Error> {
        let mut ids: Vec<ProductId> = Vec::new();
        for (_, key) in records {
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

fn push_product(answer: &mut Answer, product: &Versioned<Product>, locale: &str) -> Handle {
    push(
        answer,
        RecordKey::Product(product.value.id.clone()),
        product.version,
        product_fields(&product.value, locale),
    )
}

fn push_variant(
    answer: &mut Answer,
    product: &Versioned<Product>,
    variant: &Variant,
    locale: &str,
) {
    let fields = variant_fields(&product.value, variant, locale);
    push(
        answer,
        RecordKey::Variant(variant.sku.clone()),
        product.version,
        fields,
    );
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
