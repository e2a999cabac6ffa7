//! Wrong proofs are named under a key of the database, and found by age.
//!
//! Rows that are there bear names without a key, and count for nothing under the new ones. They count
//! for an hour at most, so they go.

use sea_orm::ConnectionTrait;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_wrong_proofs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        // The index first: that takes the whole table. Rows first, PostgreSQL would wait for the table
        // while a node of the version before, which counts a proof, waits for these rows.
        let mut by_shop = Index::drop();
        by_shop.name("wrong_proof_at").table("wrong_proof");
        manager.drop_index(by_shop).await?;
        connection
            .execute_unprepared("DELETE FROM wrong_proof")
            .await?;
        let mut by_age = Index::create();
        by_age
            .name("wrong_proof_age")
            .table("wrong_proof")
            .col("at_ms");
        manager.create_index(by_age).await
    }
}
