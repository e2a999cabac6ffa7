//! A policy, FAQ entry or promotion.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "document_now")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub kind: String,
    pub title: String,
    pub body: String,
    pub valid_from_ms: Option<i64>,
    pub valid_to_ms: Option<i64>,
    pub code: Option<String>,
    pub version: i64,
    pub updated_at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
