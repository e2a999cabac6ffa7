//! Lists of words that guess what a customer means, a file for what they guess at.
//!
//! They narrow what the model may choose from, and choose where it has no say. All of them are
//! English, and all stand behind one switch ([`mercer_schemas::Settings::hints`]), so that what they
//! earn can be measured. What binds arguments is not guessed: that is in [`crate::words`].

pub mod attributes;
pub(crate) mod fields;
pub(crate) mod orders;
pub(crate) mod persons;
pub(crate) mod products;
pub mod questions;
pub(crate) mod vouchers;
