//! A variant of a product; `sku_code` and `ean_code` are the normalised codes.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variant_now")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sku: String,
    pub product_id: String,
    pub position: i64,
    pub ean: Option<String>,
    pub sku_code: String,
    pub ean_code: Option<String>,
    pub options: String,
    pub price_minor: i64,
    pub currency: String,
    pub list_minor: Option<i64>,
    pub list_currency: Option<String>,
    pub stock: i64,
}

impl ActiveModelBehavior for ActiveModel {}
