//! The brands that a shop has.

use mercer_schemas::ShopId;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::Catalog;
use crate::entity::product;
use crate::error::Error;
use crate::imports::select_now;

impl Catalog {
    /// Returns the brands of the shop's visible products, each once, in no order. Nothing else of a
    /// product is read, so that one that cannot be read spoils nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn brands(&self, shop: &ShopId) -> Result<Vec<String>, Error> {
        let shop = shop.to_string();
        let brands = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let found = select_now::<product::Entity, _>(c, &shop)
                    .await?
                    .select_only()
                    .column(product::Column::Brand)
                    .distinct()
                    .filter(product::Column::Shop.eq(shop.as_str()))
                    .filter(product::Column::Visible.eq(true))
                    .filter(product::Column::Brand.ne(""))
                    .into_tuple()
                    .all(c);
                Ok(found.await?)
            })
        });
        brands.await
    }
}
