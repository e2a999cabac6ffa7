//! What tests start and wait for: servers that Mercer talks to, databases, processes' logs.
//!
//! It hands out plain things only (URLs, texts, processes) and knows no other crate of ours, so that each of them can use it
//! in its unit tests. What stands in for a trait of a crate is with that crate. Nothing here is in the program that a
//! retailer runs.

mod database;
mod files;
mod graph;
mod log;
mod nats;
mod process;
mod serve;
mod until;
mod webhook_receiver;

pub use database::{PostgresServer, sqlite_url};
pub use files::{copy_folder, fixture, root};
pub use graph::{Accepted, Asked, Graph};
pub use log::Log;
pub use nats::Nats;
pub use process::without_settings;
pub use serve::{free_port, serve};
pub use until::{LOOK_EVERY, PATIENCE, until};
pub use webhook_receiver::{Mood, Received, WebhookReceiver};
