//! Limits of price that a message states beyond doubt.

use super::{AMOUNT_BYTES_MAX, CURRENCY_SIGNS, figures, number_runs};
use crate::bounds::head;
use crate::words::english::{
    CURRENCY_WORDS, MAX_AFTER, MAX_WORDS, MAX_WORDS_OF_MONEY, MIN_AFTER, MIN_WORDS, NEGATIONS,
    NOT_BELOW, OTHER_MEASURES, TURNED_DOWN,
};

/// Price limits that the words state in so many words, in major units as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceLimits {
    /// "over £20", "at least £20", "between £20 and £40".
    pub min: Option<String>,
    /// "under £40", "up to £40", "nothing over £40".
    pub max: Option<String>,
}

/// Smallest bare number that is taken for a price.
const BARE_PRICE_MIN: f64 = 10.0;
/// A bare pair whose second number is not this many times the first is taken for sizes: "boots, between
/// 40 and 42".
const BARE_BAND_MIN: f64 = 1.2;

/// Reads limits of price that leave no doubt: a known word beside an amount of money, or beside a
/// bare number that nothing is counted by, where money was spoken of ("13 pounds, not less than 10")
/// or the word limits nothing else ("below 40?"). Other numbers ("under 2 kg"), negations and other
/// wordings are left to the model.
pub fn price_limits(text: &str) -> PriceLimits {
    let lower = figures(text);
    let measures = lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| OTHER_MEASURES.contains(&word));
    let mut limits = PriceLimits::default();
    let mut doubtful = false;
    let mut last: Option<(String, String)> = None;
    let mut from = 0;
    let mut speaks_of_money = false;
    for run in number_runs(&lower) {
        let at = lower.len() - run.after.len() - run.text.len();
        let before = lower[from..at]
            .trim_end_matches(|c: char| c.is_whitespace() || CURRENCY_SIGNS.contains(&c))
            .to_owned();
        from = lower.len() - run.after.len();
        let is_plain = run.text.len() <= AMOUNT_BYTES_MAX
            && run.text.matches('.').count() <= 1
            && run.text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let counts_nothing = match run.after.trim_start().chars().next() {
            Some(c) if c.is_alphanumeric() => {
                // One character more than the longest of them: what follows may have no end.
                let next = head(run.after.trim_start(), 7);
                let next = next.split_whitespace().next().unwrap_or_default();
                ["and", "but", "or", "please"].contains(&next)
            }
            Some(c) => c != '%',
            None => true,
        };
        let may_be_price = counts_nothing
            && !measures
            && run.text.parse::<f64>().is_ok_and(|n| n >= BARE_PRICE_MIN);
        let is_money = run.is_amount || speaks_of_money && may_be_price;
        if is_plain && (is_money || may_be_price) {
            let (first, second) = (&mut limits.min, &mut limits.max);
            let below = if is_money {
                MAX_WORDS
            } else {
                MAX_WORDS_OF_MONEY
            };
            // "From 10 to 12" alone is a time.
            let pairs = &["between", "from"][..if is_money { 2 } else { 1 }];
            if let Some((low, before_low)) = &last
                && joins_two(&before)
                && opening(before_low, pairs).is_some()
                && (is_money || is_band(low, run.text))
            {
                doubtful |= first.is_some() && first.as_ref() != Some(low);
                *first = Some(low.clone());
                *second = Some(run.text.to_owned());
            } else if is_money && let Some(opening) = opening(&before, NOT_BELOW) {
                doubtful |= first.is_some() || is_turned_round(opening, run.after);
                *first = Some(run.text.to_owned());
            } else if let Some(opening) = opening(&before, below) {
                doubtful |= second.is_some() || is_turned_round(opening, run.after);
                *second = Some(run.text.to_owned());
            } else if is_money && let Some(opening) = opening(&before, MIN_WORDS) {
                doubtful |= first.is_some() || is_turned_round(opening, run.after);
                *first = Some(run.text.to_owned());
            } else if is_money && follows(run.after, MAX_AFTER) {
                doubtful |= second.is_some() || is_turned_round(&before, run.after);
                *second = Some(run.text.to_owned());
            } else if is_money && follows(run.after, MIN_AFTER) {
                doubtful |= first.is_some() || is_turned_round(&before, run.after);
                *first = Some(run.text.to_owned());
            }
        }
        speaks_of_money |= run.is_amount;
        last = is_plain.then(|| (run.text.to_owned(), before));
    }
    if doubtful {
        PriceLimits::default()
    } else {
        limits
    }
}

/// Says whether two numbers are far enough apart for prices.
fn is_band(low: &str, high: &str) -> bool {
    match (low.parse::<f64>(), high.parse::<f64>()) {
        (Ok(low), Ok(high)) => high >= low * BARE_BAND_MIN,
        _ => false,
    }
}

/// Says whether one of the endings follows an amount, perhaps after its currency.
fn follows(after: &str, endings: &[&str]) -> bool {
    let after = after.trim_start_matches([' ', ',']);
    let after = after.strip_prefix(CURRENCY_SIGNS).unwrap_or(after);
    let unit = CURRENCY_WORDS
        .iter()
        .find_map(|word| after.strip_prefix(word))
        .filter(|rest| !rest.starts_with(char::is_alphanumeric));
    let after = unit.unwrap_or(after).trim_start_matches([' ', ',']);
    endings.iter().any(|ending| {
        after
            .strip_prefix(ending)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// "and", "to" or a dash stands between two amounts, perhaps after the first one's unit.
fn joins_two(between: &str) -> bool {
    let words: Vec<&str> = between.split_whitespace().collect();
    words.len() <= 2
        && words
            .last()
            .is_some_and(|word| ["and", "to", "-", "–"].contains(word))
}

/// Returns what stands before one of the endings, where the text ends with it as whole words.
fn opening<'a>(text: &'a str, endings: &[&str]) -> Option<&'a str> {
    let text = text.trim_end_matches([' ', ':']);
    endings
        .iter()
        .filter_map(|ending| text.strip_suffix(ending))
        .find(|before| !before.ends_with(char::is_alphanumeric))
}

/// Says whether the clause around a limit turns it round: "can't go over £40", "£20 off".
fn is_turned_round(before: &str, after: &str) -> bool {
    let clause = before
        .rsplit(['.', ',', ';', '!', '?', '\n'])
        .next()
        .unwrap_or_default();
    let mut words = clause.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'));
    let after = after.trim_start();
    words.any(|word| {
        NEGATIONS.contains(&word)
            || word.ends_with("n't")
            || word.ends_with("n’t")
            || word.ends_with("nt") && ["cant", "dont", "wont", "isnt", "shouldnt"].contains(&word)
    }) || TURNED_DOWN.iter().any(|end| after.starts_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_that_is_turned_down_is_no_limit() {
        for text in [
            "anything over £40 is out of the question",
            "I refuse to pay more than £40",
            "leave out kettles over £40",
            "skip the ones under £20",
            "if it's more than £40 I'm out",
        ] {
            assert_eq!(price_limits(text), PriceLimits::default(), "{text}");
        }
    }

    #[test]
    fn limits_of_price_are_read_where_they_leave_no_doubt() {
        let cases = [
            ("a kettle under £40", None, Some("40")),
            ("Between £25 and £40?", Some("25"), Some("40")),
            ("between 50 and 60 pounds", Some("50"), Some("60")),
            ("fleece gloves, nothing over 15 quid", None, Some("15")),
            (
                "not more than £13 and not less than £10",
                Some("10"),
                Some("13"),
            ),
            ("max 70 quid but at least £50.50", Some("50.50"), Some("70")),
            ("max 70 quid, at least 50", Some("50"), Some("70")),
            ("a tent for up to 6 people, under £200", None, Some("200")),
            ("not under £20", Some("20"), None),
            ("more than 30 euros", Some("30"), None),
            ("a rucksack under 2 kg", None, None),
            ("you said it was £5", None, None),
            ("from June it costs £5", None, None),
            ("I don't want to spend more than £40", None, None),
            ("i can't go over £40", None, None),
            ("nothing below £20", None, None),
            ("anything over £40 is too much", None, None),
            ("is anything over £20 off?", None, None),
            ("I thought it over. £40 is the most", None, None),
            ("can I have it within 3? I paid £80", None, None),
            ("under £40, or under £50", None, None),
            ("a bench under fifty quid", None, Some("50")),
            ("trainers below 40?", None, Some("40")),
            ("a grill, between 90 and 120", Some("90"), Some("120")),
            ("gloves, nothng over 35", None, Some("35")),
            ("£40 or less", None, Some("40")),
            ("40 quid tops", None, Some("40")),
            ("£200 and up", Some("200"), None),
            ("my budget is £30", None, Some("30")),
            ("I don't have £40 max", None, None),
            ("a tent for up to 12", None, None),
            ("shoes in sizes between 40 and 42", None, None),
            ("toys for children under 12", None, None),
            ("for someone over 60", None, None),
            ("toys for girls under 12", None, None),
            ("hiking boots, between 40 and 42?", None, None),
            ("I've £200 to spend. A tent for up to 6?", None, None),
            (
                "is there free delivery for orders over £50, and show me kettles",
                None,
                None,
            ),
            ("can it come between 10 and 12 on Monday", None, None),
            ("a tent under £1,200", None, Some("1200")),
            ("a tent below 1.200", None, Some("1200")),
            (
                "between £1,000 and £1,499.99",
                Some("1000"),
                Some("1499.99"),
            ),
            ("at least 1 200 €", Some("1200"), None),
            ("12,50 € or less", None, Some("12.50")),
        ];
        for (text, min, max) in cases {
            let found = price_limits(text);
            assert_eq!(
                (found.min.as_deref(), found.max.as_deref()),
                (min, max),
                "{text}"
            );
        }
    }
}
