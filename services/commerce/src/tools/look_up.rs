//! `look_up`: what the stores hold on the customer's own words.
//!
//! Orders of a customer who is known, the products that the latest replies told, what a search for the
//! words finds beside them, and the policies that are nearest to them. Who must prove who they are first,
//! `order_status` sees to.

use async_trait::async_trait;
use mercer_conversation::bounds::{CALL_EVIDENCE_CHARS_MAX, tail};
use mercer_conversation::tools::LookUp;
use mercer_knowledge::ProductQuery;
use mercer_schemas::plan::Arguments;
use mercer_schemas::{Evidence, Product, ToolCall, Variant};
use mercer_store::Versioned;

use super::fitting::{Told, leave_out};
use super::{Answer, Error, Request, Tools, order_status, product_details, search_policies};
use crate::asked::{Asked, Part};

/// Orders of a known customer: the one that was told last, then the latest ones.
const ORDERS_MAX: usize = 2;
/// Characters that orders have, unless the first one alone is longer: what is told of products needs the others.
const ORDERS_CHARS_MAX: usize = 500;
/// Products of the latest replies that the words may go on about.
const TOLD_MAX: usize = 3;
/// Characters of attributes that the words do not name, of all of them together. The best one found has half of
/// it, the others none.
const ATTRIBUTES_CHARS_MAX: usize = 500;
/// Characters of attributes that the words name, of all of them together.
const ASKED_CHARS_MAX: usize = 600;
/// Most variants of them together, where the words name their options.
const VARIANTS_MAX: usize = 8;
/// Most products that a search brings where nothing was told before, and where something was. Of 700 written replies
/// that take one of three found 24 take the third; where something was told, 23 of 270 the second. What is not needed is
/// read all the same, and may be chosen.
const FOUND_MAX: (usize, usize) = (2, 1);
/// Most variants of the best one found, and of the others together, where the words name their options.
const FOUND_VARIANTS_MAX: usize = 6;
/// A product that has no more variants than this comes with all of them.
const VARIANTS_FEW: usize = 4;
/// Most passages of policies: of 734 written replies that take one of three, 28 take the third.
const PASSAGES_MAX: usize = 2;
/// Characters of them together.
const PASSAGES_CHARS_MAX: usize = 700;
/// Characters of the words that are searched for, the last ones: a story comes before its question, and what was
/// written meanwhile stands last.
const WORDS_CHARS_MAX: usize = 400;

/// What a call does.
pub(super) struct Tool;

#[async_trait]
impl super::Tool for Tool {
    fn name(&self) -> &'static str {
        LookUp::TOOL
    }

    async fn run(
        &self,
        tools: &Tools,
        request: &Request<'_>,
        _: &ToolCall,
        answer: &mut Answer,
    ) -> Result<(), Error> {
        let words = tail(request.words.expose(), WORDS_CHARS_MAX);
        let mut asked = Asked::default();
        asked.say(request.words.expose());
        let mut spoken_of = product_details::products(tools, request, request.told.iter()).await?;
        spoken_of.truncate(TOLD_MAX);
        answer.keep_free(CALL_EVIDENCE_CHARS_MAX - ORDERS_CHARS_MAX);
        order_status::tell_own(tools, request, ORDERS_MAX, answer).await?;
        answer.keep_free(PASSAGES_CHARS_MAX);
        let told = told(
            &spoken_of.iter().collect::<Vec<_>>(),
            &asked,
            ATTRIBUTES_CHARS_MAX,
            VARIANTS_MAX,
        );
        answer.push_fitting(told, write, leave_out);
        search(tools, request, words, &spoken_of, &asked, answer).await?;
        answer.keep_free(0);
        // One, so that what the words ask for now has a place too.
        let spoken_of = &request.spoken_of[..request.spoken_of.len().min(1)];
        search_policies::tell(
            tools,
            request,
            words,
            spoken_of,
            (PASSAGES_MAX, PASSAGES_CHARS_MAX),
            answer,
        )
        .await?;
        Ok(())
    }
}

/// Takes products with their attributes as far as they have `chars_max` characters together, those that the
/// words name beyond them, and at most so many variants of all together.
fn told<'a>(
    products: &[&'a Versioned<Product>],
    asked: &Asked,
    chars_max: usize,
    variants_max: usize,
) -> Vec<Told<'a>> {
    let of_each = products.len().max(1);
    let told = products.iter().map(|product| {
        let (asked_max, chars_max) = (ASKED_CHARS_MAX / of_each, chars_max / of_each);
        let attributes = asked.all_attributes(&product.value, asked_max, chars_max);
        let mut variants = asked.variants(&product.value, variants_max / of_each);
        let all = &product.value.variants;
        if (2..=VARIANTS_FEW).contains(&all.len()) {
            // Those that the words name first: "no black, please" names what is not wanted.
            let named: Vec<&Variant> = variants.iter().map(|part| part.what).collect();
            let others = all.iter().filter(|variant| !named.contains(variant));
            let is_asked = false;
            variants.extend(others.map(|what| Part { what, is_asked }));
        }
        Told::new(product, asked, attributes, variants)
    });
    told.collect()
}

fn write(told: &Vec<Told<'_>>, answer: &mut Answer) {
    told.iter().for_each(|told| told.write(answer));
}

/// Adds what a search for the words finds, but for what was told again.
async fn search(
    tools: &Tools,
    request: &Request<'_>,
    words: &str,
    spoken_of: &[Versioned<Product>],
    asked: &Asked,
    answer: &mut Answer,
) -> Result<(), Error> {
    let query = ProductQuery {
        text: words.to_owned(),
        // "Anything under eighty" means of the kind that was spoken of.
        meaning: match spoken_of.first() {
            Some(product) => format!("{words} {}", product.value.category),
            None => String::new(),
        },
        limit: FOUND_MAX.0 + spoken_of.len(),
        ..ProductQuery::default()
    };
    let found = tools
        .knowledge
        .search_products(&request.shop.id, query)
        .await?;
    let is_new = |product: &Versioned<Product>| {
        let id = &product.value.id;
        spoken_of.iter().all(|known| known.value.id != *id)
    };
    let most = match spoken_of.is_empty() {
        true => FOUND_MAX.0,
        false => FOUND_MAX.1,
    };
    let corrected = found.corrected.clone();
    let hits = found.hits.iter().map(|hit| &hit.product);
    let hits: Vec<&Versioned<Product>> =
        hits.filter(|product| is_new(product)).take(most).collect();
    if hits.is_empty() {
        return Ok(());
    }
    let (best, others) = hits.split_at(1);
    let mut found = told(best, asked, ATTRIBUTES_CHARS_MAX / 2, FOUND_VARIANTS_MAX);
    found.extend(told(others, asked, 0, FOUND_VARIANTS_MAX));
    let write = |told: &Vec<Told<'_>>, answer: &mut Answer| {
        answer.evidence.push(Evidence::Found {
            products: told.len(),
            corrected: corrected.clone(),
            total: None,
        });
        write(told, answer);
    };
    answer.push_fitting(found, write, leave_out);
    Ok(())
}
