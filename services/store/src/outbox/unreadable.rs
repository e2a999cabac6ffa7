//! Messages whose row cannot be read back: a newer program wrote it, or somebody changed it by hand.
//! Each is given up by itself, so that it holds up no other.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::settle::tell_failed;
use super::{OutboxRow, decode};
use crate::db::{exec, now_ms};
use crate::entity::outbox;
use crate::error::Error;
use crate::records::CHUNK;

/// Messages as they were read back, and those that could not be.
#[derive(Default)]
pub(super) struct Loaded {
    rows: Vec<OutboxRow>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A message whose row cannot be read back.
pub(super) struct Unreadable {
    message: String,
    pub(super) partition: i64,
    /// The table and column.
    what: &'static str,
}

impl Loaded {
    pub(super) fn add(&mut self, model: outbox::Model) {
        let (message, partition) = (model.message.clone(), model.partition);
        match decode(model) {
            Ok(row) => self.rows.push(row),
            Err(error) => self.unreadable.push(Unreadable {
                message,
                partition,
                what: match error {
                    Error::Corrupt { what, .. } => what,
                    _ => "outbox",
                },
            }),
        }
    }

    /// Settles those that cannot be read as failed, with the column as cause. Whoever calls this
    /// has checked the leases.
    pub(super) async fn give_up<C: ConnectionTrait>(&self, tx: &C) -> Result<(), Error> {
        for of in &self.unreadable {
            let sql = "UPDATE outbox SET state = 'failed', due_at_ms = $1, cause = $2 \
                       WHERE message = $3 AND state IN ('sending', 'unknown')";
            let values = [
                now_ms().into(),
                format!("{} cannot be read", of.what).into(),
                of.message.as_str().into(),
            ];
            if exec(tx, sql, values).await? == 1 {
                tell_failed(tx, &of.message).await?;
            }
        }
        Ok(())
    }

    /// Says which were given up, now that this is committed, and returns the others.
    pub(super) fn readable(self) -> Vec<OutboxRow> {
        for of in &self.unreadable {
            tracing::error!(message.id = %of.message, what = of.what, "message cannot be read back; it is given up");
            metrics::counter!("mercer_outbox_unreadable_total").increment(1);
        }
        self.rows
    }
}

/// Reads messages back whose leases have been checked. Those that cannot be read are given up.
pub(super) async fn load<C: ConnectionTrait>(tx: &C, messages: &[String]) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    for chunk in messages.chunks(CHUNK) {
        let found = outbox::Entity::find()
            .filter(outbox::Column::Message.is_in(chunk.iter().map(String::as_str)))
            .order_by_asc(outbox::Column::DueAtMs)
            .order_by_asc(outbox::Column::Message)
            .all(tx)
            .await?;
        found.into_iter().for_each(|model| loaded.add(model));
    }
    loaded.give_up(tx).await?;
    Ok(loaded)
}
