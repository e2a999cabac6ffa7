//! What proves identity is compared without formats: keys of order numbers and postcodes without
//! case, spaces and marks, and the wrong proofs of the last hour. Keys that are there are made anew.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

use super::m0003_imports::{Version, View};
use crate::compared::{code_key, email_key, phone_digits};
use crate::db::{all, exec};

/// The view of orders with the column that they gain.
const ORDERS: View = View {
    table: "shop_order",
    replaced: "s.number_key = t.number_key",
    by: "shop_order",
    columns: &[
        "shop",
        "number_key",
        "number_code",
        "customer_id",
        "placed_at_ms",
        "body",
        "updated_at_ms",
    ],
    version: Version::Stored("number_key"),
};

/// Rows read at once.
const PAGE: i64 = 500;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_identity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection
            .execute_unprepared("DROP VIEW shop_order_now")
            .await?;
        for table in ["shop_order", "staged_shop_order"] {
            let mut number_code = text("number_code");
            number_code.default("");
            let mut orders = Table::alter();
            orders.table(table).add_column(number_code);
            manager.alter_table(orders).await?;
        }
        connection.execute_unprepared(&ORDERS.sql()).await?;
        let mut tries = Table::create();
        tries
            .table("wrong_proof")
            .col(text("shop"))
            .col(text("scope"))
            .col(text("attempt"))
            .col(big_integer("at_ms"))
            .primary_key(Index::create().col("shop").col("scope").col("attempt"));
        manager.create_table(tries).await?;
        for (name, table, column) in [
            ("order_code", "shop_order", "number_code"),
            ("staged_order_code", "staged_shop_order", "number_code"),
            ("customer_postcode", "customer", "postcode_key"),
            (
                "staged_customer_postcode",
                "staged_customer",
                "postcode_key",
            ),
            ("wrong_proof_at", "wrong_proof", "at_ms"),
        ] {
            let mut index = Index::create();
            index.name(name).table(table).col("shop").col(column);
            manager.create_index(index).await?;
        }
        for table in ["shop_order", "staged_shop_order"] {
            fill_orders(connection, table).await?;
        }
        for table in ["customer", "staged_customer"] {
            fill_customers(connection, table).await?;
        }
        Ok(())
    }
}

async fn fill_orders<C: ConnectionTrait>(connection: &C, table: &str) -> Result<(), DbErr> {
    let (mut shop, mut key) = (String::new(), String::new());
    loop {
        let sql = format!(
            "SELECT shop, number_key FROM {table} WHERE (shop, number_key) > ($1, $2) \
             ORDER BY shop, number_key LIMIT $3"
        );
        let after = [shop.as_str().into(), key.as_str().into(), PAGE.into()];
        let rows = all(connection, sql, after).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        for row in &rows {
            let number: String = column(row, "number_key")?;
            let sql =
                format!("UPDATE {table} SET number_code = $1 WHERE shop = $2 AND number_key = $3");
            let shop: String = column(row, "shop")?;
            let values = [code_key(&number).into(), shop.into(), number.into()];
            exec(connection, sql, values).await?;
        }
        (shop, key) = (column(last, "shop")?, column(last, "number_key")?);
    }
}

async fn fill_customers<C: ConnectionTrait>(connection: &C, table: &str) -> Result<(), DbErr> {
    let (mut shop, mut id) = (String::new(), String::new());
    loop {
        let sql = format!(
            "SELECT shop, id, email, postcode, phone FROM {table} \
             WHERE (shop, id) > ($1, $2) ORDER BY shop, id LIMIT $3"
        );
        let after = [shop.as_str().into(), id.as_str().into(), PAGE.into()];
        let rows = all(connection, sql, after).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        for row in &rows {
            let email: String = column(row, "email")?;
            let postcode: String = column(row, "postcode")?;
            let phone: Option<String> = column(row, "phone")?;
            let sql = format!(
                "UPDATE {table} SET email_key = $1, postcode_key = $2, phone_digits = $3 \
                 WHERE shop = $4 AND id = $5"
            );
            let values = [
                email_key(&email).into(),
                code_key(&postcode).into(),
                phone.and_then(|phone| phone_digits(&phone)).into(),
                column::<String>(row, "shop")?.into(),
                column::<String>(row, "id")?.into(),
            ];
            exec(connection, sql, values).await?;
        }
        (shop, id) = (column(last, "shop")?, column(last, "id")?);
    }
}

fn column<T: sea_orm::TryGetable>(row: &QueryResult, name: &str) -> Result<T, DbErr> {
    row.try_get("", name)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};
    use sea_orm_migration::MigratorTrait;

    use crate::db::{get, one};
    use crate::migration::Migrator;
    use mercer_testing::{PostgresServer, sqlite_url};

    /// Migrations that were there before.
    const BEFORE: u32 = 2;

    async fn keys_are_made_anew(url: &str) {
        let connection = Database::connect(url).await.expect("connection");
        Migrator::up(&connection, Some(BEFORE))
            .await
            .expect("tables");
        let orders: Vec<String> = (0..1_200)
            .map(|at| format!("('s', '#a-{at}', 'C-1', 0, '{{}}', 1, 0)"))
            .collect();
        for sql in [
            format!(
                "INSERT INTO shop_order (shop, number_key, customer_id, placed_at_ms, body, version, \
                 updated_at_ms) VALUES {}",
                orders.join(", ")
            ),
            "INSERT INTO customer (shop, id, name, email, postcode, phone, email_key, postcode_key, \
             phone_digits) VALUES ('s', 'C-1', 'Ann', ' Ann@X.example', '1000-205', 'CO.1047123456', \
             'ann@x.example', '1000-205', '1047123456')"
                .to_owned(),
        ] {
            connection.execute_unprepared(&sql).await.expect("rows");
        }
        Migrator::up(&connection, None).await.expect("migrations");
        let count =
            "SELECT count(*) AS n FROM shop_order WHERE number_code = 'a' || substr(number_key, 4)";
        let row = one(&connection, count, [])
            .await
            .expect("count")
            .expect("row");
        assert_eq!(get::<i64>(&row, "n"), Ok(1_200));
        let keys = "SELECT email_key, postcode_key, phone_digits FROM customer";
        let row = one(&connection, keys, [])
            .await
            .expect("keys")
            .expect("row");
        assert_eq!(
            get::<String>(&row, "email_key").as_deref(),
            Ok("ann@x.example")
        );
        assert_eq!(
            get::<String>(&row, "postcode_key").as_deref(),
            Ok("1000205")
        );
        assert_eq!(get::<Option<String>>(&row, "phone_digits"), Ok(None));
    }

    #[tokio::test]
    async fn keys_of_an_existing_database_are_made_anew() {
        let folder = tempfile::tempdir().expect("folder");
        keys_are_made_anew(&format!("{}?mode=rwc", sqlite_url(folder.path()))).await;
        let server = PostgresServer::shared().expect("a PostgreSQL server");
        keys_are_made_anew(&server.create_database().await.expect("a database")).await;
    }
}
