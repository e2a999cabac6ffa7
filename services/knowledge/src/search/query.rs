//! From a customer's words to weighted search words.

use mercer_schemas::Personal;

use super::spelling;
use crate::SearchConfig;
use crate::error::Result;
use crate::index::entry::Kind;
use crate::index::terms::{Class, Terms};
use crate::text::analysis::{Word, words};
use crate::text::stop_words::{is_function, is_shopping};

/// Signs before which a number is an amount.
const CURRENCY_SIGNS: [char; 4] = ['£', '€', '$', '¥'];

/// Weight of a word that only asks, in titles.
const HINT_WEIGHT: f32 = 0.2;

/// One word to search for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SearchWord {
    /// As the index has it.
    pub(crate) stem: String,
    /// 1, or less for words that should not decide alone.
    pub(crate) weight: f32,
    /// Records of the shop that have it.
    pub(crate) records: u64,
}

/// The words of a query.
#[derive(Clone, Default)]
pub(crate) struct Analysed {
    /// Distinct, in order. Words that occur nowhere are kept: they lower the share of matches.
    pub(crate) words: Vec<SearchWord>,
    /// Words that only ask, but stand in some title too: the `can` of a watering can. They lift such
    /// titles a little and count for nothing else.
    pub(crate) hints: Vec<SearchWord>,
    /// The first correction of spelling.
    pub(crate) corrected: Option<(Personal<String>, String)>,
}

/// Cuts a query to the length that is looked at.
pub(crate) fn bounded<'a>(text: &'a str, config: &SearchConfig) -> &'a str {
    match text.char_indices().nth(config.query_chars_max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Says whether a text holds nothing that could be searched for.
pub(crate) fn is_wordless(text: &str) -> bool {
    words(text).is_empty()
}

/// Chooses and weighs the words of a query. `amounts` are numbers that were understood as price
/// limits already, as plain decimals.
pub(crate) fn analyse(
    terms: &Terms<'_>,
    kind: Kind,
    text: &str,
    amounts: &[String],
    config: &SearchConfig,
) -> Result<Analysed> {
    let text = without_amounts(bounded(text, config), amounts);
    let mut all: Vec<Word> = Vec::new();
    for word in words(&text) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all.truncate(config.query_words_max);
    let asks = |word: &Word| {
        is_function(&word.plain) || (kind == Kind::Product && is_shopping(&word.plain))
    };
    let mut out = Analysed::default();
    if all.iter().any(|word| !asks(word)) {
        let asking = all.extract_if(.., |word| asks(word));
        for word in asking.filter(|_| kind == Kind::Product) {
            let records = terms.records_with(Class::Name(kind), &word.plain)?;
            if records > 0 {
                out.hints.push(SearchWord {
                    stem: word.stem,
                    weight: HINT_WEIGHT,
                    records,
                });
            }
        }
    }
    for word in spelling::join_known(terms, kind, all)? {
        let records = terms.records_with(Class::Stem(kind), &word.stem)?;
        if records > 0 {
            out.push(terms, kind, &word.stem, records, config)?;
            continue;
        }
        match spelling::correct(terms, kind, &word.plain)? {
            Some(instead) => {
                for known in words(&instead) {
                    let records = terms.records_with(Class::Stem(kind), &known.stem)?;
                    out.push(terms, kind, &known.stem, records, config)?;
                }
                let first = (Personal::new(word.plain), instead);
                out.corrected.get_or_insert(first);
            }
            None => out.push(terms, kind, &word.stem, 0, config)?,
        }
    }
    Ok(out)
}

impl Analysed {
    fn push(
        &mut self,
        terms: &Terms<'_>,
        kind: Kind,
        stem: &str,
        records: u64,
        config: &SearchConfig,
    ) -> Result<()> {
        if self.words.iter().any(|known| known.stem == stem) {
            return Ok(());
        }
        let option = kind == Kind::Product && terms.records_with(Class::Option, stem)? > 0;
        let weight = if option { config.option_weight } else { 1.0 };
        self.words.push(SearchWord {
            stem: stem.to_owned(),
            weight,
            records,
        });
        Ok(())
    }
}

/// Removes amounts of money: a number after a currency sign, or one that is a limit already.
fn without_amounts(text: &str, amounts: &[String]) -> String {
    let amount = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_digit());
        let number = !bare.is_empty()
            && bare
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.' || c == ',');
        number && (word.contains(CURRENCY_SIGNS) || amounts.iter().any(|known| known == bare))
    };
    let kept: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !amount(word))
        .collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_no_search_words() {
        let cases = [
            ("kettle under £40.", "kettle under"),
            ("kettle under 40 pounds", "kettle under pounds"),
            ("rucksack 40 l", "rucksack l"),
            ("rucksack 45 l", "rucksack 45 l"),
            ("€ 5 mug", "€ 5 mug"),
        ];
        for (from, to) in cases {
            assert_eq!(without_amounts(from, &["40".to_owned()]), to);
        }
    }
}
