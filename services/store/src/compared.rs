//! The form in which details that prove identity are compared: without case, spaces and marks, and
//! with each character in its plain form (full-width digits are digits). It knows no country.

use unicode_normalization::UnicodeNormalization;

/// Fewest digits of a phone number that may identify a customer: shorter ones are extensions or
/// typing errors.
const PHONE_DIGITS_MIN: usize = 7;
/// What people write in phone numbers beside digits.
const PHONE_MARKS: &[char] = &['+', '-', '.', '/', '(', ')', ' '];

/// Brings each character into its plain form (Unicode NFKC).
pub fn plain(text: &str) -> String {
    text.nfkc().collect()
}

/// Brings a code (an order number, a postcode) into the form that is compared: letters and digits.
pub fn code_key(code: &str) -> String {
    code.nfkc()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Brings an e-mail address into the form that is compared.
pub fn email_key(email: &str) -> String {
    plain(email).trim().to_lowercase()
}

/// Keeps the digits of a phone number in international form, without a `00` in front. What holds
/// anything else is no phone number: ids that a platform makes up look like `CO.1047…`.
pub(crate) fn phone_digits(phone: &str) -> Option<String> {
    let is_phone = |c: char| c.is_ascii_digit() || PHONE_MARKS.contains(&c);
    if !phone.trim().chars().all(is_phone) {
        return None;
    }
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    (digits.len() >= PHONE_DIGITS_MIN).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_compare_as_people_write_them() {
        assert_eq!(email_key(" Ann@Example.COM "), "ann@example.com");
        for (written, stored) in [
            (" sw1a 1aa", "SW1A1AA"),
            ("1234ab", "1234 AB"),
            ("１００−０００１", "〒100-0001"),
            ("a 2291", "#A-2291"),
            ("2024-00017", "2024/00017"),
        ] {
            assert_eq!(code_key(written), code_key(stored));
        }
        assert_eq!(code_key("# - ."), "");
    }

    #[test]
    fn only_phone_numbers_are_phone_numbers() {
        assert_eq!(
            phone_digits("+44 (7700) 900-123"),
            phone_digits("00447700900123")
        );
        for other in [
            "12",
            "",
            "CO.104712345678",
            "US.13491208655302741918",
            "webchat-4477009001",
        ] {
            assert_eq!(phone_digits(other), None, "{other}");
        }
    }
}
