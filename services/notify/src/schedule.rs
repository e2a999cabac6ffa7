//! When a failed delivery is tried again.

/// Waits after the first, second … failed try, seconds: quick at first, because most outages are
/// restarts, and 28 hours in all, so that a night's outage loses nothing. The Standard Webhooks
/// guide asks for tries over several days at most.
const WAITS_S: [i64; 10] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200];

/// Tries of one delivery; then it is dead.
pub const ATTEMPTS_MAX: u32 = WAITS_S.len() as u32 + 1;

/// Longest wait that a receiver may ask for with `Retry-After`, seconds.
const ASKED_MAX_S: i64 = 3_600;

/// Returns how long to wait after the `attempt`-th try (from 1), milliseconds, or none where it
/// was the last. `chance` (0 to 1) spreads the waits by a fifth to either side, so that what
/// failed together does not come back together.
pub(crate) fn wait_ms(attempt: u32, asked_s: Option<u32>, chance: f64) -> Option<i64> {
    let index = usize::try_from(attempt.saturating_sub(1)).ok()?;
    let wait_s = *WAITS_S.get(index)?;
    let asked_s = asked_s.map_or(0, i64::from).min(ASKED_MAX_S);
    let spread = 0.8 + 0.4 * chance.clamp(0.0, 1.0);
    Some(((wait_s * 1_000) as f64 * spread) as i64).map(|ms| ms.max(asked_s * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_spread_and_end() {
        let waits: Vec<i64> = (1..ATTEMPTS_MAX)
            .map(|attempt| wait_ms(attempt, None, 0.5).expect("a wait"))
            .collect();
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(waits[0], 5_000);
        let total_h = waits.iter().sum::<i64>() / 3_600_000;
        assert!((24..=48).contains(&total_h), "{total_h} hours in all");
        assert_eq!(wait_ms(ATTEMPTS_MAX, None, 0.5), None);
        assert_eq!(
            (wait_ms(1, None, 0.0), wait_ms(1, None, 1.0)),
            (Some(4_000), Some(6_000))
        );
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_not_for_ever() {
        assert_eq!(wait_ms(1, Some(60), 0.5), Some(60_000));
        assert_eq!(wait_ms(1, Some(u32::MAX), 0.5), Some(3_600_000));
        assert_eq!(wait_ms(4, Some(1), 0.5), Some(600_000));
    }
}
