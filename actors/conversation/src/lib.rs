//! What a conversation is: its state, what it decides, and how events change it.
//!
//! Everything here is a plain function of its arguments. There is no runtime, database, clock,
//! random source or model in this crate; `tests/purity.rs` keeps it so. Wishes towards the world
//! are [`Effect`]s, answers come back as [`mercer_schemas::Input`]s.

mod decide;
mod effect;
mod evolve;
pub mod grammar;
pub mod intent;
pub mod invariants;
pub mod prompt;
mod replies;
pub mod spans;
mod state;

pub use decide::{Decision, Refusal, decide};
pub use effect::{Effect, open_effect, wanted};
pub use evolve::evolve;
pub use state::{PastTurn, Phase, State, Turn};
