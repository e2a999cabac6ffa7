//! The change feed: which records changed, in the order of their commits.
//!
//! Numbers rise but may have gaps. A reader that remembers the last number it saw misses nothing,
//! on both databases: see `records::lock_records` for why PostgreSQL needs care there.

use std::time::Duration;

use mercer_schemas::{RecordKey, ShopId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::db::Db;
use crate::entity::{change, cursor};
use crate::error::Error;

/// How often a waiting reader looks by itself: changes of another process give no notice.
const POLL: Duration = Duration::from_secs(1);

/// Row of the cursor table that says up to which number the feed's beginning was deleted.
pub(crate) const FORGOTTEN_CURSOR: &str = "forgotten";

/// What changed in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Something that a search index holds: texts, attributes, options, codes, visibility.
    Text,
    /// Price or stock only; indexes do not hold them.
    Live,
    /// The record is gone.
    Deleted,
}

impl ChangeKind {
    /// Returns the word as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Live => "live",
            Self::Deleted => "deleted",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Text, Self::Live, Self::Deleted]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// One change of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number in the feed.
    pub seq: i64,
    /// Whose record it is.
    pub shop: ShopId,
    /// The record: a product (also for changes of its variants), a document or a promotion.
    pub record: RecordKey,
    /// What changed.
    pub kind: ChangeKind,
}

/// The change feed of all shops.
#[derive(Clone)]
pub struct Feed {
    db: Db,
}

impl Feed {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns up to `limit` changes after a number, oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn read(&self, after: i64, limit: u64) -> Result<Vec<Change>, Error> {
        let rows = self.db.read(move |c| async move {
            let found = change::Entity::find()
                .filter(change::Column::Seq.gt(after))
                .order_by_asc(change::Column::Seq)
                .limit(limit)
                .all(&c);
            Ok(found.await?)
        });
        rows.await?.into_iter().map(decode).collect()
    }

    /// Returns the number up to which changes were deleted because they were old. A reader that is
    /// not that far misses some and must read the records anew. It asks after [`Self::read`], so
    /// that nothing is deleted between the two.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn forgotten(&self) -> Result<i64, Error> {
        self.cursor(FORGOTTEN_CURSOR).await
    }

    /// Returns the number of the newest change, 0 where there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn head(&self) -> Result<i64, Error> {
        let newest = self.db.read(move |c| async move {
            let found = change::Entity::find()
                .order_by_desc(change::Column::Seq)
                .limit(1)
                .one(&c);
            Ok(found.await?)
        });
        Ok(newest.await?.map_or(0, |row| row.seq))
    }

    /// Returns how far the named reader is, 0 where it never was.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn cursor(&self, name: &str) -> Result<i64, Error> {
        let name = name.to_owned();
        let found = self
            .db
            .read(move |c| async move { Ok(cursor::Entity::find_by_id(name).one(&c).await?) });
        Ok(found.await?.map_or(0, |row| row.seq))
    }

    /// Keeps how far the named reader is.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn set_cursor(&self, name: &str, seq: i64) -> Result<(), Error> {
        let row = cursor::ActiveModel {
            name: Set(name.to_owned()),
            seq: Set(seq),
        };
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let on_conflict = OnConflict::column(cursor::Column::Name)
                        .update_column(cursor::Column::Seq)
                        .to_owned();
                    cursor::Entity::insert(row)
                        .on_conflict(on_conflict)
                        .exec_without_returning(tx)
                        .await?;
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Waits until the feed holds something newer than a number and returns its newest number.
    /// Changes of this process are seen at once, those of others within a second.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn wait(&self, after: i64) -> Result<i64, Error> {
        let mut changes = self.db.changes();
        loop {
            changes.mark_unchanged();
            let head = self.head().await?;
            if head > after {
                return Ok(head);
            }
            // Either a notice or the poll interval: both lead to another look.
            let _ = tokio::time::timeout(POLL, changes.changed()).await;
        }
    }
}

fn decode(row: change::Model) -> Result<Change, Error> {
    let corrupt = || Error::corrupt("change", row.seq);
    Ok(Change {
        seq: row.seq,
        shop: ShopId::new(row.shop.clone()).map_err(|_| corrupt())?,
        record: row.record.parse().map_err(|_| corrupt())?,
        kind: ChangeKind::parse(&row.kind).ok_or_else(corrupt)?,
    })
}
