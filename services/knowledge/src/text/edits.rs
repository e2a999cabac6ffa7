//! Distance between two spellings.

/// Cost of a change in the first letter; shoppers rarely get it wrong.
const FIRST_LETTER_COST: usize = 2;

/// Returns how many edits (insert, delete, replace, swap of neighbours) lead from one word to the
/// other, where an edit of the first letter counts double; `None` when it is more than `max`.
pub(crate) fn distance_within(from: &str, to: &str, max: usize) -> Option<usize> {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    if from.len().abs_diff(to.len()) > max {
        return None;
    }
    let extra = match (from.first(), to.first()) {
        (Some(a), Some(b)) if a != b => FIRST_LETTER_COST - 1,
        _ => 0,
    };
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut cost = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                cost = cost.min(before[j - 2] + 1);
            }
            row[j] = cost;
        }
        before = std::mem::replace(&mut last, row);
    }
    let distance = last[to.len()] + extra;
    (distance <= max).then_some(distance)
}

/// Returns how many edits a word of this length may be off: 1 from 4 characters, 2 from 9.
pub(crate) fn edits_allowed(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=8 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edits_are_counted_and_the_first_letter_is_dear() {
        let cases = [
            ("kettle", "kettle", 2, Some(0)),
            ("kettel", "kettle", 1, Some(1)),
            ("ketle", "kettle", 1, Some(1)),
            ("looking", "cooking", 1, None),
            ("looking", "cooking", 2, Some(2)),
            ("abc", "xyz", 2, None),
            ("", "ab", 2, Some(2)),
        ];
        for (from, to, max, expected) in cases {
            assert_eq!(distance_within(from, to, max), expected, "{from} {to}");
        }
    }

    proptest! {
        #[test]
        fn distance_is_the_same_both_ways(a in "[a-d]{0,7}", b in "[a-d]{0,7}") {
            prop_assert_eq!(distance_within(&a, &b, 9), distance_within(&b, &a, 9));
        }
    }
}
