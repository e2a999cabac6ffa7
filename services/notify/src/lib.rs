//! Telling the retailer's people and systems what happens in conversations: signed webhooks and
//! e-mails.
//!
//! What is told stands in the store, added in the transaction that made it true. The [`Notifier`]
//! addresses it to the targets of the settings, sends, tries again with growing waits for about a
//! day, and gives up into a list that a person can send again from. Order is kept for each
//! conversation and target; a repetition has the same id.
//!
//! Not here: what is worth telling (`mercer_conversation::notices`).

mod email;
mod schedule;
mod send;
mod target;
mod webhook;

pub use schedule::ATTEMPTS_MAX;
pub use send::{Notifier, Now};
pub use target::{ConfigError, EmailConfig, NotifyConfig, WebhookConfig};
pub use webhook::secret_of;
