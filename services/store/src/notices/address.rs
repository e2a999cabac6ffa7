//! Addressing notices: one delivery for each target.

use mercer_schemas::{DeliveryId, NoticeKind, ShopId};
use sea_orm::{ConnectionTrait, DbBackend};

use super::{Notices, TargetName};
use crate::db::{all, exec, get, one};
use crate::error::Error;

/// Most notices addressed in one transaction: each is a few small rows.
const ADDRESS_MAX: u64 = 100;

/// PostgreSQL's key of the lock under which notices are addressed. Two nodes at once could make
/// the second notice of a conversation visible before the first.
const ADDRESS_LOCK: i64 = 0x6d72_6372_6e74_6963;

impl Notices {
    /// Makes deliveries of notices that have none yet, oldest first, and returns how many notices
    /// were addressed. One that no target wants is settled by that.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn address(&self, targets: &[TargetName]) -> Result<u64, Error> {
        let waiting = self.db.read(|c| async move {
            let sql = "SELECT seq FROM notice WHERE addressed = $1 LIMIT 1";
            Ok(one(&c, sql, [false.into()]).await?.is_some())
        });
        // Most looks find nothing: a read settles those without a commit.
        if !waiting.await? {
            return Ok(0);
        }
        let targets = targets.to_vec();
        self.db
            .write(move |tx| Box::pin(async move { address(tx, &targets).await }))
            .await
    }
}

async fn address<C: ConnectionTrait>(tx: &C, targets: &[TargetName]) -> Result<u64, Error> {
    if tx.get_database_backend() != DbBackend::Sqlite {
        exec(
            tx,
            "SELECT pg_advisory_xact_lock($1)",
            [ADDRESS_LOCK.into()],
        )
        .await?;
    }
    let sql = format!(
        "SELECT seq, id, shop, conversation, kind, created_at_ms FROM notice \
         WHERE addressed = $1 ORDER BY seq LIMIT {ADDRESS_MAX}"
    );
    let rows = all(tx, sql, [false.into()]).await?;
    for row in &rows {
        let seq: i64 = get(row, "seq")?;
        let id: String = get(row, "id")?;
        let shop: String = get(row, "shop")?;
        let conversation: String = get(row, "conversation")?;
        let kind: String = get(row, "kind")?;
        let created_at_ms: i64 = get(row, "created_at_ms")?;
        // A kind of a newer version, or of nobody's interest: nobody is told.
        let known: Option<NoticeKind> = kind.parse().ok();
        let wanting: Vec<&TargetName> = targets
            .iter()
            .filter(|target| {
                let wants = known.is_some_and(|known| target.kinds.contains(&known));
                target.shop.as_str() == shop && wants
            })
            .collect();
        if wanting.is_empty() {
            // What a customer wrote is not kept for nobody.
            exec(tx, "DELETE FROM notice WHERE seq = $1", [seq.into()]).await?;
            continue;
        }
        for target in wanting {
            let sql = "INSERT INTO notice_delivery (id, seq, notice, shop, conversation, kind, target, \
                       state, attempt, attempt_base, due_at_ms, created_at_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, 0, $8, $8)";
            let values = [
                DeliveryId::from_parts(created_at_ms, rand::random())
                    .as_str()
                    .into(),
                seq.into(),
                id.as_str().into(),
                shop.as_str().into(),
                conversation.as_str().into(),
                kind.as_str().into(),
                target.name.as_str().into(),
                created_at_ms.into(),
            ];
            exec(tx, sql, values).await?;
        }
        let sql = "UPDATE notice SET addressed = $1 WHERE seq = $2";
        exec(tx, sql, [true.into(), seq.into()]).await?;
    }
    Ok(rows.len() as u64)
}

impl TargetName {
    /// Builds the name of a target that is told everything.
    pub fn of_all(shop: ShopId, name: impl Into<String>) -> Self {
        Self {
            shop,
            name: name.into(),
            kinds: NoticeKind::ALL.to_vec(),
        }
    }
}
