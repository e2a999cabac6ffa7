//! Reads measures out of a product's values, so that products can be put in the order of one:
//! `1.2 kg` is more than `900 g`.
//!
//! Factors are the exact ones of the international yard and pound agreement (1959) and of the US
//! and imperial gallon. A value says one thing first: of `4 to 6 people` the 4 counts.

/// What a number measures. Only measures of one dimension are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Dimension {
    /// A bare number, or one whose unit is not known.
    Count,
    /// Millimetres.
    Length,
    /// Grams.
    Mass,
    /// Millilitres.
    Volume,
    /// Seconds.
    Time,
    /// Watts.
    Power,
    /// Watt hours.
    Energy,
    /// Milliampere hours.
    Charge,
    /// Bytes, in thousands.
    Storage,
}

/// Units as they are written after a number, in lower case: what they measure, and how much of it one is.
const UNITS: &[(&[&str], Dimension, f64)] = &[
    (&["mm", "millimetre", "millimeter"], Dimension::Length, 1.0),
    (&["cm", "centimetre", "centimeter"], Dimension::Length, 10.0),
    (&["m", "metre", "meter"], Dimension::Length, 1_000.0),
    (&["km", "kilometre", "kilometer"], Dimension::Length, 1e6),
    (&["in", "inch", "inche", "\"", "″"], Dimension::Length, 25.4),
    (&["ft", "foot", "feet", "'", "′"], Dimension::Length, 304.8),
    (&["yd", "yard"], Dimension::Length, 914.4),
    (&["mi", "mile"], Dimension::Length, 1_609_344.0),
    (&["mg", "milligram"], Dimension::Mass, 0.001),
    (&["g", "gram", "gramme"], Dimension::Mass, 1.0),
    (&["kg", "kilo", "kilogram"], Dimension::Mass, 1_000.0),
    (&["t", "tonne"], Dimension::Mass, 1e6),
    (&["oz", "ounce"], Dimension::Mass, 28.349_523_125),
    (&["lb", "pound"], Dimension::Mass, 453.592_37),
    (&["st", "stone"], Dimension::Mass, 6_350.293_18),
    (&["ml", "millilitre", "milliliter"], Dimension::Volume, 1.0),
    (&["cl", "centilitre", "centiliter"], Dimension::Volume, 10.0),
    (&["l", "litre", "liter"], Dimension::Volume, 1_000.0),
    (&["fl"], Dimension::Volume, 29.573_529_562_5),
    (&["cup"], Dimension::Volume, 236.588_236_5),
    (&["gal", "gallon"], Dimension::Volume, 3_785.411_784),
    (&["s", "sec", "second"], Dimension::Time, 1.0),
    (&["min", "minute"], Dimension::Time, 60.0),
    (&["h", "hr", "hour"], Dimension::Time, 3_600.0),
    (&["day", "night"], Dimension::Time, 86_400.0),
    (&["week", "wk"], Dimension::Time, 604_800.0),
    (&["month", "mo"], Dimension::Time, 2_629_746.0),
    (&["year", "yr"], Dimension::Time, 31_556_952.0),
    (&["w", "watt"], Dimension::Power, 1.0),
    (&["kw", "kilowatt"], Dimension::Power, 1_000.0),
    (&["hp", "horsepower"], Dimension::Power, 745.7),
    (&["wh"], Dimension::Energy, 1.0),
    (&["kwh"], Dimension::Energy, 1_000.0),
    (&["mah"], Dimension::Charge, 1.0),
    (&["ah"], Dimension::Charge, 1_000.0),
    (&["mb"], Dimension::Storage, 1e3),
    (&["gb"], Dimension::Storage, 1e6),
    (&["tb"], Dimension::Storage, 1e9),
];

/// What stands between the numbers of a range or a size.
const JOINS: &[&str] = &["x", "×", "-", "–", "to "];

/// A number with what it measures, in the dimension's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    pub(crate) dimension: Dimension,
    pub(crate) amount: f64,
}

/// Reads the first measure of a value; none where it holds no number. `6 ft 2 in` and `2 lb 3 oz` are one measure.
pub(crate) fn measure(value: &str) -> Option<Measure> {
    let value = value.replace(['\u{a0}', '\u{202f}'], " ");
    let (mut measure, mut rest) = first(&value)?;
    // Smaller units of the same dimension follow: feet and inches.
    while let Some((next, after)) = first(rest)
        && rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
        && next.dimension == measure.dimension
        && next.dimension != Dimension::Count
        && next.amount < measure.amount
    {
        measure.amount += next.amount;
        rest = after;
    }
    Some(measure)
}

/// Reads the first number and its unit, and returns what follows them.
fn first(text: &str) -> Option<(Measure, &str)> {
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    // ".5 oz", but not "v.5".
    let is_part = text[..digit].strip_suffix('.').is_some_and(|before| {
        let last = before.chars().next_back();
        last.is_none_or(|c| c == ' ' || c == '-')
    });
    let start = digit - usize::from(is_part);
    let (mut amount, rest) = number(&text[start..])?;
    // A minus is one only where no word or number stands before it: "-8 °C", not "4-6".
    let mut before = text[..start].chars().rev();
    let has_sign = matches!(before.next(), Some('-' | '−' | '–'));
    if has_sign && !before.next().is_some_and(char::is_alphanumeric) {
        amount = -amount;
    }
    let (mut dimension, mut factor, rest) = unit(rest);
    if dimension == Dimension::Count
        && let Some((other, its)) = unit_of_next(rest)
    {
        (dimension, factor) = (other, its);
    }
    let amount = amount * factor;
    Some((Measure { dimension, amount }, rest))
}

/// Returns the unit of the number that a range or a size goes on with: `30 x 40 cm`, `4-6 m`.
fn unit_of_next(text: &str) -> Option<(Dimension, f64)> {
    let text = text.trim_start();
    let rest = JOINS.iter().find_map(|join| text.strip_prefix(join))?;
    let rest = rest.trim_start();
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (_, rest) = number(rest)?;
    let (dimension, factor, rest) = unit(rest);
    match dimension {
        Dimension::Count => unit_of_next(rest),
        known => Some((known, factor)),
    }
}

/// Reads a number: digits grouped by commas or spaces of three, a decimal point or comma, a fraction or one after it.
fn number(text: &str) -> Option<(f64, &str)> {
    let mut digits = String::new();
    let mut end = 0;
    let bytes = text.as_bytes();
    let (mut has_point, mut group) = (false, 0);
    while let Some(&byte) = bytes.get(end) {
        let next_digits = bytes[end + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        match byte {
            b'0'..=b'9' => {
                digits.push(char::from(byte));
                group += 1;
            }
            b',' | b' ' if next_digits == 3 && !has_point && (1..=3).contains(&group) => group = 0,
            b'.' | b',' if next_digits > 0 && !has_point => {
                has_point = true;
                digits.push('.');
            }
            _ => break,
        }
        end += 1;
    }
    let whole: f64 = digits.parse().ok()?;
    let rest = &text[end..];
    if let Some(below) = rest.strip_prefix('/') {
        let length = below.bytes().take_while(u8::is_ascii_digit).count();
        let divisor: f64 = below[..length].parse().unwrap_or(0.0);
        if divisor > 0.0 {
            return Some((whole / divisor, &below[length..]));
        }
    }
    // "1 1/2", "1-1/2".
    if let Some(part) = rest.strip_prefix([' ', '-'])
        && !has_point
        && part.starts_with(|c: char| c.is_ascii_digit())
    {
        let length = part.bytes().take_while(u8::is_ascii_digit).count();
        if part[length..].starts_with('/')
            && let Some((below_one, rest)) = number(part)
        {
            return Some((whole + below_one, rest));
        }
    }
    let trimmed = rest.trim_start();
    for (sign, part) in [('½', 0.5), ('¼', 0.25), ('¾', 0.75)] {
        if let Some(rest) = trimmed.strip_prefix(sign) {
            return Some((whole + part, rest));
        }
    }
    Some((whole, rest))
}

/// Reads the unit after a number.
fn unit(text: &str) -> (Dimension, f64, &str) {
    let trimmed = text.trim_start_matches([' ', '\u{a0}', '\u{202f}', '-']);
    let length = match trimmed.chars().next() {
        Some(sign @ ('"' | '\'' | '″' | '′')) => sign.len_utf8(),
        _ => trimmed
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(trimmed.len()),
    };
    let word = trimmed[..length].to_lowercase();
    let singular = word.strip_suffix('s').filter(|word| !word.is_empty());
    let known = |word: &str| {
        UNITS
            .iter()
            .find(|(names, ..)| names.contains(&word))
            .map(|(_, dimension, factor)| (*dimension, *factor))
    };
    match known(&word).or_else(|| singular.and_then(known)) {
        // "3-in-1" measures nothing.
        Some(_)
            if word == "in"
                && trimmed[length..]
                    .strip_prefix([' ', '-'])
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            (Dimension::Count, 1.0, text)
        }
        Some((dimension, factor)) => {
            let rest = &trimmed[length..];
            let rest = if word == "fl" {
                rest.trim_start_matches([' ', '.']).trim_start_matches("oz")
            } else {
                rest
            };
            (dimension, factor, rest)
        }
        None => (Dimension::Count, 1.0, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Dimension, f64) {
        let measure = measure(value).expect("a measure");
        (measure.dimension, (measure.amount * 100.0).round() / 100.0)
    }

    #[test]
    fn units_of_one_dimension_are_brought_to_one() {
        for (value, dimension, amount) in [
            ("1.2 kg", Dimension::Mass, 1_200.0),
            ("900g", Dimension::Mass, 900.0),
            ("2 lb 3 oz", Dimension::Mass, 992.23),
            ("6 ft 2 in", Dimension::Length, 1_879.6),
            ("5' 8\"", Dimension::Length, 1_727.2),
            ("3/4 in", Dimension::Length, 19.05),
            ("2½ inches", Dimension::Length, 63.5),
            ("12 fl oz", Dimension::Volume, 354.88),
            ("1,500 ml", Dimension::Volume, 1_500.0),
            ("1,5 l", Dimension::Volume, 1_500.0),
            ("20-litre tank", Dimension::Volume, 20_000.0),
            ("up to 36 hours", Dimension::Time, 129_600.0),
            ("2 years", Dimension::Time, 63_113_904.0),
            ("10,000 mAh", Dimension::Charge, 10_000.0),
            ("4 to 6 people", Dimension::Count, 4.0),
            ("-8 °C", Dimension::Count, -8.0),
            ("4-6 people", Dimension::Count, 4.0),
            ("30 cm x 40 cm", Dimension::Length, 300.0),
            ("30 x 40 x 12 cm", Dimension::Length, 300.0),
            ("50–60 mm", Dimension::Length, 50.0),
            ("up to 40 000 pages", Dimension::Count, 40_000.0),
            ("10\u{a0}000 mAh", Dimension::Charge, 10_000.0),
            ("1 1/2 in", Dimension::Length, 38.1),
            ("1-1/2 in", Dimension::Length, 38.1),
            (".5 oz", Dimension::Mass, 14.17),
            ("3-in-1 cleaner", Dimension::Count, 3.0),
        ] {
            assert_eq!(read(value), (dimension, amount), "{value}");
        }
        assert_eq!(measure("self-fertile"), None);
        assert_eq!(measure(""), None);
    }

    #[test]
    fn any_text_is_read_without_harm() {
        for hostile in [
            "9".repeat(400).as_str(),
            "1//2",
            "1/0 m",
            "−",
            "–5",
            "é-3 m",
            "½",
            "3,,4",
            "1.2.3",
            "５ kg",
            "7 \u{301}m",
            &"1x".repeat(200),
        ] {
            let read = measure(hostile);
            assert!(
                read.is_none_or(|measure| !measure.amount.is_nan()),
                "{hostile}"
            );
        }
    }
}
