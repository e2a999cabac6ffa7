//! Whether a message speaks of an order.

use crate::spans::{self, words_of};

/// Words of those who ask for an order, beside its number.
const OF_ORDERS: &[&str] = &[
    "order",
    "orders",
    "ordered",
    "parcel",
    "package",
    "status",
    "dispatched",
    "shipped",
    "delivered",
    "delivery",
    "tracking",
    "track",
    "arrived",
    "where",
    "where's",
    "wheres",
];

/// Says whether a message speaks of an order and gives what may be its number.
pub(crate) fn are_spoken_of(words: &str) -> bool {
    let said = words_of(words);
    !spans::order_numbers(words).is_empty() && OF_ORDERS.iter().any(|word| said.contains(*word))
}
