//! `search_catalog`: finds products.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mercer_conversation::hints::questions;
use mercer_conversation::tools::{NEAREST, NO_BRAND, OneOrMore, SEVERAL_BRANDS, SearchCatalog};
use mercer_knowledge::{ProductQuery, Values, Why};
use mercer_schemas::plan::{Arguments, PRICE};
use mercer_schemas::{Evidence, Money, ToolCall};

use super::fitting::{Told, leave_out};
use super::{Answer, Error, PRODUCTS_MAX, Request, Tools};
use crate::asked::Asked;
use crate::brands::{self, Meant};
use crate::details;

/// Most products that a call with free words brings.
const FREELY_MAX: usize = 5;
/// Most attributes of a product that a search tells where it does not say what is asked of them.
const ATTRIBUTES_MAX: usize = 3;
/// And where it does.
const ATTRIBUTES_ASKED_MAX: usize = 8;
/// Most variants of a product that a search tells where it does not say what is asked.
const VARIANTS_MAX: usize = 3;
/// And where it says what is asked, of all products together.
const VARIANTS_ASKED_MAX: usize = 15;

/// The name under which a call says which brands are not wanted.
const BRAND: &str = "brand";

/// Longest message that is searched for as a whole, in words.
const QUESTION_WORDS_MAX: usize = 25;

/// What a call does.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        SearchCatalog::TOOL
    }

    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        call: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let call: SearchCatalog = call.arguments().ok_or(Error::Call)?;
        // A limit is kept where its currency has no such fractions, too.
        let price = |text: &Option<String>| {
            let text = text.as_deref()?;
            let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
            [text, whole]
                .into_iter()
                .find_map(|text| Money::parse_written(text, request.shop.currency).ok())
        };
        let query = ProductQuery {
            text: call.query.expose().clone(),
            min_price: price(&call.min_price),
            max_price: price(&call.max_price),
            in_stock: call.in_stock,
            category: call.category.clone(),
            brand: call.brand.clone(),
            wishes: values(&call.with),
            without: values(&call.without),
            order: call.sort.clone().map(Into::into),
            limit: match call.limit {
                Some(limit) => limit.min(FREELY_MAX),
                None if request.is_open => FREELY_MAX,
                None => PRODUCTS_MAX,
            },
            ..ProductQuery::default()
        };
        if request.is_open {
            search_freely(tools, request, &call, query, answer).await
        } else {
            search(tools, request, query, answer).await
        }
    }
}

async fn search(
    tools: &Tools,
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
        let asked = if is_short(words) || !request.hints {
            words.clone()
        } else {
            questions::asking(words)
        };
        let whole = ProductQuery {
            text: format!("{} {asked}", query.text),
            meaning: format!("{} {words}", query.text),
            ..query.clone()
        };
        let hits = tools.knowledge.search_products(shop, whole).await?;
        found = (!hits.hits.is_empty()).then_some(hits);
    }
    let found = match found {
        Some(found) => found,
        None => tools.knowledge.search_products(shop, query).await?,
    };
    if found.hits.is_empty() {
        answer.evidence.push(Evidence::NothingFound);
        return Ok(());
    }
    answer.evidence.push(Evidence::Found {
        products: found.hits.len(),
        corrected: found.corrected,
        total: None,
    });
    for hit in found.hits {
        answer.push_product(&hit.product);
        if hit.why == Why::Code {
            let product = &hit.product;
            // "K-100 in the 10 litre": the code names the product, the rest one of its variants.
            for variant in details::chosen(&product.value, words)
                .into_iter()
                .take(VARIANTS_MAX)
            {
                answer.push_variant(product, variant);
            }
        }
    }
    Ok(())
}

/// Searches for what a call says and nothing else. Products come with what it asks for.
async fn search_freely(
    tools: &Tools,
    request: &Request<'_>,
    call: &SearchCatalog,
    mut query: ProductQuery,
    answer: &mut Answer,
) -> Result<(), Error> {
    let shop = &request.shop.id;
    let doubt = find_brands(tools, request, &mut query).await?;
    let is_filtered = !query.wishes.is_empty()
        || !query.without.is_empty()
        || query.category.is_some()
        || query.brand.is_some();
    let mut found = tools.knowledge.search_products(shop, query.clone()).await?;
    if let (true, Some(_), Some(brand)) = (found.hits.is_empty(), doubt, &call.brand) {
        // What is no brand of the shop's may be a word of its products.
        query.text = format!("{} {brand}", call.query.expose());
        found = tools.knowledge.search_products(shop, query).await?;
    }
    answer.evidence.extend(doubt.map(outcome));
    if found.hits.is_empty() {
        answer.evidence.push(Evidence::NothingFound);
        return Ok(());
    }
    if is_filtered && !found.met {
        answer.evidence.push(outcome(NEAREST));
    }
    // By words alone there is no end to what fits a little.
    let total = (is_filtered && found.met).then_some(found.total);
    let mut asked = Asked::default();
    asked.say(call.query.expose());
    asked.say(request.words.expose());
    call.about
        .iter()
        .for_each(|about| asked.say(about.expose()));
    let (attributes_max, variants_max) = if call.about.is_empty() {
        (ATTRIBUTES_MAX, VARIANTS_MAX)
    } else {
        let of_each = VARIANTS_ASKED_MAX / found.hits.len();
        (ATTRIBUTES_ASKED_MAX, of_each.max(VARIANTS_MAX))
    };
    for (name, values) in &call.with {
        asked.field(name);
        values
            .values()
            .iter()
            .for_each(|value| asked.say(value.expose()));
    }
    if let Some(sort) = call.sort.as_ref().filter(|sort| sort.by != PRICE) {
        asked.field(&sort.by);
    }
    let told: Vec<Told<'_>> = found
        .hits
        .iter()
        .map(|hit| {
            let product = &hit.product;
            let attributes = asked.attributes(&product.value, attributes_max);
            let variants = asked.variants(&product.value, variants_max);
            Told::new(product, &asked, attributes, variants)
        })
        .collect();
    let write = |told: &Vec<Told<'_>>, answer: &mut Answer| {
        answer.evidence.push(Evidence::Found {
            products: told.len(),
            corrected: found.corrected.clone(),
            total,
        });
        told.iter().for_each(|told| told.write(answer));
    };
    answer.push_fitting(told, write, leave_out);
    Ok(())
}

fn outcome(outcome: &str) -> Evidence {
    Evidence::Outcome {
        tool: SearchCatalog::TOOL.to_owned(),
        outcome: outcome.to_owned(),
    }
}

/// Puts the shop's names for the brands of a call. A brand that is none of them limits nothing, and the
/// outcome that says so is returned.
async fn find_brands(
    tools: &Tools,
    request: &Request<'_>,
    query: &mut ProductQuery,
) -> Result<Option<&'static str>, Error> {
    let unwanted = query.without.iter_mut().filter(|named| named.name == BRAND);
    let mut unwanted: Vec<&mut Values> = unwanted.collect();
    if query.brand.is_none() && unwanted.is_empty() {
        return Ok(None);
    }
    let known = tools.store.catalog().brands(&request.shop.id).await?;
    for value in unwanted.iter_mut().flat_map(|named| &mut named.values) {
        if let Meant::One(brand) = brands::meant(value, &known) {
            *value = brand.to_owned();
        }
    }
    let Some(wanted) = query.brand.take() else {
        return Ok(None);
    };
    Ok(match brands::meant(&wanted, &known) {
        Meant::One(brand) => {
            query.brand = Some(brand.to_owned());
            None
        }
        Meant::Several => {
            // Their products come first.
            query.text = format!("{} {wanted}", query.text);
            Some(SEVERAL_BRANDS)
        }
        Meant::Nothing => Some(NO_BRAND),
    })
}

fn values(named: &BTreeMap<String, OneOrMore>) -> Vec<Values> {
    let values = named.iter().map(|(name, values)| Values {
        name: name.clone(),
        values: values
            .values()
            .iter()
            .map(|value| value.expose().clone())
            .collect(),
    });
    values.collect()
}

/// Says whether a message is short enough to be searched for as a whole.
fn is_short(words: &str) -> bool {
    words.split_whitespace().count() <= QUESTION_WORDS_MAX
}
