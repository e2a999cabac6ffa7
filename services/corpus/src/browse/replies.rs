//! What customers are told of products that were found.

pub(super) const FOUND_FIRST: &[&str] = &[
    "We have ~p1.name~: ~p1.price~, ~p1.stock~.",
    "Here is ~p1.name~: ~p1.price~, ~p1.stock~.",
];
pub(super) const FOUND_LOWEST: &[&str] =
    &["The lowest price has ~p1.name~: ~p1.price~, ~p1.stock~."];
pub(super) const FOUND_HIGHEST: &[&str] =
    &["The highest price has ~p1.name~: ~p1.price~, ~p1.stock~."];
pub(super) const FOUND_TWO: &[&str] = &[
    " We also have ~p2.name~ (~p2.price~).",
    " There is also ~p2.name~ (~p2.price~).",
];
pub(super) const FOUND_THREE: &[&str] = &[
    " We also have ~p2.name~ (~p2.price~) and ~p3.name~ (~p3.price~).",
    " There are also ~p2.name~ (~p2.price~) and ~p3.name~ (~p3.price~).",
];
pub(super) const FOUND_END: &[&str] = &["", "", " Would you like to know more?"];
pub(super) const NOT_FOUND: &[&str] = &[
    "Sorry, I could not find that. Could you describe it differently?",
    "Sorry, I found nothing that fits. Could you try other words?",
];
