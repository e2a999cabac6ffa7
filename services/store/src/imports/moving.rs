//! Staged records on their way into their tables, or into nothing.

use mercer_schemas::ShopId;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, Statement, Value};

use super::kind::{Kind, variant_columns};
use super::ledger::{self, Phase};
use crate::db::{exec_in, get, now_ms};
use crate::entity::{RecordTable, select_from, variant};
use crate::error::Error;
use crate::records::CHUNK;

/// Brings the tables up to what readers see of some records, before somebody changes them. The
/// caller holds the feed's lock.
pub(crate) async fn settle<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    kind: Kind,
    keys: &[String],
) -> Result<(), Error> {
    match ledger::of(tx, shop).await? {
        Some(entry) if entry.phase == Phase::InForce => move_records(tx, shop, kind, keys).await,
        _ => Ok(()),
    }
}

/// Returns keys of staged records after one of them, of so many units together; one at least,
/// where there is one.
pub(super) async fn next_keys<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    kind: Kind,
    after: &str,
    units: u64,
) -> Result<Vec<String>, Error> {
    let (table, key) = (kind.table(), kind.key());
    let sql = format!(
        "SELECT s.{key} AS k, CAST({} AS BIGINT) AS units FROM staged_{table} s \
         WHERE s.shop = $1 AND s.{key} > $2 ORDER BY s.{key} LIMIT $3",
        kind.units()
    );
    // No more than the statements that follow can name at once.
    let limit = units.min(CHUNK as u64) as i64;
    let values = [shop.as_str().into(), after.into(), limit.into()];
    let (mut keys, mut sum) = (Vec::new(), 0);
    for row in crate::db::all(tx, sql, values).await? {
        sum += get::<i64>(&row, "units")?.unsigned_abs();
        if sum > units && !keys.is_empty() {
            break;
        }
        keys.push(get(&row, "k")?);
    }
    Ok(keys)
}

/// Moves those of the records that are staged into their tables and tells the change feed. The
/// caller holds the feed's lock and knows that the import is in force.
pub(super) async fn move_records<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    kind: Kind,
    keys: &[String],
) -> Result<(), Error> {
    use_indexes(tx).await?;
    for keys in keys.chunks(CHUNK) {
        let run = Run { tx, shop, keys };
        match kind {
            Kind::Customer | Kind::Order => run.replace(kind).await?,
            Kind::Document => {
                run.tell_of_documents().await?;
                run.replace(kind).await?;
            }
            Kind::Product => {
                run.tell_of_products().await?;
                run.delete_variants().await?;
                run.replace(kind).await?;
                run.insert_variants().await?;
            }
        }
        run.clear(kind).await?;
    }
    Ok(())
}

/// Keeps PostgreSQL from reading whole tables until the transaction ends: during an import they are
/// larger than its statistics say, and every statement here names its rows by key.
pub(super) async fn use_indexes<C: ConnectionTrait>(tx: &C) -> Result<(), Error> {
    if tx.get_database_backend() == DbBackend::Postgres {
        for setting in ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"] {
            tx.execute_unprepared(&format!("SET LOCAL {setting} = off"))
                .await?;
        }
    }
    Ok(())
}

/// Deletes staged records.
pub(super) async fn delete_staged<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    kind: Kind,
    keys: &[String],
) -> Result<(), Error> {
    for keys in keys.chunks(CHUNK) {
        Run { tx, shop, keys }.clear(kind).await?;
    }
    Ok(())
}

/// Statements about some records of one shop: `$1` is the shop, the keys follow.
struct Run<'a, C> {
    tx: &'a C,
    shop: &'a ShopId,
    keys: &'a [String],
}

impl<C: ConnectionTrait> Run<'_, C> {
    async fn exec(&self, sql: String) -> Result<(), Error> {
        let mut values: Vec<Value> = vec![self.shop.as_str().into()];
        values.extend(self.keys.iter().map(|key| Value::from(key.as_str())));
        let backend = self.tx.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.tx.execute_raw(statement).await?;
        Ok(())
    }

    /// `of.shop = $1 AND of.column IN (…)`.
    fn these(&self, of: &str, column: &str) -> String {
        let places: Vec<String> = (2..self.keys.len() + 2).map(|n| format!("${n}")).collect();
        format!(
            "{of}.shop = $1 AND {of}.{column} IN ({})",
            places.join(", ")
        )
    }

    /// Writes the records under the versions that readers see.
    async fn replace(&self, kind: Kind) -> Result<(), Error> {
        let (table, key, columns) = (kind.table(), kind.key(), kind.columns());
        let version = kind.version();
        let values: Vec<String> = columns
            .iter()
            .map(|column| match &version {
                Some(version) if *column == "version" => version.clone(),
                _ => format!("s.{column}"),
            })
            .collect();
        let replaced: Vec<String> = columns
            .iter()
            .filter(|column| **column != "shop" && **column != key)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({columns}) SELECT {values} FROM staged_{table} s WHERE {these} \
             ON CONFLICT (shop, {key}) DO UPDATE SET {replaced}",
            columns = columns.join(", "),
            values = values.join(", "),
            these = self.these("s", key),
            replaced = replaced.join(", "),
        );
        self.exec(sql).await
    }

    /// Deletes the variants that the products have, and those of others whose SKU moves to one of
    /// the products: theirs is gone for readers already.
    async fn delete_variants(&self) -> Result<(), Error> {
        let staged = select_from::<variant::Entity>(RecordTable::Staged)
            .filter(variant::Column::Shop.eq(self.shop.as_str()))
            .filter(variant::Column::ProductId.is_in(self.keys))
            .all(self.tx)
            .await?;
        // Those of the keys that are staged: every product has a variant.
        let mut products: Vec<String> = staged.iter().map(|row| row.product_id.clone()).collect();
        products.dedup();
        let skus: Vec<String> = staged.into_iter().map(|row| row.sku).collect();
        let sql = "DELETE FROM variant";
        let shop = self.shop.as_str();
        exec_in(self.tx, sql, "product_id", shop, &products).await?;
        exec_in(self.tx, sql, "sku", shop, &skus).await
    }

    async fn insert_variants(&self) -> Result<(), Error> {
        let columns = variant_columns().join(", ");
        let these = self.these("s", "product_id");
        self.exec(format!(
            "INSERT INTO variant ({columns}) SELECT {columns} FROM staged_variant s WHERE {these}"
        ))
        .await
    }

    /// A change counts as one of price and stock alone if the record still has the version that it
    /// was compared with.
    async fn tell_of_products(&self) -> Result<(), Error> {
        self.exec(format!(
            "INSERT INTO change (shop, record, kind, at_ms) \
             SELECT s.shop, 'product:' || s.id, \
             CASE WHEN t.version = s.version THEN s.change ELSE 'text' END, {now} \
             FROM staged_product s LEFT JOIN product t ON t.shop = s.shop AND t.id = s.id \
             WHERE {these} ORDER BY s.id",
            now = now_ms(),
            these = self.these("s", "id")
        ))
        .await
    }

    async fn tell_of_documents(&self) -> Result<(), Error> {
        let name = |of: &str| {
            format!(
                "CASE WHEN {of}.kind = 'promotion' THEN 'promotion:' ELSE 'policy:' END || {of}.id"
            )
        };
        let (old, new, now, these) = (name("t"), name("s"), now_ms(), self.these("s", "id"));
        // A policy became a promotion: the record under its old name is gone.
        self.exec(format!(
            "INSERT INTO change (shop, record, kind, at_ms) SELECT t.shop, {old}, 'deleted', {now} \
             FROM staged_document s JOIN document t ON t.shop = s.shop AND t.id = s.id \
             WHERE {these} AND {old} <> {new} ORDER BY s.id"
        ))
        .await?;
        self.exec(format!(
            "INSERT INTO change (shop, record, kind, at_ms) SELECT s.shop, {new}, 'text', {now} \
             FROM staged_document s WHERE {these} ORDER BY s.id"
        ))
        .await
    }

    /// Deletes the staged records.
    async fn clear(&self, kind: Kind) -> Result<(), Error> {
        if kind == Kind::Product {
            let these = self.these("staged_variant", "product_id");
            self.exec(format!("DELETE FROM staged_variant WHERE {these}"))
                .await?;
        }
        let table = format!("staged_{}", kind.table());
        let these = self.these(&table, kind.key());
        self.exec(format!("DELETE FROM {table} WHERE {these}"))
            .await
    }
}
