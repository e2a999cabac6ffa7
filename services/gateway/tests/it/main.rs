//! The gateway through its real router, on a real store; the Graph API is a local server.

mod chat;
mod echo;
mod events;
mod sending;
mod signatures;
mod webhooks;
mod world;
