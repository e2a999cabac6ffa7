//! Finding conversations and reading their logs.

use mercer_schemas::{Channel, ConversationId, LogRecord, Personal, ShopId, Stream};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    ConversationFilter, ConversationRow, Conversations, LogPart, Snapshot, decode,
    ensure_conversation, find_by_address,
};
use crate::entity::{conversation, log, snapshot};
use crate::error::Error;
use crate::page::{PAGE_MAX, Page, page_size, parse_cursor};

impl Conversations {
    /// Returns a conversation.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(
        &self,
        shop: &ShopId,
        id: &ConversationId,
    ) -> Result<Option<ConversationRow>, Error> {
        let (shop, id) = (shop.to_string(), id.to_string());
        let row = self.db.read(move |c| async move {
            let found = conversation::Entity::find_by_id(id)
                .filter(conversation::Column::Shop.eq(shop))
                .one(&c);
            Ok(found.await?)
        });
        row.await?.map(decode).transpose()
    }

    /// Returns the conversation with an address on a channel.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get_by_address(
        &self,
        shop: &ShopId,
        channel: Channel,
        address: &str,
    ) -> Result<Option<ConversationRow>, Error> {
        let (shop, address) = (shop.clone(), address.to_owned());
        let found = self
            .db
            .read(move |c| async move { find_by_address(&c, &shop, channel, &address).await });
        found.await
    }

    /// Returns the conversation with an address on a channel, creating it where there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn ensure(
        &self,
        shop: &ShopId,
        channel: Channel,
        address: &Personal<String>,
        at_ms: i64,
    ) -> Result<ConversationRow, Error> {
        let (shop, address) = (shop.clone(), address.clone());
        self.db
            .write(move |tx| {
                Box::pin(
                    async move { ensure_conversation(tx, &shop, channel, &address, at_ms).await },
                )
            })
            .await
    }

    /// Returns a page of conversations, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        filter: &ConversationFilter,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<ConversationRow>, Error> {
        let limit = page_size(limit);
        let mut wanted = Condition::all().add(conversation::Column::Shop.eq(shop.as_str()));
        if let Some(before) = parse_cursor::<String>(cursor)? {
            wanted = wanted.add(conversation::Column::Id.lt(before));
        }
        if let Some(channel) = filter.channel {
            wanted = wanted.add(conversation::Column::Channel.eq(channel.as_str()));
        }
        if let Some(phase) = &filter.phase {
            wanted = wanted.add(conversation::Column::Phase.eq(phase.as_str()));
        }
        if let Some(handed_over) = filter.handed_over {
            wanted = wanted.add(conversation::Column::HandedOver.eq(handed_over));
        }
        if let Some(since_ms) = filter.since_ms {
            wanted = wanted.add(conversation::Column::LastAtMs.gte(since_ms));
        }
        let rows = self.db.read(move |c| async move {
            let found = conversation::Entity::find()
                .filter(wanted)
                // The id begins with the time of creation.
                .order_by_desc(conversation::Column::Id)
                .limit(limit + 1)
                .all(&c);
            Ok(found.await?)
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        Ok(Page::cut(items?, limit, |item| item.id.to_string()))
    }

    /// Returns up to `limit` records of a conversation's log after a position, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the position of a record that cannot be decoded; nothing is
    /// skipped. [`Error::Unavailable`].
    pub async fn log(
        &self,
        stream: &Stream,
        after_seq: u64,
        limit: u64,
    ) -> Result<Vec<LogRecord>, Error> {
        let (shop, id) = (stream.shop.to_string(), stream.conversation.to_string());
        let after = i64::try_from(after_seq).unwrap_or(i64::MAX);
        let rows = self.db.read(move |c| async move {
            let found = log::Entity::find()
                .filter(log::Column::Conversation.eq(id))
                .filter(log::Column::Shop.eq(shop))
                .filter(log::Column::Seq.gt(after))
                .order_by_asc(log::Column::Seq)
                .limit(limit)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode_record).collect()
    }

    /// Returns records after a position in order, at most `limit`, and no more than `bytes_max` of
    /// them unless the first alone is larger: for readers that a long log must not fill.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`] with the position of an unreadable record.
    pub async fn log_part(
        &self,
        stream: &Stream,
        after_seq: u64,
        limit: u64,
        bytes_max: u64,
    ) -> Result<LogPart, Error> {
        let (shop, id) = (stream.shop.to_string(), stream.conversation.to_string());
        let after = i64::try_from(after_seq).unwrap_or(i64::MAX);
        let part = self.db.read(move |c| async move {
            let of_log = || {
                log::Entity::find()
                    .filter(log::Column::Conversation.eq(id.as_str()))
                    .filter(log::Column::Shop.eq(shop.as_str()))
                    .filter(log::Column::Seq.gt(after))
                    .order_by_asc(log::Column::Seq)
            };
            // The sizes first: they are read without the records.
            let sizes: Vec<(i64, i64)> = of_log()
                .select_only()
                .column(log::Column::Seq)
                .column_as(Expr::cust("CAST(LENGTH(payload) AS BIGINT)"), "bytes")
                .limit(limit)
                .into_tuple()
                .all(&c)
                .await?;
            let mut left = i64::try_from(bytes_max).unwrap_or(i64::MAX);
            let fitting = sizes.iter().take_while(|(_, bytes)| {
                let fits = left >= *bytes;
                left = left.saturating_sub(*bytes);
                fits
            });
            let taken = fitting.count().max(1);
            let Some((last, _)) = sizes.get(taken - 1) else {
                return Ok((Vec::new(), true));
            };
            let is_end = taken == sizes.len() && (sizes.len() as u64) < limit;
            let rows = of_log().filter(log::Column::Seq.lte(*last)).all(&c).await?;
            Ok((rows, is_end))
        });
        let (rows, is_end) = part.await?;
        let records: Result<Vec<LogRecord>, Error> = rows.into_iter().map(decode_record).collect();
        Ok(LogPart {
            records: records?,
            is_end,
        })
    }

    /// Returns a page of all conversations, of one shop or of all, in the order of their creation.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn all_streams(
        &self,
        shop: Option<&ShopId>,
        cursor: Option<&str>,
    ) -> Result<Page<Stream>, Error> {
        let mut wanted = Condition::all();
        if let Some(shop) = shop {
            wanted = wanted.add(conversation::Column::Shop.eq(shop.as_str()));
        }
        if let Some(after) = parse_cursor::<String>(cursor)? {
            wanted = wanted.add(conversation::Column::Id.gt(after));
        }
        let rows = self.db.read(move |c| async move {
            let found = conversation::Entity::find()
                .filter(wanted)
                .order_by_asc(conversation::Column::Id)
                .limit(PAGE_MAX + 1)
                .all(&c);
            Ok(found.await?)
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        let page = Page::cut(items?, PAGE_MAX, |item| item.id.to_string());
        Ok(page.map(|row| row.stream()))
    }

    /// Returns the kept state of a conversation.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, Error> {
        let (shop, id) = (stream.shop.to_string(), stream.conversation.to_string());
        let row = self.db.read(move |c| async move {
            let found = snapshot::Entity::find_by_id(id)
                .filter(snapshot::Column::Shop.eq(shop))
                .one(&c);
            Ok(found.await?)
        });
        Ok(row.await?.map(|row| Snapshot {
            seq: row.seq as u64,
            state: row.state,
            hash: row.hash,
        }))
    }
}

fn decode_record(row: log::Model) -> Result<LogRecord, Error> {
    let corrupt = |what| Error::Unreadable {
        what,
        conversation: row.conversation.clone(),
        seq: row.seq,
    };
    Ok(LogRecord {
        seq: u64::try_from(row.seq).map_err(|_| corrupt("log.seq"))?,
        at_ms: row.at_ms,
        epoch: row.epoch,
        logic_version: u32::try_from(row.logic_version)
            .map_err(|_| corrupt("log.logic_version"))?,
        body: serde_json::from_slice(&row.payload).map_err(|_| corrupt("log.payload"))?,
    })
}
