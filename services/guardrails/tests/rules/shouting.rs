//! A rule that a test adds: no reply is all capitals.

use mercer_guardrails::{Reply, Rule};

pub(crate) const RULE: Rule = Rule {
    name: "shouting",
    holds,
};

fn holds(reply: &Reply<'_>) -> bool {
    reply.said.chars().any(char::is_lowercase)
}
