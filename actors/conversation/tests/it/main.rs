//! The core over whole conversations: what it keeps of long ones, and what it decided in recorded ones.

mod golden;
mod kept;
mod script;
