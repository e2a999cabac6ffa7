//! Numbers in words, read by the grammar that English builds them with.
//!
//! A number is units, teens and tens, hundreds of them, and those counted in thousands and above:
//! "seven hundred and forty-two thousand three hundred and one". Ordinals end one ("the fifth"),
//! and a few words stand for one ("dozen", "half").

/// What kind of number words name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How many: "seven".
    Cardinal,
    /// Which one: "seventh".
    Ordinal,
    /// "half" or "quarter", alone: a number only before something that is measured.
    Fraction,
    /// "a few", "dozens": many, not how many.
    Vague,
}

/// A number in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spoken {
    /// Its first word.
    pub(crate) at: usize,
    /// How many words it takes.
    pub(crate) length: usize,
    /// What it is; nothing where words do not say.
    pub(crate) value: f64,
    /// What kind of number it is.
    pub(crate) kind: Kind,
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const UNIT_ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
const TENS_ORDINALS: [&str; 8] = [
    "twentieth",
    "thirtieth",
    "fortieth",
    "fiftieth",
    "sixtieth",
    "seventieth",
    "eightieth",
    "ninetieth",
];
/// What numbers below a thousand are counted in.
const SCALES: [(&str, f64); 5] = [
    ("thousand", 1e3),
    ("million", 1e6),
    ("billion", 1e9),
    ("trillion", 1e12),
    ("grand", 1e3),
];
/// Other words for a number, and ways to misspell one.
const OTHERS: [(&str, f64); 7] = [
    ("nought", 0.0),
    ("couple", 2.0),
    ("fourty", 40.0),
    ("fivety", 50.0),
    ("fiver", 5.0),
    ("tenner", 10.0),
    ("ninty", 90.0),
];
/// Many of something.
const VAGUE: [&str; 8] = [
    "few",
    "several",
    "dozens",
    "scores",
    "hundreds",
    "thousands",
    "millions",
    "umpteen",
];

/// Finds all numbers among words in lower case.
pub(crate) fn spoken(words: &[&str]) -> Vec<Spoken> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match number(&words[at..]) {
            Some((value, length, kind)) => {
                out.push(Spoken {
                    at,
                    length,
                    value,
                    kind,
                });
                at += length;
            }
            None => at += 1,
        }
    }
    out
}

/// Reads the number at the start.
fn number(words: &[&str]) -> Option<(f64, usize, Kind)> {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let article = usize::from(matches!(word(0), "a" | "an"));
    if matches!(word(0), "half" | "quarter" | "quarters") {
        let part = if word(0) == "half" { 0.5 } else { 0.25 };
        let skip = 1 + usize::from(matches!(word(1), "a" | "an" | "of"));
        return Some(match counted_in(word(skip)) {
            Some(scale) => (part * scale, skip + 1, Kind::Cardinal),
            None => (part, 1, Kind::Fraction),
        });
    }
    if VAGUE.contains(&word(article)) {
        return Some((f64::NAN, article + 1, Kind::Vague));
    }
    let mut total = 0.0;
    let mut used = article;
    let mut below = f64::INFINITY;
    let mut kind = Kind::Cardinal;
    let mut last = None;
    loop {
        // "and" joins only what a hundred or a scale has opened: "two and three" are two numbers.
        let and = usize::from(used > article && word(used) == "and");
        let Some((group, length, group_kind)) = below_thousand(&words[used + and..]) else {
            break;
        };
        let next = used + and + length;
        if let Some(scale) = scale(word(next)).filter(|scale| *scale < below) {
            total += group * scale;
            below = scale;
            used = next + 1;
            last = None;
        } else {
            last = Some((group, next, group_kind));
            break;
        }
    }
    if used == article && last.is_none() {
        // "thousand" and "a thousand": the count is left out. "Grand" alone is praise.
        let name = Some(word(article)).filter(|name| *name != "grand")?;
        return match scale(name) {
            Some(value) => Some((value, article + 1, Kind::Cardinal)),
            None => Some((scale(name.strip_suffix("th")?)?, article + 1, Kind::Ordinal)),
        };
    }
    if let Some((group, next, group_kind)) = last {
        // "a" goes with "hundred" and the like only.
        if article == 1 && used == article && !takes_article(word(1)) {
            return None;
        }
        total += group;
        used = next;
        kind = group_kind;
    } else if article == 1 && used == article {
        return None;
    }
    if kind == Kind::Cardinal {
        if word(used) == "dozen" {
            total *= 12.0;
            used += 1;
        }
        if word(used) == "point" {
            let mut decimals = String::new();
            while let Some(digit) = place(&UNITS[..10], word(used + 1)) {
                decimals.push_str(&digit.to_string());
                used += 1;
            }
            if !decimals.is_empty() {
                used += 1;
                total = format!("{total}.{decimals}").parse().unwrap_or(total);
            }
        }
        let rest = [word(used), word(used + 1), word(used + 2)];
        if rest == ["and", "a", "half"] {
            total += 0.5;
            used += 3;
        }
    }
    Some((total, used, kind))
}

/// Reads a number below a thousand, or figures where words go on with them: "2 thousand".
fn below_thousand(words: &[&str]) -> Option<(f64, usize, Kind)> {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let (count, length, kind) = match word(0) {
        "hundred" => (1.0, 0, Kind::Cardinal),
        "hundredth" => return Some((100.0, 1, Kind::Ordinal)),
        "dozen" => return Some((12.0, 1, Kind::Cardinal)),
        first if is_figure(first) => {
            let goes_on = word(1) == "hundred" || word(1) == "dozen" || scale(word(1)).is_some();
            let value = first.parse().ok().filter(|_| goes_on)?;
            (value, 1, Kind::Cardinal)
        }
        _ => below_hundred(words)?,
    };
    if kind == Kind::Ordinal {
        return Some((count, length, kind));
    }
    if word(length) == "hundredth" {
        return Some((count * 100.0, length + 1, Kind::Ordinal));
    }
    if word(length) != "hundred" {
        return Some((count, length, kind));
    }
    let hundreds = count * 100.0;
    let used = length + 1;
    let and = usize::from(word(used) == "and");
    match below_hundred(words.get(used + and..).unwrap_or_default()) {
        Some((rest, more, kind)) => Some((hundreds + rest, used + and + more, kind)),
        None => Some((hundreds, used, Kind::Cardinal)),
    }
}

/// Reads "five", "fifteen", "fifty", "fifty five", "fifty fifth" and "fiftieth".
fn below_hundred(words: &[&str]) -> Option<(f64, usize, Kind)> {
    let first = *words.first()?;
    if let Some(value) = place(&UNITS, first) {
        return Some((value, 1, Kind::Cardinal));
    }
    if let Some(value) = place(&UNIT_ORDINALS, first) {
        return Some((value, 1, Kind::Ordinal));
    }
    if let Some(value) = place(&TENS_ORDINALS, first) {
        return Some((10.0 * (value + 2.0), 1, Kind::Ordinal));
    }
    let Some(tens) = place(&TENS, first).map(|tens| 10.0 * (tens + 2.0)) else {
        return joined(first).or_else(|| {
            let other = OTHERS.iter().find(|(name, _)| *name == first)?;
            Some((other.1, 1, Kind::Cardinal))
        });
    };
    let next = words.get(1).copied().unwrap_or_default();
    if let Some(unit) = place(&UNITS[..10], next).filter(|unit| *unit > 0.0) {
        return Some((tens + unit, 2, Kind::Cardinal));
    }
    match place(&UNIT_ORDINALS[..10], next).filter(|unit| *unit > 0.0) {
        Some(unit) => Some((tens + unit, 2, Kind::Ordinal)),
        None => Some((tens, 1, Kind::Cardinal)),
    }
}

/// Reads "fiftyfive".
fn joined(word: &str) -> Option<(f64, usize, Kind)> {
    TENS.iter().zip(2_u8..).find_map(|(name, tens)| {
        let unit = place(&UNITS[..10], word.strip_prefix(name)?)?;
        Some((f64::from(tens) * 10.0 + unit, 1, Kind::Cardinal))
    })
}

fn place(list: &[&str], word: &str) -> Option<f64> {
    let at = list.iter().position(|known| *known == word)?;
    u32::try_from(at).ok().map(f64::from)
}

fn scale(word: &str) -> Option<f64> {
    SCALES
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

/// What "half a" may be counted in.
fn counted_in(word: &str) -> Option<f64> {
    match word {
        "dozen" => Some(12.0),
        "hundred" => Some(100.0),
        _ => scale(word),
    }
}

fn takes_article(word: &str) -> bool {
    matches!(word, "hundred" | "dozen" | "couple" | "fiver" | "tenner")
}

fn is_figure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
