//! Shops.

use mercer_schemas::{Shop, ShopId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Set};

use crate::db::{Db, now_ms};
use crate::entity::shop;
use crate::error::Error;

/// The shops of this installation.
#[derive(Clone)]
pub struct Shops {
    db: Db,
}

impl Shops {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Creates or replaces a shop.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put(&self, value: Shop) -> Result<(), Error> {
        self.db
            .write(move |tx| Box::pin(async move { put(tx, &value).await }))
            .await
    }

    /// Returns a shop.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(&self, id: &ShopId) -> Result<Option<Shop>, Error> {
        let id = id.to_string();
        let found = self
            .db
            .read(move |c| async move { Ok(shop::Entity::find_by_id(id).one(&c).await?) });
        found.await?.map(decode).transpose()
    }

    /// Returns all shops by id.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(&self) -> Result<Vec<Shop>, Error> {
        let rows = self.db.read(move |c| async move {
            Ok(shop::Entity::find()
                .order_by_asc(shop::Column::Id)
                .all(&c)
                .await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }
}

/// Creates or replaces a shop.
pub(crate) async fn put<C: ConnectionTrait>(tx: &C, value: &Shop) -> Result<(), Error> {
    let body =
        serde_json::to_string(value).map_err(|error| Error::invalid("shop", error.to_string()))?;
    let row = shop::ActiveModel {
        id: Set(value.id.to_string()),
        body: Set(body),
        updated_at_ms: Set(now_ms()),
    };
    let on_conflict = OnConflict::column(shop::Column::Id)
        .update_columns([shop::Column::Body, shop::Column::UpdatedAtMs])
        .to_owned();
    shop::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn decode(row: shop::Model) -> Result<Shop, Error> {
    serde_json::from_str(&row.body).map_err(|_| Error::corrupt("shop.body", row.id))
}
