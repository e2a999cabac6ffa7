//! Imports that take effect at once: what they bring waits in tables of its own, and views show it
//! from the moment on at which the import is in force.
//!
//! Each table of shop records `T` gets `staged_T` with the same columns, and a view `T_now` that
//! readers use: the staged record where an import is in force that has one, else the stored one.
//! A staged record that is in force has the version after the stored one, which it gets when it is
//! moved into the table.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, text, text_null};

use super::m0001_tables::table;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_imports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in INDEXES {
            let mut index = Index::create();
            index.name(*name).table(*table);
            for column in *columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        let connection = manager.get_connection();
        for view in VIEWS {
            connection.execute_unprepared(&view.sql()).await?;
        }
        Ok(())
    }
}

/// Name, table, columns: those of the stored tables, for the same questions.
const INDEXES: &[(&str, &str, &[&str])] = &[
    ("staged_product_code", "staged_product", &["shop", "code"]),
    (
        "staged_variant_product",
        "staged_variant",
        &["shop", "product_id", "position"],
    ),
    (
        "staged_variant_sku_code",
        "staged_variant",
        &["shop", "sku_code"],
    ),
    (
        "staged_variant_ean_code",
        "staged_variant",
        &["shop", "ean_code"],
    ),
    (
        "staged_customer_email",
        "staged_customer",
        &["shop", "email_key"],
    ),
    (
        "staged_customer_phone",
        "staged_customer",
        &["shop", "phone_digits"],
    ),
    (
        "staged_order_customer",
        "staged_shop_order",
        &["shop", "customer_id", "placed_at_ms"],
    ),
];

fn tables() -> Vec<TableCreateStatement> {
    // What changed in a product: its text, unless the import says that price or stock alone did.
    let mut change = text("change");
    change.default("text");
    vec![
        // One import a shop at a time. `run` tells a run from a later one of the same shop.
        table(
            "shop_import",
            &["shop"],
            vec![
                text("shop"),
                big_integer("run"),
                text("state"),
                big_integer("heard_at_ms"),
            ],
        ),
        table(
            "staged_product",
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
                change,
            ],
        ),
        table(
            "staged_variant",
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
            "staged_document",
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
            "staged_customer",
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
            "staged_shop_order",
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

/// A view over a table and its staged records.
pub(super) struct View {
    pub(super) table: &'static str,
    /// What tells that a stored row `t` has a staged record `s` in its place.
    pub(super) replaced: &'static str,
    /// The table whose staged rows those are: a product's variants are replaced with it.
    pub(super) by: &'static str,
    /// Columns but the version.
    pub(super) columns: &'static [&'static str],
    pub(super) version: Version,
}

/// Where the version before a staged record `s` is found.
pub(super) enum Version {
    /// Records of this kind have none.
    None,
    /// In the stored row, by this key.
    Stored(&'static str),
    /// In the stored row, or in the tombstone of a deleted one with this prefix.
    StoredOrBuried(&'static str, &'static str),
}

const VIEWS: &[View] = &[
    View {
        table: "product",
        replaced: "s.id = t.id",
        by: "product",
        columns: &[
            "shop",
            "id",
            "code",
            "title",
            "brand",
            "category",
            "description",
            "attributes",
            "visible",
            "search_text",
            "updated_at_ms",
        ],
        version: Version::StoredOrBuried("id", "product:"),
    },
    View {
        table: "variant",
        replaced: "s.id = t.product_id",
        by: "product",
        columns: &[
            "shop",
            "sku",
            "product_id",
            "position",
            "ean",
            "sku_code",
            "ean_code",
            "options",
            "price_minor",
            "currency",
            "list_minor",
            "list_currency",
            "stock",
        ],
        version: Version::None,
    },
    View {
        table: "document",
        replaced: "s.id = t.id",
        by: "document",
        columns: &[
            "shop",
            "id",
            "kind",
            "title",
            "body",
            "valid_from_ms",
            "valid_to_ms",
            "code",
            "updated_at_ms",
        ],
        version: Version::StoredOrBuried("id", "policy:"),
    },
    View {
        table: "customer",
        replaced: "s.id = t.id",
        by: "customer",
        columns: &[
            "shop",
            "id",
            "name",
            "email",
            "postcode",
            "phone",
            "email_key",
            "postcode_key",
            "phone_digits",
        ],
        version: Version::None,
    },
    View {
        table: "shop_order",
        replaced: "s.number_key = t.number_key",
        by: "shop_order",
        columns: &[
            "shop",
            "number_key",
            "customer_id",
            "placed_at_ms",
            "body",
            "updated_at_ms",
        ],
        version: Version::Stored("number_key"),
    },
];

impl View {
    /// Returns the statement that creates it.
    pub(super) fn sql(&self) -> String {
        let Self {
            table,
            replaced,
            by,
            columns,
            version,
        } = self;
        let stored: Vec<String> = columns.iter().map(|c| format!("t.{c}")).collect();
        let staged: Vec<String> = columns.iter().map(|c| format!("s.{c}")).collect();
        let (mut stored, mut staged) = (stored.join(", "), staged.join(", "));
        let before = |key: &str| {
            format!("SELECT t.version FROM {table} t WHERE t.shop = s.shop AND t.{key} = s.{key}")
        };
        let version = match version {
            Version::None => None,
            Version::Stored(key) => Some(format!("COALESCE(({}), 0)", before(key))),
            Version::StoredOrBuried(key, prefix) => Some(format!(
                "COALESCE(({}), (SELECT g.version FROM tombstone g WHERE g.shop = s.shop \
                 AND g.record = '{prefix}' || s.{key}), 0)",
                before(key)
            )),
        };
        if let Some(version) = version {
            stored.push_str(", t.version");
            staged.push_str(&format!(", {version} + 1 AS version"));
        }
        // Scalar sub-queries, which PostgreSQL does not turn into joins: each is two look-ups of a
        // key, whatever it believes about the tables' sizes, and one where there is no import.
        format!(
            "CREATE VIEW {table}_now AS \
             SELECT {stored} FROM {table} t WHERE (\
             SELECT s.shop FROM shop_import i CROSS JOIN staged_{by} s WHERE i.shop = t.shop \
             AND i.state = 'in_force' AND s.shop = t.shop AND {replaced}) IS NULL \
             UNION ALL \
             SELECT {staged} FROM staged_{table} s WHERE (\
             SELECT i.state FROM shop_import i WHERE i.shop = s.shop) = 'in_force'"
        )
    }
}
