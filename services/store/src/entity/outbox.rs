//! A message on its way to a customer; the content is JSON.

use sea_orm::entity::prelude::*;

use super::Sealed;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message: String,
    pub shop: String,
    pub conversation: String,
    pub partition: i64,
    pub channel: String,
    pub address: Sealed,
    pub turn: Option<String>,
    pub content: Vec<u8>,
    pub order_no: i64,
    pub state: String,
    pub delivery: Option<String>,
    pub attempt: i64,
    pub due_at_ms: i64,
    pub provider_id: Option<String>,
    pub cause: Option<String>,
    pub owner: Option<String>,
    pub epoch: Option<i64>,
    pub created_at_ms: i64,
    pub resends: i64,
    pub parts: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
