//! Codes in a query: product keys, stock keeping units and EANs, exactly and without fuzziness.

use mercer_schemas::{ProductId, ShopId};
use mercer_store::Store;

use crate::error::Result;

/// Words that a code may be spread over, as in `hb 1042 red`.
const RUN_WORDS_MAX: usize = 4;

/// Shortest run that is looked up, in letters and digits.
const CODE_CHARS_MIN: usize = 4;

/// Look-ups for one query.
const LOOKUPS_MAX: usize = 24;

/// Marks of writing around a word that belong to no code.
const PUNCTUATION: &[char] = &[
    '"', '\'', '(', ')', ',', '.', ':', ';', '?', '!', '#', '“', '”',
];

/// What the code stage found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Coded {
    /// Products, in the order of the codes.
    pub(crate) products: Vec<ProductId>,
    /// The query without the codes.
    pub(crate) rest: String,
}

/// Finds runs of words that are codes of the shop; a longer run goes before a shorter one.
pub(crate) async fn find(store: &Store, shop: &ShopId, text: &str) -> Result<Coded> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = Coded::default();
    let mut rest: Vec<&str> = Vec::new();
    let mut lookups = 0;
    let mut at = 0;
    'words: while at < words.len() {
        for length in (1..=RUN_WORDS_MAX.min(words.len() - at)).rev() {
            let run = words[at..at + length].concat();
            let run = run.trim_matches(PUNCTUATION);
            if lookups >= LOOKUPS_MAX || !may_be_code(run) {
                continue;
            }
            lookups += 1;
            let found = store.catalog().by_code(shop, run).await?;
            if !found.is_empty() {
                for product in found {
                    if !out.products.contains(&product) {
                        out.products.push(product);
                    }
                }
                at += length;
                continue 'words;
            }
        }
        rest.push(words[at]);
        at += 1;
    }
    out.rest = rest.join(" ");
    Ok(out)
}

/// A code has a digit, or is written with an inner separator.
fn may_be_code(run: &str) -> bool {
    let signs = run.chars().filter(|c| c.is_alphanumeric()).count();
    let digit = run.chars().any(|c| c.is_ascii_digit());
    (CODE_CHARS_MIN..=mercer_schemas::ids::KEY_CHARS_MAX).contains(&signs)
        && (digit || run.contains(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::may_be_code;

    #[test]
    fn only_runs_with_a_digit_or_a_separator_are_looked_up() {
        for code in ["HB-1042", "5012345678900", "AB_CD", "x100"] {
            assert!(may_be_code(code), "{code}");
        }
        for word in ["kettle", "£40", "42", "", "-"] {
            assert!(!may_be_code(word), "{word}");
        }
    }
}
