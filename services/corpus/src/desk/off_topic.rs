//! What people say that is outside the shop. `$v` is a product-like noun, `$vs` several, `$c` a
//! place.

wordings!("desk/off_topic": general, life, world);

use rand::{Rng, rngs::StdRng};

const PARTS: &[&[&str]] = &[general::LINES, world::LINES, life::LINES];

/// Picks a line, each as often as any other.
pub(super) fn line(rng: &mut StdRng) -> &'static str {
    let count = PARTS.iter().map(|part| part.len()).sum();
    let at = rng.random_range(0..count);
    PARTS
        .iter()
        .flat_map(|part| part.iter())
        .nth(at)
        .copied()
        .unwrap_or("")
}
