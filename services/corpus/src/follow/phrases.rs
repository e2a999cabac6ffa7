//! What customers say about shown products, and the plain replies: many wordings to understand,
//! few to say.
//! The wordings stand in `fixtures/phrases/follow/phrases.toml`.

pub(super) const PRICE_REPLY: &[&str] = &[
    "The price of ~p1.name~ is ~p1.price~. I cannot change prices in this chat.",
    "I'm sorry, I cannot change prices here. ~p1.name~ costs ~p1.price~.",
];
pub(super) const DETAIL_REPLY: &[&str] = &[
    "~p1.name~ costs ~p1.price~ and is ~p1.stock~.$more",
    "~p1.name~: ~p1.price~, ~p1.stock~.$more",
];
pub(super) const VARIANT_REPLY: &[&str] = &[
    "~v1.name~ costs ~v1.price~ and is ~v1.stock~.",
    "~v1.name~: ~v1.price~, ~v1.stock~.",
];
pub(super) const ATTRIBUTE_LIST: &str = "~p1.name~: $f ~p1.$r~.";
pub(super) const ATTRIBUTE_REPLY: &[&str] = &["The $f of ~p1.name~ $is ~p1.$r~.", ATTRIBUTE_LIST];
pub(super) const UNKNOWN_REPLY: &[&str] = &[
    "I have no record of that for ~p1.name~. Shall I ask a colleague?",
    "That is not in our records for ~p1.name~. Shall I ask a colleague?",
];
pub(super) const UNKNOWN_BARE: &[&str] = &[
    "I have no record of that. Shall I ask a colleague?",
    "That is not in our records. Shall I ask a colleague?",
];
pub(super) const COMPARE_ATTRIBUTE_REPLY: &str = "~p1.name~: $f ~p1.$r~; ~p2.name~: $f ~p2.$r~.";
pub(super) const COMPARE_UNKNOWN_REPLY: &str =
    "I have no record of that for ~p1.name~ or ~p2.name~. Shall I ask a colleague?";
pub(super) const COMPARE_REPLY: &[&str] = &[
    "~p1.name~ costs ~p1.price~ and is ~p1.stock~; ~p2.name~ costs ~p2.price~ and is ~p2.stock~.",
    "~p1.name~: ~p1.price~, ~p1.stock~; ~p2.name~: ~p2.price~, ~p2.stock~.",
];

include!(concat!(env!("OUT_DIR"), "/follow/phrases.rs"));
