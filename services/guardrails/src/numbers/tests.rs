//! Numbers in words, written and read back.

use super::*;

/// Writes a number below a thousand.
fn group(n: u32, and: &str, hyphen: &str) -> String {
    let below_hundred = |n: u32| match (n / 10, n % 10) {
        (0 | 1, _) => UNITS[n as usize].to_owned(),
        (tens, 0) => TENS[tens as usize - 2].to_owned(),
        (tens, unit) => format!(
            "{}{hyphen}{}",
            TENS[tens as usize - 2],
            UNITS[unit as usize]
        ),
    };
    match (n / 100, n % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", UNITS[hundreds as usize]),
        (hundreds, rest) => {
            format!(
                "{} hundred{and}{}",
                UNITS[hundreds as usize],
                below_hundred(rest)
            )
        }
    }
}

/// Writes a number up to a million in words.
fn in_words(n: u32, and: &str, hyphen: &str) -> String {
    if n == 1_000_000 {
        return "one million".to_owned();
    }
    match (n / 1_000, n % 1_000) {
        (0, rest) => group(rest, and, hyphen),
        (thousands, 0) => format!("{} thousand", group(thousands, and, hyphen)),
        (thousands, rest) => {
            let joint = if rest < 100 { and } else { " " };
            let thousands = group(thousands, and, hyphen);
            format!("{thousands} thousand{joint}{}", group(rest, and, hyphen))
        }
    }
}

fn read(text: &str) -> Vec<(f64, Kind)> {
    let words: Vec<&str> = text.split([' ', '-']).collect();
    let found = spoken(&words);
    found
        .into_iter()
        .map(|number| (number.value, number.kind))
        .collect()
}

#[test]
fn every_number_to_a_million_is_read() {
    for n in 0..=1_000_000 {
        let (and, hyphen) = match n % 3 {
            0 => (" and ", "-"),
            1 => (" ", " "),
            _ => (" and ", " "),
        };
        let text = in_words(n, and, hyphen);
        assert_eq!(read(&text), [(f64::from(n), Kind::Cardinal)], "{text}");
    }
}

#[test]
fn other_ways_to_say_a_number_are_read() {
    for (text, value, kind) in [
        ("a hundred and five", 105.0, Kind::Cardinal),
        ("a thousand", 1_000.0, Kind::Cardinal),
        ("nineteen hundred", 1_900.0, Kind::Cardinal),
        ("half a dozen", 6.0, Kind::Cardinal),
        ("two dozen", 24.0, Kind::Cardinal),
        ("half a million", 500_000.0, Kind::Cardinal),
        ("two and a half", 2.5, Kind::Cardinal),
        ("one point seven", 1.7, Kind::Cardinal),
        ("2 thousand", 2_000.0, Kind::Cardinal),
        ("2 dozen", 24.0, Kind::Cardinal),
        ("a tenner", 10.0, Kind::Cardinal),
        ("a couple", 2.0, Kind::Cardinal),
        ("fiftyfive", 55.0, Kind::Cardinal),
        ("five grand", 5_000.0, Kind::Cardinal),
        ("the twenty-first", 21.0, Kind::Ordinal),
        ("the thirtieth", 30.0, Kind::Ordinal),
        ("two hundredth", 200.0, Kind::Ordinal),
        ("half", 0.5, Kind::Fraction),
    ] {
        assert_eq!(read(text), [(value, kind)], "{text}");
    }
    assert_eq!(read("a few")[0].1, Kind::Vague);
    assert_eq!(
        read("two and three"),
        [(2.0, Kind::Cardinal), (3.0, Kind::Cardinal)]
    );
    assert_eq!(read("a kettle, 30 days and an oven"), []);
}
