//! The handle that the rest of Mercer holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mercer_inference::{Embedder, Reranker};
use mercer_schemas::ShopId;
use mercer_store::Store;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::index::Projection;
use crate::search::{self, Found, PassageHit, PassageQuery, ProductQuery};
use crate::{Progress, SearchConfig, metric};

/// Longest wait for a change; a lost notification costs no more than this.
const POLL: Duration = Duration::from_secs(1);

/// Longest wait after a failed batch.
const BACK_OFF_MAX: Duration = Duration::from_secs(10);

/// The models that search uses. Without an embedder it works by words alone, without a reranker its first order stays.
#[derive(Clone, Default)]
pub struct SearchModels {
    /// Turns texts into vectors.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Puts the first hits into order.
    pub reranker: Option<Arc<dyn Reranker>>,
}

/// Search over a folder of indexes and the store behind them. Cheap to clone.
#[derive(Clone)]
pub struct Knowledge {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) projection: Projection,
    pub(crate) reranker: Option<Arc<dyn Reranker>>,
    pub(crate) config: SearchConfig,
}

impl Knowledge {
    /// Opens the indexes in a folder. Where they are missing, damaged, ahead of the database or of
    /// another embedder, they are rebuilt from SQL first and a log line says so.
    ///
    /// # Errors
    /// When the folder, the store or the embedder cannot be used.
    pub async fn open(
        folder: &Path,
        store: Store,
        models: SearchModels,
        config: SearchConfig,
    ) -> Result<Self> {
        let projection =
            Projection::open(folder, &store, models.embedder, config.passage_words_max).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                projection,
                reranker: models.reranker,
                config,
            }),
        })
    }

    /// Opens the indexes without filling what is missing; [`Self::reindex`] follows.
    pub(crate) async fn open_empty(
        folder: &Path,
        store: Store,
        models: SearchModels,
        config: SearchConfig,
    ) -> Result<Self> {
        let (projection, _) =
            Projection::open_only(folder, &store, models.embedder, config.passage_words_max)
                .await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                projection,
                reranker: models.reranker,
                config,
            }),
        })
    }

    /// Follows the change feed until cancelled. A batch that fails is tried again, with growing
    /// pauses, and holds later ones back. Run it once for a folder.
    pub async fn run_indexer(&self, cancel: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        while !cancel.is_cancelled() {
            match self.index_next(&cancel).await {
                Ok(()) => pause = Duration::from_millis(100),
                Err(error) => {
                    tracing::error!(error = %chain(&error), index.seq = self.indexed_seq(), "failed to index changes");
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    /// Waits for changes and indexes one batch.
    async fn index_next(&self, cancel: &CancellationToken) -> Result<()> {
        let Inner {
            store,
            projection,
            config,
            ..
        } = self.inner.as_ref();
        let feed = store.feed();
        let after = projection.seq();
        let head = feed.head().await?;
        metric::index_lag(head - after);
        if head <= after {
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = tokio::time::timeout(POLL, feed.wait(after)) => {}
            }
            return Ok(());
        }
        // Gathers what arrives together; one commit for many changes.
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(config.batch_ms)) => {}
        }
        let limit = u64::try_from(config.batch_changes).unwrap_or(u64::MAX);
        projection.follow(store, limit).await?;
        metric::index_lag(head - projection.seq());
        Ok(())
    }

    /// Indexes everything that has changed so far and returns; for commands that search right
    /// after a write and run no indexer.
    ///
    /// # Errors
    /// When a batch fails.
    pub async fn catch_up(&self) -> Result<()> {
        let Inner {
            store,
            projection,
            config,
            ..
        } = self.inner.as_ref();
        let limit = u64::try_from(config.batch_changes).unwrap_or(u64::MAX);
        while projection.follow(store, limit).await? {}
        Ok(())
    }

    /// Fills both indexes anew from SQL. Texts that did not change are not embedded again.
    ///
    /// # Errors
    /// When the folder, the store or the embedder cannot be used.
    pub async fn reindex(&self, progress: &Progress) -> Result<()> {
        self.inner
            .projection
            .rebuild(&self.inner.store, progress)
            .await
    }

    /// Returns the last change of the feed that the indexes hold.
    pub fn indexed_seq(&self) -> i64 {
        self.inner.projection.seq()
    }

    /// Waits until the indexes hold a change; says whether they do.
    pub async fn wait_indexed(&self, seq: i64, timeout: Duration) -> bool {
        let mut position = self.inner.projection.watch();
        let reached = position.wait_for(|indexed| *indexed >= seq);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// Finds products by words, codes and meaning, with price, stock and visibility read live.
    ///
    /// # Errors
    /// When the store or the lexical index cannot be read. A failing embedder costs the vector leg
    /// only.
    pub async fn search_products(&self, shop: &ShopId, query: ProductQuery) -> Result<Found> {
        search::products::search(&self.inner, shop, &query).await
    }

    /// Finds the documents in force that answer a question best, each with its best passage and the
    /// sentences in it that answer.
    ///
    /// # Errors
    /// When the store or the lexical index cannot be read.
    pub async fn search_documents(
        &self,
        shop: &ShopId,
        query: PassageQuery,
    ) -> Result<Vec<PassageHit>> {
        search::documents::search(&self.inner, shop, &query).await
    }

    /// Returns the index of the text that is nearest in meaning to a question, and their cosine
    /// similarity. None without an embedder, or where it fails.
    pub async fn nearest(&self, question: &str, texts: &[&str]) -> Option<(usize, f32)> {
        search::nearest::nearest(&self.inner, question, texts).await
    }
}

/// Writes an error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        out.push_str(": ");
        out.push_str(&cause.to_string());
        source = cause.source();
    }
    out
}
