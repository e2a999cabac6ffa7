//! Words as rules compare them: one spelling for what looks alike, and phrases found by whole words.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Stands for a reference among words.
pub(crate) const REFERENCE: char = '\u{1}';

/// What quotes a word, though inside one it is a letter: "don't", "paʻanga".
const QUOTES: &[char] = &['\'', 'ʻ'];

/// Words that say nothing by themselves: a claim is not backed by them.
const FUNCTION_WORDS: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do", "does",
    "for", "from", "has", "have", "here", "i", "i'm", "if", "in", "is", "it", "it's", "its", "of",
    "on", "or", "our", "so", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "us", "was", "we", "we're", "were", "what", "which", "will", "with",
    "would", "you", "you'll", "your",
];

/// Adverbs that do not end in -ly, beside which a phrase means the same.
const ADVERBS: &[&str] = &[
    "all", "already", "also", "always", "both", "even", "ever", "indeed", "just", "most", "now",
    "often", "quite", "rather", "so", "still", "then", "too", "very", "well", "yet",
];
/// Words in -ly that are no adverbs, or turn round what they stand by.
const NO_ADVERBS: &[&str] = &[
    "apply", "barely", "comply", "early", "family", "fly", "friendly", "hardly", "july", "likely",
    "monthly", "nearly", "only", "rely", "reply", "scarcely", "supply", "unlikely",
];

/// Letters of the start that two words must share to be forms of one: "return" and "returns".
const STEM_CHARS: usize = 5;

/// Returns a text as a reader sees it: compatibility forms as plain letters, no characters that
/// take no room, one kind of apostrophe, one kind of full stop.
pub(crate) fn plain(text: &str) -> String {
    text.nfkc()
        .filter(|c| !is_invisible(*c))
        .map(|c| match c {
            '’' | '‘' | '‚' | '‛' | 'ʼ' | 'ʽ' | 'ʹ' | 'ˈ' | '′' | '`' | '´' => '\'',
            '。' | '．' | '｡' | '․' => '.',
            '‐' | '‑' | '‒' => '-',
            _ => c,
        })
        .collect()
}

/// Characters without a width: soft hyphens, zero-width spaces and joiners, marks of direction,
/// variation selectors, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Splits into words; a reference is a word of its own. Apostrophes belong to a word inside it
/// only: around one they are quotes.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let is_gap = |c: char| !(c.is_alphanumeric() || c == '\'');
    text.split_inclusive(is_gap)
        .flat_map(|part| {
            let word = part.trim_end_matches(is_gap);
            let mark = part.ends_with(REFERENCE).then(|| &part[word.len()..]);
            [Some(word.trim_matches(QUOTES)), mark]
        })
        .flatten()
        .filter(|word| !word.is_empty())
        .collect()
}

/// Finds a phrase between word boundaries.
pub(crate) fn contains_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase)
        .any(|(at, _)| is_word(text, at, phrase.len()))
}

/// Says whether the bytes stand between word boundaries.
pub(crate) fn is_word(text: &str, at: usize, len: usize) -> bool {
    let word = |c: char| c.is_alphanumeric();
    !text[..at].chars().next_back().is_some_and(word)
        && !text[at + len..].chars().next().is_some_and(word)
}

/// Returns where a phrase stands among words, for each time that it occurs, in no order. `a|b` in a phrase is
/// either word, and a `*` at the end of one stands for any ending. Adverbs may stand between its words:
/// "has been shipped" is found in "has already been safely shipped".
pub(crate) fn find<'a>(
    words: &'a [&str],
    phrase: &'a str,
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    // Nearly all words fail on the first of the phrase, so that one is taken apart once.
    let (first, _) = phrase.split_once(' ').unwrap_or((phrase, ""));
    first
        .split('|')
        .flat_map(move |wanted| {
            let stem = wanted.strip_suffix('*').unwrap_or(wanted);
            let is_open = stem.len() < wanted.len();
            (0..words.len()).filter(move |at| {
                let word = words[*at];
                word.starts_with(stem) && (is_open || word.len() == stem.len())
            })
        })
        .filter_map(move |at| Some(at..end_of(words, at, phrase)?))
}

/// Returns where a phrase that begins at a word ends.
fn end_of(words: &[&str], at: usize, phrase: &str) -> Option<usize> {
    let mut end = at;
    for wanted in phrase.split(' ') {
        while end > at && !fits(wanted, words.get(end)?) && is_adverb(words[end]) {
            end += 1;
        }
        if !fits(wanted, words.get(end)?) {
            return None;
        }
        end += 1;
    }
    Some(end)
}

fn fits(wanted: &str, word: &str) -> bool {
    wanted
        .split('|')
        .any(|wanted| match wanted.strip_suffix('*') {
            Some(stem) => word.starts_with(stem),
            None => word == wanted,
        })
}

/// Says whether a word colours what stands around it and says nothing by itself.
fn is_adverb(word: &str) -> bool {
    ADVERBS.contains(&word) || word.ends_with("ly") && !NO_ADVERBS.contains(&word)
}

/// Says whether words begin with one of the phrases; see [`find`].
pub(crate) fn begins(words: &[&str], phrases: &[&str]) -> bool {
    phrases
        .iter()
        .any(|phrase| end_of(words, 0, phrase).is_some())
}

/// Says whether one of the phrases occurs among words; see [`find`].
pub(crate) fn has(words: &[&str], phrases: &[&str]) -> bool {
    phrases
        .iter()
        .any(|phrase| find(words, phrase).next().is_some())
}

/// Says whether a word carries meaning.
pub(crate) fn is_content(word: &str) -> bool {
    !FUNCTION_WORDS.contains(&word) && !word.starts_with(REFERENCE)
}

/// Says whether a text has the word, in this form or another.
pub(crate) fn has_form(text: &[&str], word: &str) -> bool {
    let stem = |word: &str| -> String { word.chars().take(STEM_CHARS).collect() };
    let wanted = stem(word);
    text.iter().any(|other| {
        *other == word
            || wanted.chars().count() == STEM_CHARS && stem(other) == wanted
            || other.strip_suffix('s') == Some(word)
            || word.strip_suffix('s') == Some(*other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_reads_alike() {
        assert_eq!(
            plain("sev\u{ad}en\u{200b} ｄａｙｓ, it’s"),
            "seven days, it's"
        );
        assert_eq!(
            tokens("It's next-day: \u{1}."),
            ["It's", "next", "day", "\u{1}"]
        );
        assert_eq!(
            tokens(&plain("‘It’s' `free` ''\u{1}\u{1}'s")),
            ["It's", "free", "\u{1}", "\u{1}", "s"]
        );
    }

    #[test]
    fn phrases_are_found_by_whole_words() {
        let words = tokens("we deliver on the next day");
        assert!(has(&words, &["deliver*"]) && has(&words, &["next day"]));
        assert!(!has(&words, &["liver"]) && !has(&words, &["day next", "ext day"]));
        let words = tokens("it has already been safely shipped to you");
        assert!(has(
            &words,
            &["has been shipped", "is|has been shipped|sent"]
        ));
        assert!(!has(&words, &["has shipped", "been to you"]));
        assert!(has_form(&["returns"], "return") && !has_form(&["deliver"], "delay"));
    }
}
