//! What a channel or a person of the shop sent, until it is part of a conversation.

use sea_orm::entity::prelude::*;

use super::Sealed;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub shop: String,
    pub channel: String,
    pub provider_id: String,
    pub address: Sealed,
    pub conversation: Option<String>,
    pub partition: Option<i64>,
    pub kind: String,
    pub payload: Vec<u8>,
    pub received_at_ms: i64,
    pub sent_at_ms: i64,
    pub attempts: i64,
    pub state: String,
    pub reason: Option<String>,
    pub waits_for: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
