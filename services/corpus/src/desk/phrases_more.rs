//! How customers go on about a policy that they were just told, and what they say before a question.
//! The wordings stand in `fixtures/phrases/desk/more.toml`.

include!(concat!(env!("OUT_DIR"), "/desk/more.rs"));
