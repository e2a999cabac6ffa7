//! Tools: what a plan's calls do, and the live values that a reply is filled with.
//!
//! Reads only so far: search, product details, policies, order status with proof of identity, and
//! the call for a person. Nothing here writes to a customer's order or cart.

mod asked;
mod brands;
mod details;
mod fields;
mod given;
mod live;
mod order;
mod terms;
mod tools;

pub use fields::{attribute_value, order_fields, order_record, product_fields, variant_fields};
pub use live::LiveValues;
pub use terms::shop_terms;
pub use tools::{Answer, Error, Request, Tools};
