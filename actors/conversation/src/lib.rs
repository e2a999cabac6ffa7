//! What a conversation is: its state, what it decides, and how events change it.
//!
//! Everything here is a plain function of its arguments. There is no runtime, database, clock,
//! random source or model in this crate; `tests/purity.rs` keeps it so. Wishes towards the world
//! are [`Effect`]s, answers come back as [`mercer_schemas::Input`]s.

pub mod bounds;
mod decide;
mod deliveries;
mod effect;
mod evolve;
pub mod grammar;
pub mod hints;
pub mod intent;
mod introduction;
pub mod invariants;
mod notice;
pub mod prompt;
mod replies;
mod rounds;
pub mod spans;
mod state;
pub mod tools;
mod words;

pub use decide::{Refusal, decide};
pub use deliveries::Deliveries;
pub use effect::{Effect, KnownPassage, Lookup, open_effect, wanted};
pub use evolve::evolve;
pub use introduction::introduction;
pub use notice::notices;
pub use replies::{REST_TO_PERSON, TRY_REST_AGAIN};
pub use rounds::{Round, Rounds};
pub use state::{PastTurn, Phase, State, Turn};

/// Version of the decision logic. It is stored with every record. A change of what [`decide`]
/// answers to recorded inputs raises it, a changed list of words included; older records are then
/// folded but not decided again. `tests/golden.rs` decides on recorded conversations and so sees it.
pub const LOGIC_VERSION: u32 = 8;
