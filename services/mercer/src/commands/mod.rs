//! One file a command.

pub mod admin;
pub mod bench;
pub mod chat;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod eval;
pub mod import;
pub mod models;
pub mod reindex;
pub mod replay;
pub mod serve;
