//! Tables as sea-orm entities, one file each. Leases and idempotency keys are plain SQL and have none.
//!
//! Rows are turned into schema types in the repositories; nothing outside the crate sees them.
//!
//! Shop records (products, variants, documents, customers, orders) are read through a view `T_now`,
//! so that an import takes effect at once (`m0003_imports`). Who writes them names the table with
//! [`insert_into`] or plain SQL, and a column that a table gains belongs into its view and into
//! `staged_T` too.

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
pub(crate) mod notice_delivery;
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
use sea_orm::{ActiveModelTrait, DeriveValueType, EntityTrait, InsertMany, QueryTrait, Select};

/// Which of a record's two tables is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordTable {
    /// The table itself.
    Stored,
    /// What an import brings.
    Staged,
}

impl RecordTable {
    /// Returns the name of the table of records that are read through a view.
    pub(crate) fn name<E: EntityTrait>(self) -> String {
        let view = E::default();
        let view = view.table_name();
        let table = view.strip_suffix("_now").unwrap_or(view);
        match self {
            Self::Stored => table.to_owned(),
            Self::Staged => format!("staged_{table}"),
        }
    }
}

/// Selects from one of the two tables instead of the view.
pub(crate) fn select_from<E: EntityTrait>(table: RecordTable) -> Select<E> {
    let mut select = E::find();
    let view = E::default().table_name().to_owned();
    QueryTrait::query(&mut select)
        .from_clear()
        .from_as(table.name::<E>(), view);
    select
}

/// Inserts rows into one of the two tables.
pub(crate) fn insert_into<A: ActiveModelTrait>(
    table: RecordTable,
    rows: impl IntoIterator<Item = A>,
) -> InsertMany<A> {
    let mut insert = A::Entity::insert_many(rows);
    QueryTrait::query(&mut insert).into_table(table.name::<A::Entity>());
    insert
}

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
