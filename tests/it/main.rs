//! Tests of the real `mercer` binary: a child process with a data folder of its own, the webhooks
//! of a platform, and a Graph API that this process plays.
//!
//! Not here: what one crate can show by itself, and how good answers are (`mercer eval`).

mod bad_input;
mod bad_records;
mod browser;
mod crash;
mod free_calls;
mod handover;
mod imports;
mod injection;
mod live;
mod monitoring;
mod nodes;
mod once;
mod parts;
mod pool;
mod support;
