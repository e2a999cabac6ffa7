//! An order; the body is the JSON of `mercer_schemas::Order`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shop_order_now")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number_key: String,
    /// The number as it is compared with what customers write.
    pub number_code: String,
    pub customer_id: String,
    pub placed_at_ms: i64,
    pub body: String,
    pub version: i64,
    pub updated_at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
