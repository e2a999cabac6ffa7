//! Ranking: both legs on the indexes, their fusion, and the reranker's order of the first hits where there is one.
//!
//! Fusion is led by the words, because a general sentence encoder alone ranks products worse than
//! BM25 does, and equal shares can be worse than either. Scores are scaled to 0..1 and added with
//! weights; the vector's share grows where the words matched badly.

use std::collections::HashMap;
use std::time::Instant;

use mercer_schemas::{Personal, ShopId};

use super::matching::LexicalHit;
use super::query::{Analysed, SearchWord, analyse, bounded};
use super::reorder::reorder;
use super::{Why, matching};
use crate::SearchConfig;
use crate::error::Result;
use crate::index::entry::Kind;
use crate::index::vectors::VectorHit;
use crate::knowledge::{Inner, chain};
use crate::metric;

/// Share of matched words below which the words are a weak guide.
const COVERAGE_WEAK: f32 = 0.5;

/// Which legs rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Legs {
    /// Words only.
    Lexical,
    /// Meaning only.
    Vector,
    /// Both, fused.
    Hybrid,
}

/// What to rank.
pub(crate) struct Wanted<'a> {
    pub(crate) shop: &'a ShopId,
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// What the vector leg reads; empty for `text`.
    pub(crate) meaning: &'a str,
    /// Plain decimals that are price limits already and no search words.
    pub(crate) amounts: &'a [String],
    pub(crate) legs: Legs,
    /// Most hits.
    pub(crate) depth: usize,
}

/// A ranked entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    /// The retailer's key.
    pub(crate) record: String,
    /// Number of the passage, 0 for a product.
    pub(crate) part: u32,
    pub(crate) score: f32,
    pub(crate) why: Why,
    /// Weighted share of the query's words that matched.
    pub(crate) coverage: f32,
    /// Whether a word is in the title.
    pub(crate) in_title: bool,
    /// Cosine similarity, where the vector leg found it.
    pub(crate) similarity: Option<f32>,
}

/// A ranking with what was made of the query.
#[derive(Default)]
pub(crate) struct Ranking {
    pub(crate) hits: Vec<Ranked>,
    pub(crate) words: Vec<SearchWord>,
    pub(crate) corrected: Option<(Personal<String>, String)>,
}

/// Ranks the entries of one kind and shop; best first.
pub(crate) async fn rank(inner: &Inner, wanted: &Wanted<'_>) -> Result<Ranking> {
    let lexical = async {
        match wanted.legs {
            Legs::Vector => Ok((Analysed::default(), Vec::new())),
            Legs::Lexical | Legs::Hybrid => lexical_leg(inner, wanted).await,
        }
    };
    let vector = async {
        match wanted.legs {
            Legs::Lexical => Vec::new(),
            Legs::Vector | Legs::Hybrid => vector_leg(inner, wanted).await,
        }
    };
    let (lexical, vector) = tokio::join!(lexical, vector);
    let (query, words) = lexical?;
    let mut hits = fuse(wanted, &inner.config, words, vector);
    hits.truncate(wanted.depth);
    if let (Legs::Hybrid, Some(reranker)) = (wanted.legs, &inner.reranker) {
        reorder(inner, reranker.as_ref(), wanted, &mut hits).await;
    }
    Ok(Ranking {
        hits,
        words: query.words,
        corrected: query.corrected,
    })
}

async fn lexical_leg(inner: &Inner, wanted: &Wanted<'_>) -> Result<(Analysed, Vec<LexicalHit>)> {
    let since = Instant::now();
    let index = std::sync::Arc::clone(&inner.projection.lexical);
    let (shop, kind, depth) = (wanted.shop.clone(), wanted.kind, wanted.depth);
    let (text, amounts) = (wanted.text.to_owned(), wanted.amounts.to_vec());
    let config = inner.config.clone();
    let found = tokio::task::spawn_blocking(move || {
        let searcher = index.searcher();
        let query = analyse(
            &index.terms(&searcher, &shop),
            kind,
            &text,
            &amounts,
            &config,
        )?;
        let hits = matching::search(&index, &searcher, &shop, kind, &query, depth, &config)?;
        Ok((query, hits))
    })
    .await?;
    metric::leg("lexical", since);
    found
}

/// Returns the vector leg's hits; none where there is no embedder or it fails, because the words
/// alone still give an answer.
async fn vector_leg(inner: &Inner, wanted: &Wanted<'_>) -> Vec<VectorHit> {
    let Some(vectors) = &inner.projection.vectors else {
        return Vec::new();
    };
    let text = match wanted.meaning {
        "" => wanted.text,
        meaning => meaning,
    };
    let text = bounded(text, &inner.config).trim();
    if text.is_empty() {
        return Vec::new();
    }
    let since = Instant::now();
    // An evaluation of this leg alone looks as deep as it is measured.
    let top = match wanted.legs {
        Legs::Vector => wanted.depth,
        _ => inner.config.vector_top,
    };
    let found = async {
        let vector = vectors
            .embed(vec![text.to_owned()])
            .await?
            .pop()
            .unwrap_or_default();
        vectors.search(wanted.shop, wanted.kind, &vector, top).await
    }
    .await;
    metric::leg("vector", since);
    match found {
        Ok(hits) => hits,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the vector leg failed; searching by words alone");
            Vec::new()
        }
    }
}

fn fuse(
    wanted: &Wanted<'_>,
    config: &SearchConfig,
    words: Vec<LexicalHit>,
    vectors: Vec<VectorHit>,
) -> Vec<Ranked> {
    let best = words
        .first()
        .map_or(1.0, |hit| hit.score)
        .max(f32::MIN_POSITIVE);
    let coverage = words.iter().map(|hit| hit.coverage).fold(0.0, f32::max);
    let share = match (wanted.legs, wanted.kind) {
        (Legs::Lexical, _) => 0.0,
        (Legs::Vector, _) => 1.0,
        (Legs::Hybrid, _) if vectors.is_empty() => 0.0,
        (Legs::Hybrid, Kind::Passage) => config.vector_share_documents,
        (Legs::Hybrid, Kind::Product) if coverage < COVERAGE_WEAK => config.vector_share_weak,
        (Legs::Hybrid, Kind::Product) => config.vector_share,
    };
    let floor = match (wanted.legs, wanted.kind) {
        (Legs::Vector, _) => -1.0,
        (_, Kind::Product) => config.vector_floor,
        (_, Kind::Passage) => config.vector_floor_documents,
    };
    // The best hit by words may be a poor one: of a question about policies it may have one word of
    // ten, while a passage is near in meaning. Words then count for as much as they matched.
    let words_share = match wanted.kind {
        Kind::Product => 1.0 - share,
        Kind::Passage => (1.0 - share) * coverage,
    };
    let scale = |similarity: f32| {
        ((similarity - floor) / (1.0 - floor).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
    };
    let mut similar: HashMap<(String, u32), f32> = vectors
        .into_iter()
        .filter(|hit| hit.similarity >= floor)
        .map(|hit| ((hit.record, hit.part), hit.similarity))
        .collect();
    let mut out = Vec::with_capacity(words.len() + similar.len());
    for hit in words {
        let key = (hit.record, hit.part);
        let similarity = similar.remove(&key);
        out.push(Ranked {
            score: words_share * hit.score / best + share * similarity.map_or(0.0, scale),
            why: if similarity.is_some() {
                Why::Both
            } else {
                Why::Lexical
            },
            coverage: hit.coverage,
            in_title: hit.in_title,
            similarity,
            record: key.0,
            part: key.1,
        });
    }
    for ((record, part), similarity) in similar {
        out.push(Ranked {
            record,
            part,
            score: share * scale(similarity),
            why: Why::Vector,
            coverage: 0.0,
            in_title: false,
            similarity: Some(similarity),
        });
    }
    out.sort_by(|a, b| {
        let by_key = || (&a.record, a.part).cmp(&(&b.record, b.part));
        b.score.total_cmp(&a.score).then_with(by_key)
    });
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word_hit(record: &str, score: f32, coverage: f32) -> LexicalHit {
        LexicalHit {
            record: record.to_owned(),
            part: 0,
            score,
            coverage,
            in_title: true,
        }
    }

    fn vector_hit(record: &str, similarity: f32) -> VectorHit {
        VectorHit {
            record: record.to_owned(),
            part: 0,
            similarity,
        }
    }

    fn order(words: Vec<LexicalHit>, vectors: Vec<VectorHit>, legs: Legs) -> Vec<String> {
        let shop = ShopId::new("s").expect("a valid key");
        let wanted = Wanted {
            shop: &shop,
            kind: Kind::Product,
            text: "",
            meaning: "",
            amounts: &[],
            legs,
            depth: 9,
        };
        let hits = fuse(&wanted, &SearchConfig::default(), words, vectors);
        hits.into_iter().map(|hit| hit.record).collect()
    }

    #[test]
    fn words_lead_and_meaning_decides_between_equals() {
        let words = || {
            vec![
                word_hit("a", 9.0, 1.0),
                word_hit("b", 9.0, 1.0),
                word_hit("c", 2.0, 0.5),
            ]
        };
        let vectors = || {
            vec![
                vector_hit("d", 0.95),
                vector_hit("b", 0.6),
                vector_hit("e", 0.1),
            ]
        };
        assert_eq!(
            order(words(), vectors(), Legs::Hybrid),
            ["b", "a", "d", "c"]
        );
        assert_eq!(order(words(), vectors(), Legs::Lexical)[..2], ["a", "b"]);
        assert_eq!(order(Vec::new(), vectors(), Legs::Vector), ["d", "b", "e"]);
    }

    proptest! {
        #[test]
        fn fusion_keeps_every_lexical_hit_and_sorts(scores in prop::collection::vec(0.0_f32..50.0, 0..20)) {
            let mut words: Vec<_> = scores.iter().enumerate()
                .map(|(i, s)| word_hit(&format!("r{i}"), *s, 1.0)).collect();
            words.sort_by(|a, b| b.score.total_cmp(&a.score));
            let count = words.len();
            prop_assert!(order(words, vec![vector_hit("r0", 0.9)], Legs::Hybrid).len() >= count);
        }
    }
}
