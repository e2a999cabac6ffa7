//! Taking deliveries for sending.

use mercer_schemas::{Personal, ShopId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait};

use super::{CLAIM_MS, Claimed, Notices, decode};
use crate::db::{all, exec, get, one};
use crate::entity::notice_delivery;
use crate::error::Error;

/// True for a delivery that no earlier one of its conversation to the same target holds back.
const IS_HEAD: &str = "NOT EXISTS (SELECT 1 FROM notice_delivery e \
     WHERE e.conversation = d.conversation AND e.target = d.target AND e.shop = d.shop \
     AND e.seq < d.seq AND e.state IN ('pending', 'sending'))";

impl Notices {
    /// Takes a target's due deliveries for sending: of each conversation the first that is not
    /// settled. Each is `sending` with one more attempt when this returns, for a minute.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn claim(
        &self,
        shop: &ShopId,
        target: &str,
        limit: u64,
        now_ms: i64,
    ) -> Result<Vec<Claimed>, Error> {
        let next = self.next_due_ms(shop, target).await?;
        // Most looks find nothing: a read settles those without a commit.
        if next.is_none_or(|due| due > now_ms) {
            return Ok(Vec::new());
        }
        let (shop, target) = (shop.to_string(), target.to_owned());
        self.db
            .write(move |tx| {
                Box::pin(async move { claim(tx, &shop, &target, limit, now_ms).await })
            })
            .await
    }

    /// Returns when a target's next delivery is due, UTC milliseconds; `None` where none waits.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn next_due_ms(&self, shop: &ShopId, target: &str) -> Result<Option<i64>, Error> {
        let (shop, target) = (shop.to_string(), target.to_owned());
        let next = self.db.read(|c| async move {
            // Those that wait for an earlier one of their conversation are not due.
            let sql = format!(
                "SELECT d.due_at_ms FROM notice_delivery d WHERE d.shop = $1 AND d.target = $2 \
                 AND d.state IN ('pending', 'sending') AND {IS_HEAD} ORDER BY d.due_at_ms LIMIT 1"
            );
            let row = one(&c, sql, [shop.into(), target.into()]).await?;
            row.map(|row| get(&row, "due_at_ms")).transpose()
        });
        next.await
    }
}

async fn claim<C: ConnectionTrait>(
    tx: &C,
    shop: &str,
    target: &str,
    limit: u64,
    now_ms: i64,
) -> Result<Vec<Claimed>, Error> {
    // Two nodes must not wait for each other's rows. SQLite has one writer.
    let skip = match tx.get_database_backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE OF d SKIP LOCKED",
    };
    let sql = format!(
        "SELECT d.id FROM notice_delivery d WHERE d.shop = $1 AND d.target = $2 \
         AND d.state IN ('pending', 'sending') AND d.due_at_ms <= $3 AND {IS_HEAD} ORDER BY d.due_at_ms, d.id LIMIT {limit}{skip}"
    );
    let mut claimed = Vec::new();
    for row in all(tx, sql, [shop.into(), target.into(), now_ms.into()]).await? {
        let id: String = get(&row, "id")?;
        let sql = "UPDATE notice_delivery SET state = 'sending', attempt = attempt + 1, due_at_ms = $1 \
                   WHERE id = $2 AND state IN ('pending', 'sending') AND due_at_ms <= $3";
        let values = [
            (now_ms + CLAIM_MS).into(),
            id.as_str().into(),
            now_ms.into(),
        ];
        if exec(tx, sql, values).await? == 1 {
            match load(tx, &id).await {
                Ok(found) => claimed.extend(found),
                Err(Error::Corrupt { .. }) => set_aside(tx, &id, now_ms).await?,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(claimed)
}

/// Gives up a delivery that cannot be read, so that it holds no other one back.
async fn set_aside<C: ConnectionTrait>(tx: &C, id: &str, now_ms: i64) -> Result<(), Error> {
    tracing::error!(delivery.id = id, "a stored notice cannot be read");
    let sql = "UPDATE notice_delivery SET state = 'dead', cause = 'unreadable', settled_at_ms = $1 \
               WHERE id = $2";
    exec(tx, sql, [now_ms.into(), id.into()]).await?;
    Ok(())
}

async fn load<C: ConnectionTrait>(tx: &C, id: &str) -> Result<Option<Claimed>, Error> {
    let found = notice_delivery::Entity::find_by_id(id.to_owned())
        .one(tx)
        .await?;
    let Some(row) = found.map(decode).transpose()? else {
        return Ok(None);
    };
    let sql = "SELECT payload FROM notice WHERE id = $1";
    let notice = one(tx, sql, [row.notice.as_str().into()]).await?;
    let payload = match notice {
        Some(notice) => get(&notice, "payload")?,
        None => return Err(Error::corrupt("notice_delivery.notice", id)),
    };
    Ok(Some(Claimed {
        row,
        payload: Personal::new(payload),
    }))
}
