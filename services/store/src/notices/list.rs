//! Looking deliveries through, and sending one again.

use mercer_schemas::{DeliveryId, ShopId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{DeliveryFilter, Notices, ToldRow, decode};
use crate::db::exec;
use crate::entity::notice_delivery;
use crate::error::Error;
use crate::page::{Page, page_size, parse_cursor};

impl Notices {
    /// Returns a page of a shop's deliveries, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        filter: &DeliveryFilter,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<ToldRow>, Error> {
        use notice_delivery::Column;
        let limit = page_size(limit);
        let mut wanted = Condition::all().add(Column::Shop.eq(shop.as_str()));
        if let Some(before) = parse_cursor::<String>(cursor)? {
            wanted = wanted.add(Column::Id.lt(before));
        }
        if let Some(state) = filter.state {
            wanted = wanted.add(Column::State.eq(state.as_str()));
        }
        if let Some(target) = &filter.target {
            wanted = wanted.add(Column::Target.eq(target.as_str()));
        }
        if let Some(conversation) = &filter.conversation {
            wanted = wanted.add(Column::Conversation.eq(conversation.as_str()));
        }
        let rows = self.db.read(move |c| async move {
            let found = notice_delivery::Entity::find()
                .filter(wanted)
                // The id begins with the time of the notice.
                .order_by_desc(Column::Id)
                .limit(limit + 1)
                .all(&c);
            Ok(found.await?)
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        Ok(Page::cut(items?, limit, |item| item.id.to_string()))
    }

    /// Returns a delivery of a shop.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(&self, shop: &ShopId, id: &DeliveryId) -> Result<Option<ToldRow>, Error> {
        let (shop, id) = (shop.to_string(), id.to_string());
        let row = self.db.read(move |c| async move {
            let found = notice_delivery::Entity::find_by_id(id)
                .filter(notice_delivery::Column::Shop.eq(shop))
                .one(&c);
            Ok(found.await?)
        });
        row.await?.map(decode).transpose()
    }

    /// Makes a settled delivery due again, with all its tries before it, and returns false where
    /// it is not there or not settled. Its notice keeps its id.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn resend(&self, shop: &ShopId, id: &DeliveryId, now_ms: i64) -> Result<bool, Error> {
        let (shop, id) = (shop.to_string(), id.to_string());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE notice_delivery SET state = 'pending', attempt_base = attempt, \
                               due_at_ms = $1, settled_at_ms = NULL \
                               WHERE id = $2 AND shop = $3 AND state IN ('delivered', 'dead')";
                    let values = [now_ms.into(), id.into(), shop.into()];
                    Ok::<bool, Error>(exec(tx, sql, values).await? == 1)
                })
            })
            .await
    }
}
