//! Chooses a token from logits. Plain arithmetic in Rust: nothing here can end the process.

use sha2::{Digest, Sha256};
use toktrie::SimpleVob;

/// Chooses among the allowed tokens: the likeliest at temperature 0 (the lower id on a tie), else by `point`, which
/// gives a number in `[0, 1)`, among the likeliest that hold `top_p` of the probability. `None` when nothing is allowed.
pub(super) fn choose(
    logits: &[f32],
    allowed: &SimpleVob,
    temperature: f32,
    top_p: f32,
    point: impl FnOnce() -> f64,
) -> Option<u32> {
    let best = likeliest(logits, allowed)?;
    let usable =
        |id: usize| id < allowed.len() && allowed.is_allowed(id as u32) && !logits[id].is_nan();
    if temperature <= 0.0 || !logits[best].is_finite() {
        return Some(best as u32);
    }

    /// A token this much less likely (e to the power of -30) is never reached by a 53-bit number.
    const LOG_RATIO_MIN: f64 = -30.0;
    let mut candidates: Vec<(u32, f64)> = (0..logits.len())
        .filter(|&id| usable(id))
        .map(|id| {
            (
                id as u32,
                f64::from(logits[id] - logits[best]) / f64::from(temperature),
            )
        })
        .filter(|&(_, log_ratio)| log_ratio > LOG_RATIO_MIN)
        .map(|(id, log_ratio)| (id, log_ratio.exp()))
        .collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
    let mut kept = 0.0;
    let mut count = 0;
    for (_, weight) in &candidates {
        kept += weight;
        count += 1;
        if kept >= total * f64::from(top_p) {
            break;
        }
    }
    let mut left = point() * kept;
    for (id, weight) in &candidates[..count] {
        left -= weight;
        if left < 0.0 {
            return Some(*id);
        }
    }
    Some(candidates[count - 1].0)
}

/// Returns the allowed token with the highest logit, the lowest id on a tie. Free text allows nearly every token, so the
/// highest of all is looked for first: a search without a question for each token, which processors do many at a time.
fn likeliest(logits: &[f32], allowed: &SimpleVob) -> Option<usize> {
    let usable = |id: usize| id < allowed.len() && allowed.is_allowed(id as u32);
    if let Some(best) = highest(logits).filter(|&best| usable(best)) {
        return Some(best);
    }
    let mut best: Option<usize> = None;
    for id in (0..logits.len()).filter(|&id| usable(id) && !logits[id].is_nan()) {
        if best.is_none_or(|best| logits[id] > logits[best]) {
            best = Some(id);
        }
    }
    best
}

/// Returns the place of the highest number that is one, the first on a tie.
pub(crate) fn highest(numbers: &[f32]) -> Option<usize> {
    const LANES: usize = 16;
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let whole = numbers.chunks_exact(LANES);
    let rest = whole.remainder().iter().copied();
    for chunk in whole {
        for (lane, &number) in lanes.iter_mut().zip(chunk) {
            // False for what is not a number.
            *lane = if number > *lane { number } else { *lane };
        }
    }
    let most = lanes
        .into_iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, f32::max);
    numbers.iter().position(|&number| number == most)
}

/// Returns the number in `[0, 1)` that decides an output token: the same for a request and index, whatever else
/// runs, so that a repeated attempt draws the same tokens.
pub(super) fn point(request_id: &str, index: usize) -> f64 {
    let mut hash = Sha256::new();
    hash.update(request_id.as_bytes());
    hash.update((index as u64).to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    (u64::from_le_bytes(head) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(bits: &[bool]) -> SimpleVob {
        SimpleVob::from_slice(bits)
    }

    #[test]
    fn greedy_takes_the_likeliest_allowed_token() {
        let logits = [1.0, 9.0, 3.0, 3.0];
        assert_eq!(
            choose(&logits, &mask(&[true, false, true, true]), 0.0, 1.0, || 0.0),
            Some(2)
        );
        assert_eq!(choose(&logits, &mask(&[false; 4]), 0.0, 1.0, || 0.0), None);
        assert_eq!(
            choose(&[f32::NAN; 4], &mask(&[true; 4]), 1.0, 1.0, || 0.5),
            None
        );
    }

    proptest! {
        #[test]
        fn the_highest_is_found_wherever_it_stands(
            numbers in prop::collection::vec(prop_oneof![Just(f32::NAN), Just(7.0), any::<f32>()], 0..90),
        ) {
            let slow = (0..numbers.len())
                .filter(|&at| !numbers[at].is_nan())
                .fold(None, |best: Option<usize>, at| match best {
                    Some(best) if numbers[best] >= numbers[at] => Some(best),
                    _ => Some(at),
                });
            prop_assert_eq!(highest(&numbers), slow);
        }
    }

    #[test]
    fn a_small_top_p_leaves_only_the_likeliest() {
        let logits = [0.0, 5.0, 1.0];
        assert_eq!(
            choose(&logits, &mask(&[true; 3]), 1.0, 0.1, || 0.999),
            Some(1)
        );
    }

    #[test]
    fn points_differ_by_request_and_index_and_repeat() {
        assert_eq!(point("r", 1).to_bits(), point("r", 1).to_bits());
        assert_ne!(point("r", 1).to_bits(), point("r", 2).to_bits());
        assert_ne!(point("r", 1).to_bits(), point("s", 1).to_bits());
    }

    proptest! {
        #[test]
        fn a_choice_is_always_allowed(
            rows in prop::collection::vec((any::<f32>(), any::<bool>()), 1..40),
            temperature in 0.0f32..3.0, top_p in 0.01f32..=1.0, point in 0.0f64..1.0,
        ) {
            let (logits, bits): (Vec<f32>, Vec<bool>) = rows.into_iter().unzip();
            let usable = bits.iter().zip(&logits).any(|(bit, logit)| *bit && !logit.is_nan());
            match choose(&logits, &mask(&bits), temperature, top_p, || point) {
                Some(id) => prop_assert!(bits[id as usize]),
                None => prop_assert!(!usable),
            }
        }
    }
}
