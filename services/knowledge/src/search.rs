//! Finding products and documents.
//!
//! Ranking ([`rank`]) works on the indexes alone and is what `mercer eval retrieval` measures.
//! [`products`] and [`documents`] then read every candidate from SQL, re-apply what must hold
//! exactly (shop, visibility, price, stock, validity) and cut off what is not relevant.

pub(crate) mod codes;
pub(crate) mod documents;
pub(crate) mod products;
pub(crate) mod rank;

mod excerpt;
mod filters;
mod matching;
mod measure;
pub(crate) mod nearest;
mod query;
mod reorder;
mod spelling;

pub use products::BROWSED_MAX;

use mercer_schemas::plan::{self, Sort};
use mercer_schemas::{Document, DocumentId, Money, Personal, Product};
use mercer_store::Versioned;

/// What a customer looks for. `text` may be a whole question; the words that only ask are ignored.
#[derive(Clone, Default)]
pub struct ProductQuery {
    /// The customer's words.
    pub text: String,
    /// What is compared by meaning, where that is more than `text`: a long message tells what is
    /// meant, but most of its words lead a search by words astray. Empty: `text`.
    pub meaning: String,
    /// Lowest price, compared with the price that is shown. Never relaxed.
    pub min_price: Option<Money>,
    /// Highest price, compared with the price that is shown. Never relaxed.
    pub max_price: Option<Money>,
    /// Only products of which a variant can be sold now.
    pub in_stock: bool,
    /// Only products in this category or below it: a path (`Plants > Natives`), or one level of it. Never relaxed.
    pub category: Option<String>,
    /// Only products of this brand, case ignored. Never relaxed.
    pub brand: Option<String>,
    /// Values that attributes, or the options of one variant, should have. Where no product has them all,
    /// products with fewer come back, and [`Found::met`] says so.
    pub wishes: Vec<Values>,
    /// Values that attributes, or the options of all variants, must not have; of the name `brand`, brands. Never
    /// relaxed.
    pub without: Vec<Values>,
    /// Order among the relevant products; by relevance when absent.
    pub order: Option<Order>,
    /// Most products to return.
    pub limit: usize,
}

impl ProductQuery {
    /// Says whether it asks for more than words: then every product that fits counts, not the first ones alone.
    pub(crate) fn is_filtered(&self) -> bool {
        self.order.is_some()
            || self.min_price.is_some()
            || self.max_price.is_some()
            || self.in_stock
            || self.category.is_some()
            || self.brand.is_some()
            || !self.wishes.is_empty()
            || !self.without.is_empty()
    }
}

/// An attribute or option, with any of these values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Values {
    /// Its name, as the shop has it or as references do (`wheel_size`).
    pub name: String,
    /// One of these, case ignored.
    pub values: Vec<String>,
}

/// The order of products.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// What decides.
    pub by: OrderBy,
    /// Whether the most comes first.
    pub descending: bool,
}

/// What decides the order of products.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderBy {
    /// What they cost, as it is shown.
    Price,
    /// A measure or number in an attribute or option of this name; those without one come last.
    Field(String),
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        let by = match sort.by.as_str() {
            plan::PRICE => OrderBy::Price,
            _ => OrderBy::Field(sort.by),
        };
        Self {
            by,
            descending: sort.descending,
        }
    }
}

/// What a customer asks of policies, questions and promotions.
#[derive(Clone, Default)]
pub struct PassageQuery {
    /// The customer's words.
    pub text: String,
    /// Documents that the conversation was about just now: "and how long does it take" asks more of
    /// them.
    pub spoken_of: Vec<DocumentId>,
    /// Moment that a document must be in force at, UTC milliseconds.
    pub at_ms: i64,
    /// Most documents to return.
    pub limit: usize,
}

/// Which leg found a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its code was in the words.
    Code,
    /// Its words matched.
    Lexical,
    /// Its meaning is near.
    Vector,
    /// Words and meaning.
    Both,
    /// Neither: it is what was asked for by category, brand or values.
    Filter,
}

impl Why {
    /// Returns the name used in traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Lexical => "lexical",
            Self::Vector => "vector",
            Self::Both => "both",
            Self::Filter => "filter",
        }
    }
}

/// A product that was found, as it is in SQL now.
#[derive(Debug, Clone)]
pub struct ProductHit {
    /// The record.
    pub product: Versioned<Product>,
    /// Rank score; comparable within one search only.
    pub score: f32,
    /// Which leg found it.
    pub why: Why,
}

/// The answer to a product search. No hits is an answer.
#[derive(Clone)]
pub struct Found {
    /// Best first, or in the order asked for.
    pub hits: Vec<ProductHit>,
    /// How many products of the shop fit, where the query is filtered or ordered; without words that is exact, as far
    /// as a shop is browsed ([`BROWSED_MAX`]). Else as many as there are hits.
    pub total: usize,
    /// Whether the hits meet all wishes.
    pub met: bool,
    /// A word that the shop does not know, and the word that was searched instead.
    pub corrected: Option<(Personal<String>, String)>,
    /// Last change of the feed that the indexes held.
    pub index_seq: i64,
}

/// A document that answers a question, as it is in SQL now.
#[derive(Debug, Clone)]
pub struct PassageHit {
    /// The record.
    pub document: Versioned<Document>,
    /// Heading of the passage, or empty.
    pub heading: String,
    /// The passage.
    pub text: String,
    /// One to three consecutive whole sentences of the passage that answer best.
    pub answer: String,
    /// Rank score; comparable within one search only.
    pub score: f32,
}
