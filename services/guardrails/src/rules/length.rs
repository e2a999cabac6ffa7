//! A reply says something, and fits a message.

use super::{Reply, Rule};

pub(super) const RULE: Rule = Rule {
    name: "empty_or_too_long",
    holds,
};

/// Longest reply in characters; a WhatsApp message holds 4,096 after rendering.
pub(super) const CHARS_MAX: usize = 1_500;

fn holds(reply: &Reply<'_>) -> bool {
    !reply.text.trim().is_empty() && reply.text.chars().count() <= CHARS_MAX
}
