//! The first tables. Times are UTC milliseconds; payloads whose bytes matter are BLOB/BYTEA.

use mercer_schemas::ids::PARTITIONS;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, boolean, text, text_null,
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite would run a migration statement by statement: a crash must not leave half of it.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in shop_tables()
            .into_iter()
            .chain(conversation_tables())
            .chain(service_tables())
        {
            manager.create_table(table).await?;
        }
        for (name, table, columns, unique) in INDEXES {
            let mut index = Index::create();
            index.name(*name).table(*table);
            for column in *columns {
                index.col(*column);
            }
            if *unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        let values: Vec<String> = (0..PARTITIONS).map(|p| format!("({p}, 0)")).collect();
        let fill = format!(
            "INSERT INTO partition (p, epoch) VALUES {}",
            values.join(", ")
        );
        manager.get_connection().execute_unprepared(&fill).await?;
        Ok(())
    }
}

/// Name, table, columns, unique.
type IndexRow = (&'static str, &'static str, &'static [&'static str], bool);

const INDEXES: &[IndexRow] = &[
    ("product_code", "product", &["shop", "code"], false),
    (
        "variant_product",
        "variant",
        &["shop", "product_id", "position"],
        false,
    ),
    ("variant_sku_code", "variant", &["shop", "sku_code"], false),
    ("variant_ean_code", "variant", &["shop", "ean_code"], false),
    ("customer_email", "customer", &["shop", "email_key"], false),
    (
        "customer_phone",
        "customer",
        &["shop", "phone_digits"],
        false,
    ),
    (
        "order_customer",
        "shop_order",
        &["shop", "customer_id", "placed_at_ms"],
        false,
    ),
    (
        "conversation_address",
        "conversation",
        &["shop", "channel", "address"],
        true,
    ),
    (
        "inbox_provider",
        "inbox",
        &["shop", "channel", "provider_id"],
        true,
    ),
    ("inbox_state", "inbox", &["state", "received_at_ms"], false),
    (
        "inbox_conversation",
        "inbox",
        &["conversation", "state"],
        false,
    ),
    ("inbox_waits", "inbox", &["shop", "waits_for"], false),
    ("outbox_state", "outbox", &["state", "due_at_ms"], false),
    (
        "outbox_conversation",
        "outbox",
        &["conversation", "order_no"],
        false,
    ),
    ("outbox_provider", "outbox", &["shop", "provider_id"], false),
];

pub(super) fn table(
    name: &'static str,
    key: &[&'static str],
    columns: Vec<ColumnDef>,
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    if !key.is_empty() {
        let mut primary = Index::create();
        for column in key {
            primary.col(*column);
        }
        table.primary_key(&mut primary);
    }
    table
}

/// A counter that is never reused, also not after the newest row was deleted.
pub(super) fn counter(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key();
    column
}

fn shop_tables() -> Vec<TableCreateStatement> {
    vec![
        table(
            "shop",
            &["id"],
            vec![text("id"), text("body"), big_integer("updated_at_ms")],
        ),
        table(
            "product",
            &["shop", "id"],
            vec![
                text("shop"),
                text("id"),
                text("code"),
                text("title"),
                text("brand"),
                text("category"),
                text("description"),
                text("attributes"),
                boolean("visible"),
                text("search_text"),
                big_integer("version"),
                big_integer("updated_at_ms"),
            ],
        ),
        table(
            "variant",
            &["shop", "sku"],
            vec![
                text("shop"),
                text("sku"),
                text("product_id"),
                big_integer("position"),
                text_null("ean"),
                text("sku_code"),
                text_null("ean_code"),
                text("options"),
                big_integer("price_minor"),
                text("currency"),
                big_integer_null("list_minor"),
                text_null("list_currency"),
                big_integer("stock"),
            ],
        ),
        table(
            "document",
            &["shop", "id"],
            vec![
                text("shop"),
                text("id"),
                text("kind"),
                text("title"),
                text("body"),
                big_integer_null("valid_from_ms"),
                big_integer_null("valid_to_ms"),
                text_null("code"),
                big_integer("version"),
                big_integer("updated_at_ms"),
            ],
        ),
        table(
            "tombstone",
            &["shop", "record"],
            vec![text("shop"), text("record"), big_integer("version")],
        ),
        table(
            "customer",
            &["shop", "id"],
            vec![
                text("shop"),
                text("id"),
                text("name"),
                text("email"),
                text("postcode"),
                text_null("phone"),
                text("email_key"),
                text("postcode_key"),
                text_null("phone_digits"),
            ],
        ),
        table(
            "shop_order",
            &["shop", "number_key"],
            vec![
                text("shop"),
                text("number_key"),
                text("customer_id"),
                big_integer("placed_at_ms"),
                text("body"),
                big_integer("version"),
                big_integer("updated_at_ms"),
            ],
        ),
    ]
}

fn conversation_tables() -> Vec<TableCreateStatement> {
    vec![
        table(
            "conversation",
            &["id"],
            vec![
                text("id"),
                text("shop"),
                text("channel"),
                text("address"),
                big_integer("partition"),
                text("phase"),
                boolean("handed_over"),
                big_integer("created_at_ms"),
                big_integer("last_at_ms"),
                big_integer("turns"),
            ],
        ),
        table(
            "inbox",
            &[],
            vec![
                counter("id"),
                text("shop"),
                text("channel"),
                text("provider_id"),
                text("address"),
                text_null("conversation"),
                big_integer_null("partition"),
                text("kind"),
                blob("payload"),
                big_integer("received_at_ms"),
                big_integer("sent_at_ms"),
                big_integer("attempts"),
                text("state"),
                text_null("reason"),
                text_null("waits_for"),
            ],
        ),
        table(
            "log",
            &["conversation", "seq"],
            vec![
                text("conversation"),
                big_integer("seq"),
                text("shop"),
                big_integer("at_ms"),
                big_integer("epoch"),
                big_integer("logic_version"),
                text("kind"),
                blob("payload"),
            ],
        ),
        table(
            "snapshot",
            &["conversation"],
            vec![
                text("conversation"),
                text("shop"),
                big_integer("seq"),
                blob("state"),
                text("hash"),
            ],
        ),
        table(
            "outbox",
            &["message"],
            vec![
                text("message"),
                text("shop"),
                text("conversation"),
                big_integer("partition"),
                text("channel"),
                text("address"),
                text_null("turn"),
                blob("content"),
                big_integer("order_no"),
                text("state"),
                text_null("delivery"),
                big_integer("attempt"),
                big_integer("due_at_ms"),
                text_null("provider_id"),
                text_null("cause"),
                text_null("owner"),
                big_integer_null("epoch"),
                big_integer("created_at_ms"),
            ],
        ),
    ]
}

fn service_tables() -> Vec<TableCreateStatement> {
    vec![
        table(
            "node",
            &["boot_id"],
            vec![text("boot_id"), text("addr"), big_integer("expires_at_ms")],
        ),
        table(
            "partition",
            &["p"],
            vec![big_integer("p"), text_null("owner"), big_integer("epoch")],
        ),
        table(
            "change",
            &[],
            vec![
                counter("seq"),
                text("shop"),
                text("record"),
                text("kind"),
                big_integer("at_ms"),
            ],
        ),
        table("cursor", &["name"], vec![text("name"), big_integer("seq")]),
        table(
            "api_key",
            &["id"],
            vec![
                text("id"),
                text_null("shop"),
                text("name"),
                text("role"),
                text("hash"),
                big_integer("created_at_ms"),
                big_integer_null("expires_at_ms"),
                big_integer_null("revoked_at_ms"),
            ],
        ),
        table(
            "idempotency",
            &["shop", "key", "route"],
            vec![
                text("shop"),
                text("key"),
                text("route"),
                text("body_hash"),
                big_integer_null("status"),
                blob_null("body"),
                big_integer("created_at_ms"),
            ],
        ),
    ]
}
