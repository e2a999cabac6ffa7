//! Finding open rows and counting attempts at them.

use mercer_schemas::ids::PARTITIONS;
use mercer_schemas::{ShopId, Stream};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect,
};

use super::{Inbox, InboxKind, InboxRow, OpenRows, UnreadableRow};
use crate::conversations::parse_channel;
use crate::db::{all, exec, get, now_ms, one};
use crate::entity::inbox;
use crate::error::Error;
use crate::leases::{Lease, guard};
use crate::records::CHUNK;

/// Most open rows of a conversation that are read at once; the rest follows when these are done.
const OPEN_MAX: u64 = 500;

impl Inbox {
    /// Returns the open rows of a conversation. One that cannot be read back keeps nobody from the
    /// others.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn open(&self, stream: &Stream) -> Result<OpenRows, Error> {
        let (shop, conversation) = (stream.shop.to_string(), stream.conversation.to_string());
        let stream = stream.clone();
        let open = self.db.read(move |c| async move {
            let query = inbox::Entity::find()
                .filter(inbox::Column::Shop.eq(shop))
                .filter(inbox::Column::Conversation.eq(conversation))
                .filter(inbox::Column::State.eq("open"))
                .order_by_asc(inbox::Column::SentAtMs)
                .order_by_asc(inbox::Column::Id)
                .limit(OPEN_MAX);
            let mut open = OpenRows::default();
            match query.clone().all(&c).await.map_err(Error::from) {
                Ok(models) => models.into_iter().for_each(|row| open.add(row, &stream)),
                // One row with a value of another type than its column's (SQLite lets it be) keeps
                // all from being read together.
                Err(Error::Corrupt { .. }) => {
                    let ids = query.select_only().column(inbox::Column::Id);
                    for id in ids.into_tuple::<i64>().all(&c).await? {
                        open.add_alone(&c, id, &stream).await?;
                    }
                }
                Err(error) => return Err(error),
            }
            Ok(open)
        });
        open.await
    }

    /// Returns the conversations of these partitions that have open rows, the longest waiting
    /// first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn open_partitions(&self, partitions: &[u16]) -> Result<Vec<Stream>, Error> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let filter = partition_filter("partition", partitions);
        let sql = format!(
            "SELECT shop, conversation FROM inbox WHERE state = 'open'{filter} \
             GROUP BY shop, conversation ORDER BY MIN(id)"
        );
        let rows = self
            .db
            .read(move |c| async move { Ok(all(&c, sql, []).await?) });
        let mut streams = Vec::new();
        for row in rows.await? {
            match stream_of(&row) {
                Ok(stream) => streams.push(stream),
                // It belongs to nobody, and keeps nobody from the others.
                Err(error) => tracing::error!(%error, "open inbox rows name no conversation"),
            }
        }
        Ok(streams)
    }

    /// Counts an attempt at open rows, in a transaction of its own before their processing, so
    /// that a process that dies of them counts too. Returns each row's attempts with this one;
    /// none where the lease of their partition does not hold any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin_attempt(
        &self,
        lease: &Lease,
        inbox_ids: &[i64],
    ) -> Result<Option<Vec<(i64, u32)>>, Error> {
        let (lease, ids) = (lease.clone(), inbox_ids.to_vec());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if !guard(tx, &lease).await? {
                        return Ok(None);
                    }
                    let still_open = format!(
                        "partition = {} AND state = 'open'",
                        lease.partition
                    );
                    let mut attempts = Vec::with_capacity(ids.len());
                    for chunk in ids.chunks(CHUNK) {
                        let list = id_list(chunk);
                        let sql = format!(
                            "UPDATE inbox SET attempts = attempts + 1 WHERE id IN ({list}) AND {still_open}"
                        );
                        exec(tx, sql, []).await?;
                        let sql = format!(
                            "SELECT id, attempts FROM inbox WHERE id IN ({list}) AND {still_open} ORDER BY id"
                        );
                        for row in all(tx, sql, []).await? {
                            let count: i64 = get(&row, "attempts")?;
                            attempts.push((get(&row, "id")?, count as u32));
                        }
                    }
                    Ok::<_, Error>(Some(attempts))
                })
            })
            .await
    }

    /// Takes back an attempt that says nothing of the rows, because it was the database that failed:
    /// each has the attempts again that are given here. What did not come to be counted, or was
    /// counted by somebody else since, stays as it is. False where the lease of their partition
    /// does not hold any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`]. A repeated call does no harm.
    pub async fn take_back_attempt(
        &self,
        lease: &Lease,
        rows: &[(i64, u32)],
    ) -> Result<bool, Error> {
        let (lease, rows) = (lease.clone(), rows.to_vec());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if !guard(tx, &lease).await? {
                        return Ok(false);
                    }
                    for (id, attempts) in rows {
                        let sql = "UPDATE inbox SET attempts = $1 WHERE id = $2 AND attempts = $3 \
                                   AND partition = $4 AND state = 'open'";
                        let before = i64::from(attempts);
                        let values = [
                            before.into(),
                            id.into(),
                            (before + 1).into(),
                            i64::from(lease.partition).into(),
                        ];
                        exec(tx, sql, values).await?;
                    }
                    Ok::<_, Error>(true)
                })
            })
            .await
    }

    /// Returns for how long the oldest open row has waited, in milliseconds; `None` where nothing
    /// waits. This is the one signal of load.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn oldest_open_age_ms(&self) -> Result<Option<i64>, Error> {
        let oldest = self.db.read(move |c| async move {
            let found = inbox::Entity::find()
                .filter(inbox::Column::State.eq("open"))
                .order_by_asc(inbox::Column::ReceivedAtMs)
                .limit(1)
                .one(&c);
            Ok(found.await?)
        });
        Ok(oldest
            .await?
            .map(|row| (now_ms() - row.received_at_ms).max(0)))
    }

    /// Returns when the customer of a conversation last wrote, by the platform's clock, UTC
    /// milliseconds; `None` where no message is kept.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn last_message_ms(&self, stream: &Stream) -> Result<Option<i64>, Error> {
        let (shop, conversation) = (stream.shop.to_string(), stream.conversation.to_string());
        let latest = self.db.read(move |c| async move {
            let found = inbox::Entity::find()
                .filter(inbox::Column::Shop.eq(shop))
                .filter(inbox::Column::Conversation.eq(conversation))
                .filter(inbox::Column::Kind.eq(InboxKind::Message.as_str()))
                .order_by_desc(inbox::Column::SentAtMs)
                .limit(1)
                .one(&c);
            Ok(found.await?)
        });
        Ok(latest.await?.map(|row| row.sent_at_ms))
    }

    /// Returns how many rows of a shop are in a state: `open`, `done`, `quarantined` or `parked`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn count(&self, shop: &ShopId, state: &str) -> Result<u64, Error> {
        let (shop, state) = (shop.to_string(), state.to_owned());
        let count = self.db.read(move |c| async move {
            let found = inbox::Entity::find()
                .filter(inbox::Column::Shop.eq(shop))
                .filter(inbox::Column::State.eq(state));
            Ok(found.count(&c).await?)
        });
        count.await
    }
}

impl OpenRows {
    fn add(&mut self, row: inbox::Model, stream: &Stream) {
        match decode(row, stream) {
            Ok(row) => self.rows.push(row),
            Err(unreadable) => self.unreadable.push(unreadable),
        }
    }

    async fn add_alone<C: ConnectionTrait>(
        &mut self,
        c: &C,
        id: i64,
        stream: &Stream,
    ) -> Result<(), Error> {
        match inbox::Entity::find_by_id(id)
            .one(c)
            .await
            .map_err(Error::from)
        {
            Ok(row) => row.into_iter().for_each(|row| self.add(row, stream)),
            Err(error @ Error::Corrupt { .. }) => {
                tracing::error!(inbox.id = id, %error, "a column of an inbox row has another type");
                let sql = "SELECT channel, address, kind FROM inbox WHERE id = $1";
                let row = one(c, sql, [id.into()]).await?;
                let text = |column| -> String {
                    let row = row.as_ref();
                    row.and_then(|row| get(row, column).ok())
                        .unwrap_or_default()
                };
                self.unreadable.push(UnreadableRow {
                    id,
                    what: "inbox column",
                    channel: parse_channel(&text("channel")),
                    address: text("address").into(),
                    kind: InboxKind::parse(&text("kind")),
                });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn stream_of(row: &QueryResult) -> Result<Stream, Error> {
    let (shop, conversation): (String, String) = (get(row, "shop")?, get(row, "conversation")?);
    let corrupt = || Error::corrupt("inbox", &conversation);
    Ok(Stream {
        shop: ShopId::new(shop).map_err(|_| corrupt())?,
        conversation: conversation.parse().map_err(|_| corrupt())?,
    })
}

/// Narrows a statement to partitions; nothing where they are all.
pub(crate) fn partition_filter(column: &str, partitions: &[u16]) -> String {
    if partitions.len() >= usize::from(PARTITIONS) {
        return String::new();
    }
    let ids: Vec<i64> = partitions.iter().map(|p| i64::from(*p)).collect();
    format!(" AND {column} IN ({})", id_list(&ids))
}

/// Writes numbers as a list of SQL.
pub(crate) fn id_list(ids: &[i64]) -> String {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn decode(row: inbox::Model, stream: &Stream) -> Result<InboxRow, UnreadableRow> {
    let channel = parse_channel(&row.channel);
    let kind = InboxKind::parse(&row.kind);
    let unreadable = |what| UnreadableRow {
        id: row.id,
        what,
        channel,
        address: row.address.clone().into(),
        kind,
    };
    Ok(InboxRow {
        id: row.id,
        stream: stream.clone(),
        channel: channel.ok_or_else(|| unreadable("inbox.channel"))?,
        kind: kind.ok_or_else(|| unreadable("inbox.kind"))?,
        item: serde_json::from_slice(&row.payload).map_err(|_| unreadable("inbox.payload"))?,
        received_at_ms: row.received_at_ms,
        sent_at_ms: row.sent_at_ms,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        provider_id: row.provider_id,
        address: row.address.into(),
    })
}
