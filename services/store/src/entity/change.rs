//! A change of a record that search indexes follow.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    pub shop: String,
    pub record: String,
    pub kind: String,
    pub at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
