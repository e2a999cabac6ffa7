//! Amounts as people say them: in words, as a note's name, with a slip of the finger in the limit.

use crate::words::english::{CURRENCY_WORDS, LIMIT_WORDS, NEIGHBOURS, NOTES, TENS, UNITS};

/// Smallest number in words that is taken for a figure without a currency word after it: smaller
/// ones count things ("a tent for two").
const BARE_MIN: u32 = 10;

/// Writes amounts in figures and limits as they are spelt. Expects lower case; everything else
/// stays as it is, white space aside.
pub(super) fn in_figures(lower: &str) -> String {
    let words: Vec<&str> = lower.split_whitespace().collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let Some((value, length)) = number(&words[at..]) {
            let ending = trailing(words[at + length - 1]);
            let is_note = NOTES
                .iter()
                .any(|(name, _)| *name == core(words[at + length - 1]));
            let next = words.get(at + length).map_or("", |word| core(word));
            let is_counted_money = ending.is_empty() && CURRENCY_WORDS.contains(&next);
            if is_note || is_counted_money || value >= BARE_MIN {
                let unit = if is_note { " quid" } else { "" };
                out.push(format!("{value}{unit}{ending}"));
                at += length;
                continue;
            }
        }
        out.push(mended(words[at]));
        at += 1;
    }
    out.join(" ")
}

/// Reads the number at the start of the words: its value, and how many words it takes.
fn number(words: &[&str]) -> Option<(u32, usize)> {
    let skip = usize::from(words.first().is_some_and(|word| *word == "a"));
    let first = words.get(skip)?;
    if let Some((_, value)) = NOTES.iter().find(|(name, _)| *name == core(first)) {
        return Some((*value, skip + 1));
    }
    if core(first) == "hundred" && skip == 1 {
        return Some(hundreds(1, words, 2));
    }
    if skip == 1 {
        return None;
    }
    let (value, mut length) = below_hundred(words)?;
    let goes_on = trailing(words[length - 1]).is_empty();
    if value < 10 && goes_on && words.get(1).is_some_and(|word| core(word) == "hundred") {
        length += 1;
        return Some(hundreds(value, words, length));
    }
    Some((value, length))
}

/// Adds what follows a number of hundreds: "two hundred and fifty".
fn hundreds(count: u32, words: &[&str], length: usize) -> (u32, usize) {
    if !trailing(words[length - 1]).is_empty() {
        return (100 * count, length);
    }
    let and = usize::from(words.get(length).is_some_and(|word| *word == "and"));
    match below_hundred(&words[length + and..]) {
        Some((rest, more)) => (100 * count + rest, length + and + more),
        None => (100 * count, length),
    }
}

/// Reads "five", "fifteen", "fifty", "fifty five" or "fifty-five".
fn below_hundred(words: &[&str]) -> Option<(u32, usize)> {
    let place = |list: &[&str], word: &str| {
        let at = list.iter().position(|known| *known == word)?;
        u32::try_from(at).ok()
    };
    let first = core(words.first()?);
    if let Some(unit) = place(UNITS, first) {
        return Some((unit + 1, 1));
    }
    let (tens, joined) = first.split_once('-').unwrap_or((first, ""));
    let tens = 10 * (place(TENS, tens)? + 2);
    if let Some(unit) = place(&UNITS[..9], joined) {
        return Some((tens + unit + 1, 1));
    }
    let next = words.get(1).map_or("", |word| core(word));
    match place(&UNITS[..9], next) {
        Some(unit) if joined.is_empty() && trailing(words[0]).is_empty() => {
            Some((tens + unit + 1, 2))
        }
        _ => joined.is_empty().then_some((tens, 1)),
    }
}

/// A word without what stands around it.
fn core(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// What stands behind a word.
fn trailing(word: &str) -> &str {
    let end = word.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    &word[end..]
}

/// The limit that a misspelt word stands for, or the word as it is.
fn mended(word: &str) -> String {
    let plain = core(word);
    let meant = LIMIT_WORDS.iter().find(|limit| {
        **limit != plain && !NEIGHBOURS.contains(&plain) && is_one_slip(plain, limit)
    });
    match meant {
        Some(limit) => word.replacen(plain, limit, 1),
        None => word.to_owned(),
    }
}

/// Says whether a word becomes another by one letter left out, added or swapped with its neighbour.
/// A wrong letter is another word too often.
fn is_one_slip(word: &str, meant: &str) -> bool {
    let (word, meant): (Vec<char>, Vec<char>) = (word.chars().collect(), meant.chars().collect());
    let same = word.iter().zip(&meant).take_while(|(a, b)| a == b).count();
    let (rest, wanted) = (&word[same..], &meant[same..]);
    match (rest, wanted) {
        ([a, b, rest @ ..], [c, d, wanted @ ..]) if (a, b) == (d, c) && rest == wanted => true,
        (rest, [_, wanted @ ..]) if rest == wanted => true,
        ([_, rest @ ..], wanted) => rest == wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_words_become_figures() {
        for (said, figures) in [
            ("under fifty quid", "under 50 quid"),
            ("a lamp for a tenner?", "a lamp for 10 quid?"),
            ("a fiver, no more", "5 quid, no more"),
            (
                "between twenty and twenty-five pounds",
                "between 20 and 25 pounds",
            ),
            ("two hundred and fifty euros", "250 euros"),
            ("a hundred pounds or so", "100 pounds or so"),
            ("ninety five, please", "95, please"),
            ("five pounds off", "5 pounds off"),
            ("a tent for two and a mat", "a tent for two and a mat"),
            ("fifty, one of them red", "50, one of them red"),
            ("a pair", "a pair"),
            ("", ""),
        ] {
            assert_eq!(in_figures(said), figures);
        }
    }

    #[test]
    fn a_slip_in_a_limit_is_mended() {
        for (said, meant) in [
            ("udner £40", "under £40"),
            ("nothng over 35 quid", "nothing over 35 quid"),
            ("betwen 20 and 30", "between 20 and 30"),
            ("belloww", "belloww"),
            ("bellow", "bellow"),
            ("wonder", "wonder"),
        ] {
            assert_eq!(in_figures(said), meant);
        }
    }
}
