//! The admin API through its real router, on a real SQLite store.

mod bad_requests;
mod catalog;
mod conversations;
mod description;
mod documents;
mod idempotency;
mod keys;
mod permissions;
mod support;
mod webhooks;
mod workers;
