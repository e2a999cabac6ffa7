//! Product search: codes, ranking, the live join and its filters.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use mercer_schemas::{Product, ProductId, ShopId};
use mercer_store::{ProductFilter, Versioned};

use super::filters::{passes, sort, wishes_met};
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

/// Products of a shop that are looked through where a query has filters and no words, or where its words lead to
/// nothing that passes them. A shop that has more is browsed as far as this, in order of ids.
pub const BROWSED_MAX: usize = 100_000;

/// Products that are looked through to fill up what words found: enough for most shops, and no second is spent on it
/// in a large one.
const FILLED_FROM_MAX: usize = 5_000;

/// Products read at once while browsing.
const BROWSE_PAGE: u64 = 1_000;

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
    let is_wordless = super::query::is_wordless(bounded);
    if !is_wordless && (candidates.is_empty() || !only_asks(&coded.rest)) {
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
    let mut matches = join(inner, shop, query, &candidates, true).await?;
    if matches.hits.is_empty() {
        // The shop may call it something else.
        matches = join(inner, shop, query, &near, true).await?;
    }
    let is_named = query.category.is_some() || query.brand.is_some();
    if matches.hits.is_empty() && (is_named || (is_wordless && query.is_filtered())) {
        // What it is says more than what it was called; "your cheapest" names nothing at all.
        matches = browse(inner, shop, query, BROWSED_MAX, true).await?;
    }
    if query.category.is_some() && query.order.is_none() && matches.hits.len() < query.limit {
        // "Peat-free potting mix" is a compost too, where the shop keeps it in the same category.
        let all = browse(inner, shop, query, FILLED_FROM_MAX, true).await?;
        let known: HashSet<ProductId> = matches.hits.iter().map(id_of).collect();
        let others = all
            .hits
            .into_iter()
            .filter(|hit| !known.contains(&id_of(hit)));
        matches.hits.extend(others);
        matches.total = matches.total.max(all.total);
    }
    let met = !matches.hits.is_empty();
    if !met && !query.wishes.is_empty() {
        // Attributes are wishes; price, stock, category and visibility are not.
        matches = join(inner, shop, query, &candidates, false).await?;
        if matches.hits.is_empty() && (is_named || is_wordless) {
            matches = browse(inner, shop, query, BROWSED_MAX, false).await?;
        }
        matches.total = 0;
    }
    let Matches { mut hits, total } = matches;
    put_in_order(&mut hits, query, met);
    hits.truncate(query.limit);
    metric::leg("join", since);
    if hits.is_empty() {
        corrected = None;
    }
    Ok(Found {
        hits,
        total,
        met,
        corrected,
        index_seq,
    })
}

/// Products that pass the filters of a query.
struct Matches {
    /// As many as are needed.
    hits: Vec<ProductHit>,
    /// How many there are, as far as they were looked for.
    total: usize,
}

fn id_of(hit: &ProductHit) -> ProductId {
    hit.product.value.id.clone()
}

/// Puts hits in the order asked for. Where no product meets all wishes, those that meet the most come first.
fn put_in_order(hits: &mut [ProductHit], query: &ProductQuery, met: bool) {
    if let Some(order) = &query.order {
        sort(hits, order);
    }
    if !met {
        hits.sort_by_key(|hit| Reverse(wishes_met(&hit.product.value, &query.wishes)));
    }
}

/// Looks through a shop, as far as `products_max`, for products that pass the filters, and with `all_wishes` meet
/// every wish; the best are kept. Where more than [`SearchConfig::candidates_max`] fit, a measure's dimension is that
/// of the first ones.
async fn browse(
    inner: &Inner,
    shop: &ShopId,
    query: &ProductQuery,
    products_max: usize,
    all_wishes: bool,
) -> Result<Matches> {
    let filter = ProductFilter {
        visible: Some(true),
        in_stock: query.in_stock.then_some(true),
        ..ProductFilter::default()
    };
    let (mut hits, mut total, mut read) = (Vec::new(), 0, 0);
    let mut next: Option<String> = None;
    loop {
        let catalog = inner.store.catalog();
        let page = catalog
            .list(shop, &filter, next.as_deref(), BROWSE_PAGE)
            .await?;
        read += page.items.len();
        let fitting = page.items.into_iter().filter(|product| {
            passes(&product.value, query)
                && (!all_wishes || wishes_met(&product.value, &query.wishes) == query.wishes.len())
        });
        for product in fitting {
            total += 1;
            hits.push(ProductHit {
                product,
                score: 0.0,
                why: Why::Filter,
            });
        }
        put_in_order(&mut hits, query, all_wishes);
        hits.truncate(query.limit.max(inner.config.candidates_max));
        next = page.next;
        if next.is_none() || read >= products_max {
            return Ok(Matches { hits, total });
        }
    }
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
    let matches = join(inner, shop, &query, ranked, true).await?;
    Ok(matches
        .hits
        .into_iter()
        .map(|hit| hit.product.value.id)
        .collect())
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
    if query.is_filtered() {
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
) -> Result<Matches> {
    // For an order or a count every relevant product counts; otherwise the first ones are enough.
    let best = candidates
        .iter()
        .filter(|hit| hit.why != Why::Code)
        .map(|hit| hit.score)
        .fold(0.0, f32::max);
    let coverage = candidates
        .iter()
        .map(|hit| hit.coverage)
        .fold(0.0, f32::max);
    // Where a title names what is looked for, a mention in a description is not it. A category names it
    // for all that are in it.
    let titled = query.category.is_none()
        && candidates
            .iter()
            .any(|hit| hit.in_title && hit.coverage >= coverage - f32::EPSILON);
    let meant = |hit: &Ranked| {
        let matches = hit.score >= RELEVANT_SHARE * best && hit.coverage >= coverage - f32::EPSILON;
        hit.why == Why::Code || (matches && (hit.in_title || !titled))
    };
    let sorted = query.order.is_some();
    let ask_all = query.is_filtered() || !with_attributes;
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
                    || wishes_met(&product.value, &query.wishes) == query.wishes.len());
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
    let hits: Vec<ProductHit> = out
        .into_iter()
        .filter(|(meant, _)| *meant || !only_meant)
        .map(|(_, hit)| hit)
        .collect();
    let total = hits.len();
    Ok(Matches { hits, total })
}
