//! A shop; the body is the JSON of `mercer_schemas::Shop`.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shop")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub body: String,
    pub updated_at_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
