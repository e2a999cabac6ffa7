//! A conversation: where it takes place and how far it is.

use sea_orm::entity::prelude::*;

use super::Sealed;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub shop: String,
    pub channel: String,
    pub address: Sealed,
    pub partition: i64,
    pub phase: String,
    pub handed_over: bool,
    pub created_at_ms: i64,
    pub last_at_ms: i64,
    pub turns: i64,
}

impl ActiveModelBehavior for ActiveModel {}
