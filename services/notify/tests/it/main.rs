//! Webhooks against a receiver that verifies them with the published library, and e-mails against
//! a real mail server.

mod emails;
mod webhooks;
mod world;
