//! Noting how a try at a delivery ended.
//!
//! The attempt's number guards every note: a process that was frozen while another one took the
//! delivery over changes nothing any more.

use mercer_schemas::ShopId;
use sea_orm::Value;

use super::{DeliveryState, Notices, Outcome, TargetName, ToldRow};
use crate::db::{all, exec, get, now_ms};
use crate::error::Error;

impl Notices {
    /// Notes that the target took a delivery. Returns false where this attempt is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn delivered(
        &self,
        row: &ToldRow,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<bool, Error> {
        self.settle(row, DeliveryState::Delivered, outcome, now_ms)
            .await
    }

    /// Gives a delivery up. Returns false where this attempt is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn dead(&self, row: &ToldRow, outcome: &Outcome, now_ms: i64) -> Result<bool, Error> {
        self.settle(row, DeliveryState::Dead, outcome, now_ms).await
    }

    /// Puts a delivery back to be tried again at a moment (UTC milliseconds). Returns false where
    /// this attempt is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn retry(
        &self,
        row: &ToldRow,
        outcome: &Outcome,
        due_at_ms: i64,
    ) -> Result<bool, Error> {
        let sql = "UPDATE notice_delivery SET state = 'pending', due_at_ms = $1, status = $2, \
                   cause = $3 WHERE id = $4 AND attempt = $5 AND state = 'sending'";
        self.update(sql, [due_at_ms.into()], row, outcome).await
    }

    /// Makes everything due that waits for a target which has answered again, so that an outage
    /// is not followed by a long wait. What the target itself asked to wait with (429, 503) waits.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn hurry(&self, shop: &ShopId, target: &str, now_ms: i64) -> Result<(), Error> {
        let (shop, target) = (shop.to_string(), target.to_owned());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE notice_delivery SET due_at_ms = $1 WHERE shop = $2 \
                               AND target = $3 AND state = 'pending' AND due_at_ms > $1 \
                               AND (status IS NULL OR status NOT IN (429, 503))";
                    let values = [now_ms.into(), shop.into(), target.into()];
                    exec(tx, sql, values).await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Gives up deliveries of notices from before a moment (UTC milliseconds) whose target is none of
    /// these: nobody sends them any more. Returns how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn give_up_orphans(
        &self,
        targets: &[TargetName],
        before_ms: i64,
    ) -> Result<u64, Error> {
        let waiting = self.db.read(move |c| async move {
            let sql = "SELECT DISTINCT shop, target FROM notice_delivery \
                       WHERE state IN ('pending', 'sending') AND created_at_ms < $1";
            let mut found: Vec<(String, String)> = Vec::new();
            for row in all(&c, sql, [before_ms.into()]).await? {
                found.push((get(&row, "shop")?, get(&row, "target")?));
            }
            Ok(found)
        });
        let mut given_up = 0;
        for (shop, target) in waiting.await? {
            let is_known = |known: &TargetName| known.shop.as_str() == shop && known.name == target;
            if targets.iter().any(is_known) {
                continue;
            }
            given_up += self
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        let sql = "UPDATE notice_delivery SET state = 'dead', cause = 'no_target', \
                                   settled_at_ms = $1 WHERE shop = $2 AND target = $3 \
                                   AND state IN ('pending', 'sending') AND created_at_ms < $4";
                        let values = [
                            now_ms().into(),
                            shop.into(),
                            target.into(),
                            before_ms.into(),
                        ];
                        Ok::<u64, Error>(exec(tx, sql, values).await?)
                    })
                })
                .await?;
        }
        Ok(given_up)
    }

    async fn settle(
        &self,
        row: &ToldRow,
        to: DeliveryState,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let sql = match to {
            DeliveryState::Delivered => {
                "UPDATE notice_delivery SET state = 'delivered', settled_at_ms = $1, status = $2, \
                 cause = $3 WHERE id = $4 AND attempt = $5 AND state = 'sending'"
            }
            _ => {
                "UPDATE notice_delivery SET state = 'dead', settled_at_ms = $1, status = $2, \
                 cause = $3 WHERE id = $4 AND attempt = $5 AND state = 'sending'"
            }
        };
        self.update(sql, [now_ms.into()], row, outcome).await
    }

    async fn update(
        &self,
        sql: &'static str,
        [moment]: [Value; 1],
        row: &ToldRow,
        outcome: &Outcome,
    ) -> Result<bool, Error> {
        let values: [Value; 5] = [
            moment,
            outcome.status.map(i64::from).into(),
            outcome.cause.clone().into(),
            row.id.as_str().into(),
            i64::from(row.attempt).into(),
        ];
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok::<bool, Error>(exec(tx, sql, values).await? == 1) })
            })
            .await
    }
}
