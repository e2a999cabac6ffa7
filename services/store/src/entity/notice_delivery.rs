//! A notice on its way to one of those who are told.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub seq: i64,
    pub notice: String,
    pub shop: String,
    pub conversation: String,
    pub kind: String,
    pub target: String,
    pub state: String,
    pub attempt: i64,
    pub attempt_base: i64,
    pub due_at_ms: i64,
    pub status: Option<i64>,
    pub cause: Option<String>,
    pub created_at_ms: i64,
    pub settled_at_ms: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
