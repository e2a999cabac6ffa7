//! What people say that needs no tool.
//! The wordings stand in `fixtures/phrases/desk/talk.toml`.

include!(concat!(env!("OUT_DIR"), "/desk/talk.rs"));
