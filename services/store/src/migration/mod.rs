//! Migrations, in order. A migration that was released never changes.

mod m0001_tables;
mod m0002_resends;
mod m0005_identity;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tables::Migration),
            Box::new(m0002_resends::Migration),
            Box::new(m0005_identity::Migration),
        ]
    }
}
