//! What money is counted in, as people write it beside a number.
//!
//! Codes, names and symbols are those of ISO 4217, as the crate `iso_currency` has them; here are
//! only the words of every day, and what stands in the way of telling money from other words.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use iso_currency::{Currency, Flag};
use mercer_conversation::spans::number_runs;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

mod words;

#[cfg(test)]
mod tests;

use words::{
    ENDINGS, EVERYDAY, FORMS_TOO, NAMES_TOO, NO_NAMES, NO_SYMBOLS, SHORT, SHORT_EXACT, WORDS_TOO,
};

use crate::words::is_content;

/// Words that may stand between a number and a short form: "45 new kr", "45K kr".
const BETWEEN: &[&str] = &[
    "k",
    "m",
    "mn",
    "mio",
    "mil",
    "thousand",
    "hundred",
    "million",
    "lakh",
    "crore",
    "in",
    "of",
    "the",
    "new",
    "swedish",
    "norwegian",
    "danish",
    "icelandic",
    "czech",
    "croatian",
    "indian",
    "pakistani",
];
/// How many words behind a number are looked at, and within how many bytes.
const WORDS_AFTER: usize = 3;
const AFTER_BYTES_MAX: usize = 80;
/// Longest word for money, in bytes.
const WORD_BYTES_MAX: usize = 32;
/// Words that may follow a name that is another word as well, where it counts money: "45 crowns
/// each", but not "45 crown corks".
const AFTER_AMOUNT: &[&str] = &[
    "altogether",
    "apiece",
    "each",
    "extra",
    "less",
    "more",
    "now",
    "off",
    "only",
    "please",
    "today",
    "too",
    "total",
];
/// What makes a verb of one: "45 won the cup".
const ARTICLES: &[&str] = &["a", "an", "the"];
/// Shortest name that has endings other than -s.
const NAME_CHARS_MIN: usize = 5;

/// How surely a word is one of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Always: "euros", "sek".
    Sure,
    /// Right beside a number: "kr".
    Short,
    /// Right behind a number: "won".
    Behind,
}

/// Codes, short symbols and names of all currencies, lower case and without accents.
struct Listed {
    codes: BTreeSet<String>,
    symbols: BTreeSet<String>,
    names: BTreeSet<String>,
    /// Beginnings of the longer names.
    stems: BTreeSet<String>,
    everyday: BTreeSet<String>,
}

static LISTED: LazyLock<Listed> = LazyLock::new(|| {
    // The numeric codes of ISO 4217 have three digits.
    let all = (0..1_000).filter_map(Currency::from_numeric);
    let mut listed = Listed {
        codes: BTreeSet::new(),
        symbols: BTreeSet::new(),
        names: BTreeSet::new(),
        stems: BTreeSet::new(),
        everyday: EVERYDAY.iter().map(|word| folded(word)).collect(),
    };
    for currency in all {
        let flags = currency.flags();
        if flags.contains(&Flag::Special) {
            continue;
        }
        listed.codes.insert(currency.code().to_lowercase());
        let symbol = folded(currency.symbol().symbol.trim_end_matches('.'));
        let is_word = symbol.chars().count() > 1 && symbol.chars().all(char::is_alphabetic);
        if is_word && !NO_SYMBOLS.contains(&symbol.as_str()) {
            listed.symbols.insert(symbol);
        }
        if !flags.contains(&Flag::Fund) {
            // "Swedish krona", "CFA franc BEAC"
            let words = currency.name().split([' ', '/', '(', ')']);
            listed.names.extend(
                words
                    .filter(|word| word.starts_with(char::is_lowercase))
                    .map(folded),
            );
        }
    }
    for other in NO_NAMES.iter().chain(NAMES_TOO) {
        listed.names.remove(*other);
    }
    listed.names.insert("euro".to_owned());
    let long = |name: &&String| name.chars().count() >= NAME_CHARS_MIN;
    listed.stems = listed
        .names
        .iter()
        .filter(long)
        .map(|name| stem(name).to_owned())
        .collect();
    listed
});

/// Says whether a sign is one of a currency, also in wide or small forms.
pub(crate) fn is_sign(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | 'ƒ' | '֏' | '؋' | '৲' | '৳' | '૱' | '௹' | '฿' | '៛' | '₠'..='⃏'
        | '﷼' | '﹩' | '＄' | '￠' | '￡' | '￥' | '￦')
}

/// Says whether a word counts money wherever it stands. Expects lower case.
pub(crate) fn is_money(word: &str) -> bool {
    kind(word) == Some(Kind::Sure)
}

/// Says whether a word counts money when a number stands before it, by the word that follows.
/// Expects lower case.
pub(crate) fn is_money_behind(word: &str, next: &str) -> bool {
    match kind(word) {
        Some(Kind::Behind) => {
            let ends = next.is_empty() || AFTER_AMOUNT.contains(&next);
            ends || !is_content(next) && !ARTICLES.contains(&next)
        }
        kind => kind.is_some(),
    }
}

/// Returns the numbers of a text that are no amount of money, or those that are.
pub(crate) fn numbers(text: &str, amounts: bool) -> impl Iterator<Item = &str> {
    number_runs(text)
        .filter(move |run| {
            let before = &text[..text.len() - run.after.len() - run.text.len()];
            (run.is_amount || is_amount(before, run.after)) == amounts
        })
        .map(|run| run.text)
}

/// Says whether money stands beside a number, by what is written before and after it.
fn is_amount(before: &str, after: &str) -> bool {
    let last = word_before(before);
    let is_counted = |word: &str| matches!(kind(word), Some(Kind::Sure | Kind::Short));
    let words = words_after(after);
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let is_between = |at: usize| BETWEEN.contains(&word(at).to_lowercase().as_str());
    let is_behind = |at: usize| is_money_behind(word(at), &word(at + 1).to_lowercase());
    has_dash(after)
        || is_counted(last)
        || is_behind(0)
        || kind(word(1)) == Some(Kind::Sure)
        || is_between(0) && is_behind(1)
        || is_between(0) && kind(word(2)) == Some(Kind::Sure)
}

/// "45,-", "45:-" and "45.–" are prices in much of Europe.
fn has_dash(after: &str) -> bool {
    let mut chars = after.chars();
    matches!(chars.next(), Some(',' | ':' | '.'))
        && matches!(chars.next(), Some('-' | '–' | '—'))
        && !matches!(chars.next(), Some(')' | '(' | 'D' | 'P'))
}

/// The word right before a number, if nothing ends between.
fn word_before(before: &str) -> &str {
    let end = before.trim_end_matches(|c: char| {
        c.is_whitespace() && c != '\n' || matches!(c, ':' | '.' | '-' | '=' | '(' | '*' | '_' | '/')
    });
    let start = end
        .rfind(|c: char| !(c.is_alphabetic() || is_combining_mark(c)))
        .map_or(0, |at| {
            at + end[at..].chars().next().map_or(1, char::len_utf8)
        });
    &end[start..]
}

/// The next words behind a number, up to where a thought ends or another number begins.
fn words_after(after: &str) -> Vec<&str> {
    let after = &after[..after.floor_char_boundary(AFTER_BYTES_MAX)];
    let mut end = after.len();
    let mut chars = after.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = matches!(c, '.' | '!' | '?' | ';' | ',')
            && chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        if c == '\n' || c.is_numeric() || ends {
            end = at;
            break;
        }
    }
    after[..end]
        .split(|c: char| !(c.is_alphabetic() || is_combining_mark(c)))
        .filter(|word| !word.is_empty())
        .take(WORDS_AFTER)
        .collect()
}

fn kind(word: &str) -> Option<Kind> {
    if word.is_empty() || word.len() > WORD_BYTES_MAX {
        return None;
    }
    let plain = folded(word);
    let plain = plain.as_str();
    let singular = plain.strip_suffix('s').unwrap_or(plain);
    if NAMES_TOO.contains(&plain) || NAMES_TOO.contains(&singular) {
        return Some(Kind::Behind);
    }
    if LISTED.codes.contains(plain) && !WORDS_TOO.contains(&plain) {
        return Some(Kind::Sure);
    }
    if LISTED.codes.contains(plain) && word.chars().all(char::is_uppercase) {
        return Some(Kind::Short);
    }
    if LISTED.everyday.contains(plain) || is_form(plain) {
        return Some(Kind::Sure);
    }
    let is_short = SHORT.contains(&plain) || SHORT_EXACT.contains(&word);
    (is_short || LISTED.symbols.contains(plain)).then_some(Kind::Short)
}

/// Says whether a word is a name or a form of one: "kronor" of "krona", "dollars" of "dollar".
fn is_form(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let is_stem = |ending: &&str| {
        word.strip_suffix(*ending)
            .is_some_and(|stem| LISTED.stems.contains(stem))
    };
    LISTED.names.contains(word)
        || LISTED.names.contains(singular)
        || !FORMS_TOO.contains(&word) && ENDINGS.iter().any(is_stem)
}

/// A name without the vowel that its endings take the place of.
fn stem(name: &str) -> &str {
    name.strip_suffix(['a', 'e', 'i', 'o', 'u', 'y'])
        .unwrap_or(name)
}

/// Lower case without accents: "Złoty" as "zloty".
fn folded(text: &str) -> String {
    text.to_lowercase()
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'ł' => 'l',
            'ø' => 'o',
            'đ' => 'd',
            'ı' => 'i',
            _ => c,
        })
        .collect()
}
