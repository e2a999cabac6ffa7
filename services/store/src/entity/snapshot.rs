//! A conversation's state at a position of its log.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshot")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation: String,
    pub shop: String,
    pub seq: i64,
    pub state: Vec<u8>,
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
