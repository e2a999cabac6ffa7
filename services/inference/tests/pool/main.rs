//! The worker pool on a real nats-server, with real engines and a random model: what holds whatever dies.

mod embedding;
mod failures;
mod flow;
mod forgery;
mod models;
mod names;
mod nats;
mod reranking;
mod start;
mod support;
