//! Applies changes of the store to both indexes, and fills them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use mercer_inference::Embedder;
use mercer_schemas::{DocumentId, ProductId, RecordKey, ShopId};
use mercer_store::{Change, ChangeKind, ProductFilter, Store};
use tokio::sync::{Mutex, watch};

use super::entry::{self, Entry, Kind, Owner};
use super::lexical::LexicalIndex;
use super::vectors::VectorIndex;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Records read at once while the indexes are filled anew.
const PAGE: u64 = 500;

/// Why indexes that were away for long are rebuilt.
const FORGOTTEN: &str = "changes that the indexes do not hold are not in the feed any more";

/// Both indexes and how far they are.
pub(crate) struct Projection {
    pub(crate) lexical: Arc<LexicalIndex>,
    pub(crate) vectors: Option<VectorIndex>,
    passage_words_max: usize,
    indexed: watch::Sender<i64>,
    /// Held by whoever writes, so that a rebuild and the indexer do not mix.
    writing: Mutex<()>,
}

impl Projection {
    /// Opens both indexes. What is missing, damaged or made by another embedder is rebuilt from
    /// SQL before this returns.
    pub(crate) async fn open(
        folder: &Path,
        store: &Store,
        embedder: Option<Arc<dyn Embedder>>,
        passage_words_max: usize,
    ) -> Result<Self> {
        let (projection, missing) =
            Self::open_only(folder, store, embedder, passage_words_max).await?;
        if let Some(why) = missing {
            tracing::warn!(reason = why, "search indexes are rebuilt from the database");
            projection.rebuild(store, &Progress::hidden()).await?;
            tracing::info!(index.seq = projection.seq(), "search indexes are rebuilt");
        }
        Ok(projection)
    }

    /// Opens both indexes; the second value says why they have to be rebuilt, if they have.
    pub(crate) async fn open_only(
        folder: &Path,
        store: &Store,
        embedder: Option<Arc<dyn Embedder>>,
        passage_words_max: usize,
    ) -> Result<(Self, Option<String>)> {
        let place = folder.join("lexical");
        let (lexical, lexical_seq) =
            tokio::task::spawn_blocking(move || LexicalIndex::open(&place)).await??;
        let (vectors, vectors_seq) = match embedder {
            Some(embedder) => {
                let (vectors, seq) = VectorIndex::open(&folder.join("vectors"), embedder).await?;
                (Some(vectors), seq)
            }
            None => (None, Ok(i64::MAX)),
        };
        let (head, forgotten) = (store.feed().head().await?, store.feed().forgotten().await?);
        let position = lexical_seq
            .and_then(|a| vectors_seq.map(|b| a.min(b)))
            .and_then(|seq| match seq {
                seq if seq > head => Err("the indexes are ahead of the database".to_owned()),
                seq if seq < forgotten => Err(FORGOTTEN.to_owned()),
                seq => Ok(seq),
            });
        let projection = Self {
            lexical: Arc::new(lexical),
            vectors,
            passage_words_max,
            indexed: watch::Sender::new(position.as_ref().copied().unwrap_or(0)),
            writing: Mutex::new(()),
        };
        Ok((projection, position.err()))
    }

    /// Returns the last change that both indexes hold.
    pub(crate) fn seq(&self) -> i64 {
        *self.indexed.borrow()
    }

    /// Returns a receiver that is told when the position moves.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.indexed.subscribe()
    }

    /// Indexes up to `limit` changes that follow, and says whether there were any. Where some of
    /// them are not in the feed any more, everything is read anew instead.
    pub(crate) async fn follow(&self, store: &Store, limit: u64) -> Result<bool> {
        let feed = store.feed();
        let after = self.seq();
        let changes = feed.read(after, limit).await?;
        // Asked afterwards: what was read may begin behind what was just deleted.
        if feed.forgotten().await? > after {
            tracing::warn!(
                reason = FORGOTTEN,
                "search indexes are rebuilt from the database"
            );
            self.rebuild(store, &Progress::hidden()).await?;
            return Ok(true);
        }
        self.apply(store, &changes).await?;
        Ok(!changes.is_empty())
    }

    /// Writes what some changes concern. Changes of price and stock write nothing.
    pub(crate) async fn apply(&self, store: &Store, changes: &[Change]) -> Result<()> {
        let _writing = self.writing.lock().await;
        let Some(seq) = changes.iter().map(|change| change.seq).max() else {
            return Ok(());
        };
        if seq <= self.seq() {
            // A rebuild overtook these changes.
            return Ok(());
        }
        let mut owners = BTreeSet::new();
        for change in changes
            .iter()
            .filter(|change| change.kind != ChangeKind::Live)
        {
            owners.extend(owner_of(store, &change.shop, &change.record).await?);
        }
        if !owners.is_empty() {
            let entries = Arc::new(self.entries(store, &owners).await?);
            let owners = Arc::new(owners);
            let lexical = Arc::clone(&self.lexical);
            let (some_owners, some_entries) = (Arc::clone(&owners), Arc::clone(&entries));
            tokio::task::spawn_blocking(move || lexical.replace(&some_owners, &some_entries, seq))
                .await??;
            if let Some(vectors) = &self.vectors {
                vectors.replace(&owners, &entries, seq).await?;
                vectors.set_position(seq)?;
            }
        }
        self.indexed.send_replace(seq);
        Ok(())
    }

    /// Fills both indexes anew from SQL. Until the end, searches see what was there before.
    pub(crate) async fn rebuild(&self, store: &Store, progress: &Progress) -> Result<()> {
        let _writing = self.writing.lock().await;
        // Read first: a change made during the rebuild is then applied once more, never missed.
        let seq = store.feed().head().await?;
        self.with_lexical(LexicalIndex::begin_anew).await?;
        let mut keys = BTreeSet::new();
        let everything = ProductFilter::default();
        let bar = progress.bar("indexing", None);
        for shop in store.shops().list().await? {
            let mut cursor: Option<String> = None;
            loop {
                let page = store
                    .catalog()
                    .list(&shop.id, &everything, cursor.as_deref(), PAGE)
                    .await?;
                bar.inc(page.items.len() as u64);
                let products = page.items.iter();
                let entries = products
                    .filter_map(|p| entry::of_product(&shop.id, &p.value))
                    .collect();
                self.fill(entries, seq, &mut keys).await?;
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            loop {
                let page = store
                    .documents()
                    .list(&shop.id, None, None, cursor.as_deref(), PAGE)
                    .await?;
                bar.inc(page.items.len() as u64);
                let documents = page.items.iter();
                let entries = documents
                    .flat_map(|d| entry::of_document(&shop.id, &d.value, self.passage_words_max))
                    .collect();
                self.fill(entries, seq, &mut keys).await?;
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        bar.finish();
        self.with_lexical(move |lexical| lexical.commit(seq))
            .await?;
        if let Some(vectors) = &self.vectors {
            vectors.retain(&keys).await?;
            vectors.set_position(seq)?;
        }
        self.indexed.send_replace(seq);
        Ok(())
    }

    async fn fill(&self, entries: Vec<Entry>, seq: i64, keys: &mut BTreeSet<String>) -> Result<()> {
        keys.extend(entries.iter().map(Entry::key));
        if let Some(vectors) = &self.vectors {
            vectors.add(&entries, seq).await?;
        }
        self.with_lexical(move |lexical| lexical.add(&entries))
            .await
    }

    async fn with_lexical(
        &self,
        task: impl FnOnce(&LexicalIndex) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let lexical = Arc::clone(&self.lexical);
        tokio::task::spawn_blocking(move || task(&lexical)).await?
    }

    /// Reads the records as they are now; one that is gone has no entries.
    async fn entries(&self, store: &Store, owners: &BTreeSet<Owner>) -> Result<Vec<Entry>> {
        let mut groups: BTreeMap<(&ShopId, Kind), Vec<&str>> = BTreeMap::new();
        for owner in owners {
            groups
                .entry((&owner.shop, owner.kind))
                .or_default()
                .push(&owner.record);
        }
        let mut out = Vec::new();
        for ((shop, kind), records) in groups {
            match kind {
                Kind::Product => {
                    let ids: Vec<ProductId> = records
                        .iter()
                        .filter_map(|r| ProductId::new(*r).ok())
                        .collect();
                    let products = store.catalog().get_many(shop, &ids).await?;
                    out.extend(
                        products
                            .iter()
                            .filter_map(|p| entry::of_product(shop, &p.value)),
                    );
                }
                Kind::Passage => {
                    let ids: Vec<DocumentId> = records
                        .iter()
                        .filter_map(|r| DocumentId::new(*r).ok())
                        .collect();
                    let documents = store.documents().get_many(shop, &ids).await?;
                    out.extend(
                        documents.iter().flat_map(|d| {
                            entry::of_document(shop, &d.value, self.passage_words_max)
                        }),
                    );
                }
            }
        }
        Ok(out)
    }
}

/// Returns the indexed record that a change concerns; orders are not indexed.
async fn owner_of(
    store: &Store,
    shop: &ShopId,
    record: &RecordKey,
) -> Result<Option<Owner>, Error> {
    let (kind, key) = match record {
        RecordKey::Product(id) => (Kind::Product, id.as_str().to_owned()),
        RecordKey::Variant(sku) => match store.catalog().by_sku(shop, sku).await? {
            Some(product) => (Kind::Product, product.value.id.as_str().to_owned()),
            None => return Ok(None),
        },
        RecordKey::Document(id) | RecordKey::Promotion(id) => {
            (Kind::Passage, id.as_str().to_owned())
        }
        RecordKey::Order(_) => return Ok(None),
    };
    Ok(Some(Owner {
        shop: shop.clone(),
        kind,
        record: key,
    }))
}
