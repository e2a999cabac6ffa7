//! The last say on the first hits: a reranker reads the query and each of them together.
//!
//! Scores keep their places and hits change theirs, so that what is derived from scores (who is far behind the best one)
//! holds as before.

use std::collections::HashMap;
use std::time::Instant;

use mercer_inference::Reranker;
use mercer_schemas::{DocumentId, ProductId, ShopId};

use super::query::bounded;
use super::rank::{Ranked, Wanted};
use crate::error::Result;
use crate::index::entry::{self, Entry, Kind};
use crate::knowledge::{Inner, chain};
use crate::metric;

/// Hits that are read again: a reranker takes some milliseconds for each, and what is wanted is among them.
const READ_AGAIN: usize = 30;

/// Puts the first hits into the order that the reranker gives them. Where it fails they stay as they are.
pub(crate) async fn reorder(
    inner: &Inner,
    reranker: &dyn Reranker,
    wanted: &Wanted<'_>,
    hits: &mut [Ranked],
) {
    let since = Instant::now();
    let count = hits.len().min(READ_AGAIN);
    let hits = &mut hits[..count];
    let query = bounded(wanted.text, &inner.config).trim();
    if hits.len() < 2 || query.is_empty() {
        return;
    }
    let scored = async {
        let texts = texts(inner, wanted.shop, wanted.kind, hits).await?;
        let scores = reranker.scores(query, texts).await?;
        Ok::<_, crate::error::Error>(scores)
    };
    match scored.await {
        Ok(scores) if scores.len() == hits.len() => change_places(hits, &scores),
        Ok(_) => tracing::warn!(
            "the reranker answered with another number of scores; hits keep their order"
        ),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the reranker failed; hits keep their order");
        }
    }
    metric::leg("rerank", since);
}

/// Sorts hits by their new scores; the old ones stay where they are.
fn change_places(hits: &mut [Ranked], scores: &[f32]) {
    let places: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    let mut order: Vec<usize> = (0..hits.len()).collect();
    // Equals keep their order.
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut sorted: Vec<Ranked> = order.into_iter().map(|at| hits[at].clone()).collect();
    for (hit, score) in sorted.iter_mut().zip(places) {
        hit.score = score;
    }
    hits.clone_from_slice(&sorted);
}

/// Returns what each hit says; nothing for one that has just gone.
async fn texts(inner: &Inner, shop: &ShopId, kind: Kind, hits: &[Ranked]) -> Result<Vec<String>> {
    let entries: Vec<Entry> = match kind {
        Kind::Product => {
            let ids: Vec<ProductId> = hits
                .iter()
                .filter_map(|hit| ProductId::new(hit.record.as_str()).ok())
                .collect();
            let products = inner.store.catalog().get_many(shop, &ids).await?;
            let products = products.iter().map(|product| &product.value);
            products
                .filter_map(|product| entry::of_product(shop, product))
                .collect()
        }
        Kind::Passage => {
            let ids: Vec<DocumentId> = hits
                .iter()
                .filter_map(|hit| DocumentId::new(hit.record.as_str()).ok())
                .collect();
            let documents = inner.store.documents().get_many(shop, &ids).await?;
            let words_max = inner.config.passage_words_max;
            documents
                .iter()
                .flat_map(|document| entry::of_document(shop, &document.value, words_max))
                .collect()
        }
    };
    let mut said: HashMap<(String, u32), String> = entries
        .into_iter()
        .map(|entry| ((entry.owner.record, entry.part), entry.embedded))
        .collect();
    Ok(hits
        .iter()
        .map(|hit| {
            let key = (hit.record.clone(), hit.part);
            said.remove(&key).unwrap_or_default()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::products::of_code;

    #[test]
    fn hits_change_places_and_scores_keep_theirs() {
        let mut hits: Vec<Ranked> = ["a", "b", "c", "d"]
            .iter()
            .zip([0.9, 0.8, 0.3, 0.2])
            .map(|(id, score)| Ranked {
                score,
                ..of_code(&ProductId::new(*id).expect("an id"))
            })
            .collect();
        change_places(&mut hits, &[-1.0, 2.0, 2.0, f32::MIN]);
        let told: Vec<(&str, f32)> = hits
            .iter()
            .map(|hit| (hit.record.as_str(), hit.score))
            .collect();
        assert_eq!(told, [("b", 0.9), ("c", 0.8), ("a", 0.3), ("d", 0.2)]);
    }
}
