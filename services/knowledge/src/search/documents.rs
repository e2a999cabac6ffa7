//! Search in policies, FAQ entries and promotions that are in force.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use mercer_schemas::{DocumentId, ShopId};
use mercer_store::Versioned;

use super::nearest::nearest;
use super::rank::{Legs, Ranked, Ranking, Wanted, rank};
use super::{PassageHit, PassageQuery, excerpt};
use crate::error::Result;
use crate::index::entry::Kind;
use crate::knowledge::Inner;
use crate::metric;
use crate::text::passages::{Passage, passages};
use crate::text::sentences::sentences;

/// Passages that are ranked: several of one document may be among them.
const CANDIDATES: usize = 100;

/// Share of the question's words below which words alone are no answer.
const COVERAGE_MIN: f32 = 0.34;

/// Added to the score, 0 to 1, of a passage whose document was just spoken of.
const SPOKEN_OF_LIFT: f32 = 0.3;

/// Sentences of a passage that are compared by meaning where no word matched.
const EMBEDDED_SENTENCES_MAX: usize = 12;

/// Finds passages.
pub(crate) async fn search(
    inner: &Inner,
    shop: &ShopId,
    query: &PassageQuery,
) -> Result<Vec<PassageHit>> {
    let since = Instant::now();
    let found = find(inner, shop, query).await;
    metric::leg("documents", since);
    metric::outcome(match &found {
        Ok(hits) if hits.is_empty() => "nothing",
        Ok(_) => "found",
        Err(_) => "error",
    });
    found
}

async fn find(inner: &Inner, shop: &ShopId, query: &PassageQuery) -> Result<Vec<PassageHit>> {
    let text = query.text.as_str();
    let wanted = Wanted {
        shop,
        kind: Kind::Passage,
        text,
        meaning: "",
        amounts: &[],
        legs: Legs::Hybrid,
        depth: CANDIDATES,
    };
    let mut ranking = rank(inner, &wanted).await?;
    lift(&mut ranking.hits, &query.spoken_of);
    let ids: HashSet<DocumentId> = ranking
        .hits
        .iter()
        .filter_map(|hit| DocumentId::new(hit.record.as_str()).ok())
        .collect();
    let ids: Vec<DocumentId> = ids.into_iter().collect();
    let mut documents: HashMap<String, Versioned<mercer_schemas::Document>> = inner
        .store
        .documents()
        .get_many(shop, &ids)
        .await?
        .into_iter()
        .filter(|document| document.value.in_force(query.at_ms))
        .map(|document| (document.value.id.as_str().to_owned(), document))
        .collect();
    let mut out = Vec::new();
    let is_spoken_of = |hit: &Ranked| query.spoken_of.iter().any(|id| id.as_str() == hit.record);
    let relevant = |hit: &&Ranked| is_relevant(hit, inner) || is_spoken_of(hit);
    for hit in ranking.hits.iter().filter(relevant) {
        if out.len() >= query.limit {
            break;
        }
        // Taking the document out leaves its best passage only.
        let Some(document) = documents.remove(&hit.record) else {
            continue;
        };
        let mut parts = passages(&document.value, inner.config.passage_words_max);
        // A passage that an edit has just removed leaves the first one.
        let part = usize::try_from(hit.part)
            .ok()
            .filter(|part| *part < parts.len())
            .unwrap_or(0);
        let passage = if parts.is_empty() {
            Passage {
                heading: String::new(),
                text: document.value.title.clone(),
            }
        } else {
            parts.swap_remove(part)
        };
        let answer = answer(inner, shop, text, &ranking, &passage).await;
        out.push(PassageHit {
            document,
            heading: passage.heading,
            text: passage.text,
            answer,
            score: hit.score,
        });
    }
    Ok(out)
}

/// Puts what the conversation was about just now before what is as near.
fn lift(hits: &mut [Ranked], spoken_of: &[DocumentId]) {
    if spoken_of.is_empty() {
        return;
    }
    for hit in hits.iter_mut() {
        if spoken_of.iter().any(|id| id.as_str() == hit.record) {
            hit.score += SPOKEN_OF_LIFT;
        }
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
}

fn is_relevant(hit: &Ranked, inner: &Inner) -> bool {
    hit.coverage >= COVERAGE_MIN
        || (hit.coverage > 0.0 && hit.in_title)
        || hit
            .similarity
            .is_some_and(|similarity| similarity >= inner.config.vector_floor_documents_alone)
}

async fn answer(
    inner: &Inner,
    shop: &ShopId,
    text: &str,
    ranking: &Ranking,
    passage: &Passage,
) -> String {
    let lexical = &inner.projection.lexical;
    let searcher = lexical.searcher();
    let records = lexical
        .terms(&searcher, shop)
        .records(Kind::Passage)
        .unwrap_or(0);
    let chosen = excerpt::choose(
        &passage.text,
        &ranking.words,
        records,
        inner.config.answer_words_max,
    );
    if chosen.matched > 0.0 {
        return chosen.text;
    }
    let all = sentences(&passage.text);
    let some = &all[..all.len().min(EMBEDDED_SENTENCES_MAX)];
    match nearest(inner, text, some).await {
        Some((at, _)) => some[at].to_owned(),
        None => chosen.text,
    }
}
