//! Words, stems, passages and sentences. English only: a shop in another language is searched
//! with English stemming, which leaves most of its words as they are.

pub(crate) mod analysis;
pub(crate) mod edits;
pub(crate) mod passages;
pub(crate) mod sentences;
pub(crate) mod stop_words;
