//! What versioned records share: the change feed's rows, tombstones and version checks.

use mercer_schemas::{RecordKey, ShopId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Set};

use crate::db::{exec, get, now_ms, one};
use crate::entity::{change, tombstone};
use crate::error::Error;
use crate::feed::ChangeKind;

/// Key of the advisory lock that orders writers of the change feed on PostgreSQL.
const FEED_LOCK: i64 = 0x4d45_5243_4645_4544;

/// Class of the advisory locks, one a shop, under which its records keep their versions.
const SHOP_LOCKS: i32 = 0x5245_4353;

/// Most keys in one `IN (…)` list or rows in one INSERT.
pub(crate) const CHUNK: usize = 200;

/// Makes this transaction the only one that writes shop records, until it commits.
///
/// PostgreSQL hands out sequence numbers before COMMIT, so rows of two writers may become visible
/// in another order than their numbers, and a reader that remembers the last number would skip
/// one. Taken first and held to the commit, the lock makes the order of numbers the order of
/// commits; it also rules out deadlocks between writers. Rows of conversations do not take it.
/// The second lock keeps versions from changing under those who hold [`share_records`].
/// SQLite has a single writer anyway.
pub(crate) async fn lock_records<C: ConnectionTrait>(tx: &C, shop: &ShopId) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        exec(tx, "SELECT pg_advisory_xact_lock($1)", [FEED_LOCK.into()]).await?;
        let lock = "SELECT pg_advisory_xact_lock($1, hashtext($2))";
        exec(tx, lock, [SHOP_LOCKS.into(), shop.as_str().into()]).await?;
    }
    Ok(())
}

/// Keeps the versions of a shop's records as they are until the transaction ends. Many may hold it
/// at once; it waits for the writer of a record, which takes milliseconds, and writers wait for it.
///
/// One lock and not one a row: a switch changes what many rows mean without touching them, and
/// locks of rows, taken in the order of a reply, could wait for a chunk of an import in a circle.
pub(crate) async fn share_records<C: ConnectionTrait>(tx: &C, shop: &ShopId) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = "SELECT pg_advisory_xact_lock_shared($1, hashtext($2))";
        exec(tx, lock, [SHOP_LOCKS.into(), shop.as_str().into()]).await?;
    }
    Ok(())
}

/// Writes the feed's rows, in the given order.
pub(crate) async fn write_changes<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    changes: &[(RecordKey, ChangeKind)],
) -> Result<(), Error> {
    let at_ms = now_ms();
    for chunk in changes.chunks(CHUNK) {
        let rows = chunk.iter().map(|(record, kind)| change::ActiveModel {
            shop: Set(shop.to_string()),
            record: Set(record.to_string()),
            kind: Set(kind.as_str().to_owned()),
            at_ms: Set(at_ms),
            ..Default::default()
        });
        change::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Keeps the last version of a deleted record.
pub(crate) async fn bury<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    record: &RecordKey,
    version: i64,
) -> Result<(), Error> {
    let row = tombstone::ActiveModel {
        shop: Set(shop.to_string()),
        record: Set(record.to_string()),
        version: Set(version),
    };
    let on_conflict = OnConflict::columns([tombstone::Column::Shop, tombstone::Column::Record])
        .update_column(tombstone::Column::Version)
        .to_owned();
    tombstone::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Returns the last versions of those records that were deleted once.
pub(crate) async fn buried<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    records: &[String],
) -> Result<Vec<(String, i64)>, Error> {
    let mut found = Vec::new();
    for chunk in records.chunks(CHUNK) {
        let rows = tombstone::Entity::find()
            .filter(tombstone::Column::Shop.eq(shop.as_str()))
            .filter(tombstone::Column::Record.is_in(chunk.iter().map(String::as_str)))
            .all(tx)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.record, row.version)));
    }
    Ok(found)
}

/// Returns the version of a record as readers see it. Under [`share_records`] it stays.
pub(crate) async fn version_of<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    record: &RecordKey,
) -> Result<Option<i64>, Error> {
    let (sql, key) = match record {
        RecordKey::Product(id) => (
            "SELECT version FROM product_now WHERE shop = $1 AND id = $2",
            id.to_string(),
        ),
        RecordKey::Variant(sku) => (
            "SELECT version FROM product_now WHERE shop = $1 AND id = \
             (SELECT product_id FROM variant_now WHERE shop = $1 AND sku = $2)",
            sku.to_string(),
        ),
        RecordKey::Document(id) | RecordKey::Promotion(id) => (
            "SELECT version FROM document_now WHERE shop = $1 AND id = $2",
            id.to_string(),
        ),
        RecordKey::Order(number) => (
            "SELECT version FROM shop_order_now WHERE shop = $1 AND number_key = $2",
            crate::orders::number_key(number),
        ),
    };
    let row = one(tx, sql, [shop.as_str().into(), key.into()]).await?;
    row.map(|row| get(&row, "version")).transpose()
}

/// Compares the version in the store (0 = no record) with the one that a caller expects.
pub(crate) fn check_version(current: i64, expected: Option<i64>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != current => Err(Error::VersionConflict { current }),
        _ => Ok(()),
    }
}
