//! One record of a conversation's log; the payload is the canonical JSON of its body.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub shop: String,
    pub at_ms: i64,
    pub epoch: i64,
    pub logic_version: i64,
    pub kind: String,
    pub payload: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
