//! Words that bind a plan's arguments, a file a language.
//!
//! What guesses at a meaning is elsewhere: [`crate::hints`].

pub(crate) mod english;
