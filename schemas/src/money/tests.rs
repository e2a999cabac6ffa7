//! Money in and out, over currencies and locales.

use super::*;
use proptest::prelude::*;

fn gbp() -> Currency {
    "GBP".parse().expect("code")
}

fn money(minor: i64, code: &str) -> Money {
    Money {
        minor,
        currency: code.parse().expect("code"),
    }
}

#[test]
fn money_is_written_as_the_shops_customers_read_it() {
    for (minor, code, locale, text) in [
        (4599, "GBP", "en-GB", "£45.99"),
        (120_000, "GBP", "en-GB", "£1,200.00"),
        (-5, "EUR", "en-IE", "-€0.05"),
        (1200, "JPY", "en", "¥1,200"),
        (1234, "KWD", "en-KW", "1.234 KWD"),
        (120_050, "EUR", "de-DE", "€1.200,50"),
        (123_456_789, "INR", "en-IN", "₹12,34,567.89"),
        (123_456_789, "INR", "en-GB", "1,234,567.89 INR"),
        (11_900, "CAD", "en-CA", "$119.00"),
        (11_900, "AUD", "en-AU", "$119.00"),
        (11_900, "NZD", "en-NZ", "$119.00"),
        (11_900, "NZD", "en-AU", "119.00 NZD"),
        (11_900, "SGD", "en-SG", "S$119.00"),
        (11_900, "CAD", "fr-CA", "119,00 CAD"),
        (1_199_900, "ZAR", "en-ZA", "R11\u{a0}999,00"),
        (11_900, "KES", "en-KE", "119.00 KES"),
        (11_900, "ZZZ", "en-GB", "119.00 ZZZ"),
        (123_450, "CHF", "de-CH", "1'234.50 CHF"),
        (120_050, "EUR", "es-ES", "€1200,50"),
        (1_200_050, "EUR", "fr-FR", "€12\u{202f}000,50"),
        (4599, "GBP", "no such locale", "£45.99"),
        (120_000, "GBP", "", "£1,200.00"),
        (i64::MIN, "GBP", "en-GB", "-£92,233,720,368,547,758.08"),
    ] {
        assert_eq!(money(minor, code).text(locale), text, "{code} {locale}");
    }
}

#[test]
fn decimals_are_those_of_the_list() {
    let decimals = |code: &str| code.parse::<Currency>().expect("code").decimals();
    for code in [
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
        "XAF", "XOF", "XPF",
    ] {
        assert_eq!(decimals(code), 0, "{code}");
    }
    for code in ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"] {
        assert_eq!(decimals(code), 3, "{code}");
    }
    for code in ["GBP", "EUR", "USD", "INR", "ZZZ", "XXX"] {
        assert_eq!(decimals(code), 2, "{code}");
    }
    let is_listed = |code: &str| code.parse::<Currency>().expect("code").is_listed();
    assert!(is_listed("SEK") && !is_listed("ZZZ"));
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, code, minor) in [
        ("40", "GBP", 4_000),
        ("12.5", "GBP", 1_250),
        ("12,50", "EUR", 1_250),
        ("1,200", "GBP", 120_000),
        ("1.200", "EUR", 120_000),
        ("1,200.50", "GBP", 120_050),
        ("1.200,5", "EUR", 120_050),
        ("1 200,50", "EUR", 120_050),
        ("1’200.50", "CHF", 120_050),
        ("12,34,567.89", "INR", 123_456_789),
        ("1,234,567", "GBP", 123_456_700),
        ("1.234", "KWD", 1_234),
        ("1,200", "JPY", 1_200),
    ] {
        let currency = code.parse().expect("code");
        assert_eq!(
            Money::parse_written(text, currency),
            Ok(money(minor, code)),
            "{text}"
        );
    }
    for bad in [
        "", ",", "1,20,00", "12,3456", "1,200,50", "1.2.3", "a", "1,2345.6", "-3",
    ] {
        assert!(Money::parse_written(bad, gbp()).is_err(), "{bad:?}");
    }
}

#[test]
fn amounts_that_are_not_plain_decimals_are_refused() {
    for bad in [
        "",
        ".5",
        "1.234",
        "1,50",
        "-3",
        "£3",
        "1e3",
        "99999999999999999999",
    ] {
        assert!(Money::parse_decimal(bad, gbp()).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn parsing_what_was_written_gives_the_same_money(
        minor in 0_i64..=10_000_000_000,
        locale in prop::sample::select(vec!["en-GB", "de-DE", "fr-FR", "de-CH", "en-IN", "es-ES", "sv-SE"]),
    ) {
        let money = Money { minor, currency: gbp() };
        let text = money.text(locale);
        prop_assert_eq!(Money::parse_written(text.trim_start_matches('£'), gbp()), Ok(money));
    }
}
