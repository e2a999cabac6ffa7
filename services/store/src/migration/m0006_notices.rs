//! What the retailer's people and systems are told, and each one's delivery.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, blob, boolean, text, text_null};

use super::m0001_tables::{counter, table};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_notices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let notice = table(
            "notice",
            &[],
            vec![
                counter("seq"),
                text("id"),
                text("shop"),
                text("conversation"),
                text("kind"),
                blob("payload"),
                boolean("addressed"),
                big_integer("created_at_ms"),
            ],
        );
        let delivery = table(
            "notice_delivery",
            &["id"],
            vec![
                text("id"),
                big_integer("seq"),
                text("notice"),
                text("shop"),
                text("conversation"),
                text("kind"),
                text("target"),
                text("state"),
                big_integer("attempt"),
                big_integer("attempt_base"),
                big_integer("due_at_ms"),
                big_integer_null("status"),
                text_null("cause"),
                big_integer("created_at_ms"),
                big_integer_null("settled_at_ms"),
            ],
        );
        manager.create_table(notice).await?;
        manager.create_table(delivery).await?;
        let indexes: [(&str, &str, &[&str], bool); 5] = [
            ("notice_id", "notice", &["id"], true),
            ("notice_addressed", "notice", &["addressed", "seq"], false),
            (
                "notice_delivery_due",
                "notice_delivery",
                &["shop", "target", "state", "due_at_ms"],
                false,
            ),
            (
                "notice_delivery_order",
                "notice_delivery",
                &["conversation", "target", "seq"],
                false,
            ),
            (
                "notice_delivery_shop",
                "notice_delivery",
                &["shop", "id"],
                false,
            ),
        ];
        for (name, table, columns, unique) in indexes {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
