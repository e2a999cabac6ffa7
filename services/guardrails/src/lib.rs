//! Guardrails: what a reply may say, checked in code after the model wrote it.
//!
//! The grammar already keeps figures out of a reply's words. These rules hold whatever wrote the
//! draft: a model that ignores its grammar, a template, or a later adapter. They fail closed on
//! money, stock, time and promises.

mod claims;
mod currencies;
mod draft;
mod numbers;
mod render;
mod rules;
mod words;

pub use draft::{Draft, DraftError, Segment};
pub use render::{Live, LiveField, render};
pub use rules::{RULES, Reply, ReplyPolicy, Rule, check, check_with};
