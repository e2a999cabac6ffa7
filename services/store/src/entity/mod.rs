//! Tables as sea-orm entities, one file each. Leases and idempotency keys are plain SQL and have none.
//!
//! Rows are turned into schema types in the repositories; nothing outside the crate sees them.

#![expect(
    unreachable_pub,
    reason = "the derive macros ask for `pub` inside private modules"
)]

pub(crate) mod api_key;
pub(crate) mod change;
pub(crate) mod conversation;
pub(crate) mod cursor;
pub(crate) mod customer;
pub(crate) mod document;
pub(crate) mod inbox;
pub(crate) mod log;
pub(crate) mod order;
pub(crate) mod outbox;
pub(crate) mod product;
pub(crate) mod shop;
pub(crate) mod snapshot;
pub(crate) mod tombstone;
pub(crate) mod variant;
pub(crate) mod wrong_proof;

use std::fmt;

use mercer_schemas::Personal;
use sea_orm::DeriveValueType;

/// A personal text in a row. Models must be printable, so it prints nothing of itself.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(pub String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(personal)")
    }
}

impl From<Sealed> for Personal<String> {
    fn from(sealed: Sealed) -> Self {
        Personal::new(sealed.0)
    }
}

impl From<&Personal<String>> for Sealed {
    fn from(personal: &Personal<String>) -> Self {
        Self(personal.expose().clone())
    }
}
