//! A customer; the keys are what look-ups compare.

use sea_orm::entity::prelude::*;

use super::Sealed;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_now")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shop: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: Sealed,
    pub email: Sealed,
    pub postcode: Sealed,
    pub phone: Option<Sealed>,
    pub email_key: Sealed,
    pub postcode_key: Sealed,
    pub phone_digits: Option<Sealed>,
}

impl ActiveModelBehavior for ActiveModel {}
