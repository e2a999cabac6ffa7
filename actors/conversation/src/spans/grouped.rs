//! Numbers with grouped thousands, as several countries write them: `1,200`, `1.200`, `1 200`,
//! `1'200`; and decimals behind a comma where money is meant: `12,50 €`.

use super::{CURRENCY_SIGNS, near_currency};

/// What may stand between groups of three digits.
const SEPARATORS: &[char] = &[',', '.', '\'', '’', ' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// Writes numbers without what groups them, decimals behind a point. Everything else, and what may
/// be something else ("in sizes 38,40", "4 200 g packs"), stays as it is.
pub(super) fn ungrouped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut written, mut at) = (0, 0);
    while let Some(next) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + next;
        let (before, rest) = text.split_at(start);
        let in_word = before.ends_with(char::is_alphanumeric);
        match grouped(before, rest).or_else(|| decimal_comma(before, rest)) {
            Some((plain, length)) if !in_word => {
                out.push_str(&text[written..start]);
                out.push_str(&plain);
                at = start + length;
                written = at;
            }
            _ => at = start + run_length(rest),
        }
    }
    out.push_str(&text[written..]);
    out
}

/// Reads groups of three digits that one separator parts: the plain number, and how long it is.
fn grouped(before: &str, rest: &str) -> Option<(String, usize)> {
    let first = digits(rest);
    if first > 3 || rest.starts_with('0') {
        return None;
    }
    let separator = rest[first..].chars().next()?;
    if !SEPARATORS.contains(&separator) {
        return None;
    }
    let mut plain = rest[..first].to_owned();
    let mut length = first;
    while let Some(group) = rest[length..].strip_prefix(separator) {
        if digits(group) != 3 {
            break;
        }
        plain.push_str(&group[..3]);
        length += separator.len_utf8() + 3;
    }
    if length == first {
        return None;
    }
    let cents = rest[length..]
        .strip_prefix(['.', ','])
        .filter(|cents| !rest[length..].starts_with(separator) && (1..=2).contains(&digits(cents)));
    if let Some(cents) = cents {
        plain.push('.');
        plain.push_str(&cents[..digits(cents)]);
        length += 1 + digits(cents);
    }
    let after = &rest[length..];
    if goes_on(after) || separator == ' ' && !is_one_amount(before, after) {
        return None;
    }
    Some((plain, length))
}

/// Reads an amount of money with a comma before its cents.
fn decimal_comma(before: &str, rest: &str) -> Option<(String, usize)> {
    let whole = digits(rest);
    let cents = rest[whole..].strip_prefix(',')?;
    let length = whole + 1 + digits(cents);
    let after = &rest[length..];
    let is_money = (1..=2).contains(&digits(cents)) && near_currency(before, after);
    (is_money && !goes_on(after)).then(|| {
        (
            format!("{}.{}", &rest[..whole], &rest[whole + 1..length]),
            length,
        )
    })
}

/// A space parts other things too ("a £5 100 ml bottle"): what it joins is one amount where a
/// currency follows, or stands before and nothing is counted after.
fn is_one_amount(before: &str, after: &str) -> bool {
    let ends = !after
        .trim_start()
        .starts_with(|c: char| c.is_alphanumeric());
    near_currency("", after) || ends && before.trim_end().ends_with(CURRENCY_SIGNS)
}

/// Says whether a number goes on in a way that no grouped one does: a date, a list, a version.
fn goes_on(after: &str) -> bool {
    after
        .strip_prefix([',', '.', ':', '/'])
        .is_some_and(|rest| digits(rest) > 0)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// How long digits and what joins them to more digits are.
fn run_length(rest: &str) -> usize {
    let mut length = digits(rest);
    while let Some(more) = rest[length..].strip_prefix(['.', ',', ':', '/', '-']) {
        if digits(more) == 0 {
            break;
        }
        length += 1 + digits(more);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::ungrouped;

    #[test]
    fn thousands_are_read_as_several_countries_write_them() {
        for (written, plain) in [
            ("under £1,200", "under £1200"),
            ("under 1.200 €", "under 1200 €"),
            ("under 1 200 €", "under 1200 €"),
            ("under 1\u{202f}200", "under 1200"),
            ("under 1'200 or 1’300", "under 1200 or 1300"),
            ("£1,200.50, €1.200,50", "£1200.50, €1200.50"),
            ("under £12 500.", "under £12500."),
            ("1,234,567 pounds", "1234567 pounds"),
            ("12,50 € and 0,5 euro", "12.50 € and 0.5 euro"),
            ("£1,200-1,500", "£1200-1500"),
        ] {
            assert_eq!(ungrouped(written), plain);
        }
    }

    #[test]
    fn what_may_be_something_else_stays_as_it_is() {
        for text in [
            "sizes 38,40",
            "4 200 g packs",
            "a £5 100 ml bottle",
            "0.500 kg",
            "hb1,200",
            "1,2,300",
            "1,200,5",
            "2026-10-05",
            "1.7 l",
            "12.1,200",
            "five",
            "",
        ] {
            assert_eq!(ungrouped(text), text);
        }
    }
}
