//! Product search: codes, ranking, the live join and its filters.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use mercer_schemas::plan::Sort;
use mercer_schemas::{Money, Product, ProductId, ShopId};
use mercer_store::Versioned;

use super::rank::{Legs, Ranked, Wanted, rank};
use super::{Found, ProductHit, ProductQuery, Why, codes};
use crate::SearchConfig;
use crate::error::Result;
use crate::index::entry::Kind;
use crate::knowledge::Inner;
use crate::metric;

/// Candidates for each wanted hit: some leave in the live join.
const OVER_FETCH: usize = 3;

/// Fewest candidates that are ranked.
const CANDIDATES_MIN: usize = 50;

/// Products read in one query of the live join.
const JOIN_CHUNK: usize = 200;

/// Where an order by price is asked for, the share of the best score from which a product is one
/// of those that were meant.
const RELEVANT_SHARE: f32 = 0.5;

/// A hit with few of the words, one of them in its title, counts from this share of the best
/// hit's: `kettle please mate` finds kettles, `red kettle` finds no red mugs.
const TITLE_ONLY_SHARE: f32 = 0.5;

/// Score of a product whose code was in the words: above every other.
const CODE_SCORE: f32 = 2.0;

/// Finds products.
pub(crate) async fn search(inner: &Inner, shop: &ShopId, query: &ProductQuery) -> Result<Found> {
    let since = Instant::now();
    let found = find(inner, shop, query).await;
    metric::leg("products", since);
    metric::outcome(match &found {
        Ok(found) if found.hits.is_empty() => "nothing",
        Ok(found) if found.corrected.is_some() => "corrected",
        Ok(_) => "found",
        Err(_) => "error",
    });
    found
}

async fn find(inner: &Inner, shop: &ShopId, query: &ProductQuery) -> Result<Found> {
    let index_seq = inner.projection.seq();
    let bounded = super::query::bounded(&query.text, &inner.config);
    let since = Instant::now();
    let coded = codes::find(&inner.store, shop, bounded).await?;
    metric::leg("code", since);
    let mut candidates: Vec<Ranked> = coded.products.iter().map(of_code).collect();
    let mut corrected = None;
    let mut near = Vec::new();
    if candidates.is_empty() || !only_asks(&coded.rest) {
        let amounts = amounts(query);
        let wanted = Wanted {
            shop,
            kind: Kind::Product,
            text: &coded.rest,
            meaning: &query.meaning,
            amounts: &amounts,
            legs: Legs::Hybrid,
            depth: depth(query, &inner.config),
        };
        let ranking = rank(inner, &wanted).await?;
        let known: HashSet<&str> = coded.products.iter().map(ProductId::as_str).collect();
        let (ranked, distant) = relevant(ranking.hits, &inner.config);
        corrected = ranking.corrected;
        candidates.extend(
            ranked
                .into_iter()
                .filter(|hit| !known.contains(hit.record.as_str())),
        );
        near = distant;
    }
    let since = Instant::now();
    let mut hits = join(inner, shop, query, &candidates, true).await?;
    if hits.is_empty() && query.attributes.is_empty() {
        // The shop may call it something else.
        hits = join(inner, shop, query, &near, true).await?;
    }
    if hits.is_empty() && !query.attributes.is_empty() {
        // Attributes are wishes; price, stock, category and visibility are not.
        hits = join(inner, shop, query, &candidates, false).await?;
        hits.sort_by_key(|hit| {
            std::cmp::Reverse(attributes_met(&hit.product.value, &query.attributes))
        });
    }
    if let Some(sort) = query.sort {
        sort_by_price(&mut hits, sort);
    }
    hits.truncate(query.limit);
    metric::leg("join", since);
    if hits.is_empty() {
        corrected = None;
    }
    Ok(Found {
        hits,
        corrected,
        index_seq,
    })
}

/// Reads ranked products live, without filters other than visibility, in their order; for an
/// evaluation that measures the same work as a search.
pub(crate) async fn live(
    inner: &Inner,
    shop: &ShopId,
    ranked: &[Ranked],
) -> Result<Vec<ProductId>> {
    let query = ProductQuery {
        limit: ranked.len(),
        ..ProductQuery::default()
    };
    let hits = join(inner, shop, &query, ranked, true).await?;
    Ok(hits.into_iter().map(|hit| hit.product.value.id).collect())
}

/// Returns the entry of a product whose code was in the words.
pub(crate) fn of_code(product: &ProductId) -> Ranked {
    Ranked {
        record: product.as_str().to_owned(),
        part: 0,
        score: CODE_SCORE,
        why: Why::Code,
        coverage: 1.0,
        in_title: true,
        similarity: None,
    }
}

fn depth(query: &ProductQuery, config: &SearchConfig) -> usize {
    let filtered = query.sort.is_some()
        || query.min_price.is_some()
        || query.max_price.is_some()
        || query.in_stock
        || query.category.is_some()
        || !query.attributes.is_empty();
    if filtered {
        config.candidates_max
    } else {
        query
            .limit
            .saturating_mul(OVER_FETCH)
            .clamp(CANDIDATES_MIN, config.candidates_max.max(CANDIDATES_MIN))
    }
}

/// Returns the price limits as the customer may have written them.
fn amounts(query: &ProductQuery) -> Vec<String> {
    let mut out = Vec::new();
    for money in [query.min_price, query.max_price].into_iter().flatten() {
        let scale = 10_i64.pow(money.currency.decimals());
        let (whole, rest) = (money.minor / scale, money.minor % scale);
        if rest == 0 {
            out.push(whole.to_string());
        }
        let width = money.currency.decimals() as usize;
        out.push(format!("{whole}.{rest:0width$}"));
    }
    out
}

fn only_asks(rest: &str) -> bool {
    use crate::text::stop_words::{is_function, is_shopping};
    let words = crate::text::analysis::words(rest);
    words
        .iter()
        .all(|word| is_function(&word.plain) || is_shopping(&word.plain))
}

/// Keeps what answers the query: enough of its words, or one of them in the title, or a meaning
/// that is near enough without any. Beside it, what is near in meaning only, for where nothing else is
/// found.
fn relevant(hits: Vec<Ranked>, config: &SearchConfig) -> (Vec<Ranked>, Vec<Ranked>) {
    let best = hits.iter().map(|hit| hit.coverage).fold(0.0, f32::max);
    let is_near = |hit: &Ranked, floor: f32| hit.similarity.is_some_and(|found| found >= floor);
    let keep = |hit: &Ranked| {
        hit.coverage >= config.coverage_min
            || (hit.in_title && hit.coverage > 0.0 && hit.coverage >= best * TITLE_ONLY_SHARE)
            || is_near(hit, config.vector_floor_alone)
    };
    let (hits, mut rest): (Vec<Ranked>, Vec<Ranked>) = hits.into_iter().partition(keep);
    rest.retain(|hit| is_near(hit, config.vector_floor_last));
    rest.sort_by(|a, b| {
        b.similarity
            .unwrap_or(0.0)
            .total_cmp(&a.similarity.unwrap_or(0.0))
    });
    (hits, rest)
}

/// Reads candidates from SQL in their order and keeps those that pass the filters.
async fn join(
    inner: &Inner,
    shop: &ShopId,
    query: &ProductQuery,
    candidates: &[Ranked],
    with_attributes: bool,
) -> Result<Vec<ProductHit>> {
    // For an order by price every relevant product counts; otherwise the first ones are enough.
    let best = candidates
        .iter()
        .filter(|hit| hit.why != Why::Code)
        .map(|hit| hit.score)
        .fold(0.0, f32::max);
    let coverage = candidates
        .iter()
        .map(|hit| hit.coverage)
        .fold(0.0, f32::max);
    // Where a title names what is looked for, a mention in a description is not it.
    let titled = candidates
        .iter()
        .any(|hit| hit.in_title && hit.coverage >= coverage - f32::EPSILON);
    let meant = |hit: &Ranked| {
        let matches = hit.score >= RELEVANT_SHARE * best && hit.coverage >= coverage - f32::EPSILON;
        hit.why == Why::Code || (matches && (hit.in_title || !titled))
    };
    let sorted = query.sort.is_some();
    let ask_all = sorted || !with_attributes;
    let candidates: Vec<&Ranked> = candidates.iter().collect();
    let mut out: Vec<(bool, ProductHit)> = Vec::new();
    for chunk in candidates.chunks(JOIN_CHUNK) {
        let ids: Vec<ProductId> = chunk
            .iter()
            .filter_map(|hit| ProductId::new(hit.record.as_str()).ok())
            .collect();
        let products = inner.store.catalog().get_many(shop, &ids).await?;
        let mut products: HashMap<String, Versioned<Product>> = products
            .into_iter()
            .map(|product| (product.value.id.as_str().to_owned(), product))
            .collect();
        for hit in chunk {
            let Some(product) = products.remove(&hit.record) else {
                continue;
            };
            let passes = passes(&product.value, query)
                && (!with_attributes
                    || attributes_met(&product.value, &query.attributes) == query.attributes.len());
            if passes {
                out.push((
                    meant(hit),
                    ProductHit {
                        product,
                        score: hit.score,
                        why: hit.why,
                    },
                ));
            }
        }
        if !ask_all && out.len() >= query.limit {
            break;
        }
    }
    // Where no product that was clearly meant passes the filters, the others may.
    let only_meant = sorted && out.iter().any(|(meant, _)| *meant);
    Ok(out
        .into_iter()
        .filter(|(meant, _)| *meant || !only_meant)
        .map(|(_, hit)| hit)
        .collect())
}

/// Applies what must hold exactly. Prices are compared as they are shown.
fn passes(product: &Product, query: &ProductQuery) -> bool {
    let shown = product.price_from();
    let within = |limit: Option<Money>, fits: fn(i64, i64) -> bool| {
        limit.is_none_or(|limit| {
            shown.is_some_and(|price| {
                price.currency == limit.currency && fits(price.minor, limit.minor)
            })
        })
    };
    product.visible
        && within(query.min_price, |price, limit| price >= limit)
        && within(query.max_price, |price, limit| price <= limit)
        && (!query.in_stock || product.in_stock())
        && query
            .category
            .as_deref()
            .is_none_or(|wanted| in_category(&product.category, wanted))
}

/// Says whether a category path is the wanted one or lies below it.
fn in_category(path: &str, wanted: &str) -> bool {
    let levels = |text: &str| -> Vec<String> {
        text.split('>')
            .map(|level| level.trim().to_lowercase())
            .collect()
    };
    levels(path).starts_with(&levels(wanted))
}

/// Counts the wanted attributes that a product has itself or in its best variant.
fn attributes_met(product: &Product, wanted: &[(String, String)]) -> usize {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let has = |values: &std::collections::BTreeMap<String, String>,
               (name, value): &(String, String)| {
        values.iter().any(|(n, v)| same(n, name) && same(v, value))
    };
    let in_variant = |variant: &mercer_schemas::Variant| {
        wanted
            .iter()
            .filter(|pair| has(&product.attributes, pair) || has(&variant.options, pair))
            .count()
    };
    product.variants.iter().map(in_variant).max().unwrap_or(0)
}

fn sort_by_price(hits: &mut [ProductHit], sort: Sort) {
    hits.sort_by(|a, b| {
        let (a, b) = (a.product.value.price_from(), b.product.value.price_from());
        match sort {
            Sort::PriceAsc => a.cmp(&b),
            Sort::PriceDesc => b.cmp(&a),
        }
    });
}
