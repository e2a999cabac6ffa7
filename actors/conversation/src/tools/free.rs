//! Free words of a call: for what harms nothing, whatever it says. Bounded in length and letters.

use mercer_schemas::Personal;
use mercer_schemas::terms::TERM_CHARS_MAX;

use crate::grammar::Rules;

/// Most characters of a query or a value.
pub(super) const WORDS_CHARS_MAX: usize = 80;
/// Most things that are asked of products in one call.
const ABOUT_MAX: usize = 8;
/// Digits of an amount before and after the point.
const AMOUNT_DIGITS_MAX: (usize, usize) = (7, 2);

/// Adds the terminal `WORDS`: what stands in JSON as it is, without braces and template markup.
pub(super) fn words(rules: &mut Rules) {
    let body = format!(r#"/[^"\\{{}}<>|\x00-\x1f\x7f-\x{{9f}}]{{1,{WORDS_CHARS_MAX}}}/"#);
    rules.pattern("WORDS", &body);
}

/// Says whether a text is what `WORDS` admits.
pub(super) fn are_words(text: &str) -> bool {
    let chars = text.chars().count();
    (1..=WORDS_CHARS_MAX).contains(&chars)
        && !text.contains(|c: char| c.is_control() || "\"\\{}<>|".contains(c))
}

/// Says whether a text can be one of the shop's names: they stand in JSON as they are.
pub(super) fn is_name(text: &str) -> bool {
    let chars = text.chars().count();
    (1..=TERM_CHARS_MAX).contains(&chars)
        && !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'))
}

/// Adds what is asked of products, and returns how a call says it, if at all.
pub(super) fn about(rules: &mut Rules) -> String {
    words(rules);
    rules.pattern("ABOUT", r#""\"" WORDS "\"""#);
    let more = ABOUT_MAX - 1;
    format!(r#"(",\"about\":[" ABOUT ("," ABOUT){{0,{more}}} "]")?"#)
}

/// Says whether this is what [`about`] admits.
pub(super) fn is_about(about: &[Personal<String>]) -> bool {
    about.len() <= ABOUT_MAX && about.iter().all(|about| are_words(about.expose()))
}

/// Adds the terminal `AMOUNT`: major units of money.
pub(super) fn amount(rules: &mut Rules) {
    let (before, after) = AMOUNT_DIGITS_MAX;
    rules.pattern(
        "AMOUNT",
        &format!(r"/[0-9]{{1,{before}}}(\.[0-9]{{1,{after}}})?/"),
    );
}

/// Says whether a text is what `AMOUNT` admits.
pub(super) fn is_amount(text: &str) -> bool {
    let (before, after) = AMOUNT_DIGITS_MAX;
    let is_number = |digits: &str, max: usize| {
        (1..=max).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text.split_once('.') {
        Some((major, minor)) => is_number(major, before) && is_number(minor, after),
        None => is_number(text, before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_amounts_are_bounded() {
        assert!(are_words("kids' bike, 20 in") && are_words(&"é".repeat(WORDS_CHARS_MAX)));
        for bad in ["", "a\"b", "{{p1}}", "a\nb", "<|x|>", &"x".repeat(81)] {
            assert!(!are_words(bad), "{bad:?}");
        }
        assert!(is_amount("5") && is_amount("1234567.50"));
        for bad in ["", ".5", "5.", "12345678", "1.234", "1,5", "-1"] {
            assert!(!is_amount(bad), "{bad:?}");
        }
    }
}
