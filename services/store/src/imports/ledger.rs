//! The row that says how far a shop's import is: one import a shop at a time.
//!
//! `staging` → `in_force` → no row. A run that ends badly, or of which nothing is heard any more
//! while it stages, becomes `dropped` until what it left is deleted. Every chunk of a run checks
//! the row, so a run that was given up writes nothing more.

use mercer_schemas::ShopId;
use sea_orm::{ConnectionTrait, QueryResult};

use super::ImportError;
use crate::db::{all, db_now, exec, get, one};
use crate::error::Error;

/// After this time without a chunk a run counts as dead, milliseconds. Chunks take milliseconds;
/// the longest pause between two is a look at all SKUs of an import.
pub(super) const SILENCE_MAX_MS: i64 = 30_000;

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its records are written where no reader sees them.
    Staging,
    /// All readers see all of it; its records are moved into their tables.
    InForce,
    /// It came to nothing; its records are deleted.
    Dropped,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Staging, Self::InForce, Self::Dropped];

    /// Returns the word as stored; views name one of them.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::InForce => "in_force",
            Self::Dropped => "dropped",
        }
    }
}

/// An import that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) shop: ShopId,
    pub(super) run: i64,
    pub(super) phase: Phase,
    /// Nothing was heard of it for [`SILENCE_MAX_MS`].
    pub(super) silent: bool,
}

/// Returns the import of a shop.
pub(super) async fn of<C: ConnectionTrait>(c: &C, shop: &ShopId) -> Result<Option<Entry>, Error> {
    let sql = format!("{} WHERE shop = $1", select(c));
    let row = one(c, sql, [shop.as_str().into()]).await?;
    row.map(|row| decode(&row)).transpose()
}

/// Returns the imports of all shops.
pub(super) async fn list<C: ConnectionTrait>(c: &C) -> Result<Vec<Entry>, Error> {
    let rows = all(c, select(c), []).await?;
    rows.iter().map(decode).collect()
}

/// Opens a run where the shop has none.
pub(super) async fn open<C: ConnectionTrait>(tx: &C, shop: &ShopId, run: i64) -> Result<(), Error> {
    let now = db_now(tx.get_database_backend());
    let sql = format!(
        "INSERT INTO shop_import (shop, run, state, heard_at_ms) VALUES ($1, $2, '{}', {now})",
        Phase::Staging.as_str()
    );
    exec(tx, sql, [shop.as_str().into(), run.into()]).await?;
    Ok(())
}

/// Moves a run from one phase to another, or keeps it where it is; says that it was heard of.
///
/// # Errors
/// [`ImportError::GivenUp`] where the run is not in that phase (any more).
pub(super) async fn step<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    run: i64,
    from: Phase,
    to: Phase,
) -> Result<(), ImportError> {
    let now = db_now(tx.get_database_backend());
    let sql = format!(
        "UPDATE shop_import SET state = '{}', heard_at_ms = {now} \
         WHERE shop = $1 AND run = $2 AND state = '{}'",
        to.as_str(),
        from.as_str()
    );
    let values = [shop.as_str().into(), run.into()];
    match exec(tx, sql, values).await.map_err(Error::from)? {
        0 => Err(ImportError::GivenUp),
        _ => Ok(()),
    }
}

/// Ends a run.
pub(super) async fn close<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    run: i64,
) -> Result<(), Error> {
    let sql = "DELETE FROM shop_import WHERE shop = $1 AND run = $2";
    exec(tx, sql, [shop.as_str().into(), run.into()]).await?;
    Ok(())
}

fn select<C: ConnectionTrait>(c: &C) -> String {
    let now = db_now(c.get_database_backend());
    format!("SELECT shop, run, state, {now} - heard_at_ms AS silence FROM shop_import")
}

fn decode(row: &QueryResult) -> Result<Entry, Error> {
    let shop: String = get(row, "shop")?;
    let state: String = get(row, "state")?;
    let phase = Phase::ALL
        .into_iter()
        .find(|phase| phase.as_str() == state)
        .ok_or_else(|| Error::corrupt("shop_import.state", &shop))?;
    Ok(Entry {
        shop: ShopId::new(shop.clone()).map_err(|_| Error::corrupt("shop_import.shop", shop))?,
        run: get(row, "run")?,
        phase,
        silent: get::<i64>(row, "silence")? > SILENCE_MAX_MS,
    })
}
