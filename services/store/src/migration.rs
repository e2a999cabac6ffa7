//! Migrations, in order. A migration that was released never changes.

mod m0001_tables;
mod m0002_resends;
mod m0003_imports;
mod m0005_identity;
mod m0006_notices;
mod m0007_secrets;
mod m0008_parts;
mod m0009_retention;
mod m0010_wrong_proofs;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tables::Migration),
            Box::new(m0002_resends::Migration),
            Box::new(m0003_imports::Migration),
            Box::new(m0005_identity::Migration),
            Box::new(m0006_notices::Migration),
            Box::new(m0007_secrets::Migration),
            Box::new(m0008_parts::Migration),
            Box::new(m0009_retention::Migration),
            Box::new(m0010_wrong_proofs::Migration),
        ]
    }
}
