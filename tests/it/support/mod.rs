//! A Mercer as a child process, and the world around it.

mod files;
mod frames;
mod graph;
mod log;
mod mercer;
mod model;
mod nats;
mod turn;
mod webhook;
mod world;

pub(crate) use self::files::{copy_folder, fixture, root};
pub(crate) use self::frames::{Attempt, Frames};
pub(crate) use self::graph::Accepted;
pub(crate) use self::mercer::Mercer;
pub(crate) use self::model::Model;
pub(crate) use self::nats::Nats;
pub(crate) use self::turn::{Caller, LOOK, events, plans};
pub(crate) use self::webhook::{Message, Status, batch, sign};
pub(crate) use self::world::World;

/// Long enough for the slowest machine that runs the tests; only a failure waits that long.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
