//! Dates of the import files: ISO 8601 calendar dates and RFC 3339 times. No time zones but the
//! offset that is written.

const DAY_MS: i64 = 86_400_000;

/// Returns the first millisecond (UTC) of a date `YYYY-MM-DD`, years 1970 to 9999.
pub(crate) fn date_ms(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (
        number(&bytes[..4])?,
        number(&bytes[5..7])?,
        number(&bytes[8..])?,
    );
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > days_in(year, month)
    {
        return None;
    }
    let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|m| days_in(year, m)).sum();
    Some((years + months + day - 1) * DAY_MS)
}

/// Returns the first millisecond after a date.
pub(crate) fn day_after_ms(text: &str) -> Option<i64> {
    date_ms(text).map(|start| start + DAY_MS)
}

/// Says whether a text is a time of RFC 3339, such as `2026-10-01T10:00:00Z`.
pub(crate) fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else {
        return false;
    };
    date_ms(date).is_some() && is_time_of_day(time)
}

fn is_time_of_day(time: &str) -> bool {
    let bytes = time.as_bytes();
    if bytes.len() < 9 || bytes[2] != b':' || bytes[5] != b':' {
        return false;
    }
    let within = |part: &[u8], max: i64| number(part).is_some_and(|n| n <= max);
    if !within(&bytes[..2], 23) || !within(&bytes[3..5], 59) || !within(&bytes[6..8], 60) {
        return false;
    }
    let mut rest = &bytes[8..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    match rest {
        b"Z" | b"z" => true,
        [b'+' | b'-', offset @ ..] if offset.len() == 5 && offset[2] == b':' => {
            within(&offset[..2], 23) && within(&offset[3..], 59)
        }
        _ => false,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_and_times_are_exact() {
        assert_eq!(date_ms("1970-01-01"), Some(0));
        assert_eq!(date_ms("2026-11-23"), Some(1_795_392_000_000));
        assert_eq!(day_after_ms("2024-02-28"), date_ms("2024-02-29"));
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "2026/01/01",
            "",
            "é026-01-01",
        ] {
            assert_eq!(date_ms(bad), None, "{bad}");
        }
        for good in ["2026-10-01T10:00:00Z", "2026-10-01T10:00:00.5+01:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "2026-10-01",
            "2026-10-01T10:00",
            "2026-10-01T25:00:00Z",
            "2026-10-01T10:00:00",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_dates(text in "\\PC{0,30}") {
            let _ = (date_ms(&text), is_time(&text));
        }
    }
}
