//! Whether a word is a voucher code.

/// Says whether a word is written like a voucher code: at least four capitals, then one or two digits.
/// Codes of products and orders have more digits, names of standards (`IPX7`) fewer letters.
pub(crate) fn is_voucher(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() >= 4
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=2).contains(&(word.len() - letters.len()))
}
