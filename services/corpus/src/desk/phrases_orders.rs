//! How customers ask for orders. `$o` is an order number, `$e` an e-mail address, `$p` a postcode,
//! `$n` a name.
//! The wordings stand in `fixtures/phrases/desk/orders.toml`.

/// An e-mail address where the number was asked for as well.
pub(super) const GIVE_EMAIL_FIRST: &[&str] = &[
    "i'll look for the number. email's $e for now",
    "no number on me but $e is the email",
    "don't have the number, only my email $e",
    "i can give you $e to start with",
];

include!(concat!(env!("OUT_DIR"), "/desk/orders.rs"));
