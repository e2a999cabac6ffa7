//! Limits of price that a message states beyond doubt.

use super::{CURRENCY_SIGNS, number_runs};

/// Price limits that the words state in so many words, in major units as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceLimits {
    /// "over £20", "at least £20", "between £20 and £40".
    pub min: Option<String>,
    /// "under £40", "up to £40", "nothing over £40".
    pub max: Option<String>,
}

/// What stands before an amount that is the lowest price although it ends like one of
/// [`MAX_WORDS`]; tried first.
const NOT_BELOW: &[&str] = &[
    "not under",
    "nothing under",
    "not below",
    "not less than",
    "no less than",
];
/// What stands before an amount that is the highest price; tried before [`MIN_WORDS`], since
/// "not more than" ends like "more than".
const MAX_WORDS: &[&str] = &[
    "under",
    "below",
    "less than",
    "cheaper than",
    "up to",
    "at most",
    "max",
    "maximum",
    "no more than",
    "not more than",
    "no dearer than",
    "not over",
    "nothing over",
    "not above",
    "nothing above",
];
/// What stands before an amount that is the lowest price.
const MIN_WORDS: &[&str] = &[
    "over",
    "above",
    "more than",
    "at least",
    "minimum",
    "starting at",
];

/// Words that turn a limit round: "I don't want to spend more than £40".
const NEGATIONS: &[&str] = &[
    "not", "never", "no", "nothing", "without", "cannot", "refuse", "avoid", "skip", "exclude",
    "ignore", "leave", "if", "mad", "rubbish",
];
/// What follows an amount that was only named to be turned down: "anything over £40 is out".
const TURNED_DOWN: &[&str] = &[
    "is too",
    "is out",
    "is beyond",
    "are out",
    "and i'm out",
    "i'm out",
    "off",
];

/// Reads limits of price that leave no doubt: a known word, then an amount of money, or a bare
/// number that nothing is counted by after one ("13 pounds, not less than 10"). Other numbers
/// ("under 2 kg"), negations and other wordings are left to the model.
pub fn price_limits(text: &str) -> PriceLimits {
    let lower = text.to_lowercase();
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
        let is_plain = run.text.matches('.').count() <= 1
            && run.text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let counts_nothing = match run.after.trim_start().chars().next() {
            Some(c) if c.is_alphanumeric() => {
                let next = run.after.split_whitespace().next().unwrap_or_default();
                ["and", "but", "or", "please"].contains(&next)
            }
            Some(c) => c != '%',
            None => true,
        };
        if is_plain && (run.is_amount || speaks_of_money && counts_nothing) {
            let (first, second) = (&mut limits.min, &mut limits.max);
            if let Some((low, before_low)) = &last
                && joins_two(&before)
                && opening(before_low, &["between", "from"]).is_some()
            {
                doubtful |= first.is_some() && first.as_ref() != Some(low);
                *first = Some(low.clone());
                *second = Some(run.text.to_owned());
            } else if let Some(opening) = opening(&before, NOT_BELOW) {
                doubtful |= first.is_some() || is_turned_round(opening, run.after);
                *first = Some(run.text.to_owned());
            } else if let Some(opening) = opening(&before, MAX_WORDS) {
                doubtful |= second.is_some() || is_turned_round(opening, run.after);
                *second = Some(run.text.to_owned());
            } else if let Some(opening) = opening(&before, MIN_WORDS) {
                doubtful |= first.is_some() || is_turned_round(opening, run.after);
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
