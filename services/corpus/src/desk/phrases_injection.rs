//! Attempts to talk the assistant out of its rules, and false claims of who says what. `$v` is a
//! product-like noun, `$vs` several, `$n` a name, `$ref` template markup.
//! The wordings stand in `fixtures/phrases/desk/injection.toml`.

include!(concat!(env!("OUT_DIR"), "/desk/injection.rs"));
