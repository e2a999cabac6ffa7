//! Which field of a record a message calls for in everyday words.

use std::collections::BTreeSet;

/// Everyday words by which customers call for a field.
const SAID_FOR: &[(&str, &[&str])] = &[
    (
        "carrier",
        &[
            "courier", "couriers", "firm", "company", "carrying", "carries", "driver", "who",
            "bringing", "brings", "brought",
        ],
    ),
    ("tracking", &["track", "tracked", "trace", "traced"]),
    ("items", &["contents", "inside"]),
    (
        "stock",
        &["left", "available", "availability", "stocked", "buy"],
    ),
    (
        "price",
        &["cost", "costs", "costing", "much", "expensive", "charge"],
    ),
    ("colour", &["color", "colors"]),
];

/// Says whether the words call for a field by an everyday word.
pub(crate) fn is_said_for(field: &str, said: &BTreeSet<String>) -> bool {
    SAID_FOR
        .iter()
        .filter(|(name, _)| *name == field)
        .any(|(_, words)| words.iter().any(|word| said.contains(*word)))
}
