//! Mercer as a program: command line, settings and the composition root.
//!
//! [`cli::main`] is the `mercer` binary. Public is, besides it, what `services/lab` needs to measure the same parts under
//! the same settings; all else is this crate's own.

pub mod cli;
pub mod compose;
pub mod config;
pub mod observe;
pub mod pool;

mod commands;
mod evaluation;
mod fetch;
mod http;
mod schemas;
