//! A Mercer as a child process, and the world around it.

mod frames;
mod mercer;
mod model;
mod turn;
mod webhook;
mod world;

pub(crate) use self::frames::{Attempt, Frames};
pub(crate) use self::mercer::Mercer;
pub(crate) use self::model::Model;
pub(crate) use self::turn::{Caller, events, plans};
pub(crate) use self::webhook::{Message, Status, batch, sign};
pub(crate) use self::world::World;
