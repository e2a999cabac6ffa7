//! Secrets that the processes around one database share.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, text};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_secrets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("secret")
            .col(text("name").primary_key())
            .col(blob("value"));
        manager.create_table(table).await
    }
}
