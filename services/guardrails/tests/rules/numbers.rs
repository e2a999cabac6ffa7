//! Numbers in words need a source, and are never a price.

use mercer_guardrails::{RULES, ReplyPolicy, check_with};
use mercer_schemas::{DocumentId, Evidence, RecordKey};

use crate::{broken, everything, record};

/// Writes numbers as English does.
fn in_words(n: u32) -> String {
    const SMALL: [&str; 20] = [
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
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let joined = |head: String, rest: u32, joint: &str| match rest {
        0 => head,
        rest => format!("{head}{joint}{}", in_words(rest)),
    };
    match n {
        0..20 => SMALL[n as usize].to_owned(),
        20..100 => joined(TENS[(n / 10) as usize].to_owned(), n % 10, "-"),
        100..1_000 => joined(format!("{} hundred", in_words(n / 100)), n % 100, " and "),
        1_000..1_000_000 => {
            let joint = if n % 1_000 < 100 { " and " } else { " " };
            joined(
                format!("{} thousand", in_words(n / 1_000)),
                n % 1_000,
                joint,
            )
        }
        _ => joined(
            format!("{} million", in_words(n / 1_000_000)),
            n % 1_000_000,
            " ",
        ),
    }
}

/// Steps through the numbers to a million: all small ones, then every 307th.
fn numbers() -> impl Iterator<Item = u32> {
    (0..2_000)
        .chain((2_000..1_000_000).step_by(307))
        .chain([1_000_000])
}

#[test]
fn every_number_in_words_needs_its_source() {
    let number_word = RULES
        .iter()
        .filter(|rule| rule.name == "number_word_without_source")
        .copied()
        .collect::<Vec<_>>();
    let policy = ReplyPolicy::default();
    let holds = |text: &str, evidence: &[Evidence]| {
        check_with(&number_word, text, evidence, "", &policy)[0].passed
    };
    for n in numbers() {
        let words = in_words(n);
        let claim = format!("You have {words} days.");
        assert!(!holds(&claim, &[]), "{claim}");
        let key = RecordKey::Document(DocumentId::new("returns").expect("key"));
        let evidence = [record(key, 1, &[("text", &format!("You have {n} days."))])];
        assert!(holds(&claim, &evidence), "{claim}");
        let other = in_words(n + 1);
        assert!(
            !holds(&format!("You have {other} days."), &evidence),
            "{other}"
        );
    }
}

#[test]
fn no_price_is_said_in_words() {
    let evidence = everything();
    for n in numbers().step_by(7) {
        let words = in_words(n);
        for claim in [
            format!("It costs {words}."),
            format!("It is {words} pounds."),
            format!("Yours for {words}!"),
            format!("{words} quid."),
        ] {
            assert!(!broken(&claim, &evidence, "").is_empty(), "{claim}");
        }
    }
}
