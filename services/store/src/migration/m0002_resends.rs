//! Counts how often a message was sent again after an unknown outcome, apart from plain retries.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_resends"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut resends = big_integer("resends");
        resends.default(0);
        let mut table = Table::alter();
        table.table("outbox").add_column(resends);
        manager.alter_table(table).await?;
        // What had been tried more than once is not sent a third time after the upgrade.
        let sql = "UPDATE outbox SET resends = 1 WHERE state = 'unknown' AND attempt > 1";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
