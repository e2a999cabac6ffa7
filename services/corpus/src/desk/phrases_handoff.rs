//! What people write that a person has to answer. `$v` is a product-like noun, `$vs` several,
//! `$n` a name.
//! The wordings stand in `fixtures/phrases/desk/handoff.toml`.

include!(concat!(env!("OUT_DIR"), "/desk/handoff.rs"));
