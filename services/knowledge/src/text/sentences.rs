//! Plain sentences from Markdown.

/// Abbreviations whose full stop ends no sentence, in lower case and without it.
const ABBREVIATIONS: &[&str] = &[
    "approx", "c", "co", "dr", "e.g", "eg", "etc", "i.e", "ie", "inc", "incl", "ltd", "max", "min",
    "mr", "mrs", "ms", "no", "p.m", "a.m", "st", "vs",
];

/// Removes Markdown's marks from one line: emphasis, code, links (the words stay), list and
/// quotation marks.
pub(crate) fn plain_line(line: &str) -> String {
    let line = line.trim();
    let line = line.trim_start_matches(['>', ' ']);
    let line = list_item(line).unwrap_or(line);
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '*' | '`' => rest = after,
            '_' if out.is_empty() || out.ends_with(' ') || !starts_inside_word(after) => {
                rest = after;
            }
            '[' => match link(after) {
                Some((words, tail)) => {
                    out.push_str(&plain_line(words));
                    rest = tail;
                }
                None => {
                    out.push(c);
                    rest = after;
                }
            },
            _ => {
                out.push(c);
                rest = after;
            }
        }
    }
    out.trim().to_owned()
}

/// Returns what follows a list mark (`- `, `* `, `+ `, `1. `), if the line has one.
pub(crate) fn list_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Some(rest.trim_start());
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits) {
        return line[digits..].strip_prefix(". ").map(str::trim_start);
    }
    None
}

/// Splits a passage into sentences. A line break ends one; a full stop does, unless it belongs to
/// a number, an abbreviation or a word that goes on in lower case.
pub fn sentences(passage: &str) -> Vec<&str> {
    passage
        .lines()
        .flat_map(|line| split_line(line.trim()))
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

fn split_line(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some(&(next, closing)) = chars.peek() {
            if !matches!(closing, '.' | '!' | '?' | ')' | '"' | '\'' | '”' | '’') {
                break;
            }
            end = next + closing.len_utf8();
            chars.next();
        }
        let tail = &line[end..];
        let spaced = tail.starts_with(char::is_whitespace);
        let goes_on = tail
            .trim_start()
            .chars()
            .next()
            .is_some_and(char::is_lowercase);
        let abbreviated = c == '.' && is_abbreviation(&line[start..at]);
        if spaced && !goes_on && !abbreviated {
            out.push(line[start..end].trim());
            start = end;
        }
    }
    out.push(line[start..].trim());
    out
}

fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || c == '(')
        .next();
    word.is_some_and(|word| {
        let word = word.to_lowercase();
        ABBREVIATIONS.contains(&word.as_str())
            || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
    })
}

fn starts_inside_word(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_alphanumeric)
}

/// Splits `words](target)rest` into the words and the rest.
fn link(text: &str) -> Option<(&str, &str)> {
    let (words, after) = text.split_once(']')?;
    let (_, rest) = after.strip_prefix('(')?.split_once(')')?;
    Some((words, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_stop_in_a_number_or_an_abbreviation_ends_nothing() {
        let text = "Delivery costs £3.95 per order, e.g. for a tent. It is free over £50! \
                    Orders before 2 p.m. leave the same day.\nA second line";
        assert_eq!(
            sentences(text),
            [
                "Delivery costs £3.95 per order, e.g. for a tent.",
                "It is free over £50!",
                "Orders before 2 p.m. leave the same day.",
                "A second line",
            ]
        );
    }

    #[test]
    fn marks_go_and_words_stay() {
        let cases = [
            (
                "- **30 days** to [send it back](https://x.example/r).",
                "30 days to send it back.",
            ),
            ("1. Use `SAVE_10` now", "Use SAVE_10 now"),
            ("> _Note_: 5 * 3", "Note: 5  3"),
            ("[not a link", "[not a link"),
        ];
        for (from, to) in cases {
            assert_eq!(plain_line(from), to);
        }
    }

    proptest! {
        #[test]
        fn sentences_lose_no_letters(text in "\\PC*") {
            let letters = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(letters(&sentences(&text).concat()), letters(&text));
            let _ = plain_line(&text);
        }
    }
}
