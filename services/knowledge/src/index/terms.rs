//! The words that each shop knows: a field of the lexical index whose terms are
//! `shop ‖ class ‖ word`, so its term dictionary answers "does this shop know this word, and in
//! how many records" exactly, and lists a shop's words for spelling correction.

use mercer_schemas::ShopId;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::entry::{Kind, SEPARATOR};
use crate::error::Result;

/// A class of words within a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Folded words of products or passages.
    Plain(Kind),
    /// Stems of products or passages.
    Stem(Kind),
    /// Folded words that name something: of titles, brands, categories, attributes and options, or
    /// of whole passages. Spelling is corrected towards these only.
    Name(Kind),
    /// Stems of option values.
    Option,
    /// One term that every record of the kind has.
    Any(Kind),
}

impl Class {
    fn letter(self) -> char {
        match self {
            Self::Plain(Kind::Product) => 'w',
            Self::Stem(Kind::Product) => 's',
            Self::Plain(Kind::Passage) => 'x',
            Self::Stem(Kind::Passage) => 'y',
            Self::Name(Kind::Product) => 'n',
            Self::Name(Kind::Passage) => 'm',
            Self::Option => 'o',
            Self::Any(Kind::Product) => 'a',
            Self::Any(Kind::Passage) => 'b',
        }
    }
}

/// Builds the text of a term.
pub(crate) fn term_text(shop: &ShopId, class: Class, word: &str) -> String {
    format!("{shop}{SEPARATOR}{}{SEPARATOR}{word}", class.letter())
}

/// The words of one shop at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) field: Field,
    pub(crate) shop: &'a ShopId,
}

impl Terms<'_> {
    /// Returns in how many records a word occurs. Deleted records count until their segment is
    /// merged.
    pub(crate) fn records_with(&self, class: Class, word: &str) -> Result<u64> {
        let term = Term::from_field_text(self.field, &term_text(self.shop, class, word));
        Ok(self.searcher.doc_freq(&term)?)
    }

    /// Returns how many records of a kind the shop has.
    pub(crate) fn records(&self, kind: Kind) -> Result<u64> {
        self.records_with(Class::Any(kind), "")
    }

    /// Calls `visit` with every word of a class that starts with `start`, and in how many records
    /// of one segment it occurs; a word may come once for each segment.
    pub(crate) fn each(
        &self,
        class: Class,
        start: &str,
        mut visit: impl FnMut(&str, u32),
    ) -> Result<()> {
        let prefix = term_text(self.shop, class, "");
        let from = format!("{prefix}{start}");
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.field)?;
            let mut stream = inverted
                .terms()
                .range()
                .ge(from.as_bytes())
                .into_stream()
                .map_err(tantivy::TantivyError::from)?;
            while stream.advance() {
                if !stream.key().starts_with(from.as_bytes()) {
                    break;
                }
                if let Ok(word) = std::str::from_utf8(&stream.key()[prefix.len()..]) {
                    visit(word, stream.value().doc_freq);
                }
            }
        }
        Ok(())
    }
}
