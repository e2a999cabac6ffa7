//! Messages whose row cannot be read back: a newer program wrote it, or somebody changed it by hand.
//! Each is given up by itself, so that it holds up no other.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::settle::tell_failed;
use super::{OutboxRow, decode};
use crate::db::{exec, get, now_ms, one};
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
    /// Adds what a query finds. One row with a value of another type than its column's (SQLite lets
    /// it be) keeps all from being read together; they are read one by one then.
    pub(super) async fn add_found<C: ConnectionTrait>(
        &mut self,
        c: &C,
        query: Select<outbox::Entity>,
    ) -> Result<(), Error> {
        match query.clone().all(c).await.map_err(Error::from) {
            Ok(models) => models.into_iter().for_each(|model| self.add(model)),
            Err(Error::Corrupt { .. }) => {
                let messages = query
                    .select_only()
                    .column(outbox::Column::Message)
                    .into_tuple::<String>()
                    .all(c)
                    .await?;
                for message in messages {
                    self.add_alone(c, message).await?;
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn add_alone<C: ConnectionTrait>(&mut self, c: &C, message: String) -> Result<(), Error> {
        let found = outbox::Entity::find_by_id(message.clone()).one(c).await;
        match found.map_err(Error::from) {
            Ok(model) => model.into_iter().for_each(|model| self.add(model)),
            Err(error @ Error::Corrupt { .. }) => {
                tracing::error!(message.id = %message, %error, "a column of a message has another type");
                let sql = "SELECT partition FROM outbox WHERE message = $1";
                if let Some(row) = one(c, sql, [message.as_str().into()]).await? {
                    self.unreadable.push(Unreadable {
                        partition: get(&row, "partition")?,
                        message,
                        what: "outbox column",
                    });
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn add(&mut self, model: outbox::Model) {
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
        let query = outbox::Entity::find()
            .filter(outbox::Column::Message.is_in(chunk.iter().map(String::as_str)))
            .order_by_asc(outbox::Column::DueAtMs)
            .order_by_asc(outbox::Column::Message);
        loaded.add_found(tx, query).await?;
    }
    loaded.give_up(tx).await?;
    Ok(loaded)
}
