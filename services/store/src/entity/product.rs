//! A product without its variants; attributes are JSON, `search_text` is lower case.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_now")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub code: String,
    pub title: String,
    pub brand: String,
    pub category: String,
    pub description: String,
    pub attributes: String,
    pub visible: bool,
    pub search_text: String,
    pub version: i64,
    pub updated_at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
