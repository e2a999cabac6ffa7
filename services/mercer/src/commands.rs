//! One file a command.

pub(crate) mod admin;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod conversations;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod import;
pub(crate) mod models;
pub(crate) mod reindex;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod webhooks;
pub(crate) mod workers;
