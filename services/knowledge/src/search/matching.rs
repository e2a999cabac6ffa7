//! The lexical leg: for each word the better of title and all text, added up, and damped by the
//! share of words that matched.
//!
//! Word statistics are the shop's own: how rare a word is must not depend on other shops.

use std::collections::HashMap;

use mercer_schemas::ShopId;
use tantivy::collector::TopDocs;
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur,
    Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, DocSet, Searcher, TERMINATED, TantivyDocument, Term};

use super::query::{Analysed, SearchWord};
use crate::SearchConfig;
use crate::error::Result;
use crate::index::entry::Kind;
use crate::index::lexical::{Fields, LexicalIndex};

/// Candidates whose score is damped by the share of matched words; measured with 200.
const DAMPED_MIN: usize = 200;

/// A hit of the lexical leg.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LexicalHit {
    /// The retailer's key.
    pub(crate) record: String,
    /// Number of the passage, 0 for a product.
    pub(crate) part: u32,
    /// BM25, damped.
    pub(crate) score: f32,
    /// Weighted share of the query's words that matched, 0 to 1.
    pub(crate) coverage: f32,
    /// Whether a word is in the title.
    pub(crate) in_title: bool,
}

/// Searches one kind of one shop; best first, at most `depth`. Blocks.
pub(crate) fn search(
    index: &LexicalIndex,
    searcher: &Searcher,
    shop: &ShopId,
    kind: Kind,
    analysed: &Analysed,
    depth: usize,
    config: &SearchConfig,
) -> Result<Vec<LexicalHit>> {
    let words = analysed.words.as_slice();
    let known: Vec<&SearchWord> = words.iter().filter(|word| word.records > 0).collect();
    if known.is_empty() || depth == 0 {
        return Ok(Vec::new());
    }
    let fields = &index.fields;
    let statistics = ShopStatistics {
        searcher,
        records: index.terms(searcher, shop).records(kind)?,
        records_of_all_shops: searcher.doc_freq(&fields.kind_term(kind))?,
        words: known
            .iter()
            .copied()
            .chain(&analysed.hints)
            .map(|word| (word.stem.as_str(), word.records))
            .collect(),
    };
    let query = build(fields, shop, kind, &known, &analysed.hints, config);
    let collector = TopDocs::with_limit(depth.max(DAMPED_MIN)).order_by_score();
    let top = searcher.search_with_statistics_provider(&query, &collector, &statistics)?;

    let matched = Matched::read(searcher, fields, kind, words, &top)?;
    let total: f32 = words.iter().map(|word| word.weight).sum();
    let mut hits = Vec::with_capacity(top.len());
    for (score, address) in top {
        let (weight, in_title) = matched.of(address);
        let coverage = if total > 0.0 { weight / total } else { 0.0 };
        let document: TantivyDocument = searcher.doc(address)?;
        let record = document
            .get_first(fields.record)
            .and_then(|value| value.as_str());
        let part = document
            .get_first(fields.part)
            .and_then(|value| value.as_u64());
        hits.push(LexicalHit {
            record: record.unwrap_or_default().to_owned(),
            part: part
                .and_then(|part| u32::try_from(part).ok())
                .unwrap_or_default(),
            score: score * coverage.powf(config.coverage_power),
            coverage,
            in_title,
        });
    }
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.record.cmp(&b.record))
    });
    hits.truncate(depth);
    Ok(hits)
}

fn build(
    fields: &Fields,
    shop: &ShopId,
    kind: Kind,
    words: &[&SearchWord],
    hints: &[SearchWord],
    config: &SearchConfig,
) -> BooleanQuery {
    let term_query = |field: Field, stem: &str| -> Box<dyn Query> {
        let term = Term::from_field_text(field, stem);
        Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
    };
    let (title, text) = fields.of(kind);
    let any_word: Vec<(Occur, Box<dyn Query>)> = words
        .iter()
        .map(|word| {
            let in_fields = vec![term_query(title, &word.stem), term_query(text, &word.stem)];
            let best = DisjunctionMaxQuery::with_tie_breaker(in_fields, config.tie_breaker);
            let weighted: Box<dyn Query> = Box::new(BoostQuery::new(Box::new(best), word.weight));
            (Occur::Should, weighted)
        })
        .collect();
    let scope = TermQuery::new(fields.scope_term(shop, kind), IndexRecordOption::Basic);
    let scope = ConstScoreQuery::new(Box::new(scope), 0.0);
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = vec![
        (Occur::Must, Box::new(scope)),
        (Occur::Must, Box::new(BooleanQuery::new(any_word))),
    ];
    for hint in hints {
        let weighted = BoostQuery::new(term_query(title, &hint.stem), hint.weight);
        clauses.push((Occur::Should, Box::new(weighted)));
    }
    BooleanQuery::new(clauses)
}

/// Word statistics of one shop and kind. Both fields count the records that have the word
/// anywhere.
struct ShopStatistics<'a> {
    searcher: &'a Searcher,
    records: u64,
    records_of_all_shops: u64,
    words: HashMap<&'a str, u64>,
}

impl Bm25StatisticsProvider for ShopStatistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        // Lengths of fields are averaged over all shops; the average is scaled to this shop's
        // number of records, because tantivy divides by it.
        let tokens = Bm25StatisticsProvider::total_num_tokens(self.searcher, field)?;
        let average = tokens as f64 / self.records_of_all_shops.max(1) as f64;
        Ok((average * self.records as f64).ceil() as u64)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.records)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let records = term
            .value()
            .as_str()
            .and_then(|stem| self.words.get(stem))
            .copied();
        Ok(records.unwrap_or(0).min(self.records))
    }
}

/// Which words matched in each of the top documents.
struct Matched(HashMap<DocAddress, (f32, bool)>);

impl Matched {
    fn read(
        searcher: &Searcher,
        fields: &Fields,
        kind: Kind,
        words: &[SearchWord],
        top: &[(f32, DocAddress)],
    ) -> Result<Self> {
        let mut addresses: Vec<DocAddress> = top.iter().map(|(_, address)| *address).collect();
        addresses.sort_unstable();
        let mut out: HashMap<DocAddress, (f32, bool)> = HashMap::with_capacity(top.len());
        let (title, text) = fields.of(kind);
        for same_segment in addresses.chunk_by(|a, b| a.segment_ord == b.segment_ord) {
            let segment = searcher.segment_reader(same_segment[0].segment_ord);
            for field in [text, title] {
                let inverted = segment.inverted_index(field)?;
                for word in words {
                    let term = Term::from_field_text(field, &word.stem);
                    let postings = inverted.read_postings(&term, IndexRecordOption::Basic);
                    let Some(mut postings) = postings.map_err(tantivy::TantivyError::from)? else {
                        continue;
                    };
                    let mut at = postings.doc();
                    for address in same_segment {
                        if at < address.doc_id {
                            at = postings.seek(address.doc_id);
                        }
                        if at == TERMINATED {
                            break;
                        }
                        if at == address.doc_id {
                            let seen = out.entry(*address).or_default();
                            if field == title {
                                seen.1 = true;
                            } else {
                                seen.0 += word.weight;
                            }
                        }
                    }
                }
            }
        }
        Ok(Self(out))
    }

    fn of(&self, address: DocAddress) -> (f32, bool) {
        self.0.get(&address).copied().unwrap_or_default()
    }
}
