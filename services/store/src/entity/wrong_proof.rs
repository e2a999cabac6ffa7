//! A wrong proof of identity, once for each thing that it counts against.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "wrong_proof")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    /// HMAC-SHA-256 of what it counts against under a secret of the database, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub attempt: String,
    pub at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
