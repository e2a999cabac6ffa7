//! Policies, FAQ entries and promotions.
//!
//! Every change raises the version and leaves a row in the change feed; a put that changes nothing
//! is no change.

use std::collections::{BTreeSet, HashMap};

use mercer_schemas::{Document, DocumentId, DocumentKind, RecordKey, ShopId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, QueryFilter, QueryOrder,
    QuerySelect, Set,
};

use crate::Versioned;
use crate::db::{Db, exec_in, now_ms};
use crate::entity::{RecordTable, document, insert_into};
use crate::error::Error;
use crate::feed::ChangeKind;
use crate::imports::{Batch, Imports, Kind, select_now, settle};
use crate::page::{Page, page_size, parse_cursor};
use crate::records::{CHUNK, buried, bury, check_version, lock_records, write_changes};

/// Documents of all shops; each method names the shop it works in.
#[derive(Clone)]
pub struct Documents {
    db: Db,
}

impl Documents {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Returns a document.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(
        &self,
        shop: &ShopId,
        id: &DocumentId,
    ) -> Result<Option<Versioned<Document>>, Error> {
        Ok(self.get_many(shop, std::slice::from_ref(id)).await?.pop())
    }

    /// Returns those of the documents that exist, in the order asked for.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get_many(
        &self,
        shop: &ShopId,
        ids: &[DocumentId],
    ) -> Result<Vec<Versioned<Document>>, Error> {
        let shop = shop.to_string();
        let wanted: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let found = self
            .db
            .read(move |c| async move { load(&c, &shop, &wanted).await });
        let mut by_id: HashMap<DocumentId, Versioned<Document>> = found
            .await?
            .into_iter()
            .map(|found| (found.value.id.clone(), found))
            .collect();
        Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }

    /// Returns a page of documents by id: of one kind, or in force at a moment (UTC milliseconds),
    /// where given.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        kind: Option<DocumentKind>,
        in_force_at_ms: Option<i64>,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<Versioned<Document>>, Error> {
        let limit = page_size(limit);
        let mut all = Condition::all().add(document::Column::Shop.eq(shop.as_str()));
        if let Some(after) = parse_cursor::<String>(cursor)? {
            all = all.add(document::Column::Id.gt(after));
        }
        if let Some(kind) = kind {
            all = all.add(document::Column::Kind.eq(kind_name(kind)));
        }
        if let Some(at_ms) = in_force_at_ms {
            let from = document::Column::ValidFromMs;
            let to = document::Column::ValidToMs;
            all = all
                .add(Condition::any().add(from.is_null()).add(from.lte(at_ms)))
                .add(Condition::any().add(to.is_null()).add(to.gt(at_ms)));
        }
        let shop = shop.to_string();
        let rows = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let found = select_now::<document::Entity, _>(c, &shop)
                    .await?
                    .filter(all)
                    .order_by_asc(document::Column::Id)
                    .limit(limit + 1)
                    .all(c);
                Ok(found.await?)
            })
        });
        let items: Result<Vec<_>, Error> = rows.await?.into_iter().map(decode).collect();
        Ok(Page::cut(items?, limit, |item| item.value.id.to_string()))
    }

    /// Creates or replaces a document. With `if_version` it must be at that version, 0 = not there.
    ///
    /// # Errors
    /// [`Error::VersionConflict`]; [`Error::Invalid`] for a validity that ends before it begins;
    /// [`Error::Unavailable`].
    pub async fn put(
        &self,
        shop: &ShopId,
        value: Document,
        if_version: Option<i64>,
    ) -> Result<Versioned<Document>, Error> {
        let shop = shop.clone();
        let id = value.id.to_string();
        let stored = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                let ids = [id];
                settle(tx, &shop, Kind::Document, &ids).await?;
                let current = load(tx, shop.as_str(), &ids).await?;
                check_version(current.first().map_or(0, |found| found.version), if_version)?;
                store(tx, &shop, vec![value]).await?;
                Ok::<_, Error>(load(tx, shop.as_str(), &ids).await?.pop())
            })
        });
        let stored = stored.await?;
        self.db.announce_change();
        stored.ok_or_else(|| Error::corrupt("document", "the row just written"))
    }

    /// Creates or replaces many documents, all at once for readers; returns how many changed.
    ///
    /// # Errors
    /// As [`Documents::put`]; then nothing is stored. [`Error::Unavailable`] also while an import
    /// into the shop runs.
    pub async fn put_many(&self, shop: &ShopId, values: Vec<Document>) -> Result<usize, Error> {
        let batch = Batch {
            documents: values,
            ..Batch::default()
        };
        let imports = Imports::new(self.db.clone());
        Ok(imports.run(shop, batch, |_| {}).await?)
    }

    /// Deletes a document; returns whether it was there. With `if_version` one that is there must
    /// be at that version.
    ///
    /// # Errors
    /// [`Error::VersionConflict`], [`Error::Unavailable`].
    pub async fn delete(
        &self,
        shop: &ShopId,
        id: &DocumentId,
        if_version: Option<i64>,
    ) -> Result<bool, Error> {
        let (shop, id) = (shop.clone(), id.to_string());
        let deleted = self.db.write(move |tx| {
            Box::pin(async move {
                lock_records(tx, &shop).await?;
                let ids = [id];
                settle(tx, &shop, Kind::Document, &ids).await?;
                let Some(found) = load(tx, shop.as_str(), &ids).await?.pop() else {
                    return Ok::<bool, Error>(false);
                };
                check_version(found.version, if_version)?;
                exec_in(tx, "DELETE FROM document", "id", shop.as_str(), &ids).await?;
                let record = record_key(&found.value);
                bury(tx, &shop, &grave(&found.value.id), found.version).await?;
                write_changes(tx, &shop, &[(record, ChangeKind::Deleted)]).await?;
                Ok(true)
            })
        });
        let deleted = deleted.await?;
        self.db.announce_change();
        Ok(deleted)
    }
}

/// Loads documents, in no particular order.
pub(crate) async fn load<C: ConnectionTrait>(
    connection: &C,
    shop: &str,
    ids: &[String],
) -> Result<Vec<Versioned<Document>>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = document::Entity::find()
            .filter(document::Column::Shop.eq(shop))
            .filter(document::Column::Id.is_in(chunk.iter().map(String::as_str)))
            .all(connection)
            .await?;
        for row in rows {
            found.push(decode(row)?);
        }
    }
    Ok(found)
}

async fn store<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    values: Vec<Document>,
) -> Result<usize, Error> {
    validate(&values)?;
    let ids: Vec<String> = values.iter().map(|value| value.id.to_string()).collect();
    let current: HashMap<DocumentId, Versioned<Document>> = load(tx, shop.as_str(), &ids)
        .await?
        .into_iter()
        .map(|found| (found.value.id.clone(), found))
        .collect();
    let new: Vec<String> = values
        .iter()
        .filter(|value| !current.contains_key(&value.id))
        .map(|value| grave(&value.id).to_string())
        .collect();
    let graves: HashMap<String, i64> = buried(tx, shop, &new).await?.into_iter().collect();

    let updated_at_ms = now_ms();
    let mut rows = Vec::new();
    let mut changes = Vec::new();
    for value in values {
        let version = match current.get(&value.id) {
            Some(found) if found.value == value => continue,
            Some(found) => {
                if record_key(&found.value) != record_key(&value) {
                    // A policy became a promotion: the record under its old name is gone.
                    changes.push((record_key(&found.value), ChangeKind::Deleted));
                }
                found.version + 1
            }
            None => {
                graves
                    .get(&grave(&value.id).to_string())
                    .copied()
                    .unwrap_or(0)
                    + 1
            }
        };
        changes.push((record_key(&value), ChangeKind::Text));
        rows.push(encode(shop, value, version, updated_at_ms));
    }
    let count = rows.len();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let replaced = document::Column::iter()
            .filter(|c| !matches!(c, document::Column::Shop | document::Column::Id));
        let on_conflict = OnConflict::columns([document::Column::Shop, document::Column::Id])
            .update_columns(replaced)
            .to_owned();
        insert_into(RecordTable::Stored, rows.by_ref().take(CHUNK))
            .on_conflict(on_conflict)
            .exec_without_returning(tx)
            .await?;
    }
    write_changes(tx, shop, &changes).await?;
    Ok(count)
}

/// Checks what can be seen without the store.
pub(crate) fn validate(values: &[Document]) -> Result<(), Error> {
    let mut ids = BTreeSet::new();
    for value in values {
        if !ids.insert(&value.id) {
            return Err(Error::invalid(
                "id",
                format!("document `{}` comes twice", value.id),
            ));
        }
        if let (Some(from), Some(to)) = (value.valid_from_ms, value.valid_to_ms)
            && to <= from
        {
            let message = format!("the validity of `{}` ends before it begins", value.id);
            return Err(Error::invalid("valid_to_ms", message));
        }
    }
    Ok(())
}

/// Names a document in the feed and in evidence.
fn record_key(value: &Document) -> RecordKey {
    match value.kind {
        DocumentKind::Promotion => RecordKey::Promotion(value.id.clone()),
        DocumentKind::Policy | DocumentKind::Faq => RecordKey::Document(value.id.clone()),
    }
}

/// Names a document's tombstone; one for all kinds, since they share their keys.
fn grave(id: &DocumentId) -> RecordKey {
    RecordKey::Document(id.clone())
}

fn kind_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Policy => "policy",
        DocumentKind::Faq => "faq",
        DocumentKind::Promotion => "promotion",
    }
}

pub(crate) fn encode(
    shop: &ShopId,
    value: Document,
    version: i64,
    updated_at_ms: i64,
) -> document::ActiveModel {
    document::ActiveModel {
        shop: Set(shop.to_string()),
        id: Set(value.id.to_string()),
        kind: Set(kind_name(value.kind).to_owned()),
        title: Set(value.title),
        body: Set(value.body),
        valid_from_ms: Set(value.valid_from_ms),
        valid_to_ms: Set(value.valid_to_ms),
        code: Set(value.code),
        version: Set(version),
        updated_at_ms: Set(updated_at_ms),
    }
}

fn decode(row: document::Model) -> Result<Versioned<Document>, Error> {
    let corrupt = |what| Error::corrupt(what, &row.id);
    let kinds = [
        DocumentKind::Policy,
        DocumentKind::Faq,
        DocumentKind::Promotion,
    ];
    let value = Document {
        id: DocumentId::new(row.id.clone()).map_err(|_| corrupt("document.id"))?,
        kind: kinds
            .into_iter()
            .find(|kind| kind_name(*kind) == row.kind)
            .ok_or_else(|| corrupt("document.kind"))?,
        title: row.title.clone(),
        body: row.body.clone(),
        valid_from_ms: row.valid_from_ms,
        valid_to_ms: row.valid_to_ms,
        code: row.code.clone(),
    };
    Ok(Versioned {
        value,
        version: row.version,
        updated_at_ms: row.updated_at_ms,
    })
}
