//! Turns text into words and stems, the same way for an index and for a query.

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer, TokenStream,
};
use unicode_normalization::UnicodeNormalization;

/// Name of the analyser in the lexical index's schema.
pub(crate) const ANALYSER: &str = "mercer_en_1";

/// Longest word in bytes; longer ones are not searched for.
const WORD_BYTES_MAX: usize = 40;

/// A word as written, folded, and its stem.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Word {
    /// Lower case, without accents.
    pub(crate) plain: String,
    /// English stem of `plain`.
    pub(crate) stem: String,
}

/// Builds the analyser that gives stems.
pub(crate) fn stemming() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

fn folding() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

/// Brings a text to its compatibility form and separates a number from the unit that follows it
/// (`1.7l` → `1.7 l`), so that both spellings give the same words.
pub(crate) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_digit = false;
    for c in text.nfkc() {
        if after_digit && c.is_alphabetic() {
            out.push(' ');
        }
        after_digit = c.is_ascii_digit();
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// Returns the words of a text in order, repeated ones included.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let text = normalise(text);
    let plain = run(&mut folding(), &text);
    let stems = run(&mut stemming(), &text);
    plain
        .into_iter()
        .zip(stems)
        .map(|(plain, stem)| Word { plain, stem })
        .collect()
}

/// Returns the words of a text as a search compares them, before their stems: lower case, without accents
/// and marks.
pub fn plain_words(text: &str) -> Vec<String> {
    run(&mut folding(), &normalise(text))
}

/// Returns the stem of one folded word.
pub(crate) fn stem(word: &str) -> String {
    run(&mut stemming(), word)
        .into_iter()
        .next()
        .unwrap_or_else(|| word.to_owned())
}

/// Cuts a text after `max` words, at white space.
pub(crate) fn first_words(text: &str, max: usize) -> &str {
    let mut seen = 0;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            inside = false;
        } else if !inside {
            inside = true;
            seen += 1;
            if seen > max {
                return text[..at].trim_end();
            }
        }
    }
    text
}

fn run(analyser: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut stream = analyser.token_stream(text);
    let mut out = Vec::new();
    while stream.advance() {
        out.push(stream.token().text.clone());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_folded_stemmed_and_units_split_off() {
        let plain = |text: &str| words(text).into_iter().map(|w| w.plain).collect::<Vec<_>>();
        assert_eq!(
            plain("Café KETTLES, 1.7l"),
            ["cafe", "kettles", "1", "7", "l"]
        );
        assert_eq!(plain("Café 1.7 L"), ["cafe", "1", "7", "l"]);
        assert_eq!(words("kettles")[0].stem, stem("kettle"));
    }

    #[test]
    fn cutting_keeps_whole_words() {
        assert_eq!(first_words("one two  three four", 2), "one two");
        assert_eq!(first_words("one two", 5), "one two");
        assert_eq!(first_words("", 0), "");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_analysis(text in "\\PC*", max in 0_usize..8) {
            let all = words(&text);
            prop_assert!(all.iter().all(|w| !w.plain.is_empty()));
            prop_assert!(first_words(&text, max).split_whitespace().count() <= max);
        }
    }
}
