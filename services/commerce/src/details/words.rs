//! Sizes and units as customers say them and as records have them, in one spelling.

/// Spellings of one size or unit. Left: what is said or written; right: the word compared.
const SAME: &[(&str, &str)] = &[
    ("s", "small"),
    ("m", "medium"),
    ("med", "medium"),
    ("l", "large"),
    ("xl", "xlarge"),
    ("xxl", "xxlarge"),
    ("xs", "xsmall"),
    ("color", "colour"),
    ("gray", "grey"),
];

/// Spellings of units behind a number.
const UNITS: &[(&str, &str)] = &[
    ("l", "litre"),
    ("ltr", "litre"),
    ("litre", "litre"),
    ("litres", "litre"),
    ("liter", "litre"),
    ("liters", "litre"),
    ("cm", "cm"),
    ("cms", "cm"),
    ("centimetres", "cm"),
    ("mm", "mm"),
    ("m", "metre"),
    ("metre", "metre"),
    ("metres", "metre"),
    ("meter", "metre"),
    ("meters", "metre"),
    ("kg", "kg"),
    ("kilos", "kg"),
    ("g", "gram"),
    ("grams", "gram"),
    ("by", "by"),
    ("x", "by"),
    ("×", "by"),
];

/// A word of an option's value or of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionWord {
    /// As it is compared.
    pub(super) text: String,
    /// A unit behind a number: alone it names nothing.
    pub(super) is_unit: bool,
}

/// Splits an option's value or a question into words that can be compared: numbers apart from their
/// units, sizes and units in one spelling.
pub(super) fn option_words(text: &str) -> Vec<OptionWord> {
    let mut out: Vec<OptionWord> = Vec::new();
    for raw in pieces(&text.to_lowercase()) {
        let after_number = out
            .last()
            .is_some_and(|last| last.text.starts_with(|c: char| c.is_ascii_digit()));
        let unit = UNITS.iter().find(|(said, _)| after_number && *said == raw);
        let extra = ["extra", "x"].contains(&out.last().map_or("", |last| last.text.as_str()));
        if extra && ["large", "small"].contains(&raw.as_str()) {
            out.pop();
            out.push(plain(format!("x{raw}")));
        } else if let Some((_, unit)) = unit {
            out.push(OptionWord {
                text: (*unit).to_owned(),
                is_unit: true,
            });
        } else {
            let same = SAME.iter().find(|(said, _)| *said == raw);
            out.push(plain(same.map_or(raw, |(_, word)| (*word).to_owned())));
        }
    }
    out
}

fn plain(text: String) -> OptionWord {
    OptionWord {
        text,
        is_unit: false,
    }
}

/// Cuts at everything but letters, digits and apostrophes inside a word, and between a number and the
/// letters behind it. A decimal point stays.
fn pieces(lower: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let split = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '\'' | '’' | '×'));
    for word in lower.split(split) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '×');
        let mut piece = String::new();
        for c in word.chars() {
            let last = piece.chars().last();
            let numeric = |c: char| c.is_ascii_digit() || c == '.';
            if last.is_some_and(|last| numeric(last) != numeric(c)) {
                out.push(std::mem::take(&mut piece));
            }
            piece.push(c);
        }
        if !piece.is_empty() {
            out.push(piece);
        }
    }
    out.retain(|piece| piece.chars().any(|c| c.is_alphanumeric() || c == '×'));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_units_have_one_spelling() {
        let words = |text: &str| {
            option_words(text)
                .into_iter()
                .map(|word| word.text)
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (said, value) in [
            ("10 litre", "10 l"),
            ("10L", "10 l"),
            ("160x230cm", "160 by 230 cm"),
            ("160 × 230 cm", "160 by 230 cm"),
            ("an extra large", "an XL"),
            ("large", "L"),
            ("0.5 liters", "0.5 l"),
        ] {
            assert_eq!(words(said), words(value), "{said}");
        }
        assert_eq!(words("what's left"), "what's left");
    }
}
