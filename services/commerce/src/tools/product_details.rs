//! `product_details`: looks closer at a product that was shown.

use std::time::Duration;

use async_trait::async_trait;
use mercer_conversation::bounds::CALL_EVIDENCE_CHARS_MAX;
use mercer_conversation::hints::questions;
use mercer_conversation::tools::ProductDetails;
use mercer_schemas::evidence::field_name;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{
    Evidence, EvidenceRole, Field, Handle, Personal, Product, ProductId, RecordKey, ToolCall,
    Variant,
};
use mercer_store::Versioned;

use super::fitting::{Told, leave_out};
use super::{Answer, Error, PRODUCTS_MAX, Request, Tools};
use crate::asked::{Asked, Part};
use crate::details::{self, Found};
use crate::fields::attribute_value;

/// Longest wait for a comparison by meaning: an import may keep the embedder busy, and the record
/// itself has been read.
const NEAREST_MAX: Duration = Duration::from_secs(2);
/// Characters of attributes that a call with free words tells, of all its products together: some 130
/// tokens. What it asks for is told beyond them.
const ATTRIBUTES_CHARS_MAX: usize = 500;
/// Most variants that it tells, of all its products together.
const VARIANTS_MAX: usize = 12;
/// Attributes of a product that are compared with a question by meaning.
const ATTRIBUTES_COMPARED_MAX: usize = 24;
/// Cosine similarity from which an attribute answers a question. Chosen on 27 questions about the
/// demo shop's products, some of them from the `develop` dialogues, each attribute taken by the
/// better of its name alone and its name with its value: of 15 that an attribute answers, 9 reached
/// it with the right one and 1 with another; of 12 that none answers, 3 reached it. Here the name
/// with its value alone is compared, which was not measured by itself.
const ATTRIBUTE_SIMILARITY_MIN: f32 = 0.5;

/// What a call does.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        ProductDetails::TOOL
    }

    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        // Calls of logic versions up to 5 name one product.
        if let Some(product) = call
            .argument("product")
            .and_then(|product| product.as_str())
        {
            let about = call.argument("about").and_then(|about| about.as_str());
            let about = about.map(|about| Personal::new(about.to_owned()));
            return look_at(tools, request, product, about.as_ref(), answer).await;
        }
        let call: ProductDetails = call.arguments().ok_or(Error::Call)?;
        if request.is_open {
            return look_freely(tools, request, &call, answer).await;
        }
        let product = call.products.first().ok_or(Error::Call)?;
        look_at(tools, request, product, call.about.first(), answer).await
    }
}

/// Tells the products that are named, with all that is known of them as far as it fits.
async fn look_freely(
    tools: &Tools,
    request: &Request<'_>,
    call: &ProductDetails,
    answer: &mut Answer,
) -> Result<(), Error> {
    let named = call.products.iter().filter_map(|product| {
        let is_it = |(handle, _): &&(Handle, RecordKey)| handle.as_str() == product;
        request.shown.iter().find(is_it)
    });
    let named: Vec<&(Handle, RecordKey)> = named.collect();
    let is_named = |variant: &Variant| {
        let sku = RecordKey::Variant(variant.sku.clone());
        named.iter().any(|(_, key)| *key == sku)
    };
    let found = products(tools, request, named.iter().copied()).await?;
    if found.is_empty() {
        answer.evidence.push(Evidence::NothingFound);
    }
    let mut asked = Asked::default();
    call.about
        .iter()
        .for_each(|about| asked.say(about.expose()));
    asked.say(request.words.expose());
    let of_each = found.len().max(1);
    let told = found.iter().map(|product| {
        // All were named, so the first one has no more room than the others.
        let asked_max = CALL_EVIDENCE_CHARS_MAX / of_each;
        let chars_max = ATTRIBUTES_CHARS_MAX / of_each;
        let attributes = asked.all_attributes(&product.value, asked_max, chars_max);
        let all = product.value.variants.iter();
        let named = all.filter(|variant| is_named(variant)).map(|what| Part {
            what,
            is_asked: true,
        });
        let mut variants: Vec<Part<&Variant>> = named.collect();
        for variant in asked.variants(&product.value, VARIANTS_MAX / of_each) {
            if variants
                .iter()
                .all(|known| known.what.sku != variant.what.sku)
            {
                variants.push(variant);
            }
        }
        Told::new(product, &asked, attributes, variants)
    });
    let write =
        |told: &Vec<Told<'_>>, answer: &mut Answer| told.iter().for_each(|told| told.write(answer));
    answer.push_fitting(told.collect(), write, leave_out);
    Ok(())
}

/// `shown` looks through all shown products for one that has what is asked; the first wins. A
/// message that asks which of them is which is answered for each.
async fn look_at(
    tools: &Tools,
    request: &Request<'_>,
    product: &str,
    about: Option<&Personal<String>>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let words = request.words.expose().as_str();
    let asked = about
        .map(|about| about.expose().as_str())
        .unwrap_or_default();
    if request.plan.calls.len() == 1 && request.hints && questions::compares(words) {
        let all = side_by_side(tools, request).await?;
        if (2..=PRODUCTS_MAX).contains(&all.len()) {
            for candidate in &all {
                tell(tools, request, candidate, asked, answer).await;
            }
            return Ok(());
        }
    }
    let candidates = shown_products(tools, request, product).await?;
    let Some(first) = candidates.first() else {
        answer.evidence.push(Evidence::NothingFound);
        return Ok(());
    };
    let answering = candidates.iter().find(|candidate| {
        !matches!(
            details::look_up(&candidate.value, asked, words, request.hints),
            Found::Unknown
        )
    });
    tell(tools, request, answering.unwrap_or(first), asked, answer).await;
    Ok(())
}

/// Tells a product, and the option or attribute of it that was asked for.
async fn tell(
    tools: &Tools,
    request: &Request<'_>,
    product: &Versioned<Product>,
    asked: &str,
    answer: &mut Answer,
) {
    let words = request.words.expose();
    let handle = answer.push_product(product);
    let found = match details::look_up(&product.value, asked, words, request.hints) {
        Found::Unknown => meant(tools, &product.value, words).await,
        found => found,
    };
    match found {
        Found::General => {}
        Found::Variants(variants) => {
            for variant in variants {
                answer.push_variant(product, variant);
            }
        }
        Found::Attributes(names) => {
            for name in names {
                let value = attribute_value(&product.value, &name)
                    .unwrap_or_default()
                    .to_owned();
                let key = RecordKey::Product(product.value.id.clone());
                let fields = vec![Field::new(&name, value)];
                answer.push(key, product.version, EvidenceRole::Asked, fields);
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
async fn meant<'a>(tools: &Tools, product: &Product, message: &str) -> Found<'a> {
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
    let nearest = tools.knowledge.nearest(message, &texts);
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
    tools: &Tools,
    request: &Request<'_>,
    product: &str,
) -> Result<Vec<Versioned<Product>>, Error> {
    let is_named = |(handle, _): &&(Handle, RecordKey)| handle.as_str() == product;
    let named = request.shown.iter().filter(is_named);
    let others = request
        .shown
        .iter()
        .filter(|shown| !is_named(shown) && !shown.0.is_earlier());
    products(tools, request, named.chain(others)).await
}

/// Reads the products that can be compared: all of the latest search, or those shown last.
async fn side_by_side(
    tools: &Tools,
    request: &Request<'_>,
) -> Result<Vec<Versioned<Product>>, Error> {
    let has_earlier = request.shown.iter().any(|(handle, _)| handle.is_earlier());
    let places = request
        .shown
        .iter()
        .filter(|(handle, _)| handle.is_earlier() == has_earlier);
    products(tools, request, places).await
}

/// Reads products in the order of the records that name them or their variants.
pub(super) async fn products(
    tools: &Tools,
    request: &Request<'_>,
    records: impl Iterator<Item = &(Handle, RecordKey)> + Send,
) -> Result<Vec<Versioned<Product>>, Error> {
    let mut ids: Vec<ProductId> = Vec::new();
    for (_, key) in records {
        let id = match key {
            RecordKey::Product(id) => Some(id.clone()),
            RecordKey::Variant(sku) => tools
                .store
                .catalog()
                .by_sku(&request.shop.id, sku)
                .await?
                .map(|found| found.value.id),
            RecordKey::Document(_) | RecordKey::Promotion(_) | RecordKey::Order(_) => None,
        };
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    let mut found = tools
        .store
        .catalog()
        .get_many(&request.shop.id, &ids)
        .await?;
    found.retain(|product| product.value.visible);
    found.sort_by_key(|product| ids.iter().position(|id| *id == product.value.id));
    Ok(found)
}
